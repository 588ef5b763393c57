// SPDX-License-Identifier: AGPL-3.0-only
// ILDG and SciDAC (QIO) records inside a LIME container: finds the one gauge field and what is said about it.
#include "libactors/formats/lime.hpp"
#include "libactors/formats/payload.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

namespace forge::formats {

namespace {

constexpr std::size_t site_bytes_32 = 4 * 9 * 2 * 4, site_bytes_64 = 4 * 9 * 2 * 8;

/// What the text records in front of a data record say about it; empty where they are silent.
struct field_facts {
    std::optional<extents> shape;
    std::optional<unsigned> precision_bits;
    bool gauge_like = true; ///< false: a SciDAC record of some other shape
    std::string datatype;
};

struct candidate {
    lime_record data;
    field_facts facts;
    std::optional<lime_record> checksum;
    std::array<std::uint32_t, 2> sums{};
};

/// One walk over the records; remembers what belongs to the data record that comes next.
class record_reader {
public:
    record_reader(const input_file& file, gauge_file_report& report) : file_(file), report_(report) {}

    result<void> visit(const lime_record& record) {
        if (record.type == "ildg-binary-data" || record.type == "scidac-binary-data")
            return visit_data(record);
        const bool known = record.type == "scidac-private-file-xml" || record.type == "scidac-private-record-xml" ||
                           record.type == "ildg-format" || record.type == "scidac-checksum" ||
                           record.type == "xlf-info";
        if (!known)
            return {};
        auto text = lime_text(file_, record);
        if (!text)
            return text.reason();
        if (record.type == "scidac-private-file-xml")
            return visit_file_xml(record, *text);
        if (record.type == "scidac-private-record-xml")
            return visit_record_xml(record, *text);
        if (record.type == "ildg-format")
            return visit_ildg_format(record, *text);
        if (record.type == "scidac-checksum")
            return visit_checksum(record, *text);
        return visit_xlf_info(record, *text);
    }

    std::vector<candidate> candidates;
    std::optional<stored_number> plaquette;
    lime_record plaquette_record; ///< where it was found

private:
    [[nodiscard]] error refuse(errc code, std::string what, const lime_record& record, std::string hint = {}) const {
        return file_.refusal(code, std::move(what), record.name(), record.payload(), std::move(hint));
    }

    result<void> set_shape(const lime_record& record, const std::array<std::uint32_t, 4>& n,
                           std::optional<extents>& shape) {
        if (!checked_volume(n))
            return refuse(errc::malformed, "impossible extents " + to_text(extents{n}), record,
                          "every extent is at least 1, the volume at most 2^31");
        shape = extents{n};
        report_.shape = shape;
        return {};
    }

    result<void> visit_file_xml(const lime_record& record, std::string_view xml) {
        if (const auto format = tag(xml, "volfmt"); format && to_u32(*format) != 0u)
            return refuse(errc::unsupported,
                          fmt::format("volfmt {}: the field is split over files", printable(*format)), record,
                          "join the parts with the QIO tools first");
        if (const auto spacetime = tag(xml, "spacetime"); spacetime && to_u32(*spacetime) != 4u)
            return refuse(errc::unsupported, fmt::format("{} dimensions", printable(*spacetime)), record);
        if (const auto dims = tag(xml, "dims")) {
            std::istringstream words{std::string(*dims)};
            std::array<std::uint32_t, 4> n{};
            std::string word;
            std::size_t count = 0;
            for (; words >> word; ++count) {
                const auto value = to_u32(word);
                if (count >= 4 || !value)
                    return refuse(errc::malformed, fmt::format("dims '{}'", printable(*dims)), record);
                n[count] = *value;
            }
            if (count != 4)
                return refuse(errc::malformed, fmt::format("dims '{}'", printable(*dims)), record);
            return set_shape(record, n, scidac_shape_);
        }
        return {};
    }

    result<void> visit_record_xml(const lime_record& record, std::string_view xml) {
        next_.gauge_like = true;
        next_.datatype = printable(tag(xml, "datatype").value_or(""));
        const auto global = tag(xml, "recordtype") ? tag(xml, "recordtype") : tag(xml, "globaldata");
        const auto size = to_u32(tag(xml, "typesize").value_or("")), count = to_u32(tag(xml, "datacount").value_or(""));
        if (!size || !count)
            return refuse(errc::malformed, "no typesize or no datacount", record);
        const std::uint64_t site_bytes = std::uint64_t{*size} * *count;
        if ((global && to_u32(*global) != 0u) || (site_bytes != site_bytes_32 && site_bytes != site_bytes_64)) {
            next_.gauge_like = false;
            const auto colors = tag(xml, "colors");
            if (colors && to_u32(*colors) != 3u && *count == 4)
                return refuse(errc::unsupported, fmt::format("{} colours instead of 3", printable(*colors)), record);
            return {};
        }
        if (const auto colors = tag(xml, "colors"); colors && to_u32(*colors) != 3u)
            return refuse(errc::unsupported, fmt::format("{} colours instead of 3", printable(*colors)), record);
        const unsigned bits = site_bytes == site_bytes_32 ? 32 : 64;
        if (const auto name = tag(xml, "precision"); name && *name != (bits == 32 ? "F" : "D"))
            return refuse(errc::malformed,
                          fmt::format("precision {} does not fit {} bytes per site", printable(*name), site_bytes),
                          record);
        next_.precision_bits = bits;
        return {};
    }

    result<void> visit_ildg_format(const lime_record& record, std::string_view xml) {
        if (const auto field = tag(xml, "field"); field && *field != "su3gauge")
            return refuse(errc::unsupported, fmt::format("field {} is not su3gauge", printable(*field)), record);
        const auto precision = to_u32(tag(xml, "precision").value_or(""));
        if (precision != 32u && precision != 64u)
            return refuse(errc::malformed, "precision is neither 32 nor 64", record);
        if (next_.precision_bits && next_.precision_bits != precision)
            return refuse(errc::malformed, "precision differs from the SciDAC record's", record);
        next_.precision_bits = precision;
        std::array<std::uint32_t, 4> n{};
        constexpr std::array<std::string_view, 4> names{"lx", "ly", "lz", "lt"};
        for (std::size_t mu = 0; mu < 4; ++mu) {
            const auto value = to_u32(tag(xml, names[mu]).value_or(""));
            if (!value)
                return refuse(errc::malformed, fmt::format("no number in <{}>", names[mu]), record);
            n[mu] = *value;
        }
        return set_shape(record, n, next_.shape);
    }

    result<void> visit_data(const lime_record& record) {
        const bool ildg = record.type == "ildg-binary-data";
        if (scidac_shape_ && next_.shape && *scidac_shape_ != *next_.shape)
            return refuse(errc::malformed,
                          fmt::format("ildg-format says {}, the SciDAC file record {}", to_text(*next_.shape),
                                      to_text(*scidac_shape_)),
                          record);
        if (!next_.shape)
            next_.shape = scidac_shape_;
        if (!next_.gauge_like)
            report_.notes.push_back(fmt::format("{} of {} at byte {} is not a gauge field: passed over", record.type,
                                                next_.datatype, record.offset));
        if (next_.gauge_like || ildg)
            candidates.push_back({record, next_, std::nullopt, {}});
        checksum_wanted_ = next_.gauge_like || ildg;
        next_ = {};
        return {};
    }

    result<void> visit_checksum(const lime_record& record, std::string_view xml) {
        if (!checksum_wanted_)
            return {};
        const auto a = to_hex32(tag(xml, "suma").value_or("")), b = to_hex32(tag(xml, "sumb").value_or(""));
        if (!a || !b)
            return refuse(errc::malformed, "no suma or no sumb", record);
        candidates.back().checksum = record;
        candidates.back().sums = {*a, *b};
        checksum_wanted_ = false;
        return {};
    }

    result<void> visit_xlf_info(const lime_record& record, std::string_view text) {
        constexpr std::string_view key = "plaquette";
        const auto at = text.find(key);
        if (at == std::string_view::npos)
            return {};
        auto value = trimmed(text.substr(at + key.size()));
        if (!value.starts_with("="))
            return {};
        value = trimmed(value.substr(1));
        value = value.substr(0, value.find_first_of(" ,;\t\r\n"));
        plaquette = to_stored_number(value);
        plaquette_record = record;
        if (!plaquette)
            return refuse(errc::malformed, fmt::format("plaquette = '{}' is not a number", printable(value)), record);
        return {};
    }

    const input_file& file_;
    gauge_file_report& report_;
    std::optional<extents> scidac_shape_;
    field_facts next_;
    bool checksum_wanted_ = false; ///< the data record just passed is a candidate without checksum so far
};

/// L when `volume` = L^4.
std::optional<std::uint32_t> fourth_root(std::uint64_t volume) {
    const auto guess = static_cast<std::uint64_t>(std::llround(std::pow(static_cast<double>(volume), 0.25)));
    if (guess == 0 || guess * guess * guess * guess != volume)
        return std::nullopt;
    return static_cast<std::uint32_t>(guess);
}

/// Extents for a file that carries none: the caller's, or the only hypercube that fits.
result<extents> extents_of_bare(const input_file& file, const lime_record& data, bool only_record,
                                const read_options& options, gauge_file_report& report) {
    if (options.shape) {
        if (!checked_volume(options.shape->n))
            return error{errc::invalid_argument, "impossible extents " + to_text(*options.shape), "--extents", ""};
        report.notes.push_back("the file carries no extents: " + to_text(*options.shape) + " as given by the caller");
        return *options.shape;
    }
    // In a file with other records a missing ildg-format is damage, not custom.
    if (only_record && data.length > 0 && data.length / site_bytes_32 <= volume_max)
        for (const std::size_t site_bytes : {site_bytes_64, site_bytes_32})
            if (const auto l = data.length % site_bytes == 0 ? fourth_root(data.length / site_bytes) : std::nullopt) {
                const extents shape{{*l, *l, *l, *l}};
                report.notes.push_back("assumption: the file carries no extents; its length fits the hypercube " +
                                       to_text(shape));
                return shape;
            }
    return file.refusal(errc::unsupported, "the file does not say the extents of the lattice", data.name(), data.offset,
                        "give them: --extents X,Y,Z,T");
}

result<candidate> the_gauge_field(const input_file& file, record_reader& reader) {
    if (reader.candidates.empty())
        return file.refusal(
            errc::unsupported, "no gauge field among the records", "LIME file", 0,
            "a record ildg-binary-data, or scidac-binary-data with 4 colour matrices per site is needed");
    if (reader.candidates.size() > 1)
        return file.refusal(errc::unsupported, fmt::format("{} gauge fields in one file", reader.candidates.size()),
                            reader.candidates[1].data.name(), reader.candidates[1].data.offset,
                            "split the file into one configuration each");
    return reader.candidates.front();
}

} // namespace

result<payload_plan> plan_lime(const input_file& file, const read_options& options, gauge_file_report& report) {
    report.format = "LIME";
    const auto records = walk_lime(file);
    if (!records)
        return records.reason();
    record_reader reader(file, report);
    for (const auto& record : *records)
        if (auto seen = reader.visit(record); !seen)
            return seen.reason();
    auto field = the_gauge_field(file, reader);
    if (!field)
        return field.reason();
    const lime_record& data = field->data;

    // Writers disagree about the message flags, so they are not required. But where a writer uses them, a last
    // message that was begun and not ended, without the checksum that should close it, means that the file was cut.
    const bool flags_used =
        std::any_of(records->begin(), records->end(), [](const auto& r) { return r.begins_message; });
    if (!field->checksum && flags_used && !records->back().begins_message && !records->back().ends_message)
        return file.refusal(errc::malformed, "the last message is not ended: the file is cut after a whole record",
                            records->back().name(), records->back().offset, "copy the file again");

    payload_plan plan;
    plan.record = data.name();
    plan.offset = data.payload();
    plan.order = byte_order::big;
    report.order = plan.order;
    report.rows_stored = 3;
    const bool bare = !field->facts.shape;
    report.format = data.type == "scidac-binary-data" ? "SciDAC" : bare ? "ILDG without ildg-format" : "ILDG";
    if (bare) {
        const auto shape = extents_of_bare(file, data, records->size() == 1, options, report);
        if (!shape)
            return shape.reason();
        plan.shape = *shape;
    } else {
        plan.shape = *field->facts.shape;
        if (options.shape && *options.shape != plan.shape)
            report.notes.push_back("the file says " + to_text(plan.shape) + ": the given extents were not used");
    }
    report.shape = plan.shape;

    const std::uint64_t volume = plan.shape.volume();
    const bool fits_32 = data.length == volume * site_bytes_32, fits_64 = data.length == volume * site_bytes_64;
    if (!fits_32 && !fits_64)
        return file.refusal(errc::malformed,
                            fmt::format("{} bytes of links do not fit {} sites ({} or {} bytes)", data.length,
                                        to_text(plan.shape), volume * site_bytes_32, volume * site_bytes_64),
                            plan.record, data.offset + 8, bare ? "check --extents" : "copy the file again");
    plan.precision_bits = fits_32 ? 32 : 64;
    report.precision_bits = plan.precision_bits;
    if (field->facts.precision_bits && field->facts.precision_bits != plan.precision_bits)
        return file.refusal(errc::malformed,
                            fmt::format("{} bits are announced, the length is that of {} bits",
                                        *field->facts.precision_bits, plan.precision_bits),
                            plan.record, data.offset + 8);
    plan.plaquette = reader.plaquette;
    plan.values_record = reader.plaquette_record.name();
    plan.plaquette_offset = reader.plaquette_record.payload();
    if (plan.plaquette)
        report.stored_plaquette = plan.plaquette->value;
    if (field->checksum) {
        plan.sum_kind = checksum_kind::scidac;
        plan.stored_sums = field->sums;
        plan.sums_offset = field->checksum->payload();
        report.stored_checksum = checksum_text(plan.sum_kind, plan.stored_sums);
    }
    return plan;
}

} // namespace forge::formats
