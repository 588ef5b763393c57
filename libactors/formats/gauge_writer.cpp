// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/gauge_writer.hpp"

#include "libactors/formats/lime.hpp"
#include "libactors/formats/output_file.hpp"
#include "libactors/formats/payload.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace forge {

using namespace formats;

std::string_view name_of(written_format format) noexcept {
    return format == written_format::nersc ? "nersc" : "ildg";
}

namespace {

constexpr std::size_t text_max = 1024;        // of one free text
constexpr std::size_t sites_per_block = 1820; // about 1 MiB of 64-bit links

struct averages {
    double plaquette = 0.0;
    double link_trace = 0.0;
};

std::optional<error> check_text(const char* name, const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (plain && text.size() <= text_max)
        return std::nullopt;
    return error{errc::invalid_argument,
                 "the text for a gauge file must be one line of printable ASCII, at most 1024 characters", name, ""};
}

std::optional<error> check_arguments(const std::filesystem::path& path, const gauge_field& links,
                                     const write_options& options) {
    const std::pair<const char*, const std::string&> texts[] = {
        {"ensemble_id", options.ensemble_id}, {"ensemble_label", options.ensemble_label},
        {"creator", options.creator},         {"creation_date", options.creation_date},
        {"provenance", options.provenance},   {"lfn", options.lfn}};
    for (const auto& [name, text] : texts)
        if (auto bad = check_text(name, text))
            return bad;
    if (!checked_volume(links.shape().n) || links.reals().empty())
        return error{errc::invalid_argument, "no links to write", to_text(links.shape()), ""};
    if (!path.has_filename())
        return error{errc::invalid_argument, "no name for the file", shown_path(path.string()), ""};
    const group_deviation d = deviation_from_group(links);
    const double tolerance = group_tolerance(64);
    if (!d.finite || d.unitarity > tolerance || d.determinant > tolerance)
        return error{errc::physics_mismatch,
                     fmt::format("the links are not SU(3) to {:g} (|U U^dag - 1| = {:.3g}, |det U - 1| = {:.3g}{})",
                                 tolerance, d.unitarity, d.determinant, d.finite ? "" : ", not finite"),
                     fmt::format("site {} direction {}", d.worst_site, d.worst_direction),
                     "reunitarise the links first; links that were stored in 32 bits need it"};
    std::error_code ignored;
    const auto status = std::filesystem::symlink_status(path, ignored);
    if (std::filesystem::is_directory(status))
        return error{errc::already_exists, "a folder has this name", shown_path(path.string()), "choose another name"};
    if (!options.overwrite && std::filesystem::exists(status))
        return error{errc::already_exists, "the file exists", shown_path(path.string()),
                     "choose another name, or overwrite on purpose"};
    return std::nullopt;
}

bool same_bits(const gauge_field& a, const gauge_field& b) {
    return a.shape() == b.shape() && std::memcmp(a.reals().data(), b.reals().data(), a.reals().size_bytes()) == 0;
}

template <class Visit>
result<running_checksum> walk_blocks(const gauge_field& links, byte_order order, checksum_kind kind, Visit visit) {
    running_checksum sum(kind, order, n_directions * reals_per_link * 8);
    std::vector<std::byte> block;
    const std::size_t volume = links.shape().volume();
    for (std::size_t site = 0; site < volume; site += sites_per_block) {
        encode_sites(links, site, std::min(sites_per_block, volume - site), order, block);
        sum.add(site, block);
        if (result<void> done = visit(block); !done)
            return done.reason();
    }
    return sum;
}

result<void> write_nersc(output_file& file, const gauge_field& links, const averages& values,
                         const write_options& options) {
    const auto sum =
        walk_blocks(links, byte_order::little, checksum_kind::nersc, [](const auto&) { return result<void>{}; });
    if (!sum)
        return sum.reason();
    std::string header = "BEGIN_HEADER\n";
    const auto line = [&](std::string_view key, std::string_view value) {
        if (!value.empty())
            header += fmt::format("{} = {}\n", key, value);
    };
    line("HDR_VERSION", "1.0");
    line("DATATYPE", "4D_SU3_GAUGE_3x3");
    line("STORAGE_FORMAT", "1.0");
    for (std::size_t mu = 0; mu < 4; ++mu)
        line(fmt::format("DIMENSION_{}", mu + 1), std::to_string(links.shape().n[mu]));
    line("LINK_TRACE", fmt::format("{:.15f}", values.link_trace));
    line("PLAQUETTE", fmt::format("{:.15f}", values.plaquette));
    for (std::size_t mu = 0; mu < 4; ++mu)
        line(fmt::format("BOUNDARY_{}", mu + 1), "PERIODIC");
    line("CHECKSUM", checksum_text(checksum_kind::nersc, sum->value()));
    line("ENSEMBLE_ID", options.ensemble_id);
    line("ENSEMBLE_LABEL", options.ensemble_label);
    if (options.trajectory)
        line("SEQUENCE_NUMBER", std::to_string(*options.trajectory));
    line("CREATOR", options.creator);
    line("CREATION_DATE", options.creation_date);
    line("PROVENANCE", options.provenance);
    line("FLOATING_POINT", "IEEE64LITTLE");
    header += "END_HEADER\n";
    if (auto done = file.write(header); !done)
        return done;
    const auto written = walk_blocks(links, byte_order::little, checksum_kind::none,
                                     [&](const auto& block) { return file.write(block); });
    return written ? result<void>{} : result<void>(written.reason());
}

result<void> write_record(output_file& file, const std::string& type, const std::string& text, bool begins, bool ends) {
    if (auto done = file.write(lime_header(type, text.size(), begins, ends)); !done)
        return done;
    return file.write(text + std::string(lime_padding(text.size()), '\0'));
}

std::string xlf_info(const averages& values, const write_options& options) {
    std::string text = fmt::format("plaquette = {:.15f}\n link trace = {:.15f}\n", values.plaquette, values.link_trace);
    if (options.trajectory)
        text += fmt::format(" trajectory nr = {}\n", *options.trajectory);
    const std::pair<const char*, const std::string&> lines[] = {{"creator", options.creator},
                                                                {"date", options.creation_date},
                                                                {"ensemble", options.ensemble_id},
                                                                {"label", options.ensemble_label},
                                                                {"provenance", options.provenance}};
    for (const auto& [key, value] : lines)
        if (!value.empty())
            text += fmt::format(" {} = {}\n", key, value);
    return text;
}

std::string ildg_format(const extents& l) {
    return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?><ildgFormat xmlns="http://www.lqcd.org/ildg" )"
                       R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
                       R"(xsi:schemaLocation="http://www.lqcd.org/ildg filefmt.xsd"><version>1.0</version>)"
                       "<field>su3gauge</field><precision>64</precision><lx>{}</lx><ly>{}</ly><lz>{}</lz><lt>{}</lt>"
                       "</ildgFormat>",
                       l.n[0], l.n[1], l.n[2], l.n[3]);
}

/// Two messages: the provenance alone, then everything that belongs to the field.
result<void> write_ildg(output_file& file, const gauge_field& links, const averages& values, const std::string& lfn,
                        const write_options& options) {
    if (auto done = write_record(file, "xlf-info", xlf_info(values, options), true, true); !done)
        return done;
    if (auto done = write_record(file, "ildg-format", ildg_format(links.shape()), true, false); !done)
        return done;
    if (auto done = write_record(file, "ildg-data-lfn", lfn, false, false); !done)
        return done;
    const std::uint64_t bytes = std::uint64_t{links.reals().size()} * 8; // a multiple of 8: no padding
    if (auto done = file.write(lime_header("ildg-binary-data", bytes, false, false)); !done)
        return done;
    const auto sum = walk_blocks(links, byte_order::big, checksum_kind::scidac,
                                 [&](const auto& block) { return file.write(block); });
    if (!sum)
        return sum.reason();
    return write_record(file, "scidac-checksum",
                        fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?><scidacChecksum><version>1.0</version>)"
                                    "<suma>{:x}</suma><sumb>{:x}</sumb></scidacChecksum>",
                                    sum->value()[0], sum->value()[1]),
                        false, true);
}

} // namespace

result<gauge_file_report> write_gauge_file(const std::filesystem::path& path, const gauge_field& links,
                                           written_format format, const write_options& options) {
    if (auto bad = check_arguments(path, links, options))
        return *bad;
    const averages values{host_plaquette(links).all(), host_link_trace(links)};
    auto file = output_file::create_beside(path);
    if (!file)
        return file.reason();
    const std::string lfn =
        options.lfn.empty() ? "lfn://local/" + printable(path.filename().string(), 255) : options.lfn;
    auto written = format == written_format::nersc ? write_nersc(*file, links, values, options)
                                                   : write_ildg(*file, links, values, lfn, options);
    if (!written)
        return written.reason();
    if (auto sealed = file->seal(); !sealed)
        return sealed.reason();
    auto again = read_gauge_file(file->temporary());
    if (!again)
        return again.reason();
    if (!same_bits(again->links, links))
        return error{errc::checksum_mismatch, "the links that were read back differ from those that were written",
                     shown_path(path.string()), "check the disk; nothing was published"};
    if (auto published = file->publish(options.overwrite); !published)
        return published.reason();
    return std::move(again->report);
}

} // namespace forge
