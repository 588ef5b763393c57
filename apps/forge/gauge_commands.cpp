// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/gauge_commands.hpp"

#include "apps/forge/compare_command.hpp"
#include "libactors/formats/gauge_writer.hpp"
#include "libactors/formats/header_text.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>

#include <fmt/format.h>

namespace forge::app {

namespace {


constexpr int integrity_exit = 6; // outranks every other exit code when several files are checked

/// "4,4,4,8" or "4x4x4x8".
result<std::optional<extents>> extents_from(const std::string& text) {
    if (text.empty())
        return std::optional<extents>{};
    const error wrong{errc::invalid_argument, "'" + text + "' is not a lattice", "--extents",
                      "four numbers, for example --extents 8,8,8,16"};
    extents l;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t mu = 0; mu < 4; ++mu) {
        const auto [next, status] = std::from_chars(at, end, l.n[mu]);
        const bool separated = mu == 3 ? next == end : next != end && (*next == ',' || *next == 'x');
        if (status != std::errc{} || l.n[mu] == 0 || !separated)
            return wrong;
        at = mu == 3 ? next : next + 1;
    }
    return std::optional<extents>{l};
}

nlohmann::json text_or_null(const std::string& text) {
    return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

nlohmann::json inspection_json(const std::string& path, const gauge_inspection& seen) {
    const auto& r = seen.report;
    nlohmann::json file{{"path", formats::shown_path(path)},
              {"accepted", seen.accepted()},
              {"format", text_or_null(r.format)},
              {"file_bytes", r.file_bytes == 0 ? nlohmann::json(nullptr) : nlohmann::json(r.file_bytes)},
              {"extents", r.shape ? nlohmann::json(r.shape->n) : nlohmann::json(nullptr)},
              {"precision_bits", or_null(r.precision_bits)},
              {"byte_order", r.order ? nlohmann::json(std::string(name_of(*r.order))) : nlohmann::json(nullptr)},
              {"rows_stored", or_null(r.rows_stored)},
              {"stored", {{"plaquette", or_null(r.stored_plaquette)}, {"link_trace", or_null(r.stored_link_trace)}}},
              {"recomputed",
               {{"plaquette", or_null(r.plaquette)},
                {"spatial_plaquette", or_null(r.spatial_plaquette)},
                {"temporal_plaquette", or_null(r.temporal_plaquette)},
                {"link_trace", or_null(r.link_trace)},
                {"unitarity_deviation", or_null(r.unitarity_deviation)},
                {"determinant_deviation", or_null(r.determinant_deviation)}}},
              {"checksum",
               {{"verdict", r.checksum ? nlohmann::json(std::string(name_of(*r.checksum))) : nlohmann::json(nullptr)},
                {"stored", text_or_null(r.stored_checksum)},
                {"computed", text_or_null(r.computed_checksum)}}},
              {"notes", r.notes},
              {"error", nullptr}};
    if (seen.refusal)
        file["error"] = {{"code", std::string(name_of(seen.refusal->code))},
                         {"what", seen.refusal->what},
                         {"where", text_or_null(seen.refusal->where)},
                         {"hint", text_or_null(seen.refusal->hint)}};
    return file;
}

void print_fact(const std::string& label, const std::string& value) {
    if (!value.empty())
        std::cout << fmt::format("  {:<12} {}\n", label, value);
}

std::string compared(const std::optional<double>& recomputed, const std::optional<double>& stored) {
    std::string text;
    if (recomputed)
        text = fmt::format("{:.12f}", *recomputed);
    if (stored)
        text += fmt::format("{}stored {:.12g}", text.empty() ? "" : "   ", *stored);
    return text;
}

void print_block(const std::string& path, const gauge_inspection& seen) {
    const auto& r = seen.report;
    std::cout << formats::shown_path(path) << "\n";
    const bool unread = seen.refusal && exit_code_of(seen.refusal->code) != integrity_exit;
    print_fact("verdict", seen.accepted() ? "accepted" : unread ? "not read" : "REFUSED");
    print_fact("format", r.format);
    print_fact("extents", r.shape ? to_text(*r.shape) : "");
    if (r.precision_bits)
        print_fact("numbers", fmt::format("{} bits{}{}", *r.precision_bits,
                                          r.order ? fmt::format(", {}-endian", name_of(*r.order)) : "",
                                          r.rows_stored ? fmt::format(", {} rows stored", *r.rows_stored) : ""));
    print_fact("plaquette", compared(r.plaquette, r.stored_plaquette));
    if (r.spatial_plaquette && r.temporal_plaquette)
        print_fact("", fmt::format("spatial {:.12f}   temporal {:.12f}", *r.spatial_plaquette, *r.temporal_plaquette));
    print_fact("link trace", compared(r.link_trace, r.stored_link_trace));
    if (r.unitarity_deviation && r.determinant_deviation)
        print_fact("SU(3)", fmt::format("max |U U^dag - 1| = {:.2e}   max |det U - 1| = {:.2e}", *r.unitarity_deviation,
                                        *r.determinant_deviation));
    const std::string stored = r.stored_checksum.empty() ? "" : "stored " + r.stored_checksum;
    if (r.checksum)
        print_fact("checksum", std::string(name_of(*r.checksum)) + (stored.empty() ? "" : "   " + stored));
    else if (!stored.empty())
        print_fact("checksum", stored + ", not compared");
    for (const auto& note : r.notes)
        print_fact("note", note);
    if (seen.refusal) {
        print_fact("reason", fmt::format("[{}] {}", name_of(seen.refusal->code), seen.refusal->what));
        print_fact("at", seen.refusal->where);
        print_fact("try", seen.refusal->hint);
    }
}

struct check_arguments {
    std::vector<std::string> files;
    std::string extents_text;
    bool as_json = false;
};

void check(const check_arguments& arguments, cli_state& state) {
    const auto shape = extents_from(arguments.extents_text);
    if (!shape)
        return report_error(state, shape.reason());
    nlohmann::json files = nlohmann::json::array();
    for (const auto& path : arguments.files) {
        const auto seen = inspect_gauge_file(path, {.shape = *shape});
        if (seen.refusal) {
            const int code = exit_code_of(seen.refusal->code);
            if (state.exit_code == 0 || code == integrity_exit)
                state.exit_code = code;
        }
        if (arguments.as_json)
            files.push_back(inspection_json(path, seen));
        else
            print_block(path, seen);
    }
    if (arguments.as_json)
        print_json("forge.gauge.check/1", {{"files", std::move(files)}});
}

struct convert_arguments {
    std::string in, out, format, extents_text;
    bool force = false;
};

result<written_format> format_from(const convert_arguments& arguments) {
    std::string name = arguments.format;
    if (name.empty()) {
        const auto extension = std::filesystem::path(arguments.out).extension().string();
        if (extension == ".nersc")
            name = "nersc";
        else if (extension == ".lime" || extension == ".ildg")
            name = "ildg";
        else
            return error{errc::invalid_argument, "the format cannot be told from the name " + arguments.out, "OUT",
                         "name it .nersc, .lime or .ildg, or give --format nersc|ildg"};
    }
    if (name == "nersc")
        return written_format::nersc;
    if (name == "ildg")
        return written_format::ildg;
    return error{errc::invalid_argument, "format '" + name + "' is not written", "--format", "nersc or ildg"};
}

/// Brings links that were stored in 32 bits back onto the group, as 64-bit readers demand it.
void reunitarise_all(gauge_field& links) {
    for (std::size_t site = 0; site < links.shape().volume(); ++site)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            links.set_link(site, mu, reunitarise(links.link(site, mu)));
}

void convert(const convert_arguments& arguments, cli_state& state) {
    const auto format = format_from(arguments);
    if (!format)
        return report_error(state, format.reason());
    const auto shape = extents_from(arguments.extents_text);
    if (!shape)
        return report_error(state, shape.reason());
    auto source = read_gauge_file(arguments.in, {.shape = *shape});
    if (!source)
        return report_error(state, source.reason());
    const auto& report = source->report;
    for (const auto& note : report.notes)
        std::cerr << "note: " << note << "\n";
    write_options options;
    options.overwrite = arguments.force;
    options.creation_date = utc_now();
    options.provenance = fmt::format("converted from {} {} ({} bits)", report.format,
                                     formats::printable(std::filesystem::path(arguments.in).filename().string(), 255),
                                     report.precision_bits.value_or(0));
    if (report.precision_bits == 32u) {
        reunitarise_all(source->links);
        options.provenance += ", reunitarised";
        std::cerr << fmt::format("note: the links were stored in 32 bits (max |U U^dag - 1| = {:.2e}): reunitarised\n",
                                 report.unitarity_deviation.value_or(0.0));
    }
    const auto written = write_gauge_file(arguments.out, source->links, *format, options);
    if (!written) {
        auto e = written.reason();
        if (e.code == errc::already_exists && !e.hint.empty())
            e.hint = "choose another name, or --force";
        return report_error(state, e);
    }
    std::cout << fmt::format("{}: {} {}, plaquette {:.12f}, checksum {}\n", formats::shown_path(arguments.out),
                             written->format, to_text(*written->shape), written->plaquette.value_or(0.0),
                             written->stored_checksum);
}

struct compare_arguments {
    compare_request request;
    std::string extents_text;
};

void compare(const compare_arguments& arguments, cli_state& state) {
    const auto shape = extents_from(arguments.extents_text);
    if (!shape)
        return report_error(state, shape.reason());
    auto request = arguments.request;
    request.shape = *shape;
    compare_configurations(request, state);
}

} // namespace

void add_gauge_commands(CLI::App& root, cli_state& state) {
    auto* gauge = root.add_subcommand("gauge", "gauge configurations of other codes");
    gauge->require_subcommand(1);

    auto checked = std::make_shared<check_arguments>();
    auto* check_verb =
        gauge->add_subcommand("check", "read files completely and say what they hold and whether it is sound");
    check_verb->add_option("FILE", checked->files, "NERSC, ILDG, SciDAC or MILC")->required();
    check_verb->add_option("--extents", checked->extents_text, "X,Y,Z,T for files that carry none");
    check_verb->add_flag("--json", checked->as_json, "forge.gauge.check/1 on stdout");
    check_verb->callback([checked, &state] { check(*checked, state); });

    auto both = std::make_shared<compare_arguments>();
    auto* compare_verb = gauge->add_subcommand("compare", "how far two configurations are apart; checkpoints of ours can be either");
    compare_verb->add_option("A", both->request.first, "NERSC, ILDG, SciDAC, MILC or a checkpoint")->required();
    compare_verb->add_option("B", both->request.second, "the same lattice, any of these formats")->required();
    compare_verb->add_option("--extents", both->extents_text, "X,Y,Z,T for files that carry none");
    compare_verb->add_flag("--json", both->request.as_json, "forge.gauge.compare/1 on stdout");
    compare_verb->callback([both, &state] { compare(*both, state); });

    auto converted = std::make_shared<convert_arguments>();
    auto* convert_verb = gauge->add_subcommand("convert", "write a configuration as NERSC or ILDG, 64 bits");
    convert_verb->add_option("IN", converted->in, "NERSC, ILDG, SciDAC or MILC")->required();
    convert_verb->add_option("OUT", converted->out, "name.nersc, name.lime or name.ildg")->required();
    convert_verb->add_option("--format", converted->format, "nersc or ildg; default: by the extension of OUT");
    convert_verb->add_option("--extents", converted->extents_text, "X,Y,Z,T for a file that carries none");
    convert_verb->add_flag("--force", converted->force, "replace an existing OUT");
    convert_verb->callback([converted, &state] { convert(*converted, state); });
}

} // namespace forge::app
