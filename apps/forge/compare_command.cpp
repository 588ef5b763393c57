// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/compare_command.hpp"

#include "libactors/checkpoint/mapped_file.hpp"
#include "libactors/formats/gauge_file.hpp"
#include "libactors/formats/header_text.hpp"
#include "libactors/numerics/difference.hpp"
#include "libactors/wire/checkpoint_codec.hpp"

#include <cmath>
#include <cstring>
#include <iostream>

#include <fmt/format.h>

namespace forge::app {

namespace {


constexpr std::size_t magic_offset = 16; // docs/formats/checkpoint.md, section 2
constexpr char magic[] = "MFCHKPT";      // the final zero is part of it

/// One of the two, with the numbers of its own.
struct configuration {
    std::string path;
    std::string format;
    std::optional<unsigned> precision_bits;
    std::optional<std::uint64_t> trajectory; ///< of a checkpoint
    std::vector<std::string> notes;
    gauge_field links;
    plaquette_averages plaquette;
    double link_trace = 0.0;
};

bool is_checkpoint(std::span<const std::byte> bytes) {
    return bytes.size() >= magic_offset + sizeof magic && std::memcmp(bytes.data() + magic_offset, magic, sizeof magic) == 0;
}

result<configuration> read_links(const std::string& path, const std::optional<extents>& shape) {
    configuration c;
    c.path = path;
    // Only regular files are mapped: opening a pipe would wait for its writer. Whatever else is wrong with the file,
    // the reader of gauge files says it in the words that gauge check uses.
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored))
        if (const auto file = mapped_file::open(path); file && is_checkpoint(file->bytes())) {
            auto chain = decode_checkpoint(file->bytes());
            if (!chain) {
                auto e = chain.reason();
                e.where = formats::shown_path(path) + (e.where.empty() ? "" : ", " + e.where);
                return e;
            }
            c.format = "metalforge checkpoint";
            c.precision_bits = 64;
            c.trajectory = chain->trajectory;
            c.links = std::move(chain->links);
            return c;
        }
    auto file = read_gauge_file(path, {.shape = shape});
    if (!file)
        return file.reason();
    c.format = file->report.format;
    c.precision_bits = file->report.precision_bits;
    c.notes = file->report.notes;
    c.links = std::move(file->links);
    return c;
}

result<configuration> read_configuration(const std::string& path, const std::optional<extents>& shape) {
    auto c = read_links(path, shape);
    if (c) {
        c->plaquette = host_plaquette(c->links);
        c->link_trace = host_link_trace(c->links);
    }
    return c;
}

/// The entry of a link that an index of gauge_field::reals() names.
struct link_entry {
    site_coordinates site;
    std::size_t direction, row, column;
    bool imaginary;
};

link_entry entry_at(const extents& l, std::uint64_t index) {
    const auto part = static_cast<std::size_t>(index % reals_per_link);
    const auto link = static_cast<std::size_t>(index / reals_per_link);
    return {coordinates_of(l, link / n_directions), link % n_directions, part / 6, part / 2 % 3, part % 2 == 1};
}

nlohmann::json configuration_json(const configuration& c) {
    return {{"path", formats::shown_path(c.path)},
            {"format", c.format},
            {"precision_bits", c.precision_bits ? nlohmann::json(*c.precision_bits) : nlohmann::json(nullptr)},
            {"trajectory", c.trajectory ? nlohmann::json(*c.trajectory) : nlohmann::json(nullptr)},
            {"plaquette", c.plaquette.all()},
            {"spatial_plaquette", c.plaquette.spatial},
            {"temporal_plaquette", c.plaquette.temporal},
            {"link_trace", c.link_trace},
            {"notes", c.notes}};
}

void print_as_json(const configuration& a, const configuration& b, const difference_summary& d) {
    const auto& l = a.links.shape();
    nlohmann::json worst = nullptr; // there is none among equal links
    if (d.max > 0.0) {
        const auto at = entry_at(l, d.worst);
        worst = {{"site", at.site},
                 {"direction", at.direction},
                 {"row", at.row},
                 {"column", at.column},
                 {"part", at.imaginary ? "im" : "re"},
                 {"first", a.links.reals()[d.worst]},
                 {"second", b.links.reals()[d.worst]}};
    }
    auto decades = nlohmann::json::array();
    for (std::size_t k = 0; k < d.decades.size(); ++k)
        if (d.decades[k] > 0)
            decades.push_back({{"from_power_of_ten", difference_summary::lowest_decade + static_cast<int>(k)}, {"count", d.decades[k]}});
    print_json("forge.gauge.compare/1", {{"first", configuration_json(a)},
                                         {"second", configuration_json(b)},
                                         {"extents", l.n},
                                         {"reals", d.n},
                                         {"equal", d.equal},
                                         {"max_difference", d.max},
                                         {"rms_difference", d.rms},
                                         {"worst", std::move(worst)},
                                         {"decades", std::move(decades)},
                                         {"plaquette_difference", b.plaquette.all() - a.plaquette.all()},
                                         {"spatial_plaquette_difference", b.plaquette.spatial - a.plaquette.spatial},
                                         {"temporal_plaquette_difference", b.plaquette.temporal - a.plaquette.temporal},
                                         {"link_trace_difference", b.link_trace - a.link_trace}});
}

void print_line(const std::string& label, const std::string& value) { std::cout << fmt::format("  {:<12} {}\n", label, value); }

void print_source(const std::string& label, const configuration& c) {
    print_line(label, fmt::format("{}   {}{}{}", formats::shown_path(c.path), c.format,
                                  c.precision_bits ? fmt::format(", {} bits", *c.precision_bits) : "",
                                  c.trajectory ? fmt::format(", trajectory {}", *c.trajectory) : ""));
    for (const auto& note : c.notes)
        print_line("", "note: " + note);
}

void print_pair(const std::string& label, double a, double b) {
    print_line(label, fmt::format("{:.12f}   {:.12f}   difference {:+.3e}", a, b, b - a));
}

double percent(std::uint64_t part, std::uint64_t whole) { return 100.0 * static_cast<double>(part) / static_cast<double>(whole); }

void print_for_people(const configuration& a, const configuration& b, const difference_summary& d) {
    const auto& l = a.links.shape();
    print_source("first", a);
    print_source("second", b);
    print_line("lattice", fmt::format("{}, {} links, {} real numbers", to_text(l), l.links(), d.n));
    print_line("equal", d.equal == d.n ? fmt::format("all {} numbers, bit for bit", d.n)
                                       : fmt::format("{} of {} numbers ({:.2f} %)", d.equal, d.n, percent(d.equal, d.n)));
    print_line("difference", fmt::format("max {:.3e}   rms {:.3e}", d.max, d.rms));
    if (d.max > 0.0) {
        const auto at = entry_at(l, d.worst);
        print_line("worst link", fmt::format("site ({}, {}, {}, {}), direction {}, {} of entry ({}, {}): {:.12g} and {:.12g}", at.site[0],
                                             at.site[1], at.site[2], at.site[3], "xyzt"[at.direction], at.imaginary ? "Im" : "Re", at.row,
                                             at.column, a.links.reals()[d.worst], b.links.reals()[d.worst]));
    }
    for (std::size_t k = 0; k < d.decades.size(); ++k)
        if (d.decades[k] > 0) {
            constexpr double bar_columns = 40.0;
            const auto columns = static_cast<std::size_t>(std::ceil(bar_columns * static_cast<double>(d.decades[k]) / static_cast<double>(d.n)));
            const int power = difference_summary::lowest_decade + static_cast<int>(k);
            print_line("", fmt::format("1e{:+03d} ... 1e{:+03d} {:>10} {:6.2f} % {}", power, power + 1, d.decades[k],
                                       percent(d.decades[k], d.n), std::string(columns, '#')));
        }
    print_pair("plaquette", a.plaquette.all(), b.plaquette.all());
    print_pair("  spatial", a.plaquette.spatial, b.plaquette.spatial);
    print_pair("  temporal", a.plaquette.temporal, b.plaquette.temporal);
    print_pair("link trace", a.link_trace, b.link_trace);
}

} // namespace

void compare_configurations(const compare_request& request, cli_state& state) {
    const auto a = read_configuration(request.first, request.shape);
    if (!a)
        return report_error(state, a.reason());
    const auto b = read_configuration(request.second, request.shape);
    if (!b)
        return report_error(state, b.reason());
    if (!(a->links.shape() == b->links.shape()))
        return report_error(state, {errc::conflict,
                                    "the lattices differ: " + to_text(a->links.shape()) + " and " + to_text(b->links.shape()),
                                    formats::shown_path(request.first) + ", " + formats::shown_path(request.second),
                                    "links can only be compared on the same lattice"});
    const auto d = difference_of(a->links.reals(), b->links.reals());
    if (request.as_json)
        print_as_json(*a, *b, d);
    else
        print_for_people(*a, *b, d);
}

} // namespace forge::app
