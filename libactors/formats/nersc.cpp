// SPDX-License-Identifier: AGPL-3.0-only
// NERSC archive: text header "KEY = value", then the links of all sites without padding.
#include "libactors/formats/payload.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace forge::formats {

namespace {

constexpr std::size_t header_max = 64 * 1024; // real headers have about 1 KiB
constexpr double sane_unitarity = 1e-3;       // the wrong byte order gives numbers of any size

constexpr const char* header_record = "NERSC header";

struct nersc_header {
    struct entry {
        std::string text;
        std::uint64_t offset; ///< of the line
    };
    std::map<std::string, entry, std::less<>> values;
    std::uint64_t bytes = 0; ///< up to and with the line end after END_HEADER

    [[nodiscard]] std::string_view value(std::string_view key) const {
        const auto at = values.find(key);
        return at == values.end() ? std::string_view{} : std::string_view(at->second.text);
    }
    /// Byte of the line of `key`; 0 when there is none.
    [[nodiscard]] std::uint64_t offset(std::string_view key) const {
        const auto at = values.find(key);
        return at == values.end() ? 0 : at->second.offset;
    }
};

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

result<nersc_header> read_header(const input_file& file) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), header_max));
    auto text = file.read_text(0, length);
    if (!text)
        return text.reason();
    nersc_header header;
    std::size_t at = 0;
    for (std::size_t line_number = 1;; ++line_number) {
        const auto end = text->find('\n', at);
        if (end == std::string::npos)
            return file.refusal(errc::malformed, "no END_HEADER line", header_record, at,
                                "the file is cut short or is not a NERSC archive");
        const auto line = trimmed(std::string_view(*text).substr(at, end - at));
        if (line_number == 1 && line != "BEGIN_HEADER")
            return file.refusal(errc::malformed, "the first line is not BEGIN_HEADER", header_record, 0);
        if (line == "END_HEADER") {
            header.bytes = end + 1;
            return header;
        }
        if (const auto equals = line.find('='); equals != std::string_view::npos) {
            const std::string key(trimmed(line.substr(0, equals)));
            const bool fresh = header.values.try_emplace(key, nersc_header::entry{std::string(trimmed(line.substr(equals + 1))), at}).second;
            if (!fresh)
                return file.refusal(errc::malformed, "key " + printable(key) + " occurs twice", header_record, at);
        }
        at = end + 1;
    }
}

result<extents> read_extents(const input_file& file, const nersc_header& header) {
    extents shape;
    for (std::size_t mu = 0; mu < 4; ++mu) {
        const auto key = fmt::format("DIMENSION_{}", mu + 1);
        const auto text = header.value(key);
        const auto n = to_u32(text);
        if (!n)
            return file.refusal(errc::malformed,
                                fmt::format("{} = '{}' is not a number of sites", key, printable(text)), header_record,
                                header.offset(key));
        shape.n[mu] = *n;
    }
    if (!checked_volume(shape.n))
        return file.refusal(errc::malformed, "impossible extents " + to_text(shape), header_record,
                            header.offset("DIMENSION_1"), "every extent is at least 1, the volume at most 2^31");
    return shape;
}

result<unsigned> read_rows(const input_file& file, const nersc_header& header) {
    const auto type = header.value("DATATYPE");
    if (type == "4D_SU3_GAUGE")
        return 2u;
    if (upper(type) == "4D_SU3_GAUGE_3X3")
        return 3u;
    if (type.empty())
        return file.refusal(errc::malformed, "no DATATYPE", header_record, 0);
    return file.refusal(errc::unsupported, fmt::format("DATATYPE {} is not an SU(3) gauge field", printable(type)),
                        header_record, header.offset("DATATYPE"), "accepted: 4D_SU3_GAUGE, 4D_SU3_GAUGE_3x3");
}

struct number_format {
    unsigned bits = 32;
    std::optional<byte_order> order; ///< empty: the name does not say, and codes disagree
};

result<number_format> read_number_format(const input_file& file, const nersc_header& header,
                                         gauge_file_report& report) {
    const auto name = upper(header.value("FLOATING_POINT"));
    if (name.empty()) {
        report.notes.emplace_back("no FLOATING_POINT in the header: taken as IEEE32BIG");
        return number_format{32, byte_order::big};
    }
    number_format format;
    if (name.starts_with("IEEE64"))
        format.bits = 64;
    else if (!name.starts_with("IEEE32"))
        return file.refusal(errc::unsupported, "FLOATING_POINT " + printable(name), header_record,
                            header.offset("FLOATING_POINT"), "accepted: IEEE32 and IEEE64, with BIG or LITTLE");
    const auto order = name.substr(6);
    if (order == "BIG")
        format.order = byte_order::big;
    else if (order == "LITTLE")
        format.order = byte_order::little;
    else if (!order.empty())
        return file.refusal(errc::unsupported, "FLOATING_POINT " + printable(name), header_record,
                            header.offset("FLOATING_POINT"), "accepted: IEEE32 and IEEE64, with BIG or LITTLE");
    return format;
}

/// Bare IEEE32 and IEEE64 mean big-endian to some codes and little-endian to others: only the links can tell.
result<byte_order> resolve_order(const input_file& file, const payload_plan& plan, gauge_file_report& report) {
    for (const byte_order order : {byte_order::big, byte_order::little}) {
        const auto deviation = probe_unitarity(file, plan, order);
        if (!deviation)
            return deviation.reason();
        if (*deviation < sane_unitarity) {
            report.notes.push_back(
                fmt::format("FLOATING_POINT names no byte order: {}-endian, because only so the links are unitary",
                            name_of(order)));
            return order;
        }
    }
    return file.refusal(errc::physics_mismatch, "the links are not unitary in either byte order", plan.record,
                        plan.offset);
}

result<std::optional<stored_number>> read_number(const input_file& file, const nersc_header& header,
                                                 std::string_view key) {
    const auto text = header.value(key);
    if (text.empty())
        return std::optional<stored_number>{};
    const auto number = to_stored_number(text);
    if (!number)
        return file.refusal(errc::malformed, fmt::format("{} = '{}' is not a number", key, printable(text)),
                            header_record, header.offset(key));
    return number;
}

result<void> read_stored_values(const input_file& file, const nersc_header& header, payload_plan& plan) {
    auto plaquette = read_number(file, header, "PLAQUETTE");
    if (!plaquette)
        return plaquette.reason();
    plan.values_record = header_record;
    plan.plaquette = *plaquette;
    plan.plaquette_offset = header.offset("PLAQUETTE");
    auto trace = read_number(file, header, "LINK_TRACE");
    if (!trace)
        return trace.reason();
    plan.link_trace = *trace;
    plan.link_trace_offset = header.offset("LINK_TRACE");
    if (const auto text = header.value("CHECKSUM"); !text.empty()) {
        const auto sum = to_hex32(text);
        if (!sum)
            return file.refusal(errc::malformed,
                                fmt::format("CHECKSUM = '{}' is not a hexadecimal number", printable(text)),
                                header_record, header.offset("CHECKSUM"));
        plan.sum_kind = checksum_kind::nersc;
        plan.sums_offset = header.offset("CHECKSUM");
        plan.stored_sums[0] = *sum;
    }
    return {};
}

} // namespace

result<payload_plan> plan_nersc(const input_file& file, gauge_file_report& report) {
    report.format = "NERSC";
    auto header = read_header(file);
    if (!header)
        return header.reason();
    payload_plan plan;
    plan.record = "NERSC payload";
    plan.offset = header->bytes;
    const auto shape = read_extents(file, *header);
    if (!shape)
        return shape.reason();
    report.shape = plan.shape = *shape;
    const auto numbers = read_number_format(file, *header, report);
    if (!numbers)
        return numbers.reason();
    report.precision_bits = plan.precision_bits = numbers->bits;
    report.order = numbers->order;
    if (auto values = read_stored_values(file, *header, plan); !values)
        return values.reason();
    if (plan.plaquette)
        report.stored_plaquette = plan.plaquette->value;
    if (plan.link_trace)
        report.stored_link_trace = plan.link_trace->value;
    report.stored_checksum = checksum_text(plan.sum_kind, plan.stored_sums);
    const auto rows = read_rows(file, *header);
    if (!rows)
        return rows.reason();
    report.rows_stored = plan.rows = *rows;

    const std::uint64_t needed = std::uint64_t{plan.shape.volume()} * plan.site_bytes();
    if (file.size() - plan.offset != needed)
        return file.refusal(errc::malformed,
                            fmt::format("{} sites need {} bytes of links, the file has {}", to_text(plan.shape), needed,
                                        file.size() - plan.offset),
                            plan.record, plan.offset, "copy the file again, and check DATATYPE and FLOATING_POINT");
    if (!numbers->order) {
        const auto order = resolve_order(file, plan, report);
        if (!order)
            return order.reason();
        plan.order = *order;
    } else {
        plan.order = *numbers->order;
    }
    report.order = plan.order;
    for (std::size_t mu = 0; mu < 4; ++mu) {
        const auto key = fmt::format("BOUNDARY_{}", mu + 1);
        const auto boundary = header->value(key);
        if (!boundary.empty() && upper(boundary) != "PERIODIC")
            report.notes.push_back(fmt::format("{} = {}: the links are taken as periodic", key, printable(boundary)));
    }
    return plan;
}

} // namespace forge::formats
