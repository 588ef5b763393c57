// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/campaign.hpp"

#include "libactors/control/toml_section.hpp"
#include "libactors/flow/predicate.hpp"
#include "libactors/flow/topology.hpp"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

namespace forge {

namespace {

void read_lattice(toml_section root, campaign& c) {
    auto s = root.section("lattice");
    const auto n = s.integers("extents", 4);
    s.done();
    if (n.size() != 4)
        return;
    std::uint64_t volume = 1;
    for (std::size_t mu = 0; mu < 4; ++mu) {
        if (n[mu] < 1 || n[mu] > 1024)
            return s.problem("extents", fmt::format("extent {} is not in 1...1024", n[mu]), "four sizes x, y, z, t, for example [8, 8, 8, 4]");
        c.lattice.n[mu] = static_cast<std::uint32_t>(n[mu]);
        volume *= c.lattice.n[mu];
    }
    if (volume < 2 || volume > std::uint64_t{1} << 28)
        s.problem("extents", fmt::format("a lattice of {} sites is outside 2...2^28", volume), "a smaller lattice");
}

void read_scan(toml_section root, campaign& c) {
    auto s = root.section("scan");
    c.beta_min = s.real("beta_min", std::nullopt, 1e-6, 1000.0); // beta = 6/g^2 is positive
    c.beta_max = s.real("beta_max", c.beta_min, 0.0, 1000.0);
    c.beta_points = s.count("points", c.beta_max > c.beta_min ? 9 : 1, 1, 10000);
    c.steering = s.choice("steering", {"plan", "adaptive"}, 0) == 0 ? steering_mode::plan : steering_mode::adaptive;
    s.done();
    if (c.beta_max < c.beta_min)
        s.problem("beta_max", fmt::format("beta_max = {} is below beta_min = {}", c.beta_max, c.beta_min), "exchange them");
    else if (c.beta_max > c.beta_min && c.beta_points < 2)
        s.problem("points", "one point cannot cover a range", "points = 2 or more, or beta_max = beta_min");
    else if (c.beta_max == c.beta_min && c.beta_points > 1)
        s.problem("points", "beta_max equals beta_min, so there is one point", "points = 1, or a larger beta_max");
}

void read_hmc(toml_section root, campaign& c) {
    auto s = root.section("hmc");
    c.hmc.trajectory_length = s.real("trajectory_length", 1.0, 1e-6, 100.0);
    c.hmc.n_steps = s.count("steps", 10, 1, 100000);
    c.hmc.integrator = s.choice("integrator", {"leapfrog", "omelyan2"}, 1) == 0 ? integrator_kind::leapfrog : integrator_kind::omelyan2;
    s.done();
    auto t = root.section("thermalisation");
    c.hmc.n_thermalise = t.count("trajectories", 100, 0, 100000000);
    c.hmc.n_warmup = t.count("warmup", std::min(10u, c.hmc.n_thermalise), 0, 100000000);
    t.done();
    if (c.hmc.n_warmup > c.hmc.n_thermalise)
        t.problem("warmup", fmt::format("{} trajectories without a Metropolis test do not fit into {} of thermalisation",
                                        c.hmc.n_warmup, c.hmc.n_thermalise), "warmup at most trajectories");
    auto m = root.section("measurement");
    c.hmc.n_measure = m.count("trajectories", std::nullopt, 1, 1000000000);
    if (m.has("target_error"))
        c.hmc.target_error = m.real("target_error", std::nullopt, 1e-12, 1.0);
    m.done();
}

void read_precision(toml_section root, campaign& c) {
    auto s = root.section("precision");
    c.precision = static_cast<precision_choice>(s.choice("strategy", {"native", "hybrid", "concurrent", "auto"}, 0));
    if (s.has("df64_share"))
        c.df64_share = s.real("df64_share", std::nullopt, 0.0, 1.0);
    s.done();
    if (c.df64_share && c.precision != precision_choice::concurrent)
        s.problem("df64_share", "only the strategy concurrent has a share", "strategy = \"concurrent\", or no df64_share");
}

void read_start(toml_section root, campaign& c) {
    auto s = root.section("start");
    c.start = static_cast<start_kind>(s.choice("kind", {"cold", "hot", "file", "both"}, 0));
    c.start_file = s.text("file", "");
    s.done();
    if (c.start == start_kind::file && c.start_file.empty())
        s.problem("kind", "start from a file needs its name", "file = \"configuration.nersc\"");
    if (c.start != start_kind::file && !c.start_file.empty())
        s.problem("file", "a file is named but kind is not \"file\"", "kind = \"file\"");
    if (c.start == start_kind::both && c.n_chains % 2 != 0)
        s.problem("kind", fmt::format("{} chains do not make pairs of a hot and a cold one", c.n_chains), "an even number of chains");
    if (c.start == start_kind::both && c.steering == steering_mode::adaptive)
        s.problem("kind", "pairs visit their points together, which steering = \"adaptive\" does not promise", "steering = \"plan\"");
}

void read_conductor(toml_section root, campaign& c) {
    auto s = root.section("conductor");
    auto& p = c.conductor;
    p.mode = static_cast<conductor_mode>(s.choice("mode", {"off", "advise", "act"}, 0));
    p.model = s.text("model", "");
    p.bootstrap = s.texts("bootstrap");
    p.device = static_cast<conductor_device>(s.choice("device", {"software", "sim-akd1000", "akida"}, 0));
    p.thermalisation = s.flag("thermalisation", true);
    p.classify = s.flag("classify", true);
    p.mid_trajectory = s.flag("mid_trajectory", false);
    p.check_every = s.count("check_every", 10, 1, 1000000);
    p.extra_points = s.count("extra_points", 0, 0, 10000);
    p.window_s = s.real("window_s", 0.005, 0.0, 1.0);
    s.done();
    if (!p.model.empty() && !p.bootstrap.empty())
        s.problem("bootstrap", "a model is given and another is to be learnt", "either model or bootstrap");
    if (p.mode != conductor_mode::off && p.device != conductor_device::software && p.model.empty() && p.bootstrap.empty())
        s.problem("device", "a device runs the reservoirs of a model, and there is none", "model = \"FILE\" (forge npu train), bootstrap = [\"RUN\", ...], or device = \"software\"");
    if (p.mode == conductor_mode::act && p.thermalisation && c.start != start_kind::both)
        s.problem("thermalisation", "thermalisation ends early only where a hot and a cold chain agree, and this campaign has no such pairs",
                  "[start] kind = \"both\", or thermalisation = false, or mode = \"advise\"");
    if (p.mid_trajectory && p.mode == conductor_mode::off)
        s.problem("mid_trajectory", "nobody would look at what is seen half-way", "mode = \"advise\"");
    if (p.extra_points > 0 && c.steering == steering_mode::adaptive)
        s.problem("extra_points", "points are added to a plan", "[scan] steering = \"plan\"");
}

void read_validation(toml_section root, campaign& c) {
    auto s = root.section("validation");
    auto& p = c.validation;
    p.when = s.text("when", "");
    p.device = s.text("device", "");
    p.capacity = s.count("capacity", 4, 1, edge_capacity_max);
    p.droppable = s.flag("droppable", true);
    s.done();
    if (p.when.empty())
        return;
    if (const auto parsed = predicate::parse(p.when, result_schema()); !parsed)
        s.problem("when", parsed.reason().what + " (" + parsed.reason().where + ")", parsed.reason().hint);
}

/// As cluster commands name nodes: lower case letters, digits, '-' and '.'.
bool is_mirror_name(const std::string& name) {
    return name.size() <= 63 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

} // namespace

result<campaign> parse_campaign(const std::string& text, const std::string& file_name) {
    auto document = toml_document::parse(text, file_name);
    if (!document)
        return document.reason();
    campaign c;
    toml_section root = document->root();
    c.name = root.text("name", "campaign");
    if (c.name.empty() || c.name.find_first_of("/\\ \t\n") != std::string::npos || c.name.front() == '.')
        root.problem("name", "the name becomes a folder: no blanks, slashes or leading dot", "name = \"deconfinement\"");
    if (root.has("seed"))
        c.seed = root.text("seed", "");
    c.n_chains = root.count("chains", 1, 1, 4096);
    c.output = root.text("output", "");
    read_lattice(root, c);
    read_scan(root, c);
    read_hmc(root, c);
    read_precision(root, c);
    read_start(root, c);
    read_conductor(root, c);
    read_validation(root, c);
    auto d = root.section("devices");
    c.devices = d.texts("use");
    c.split_cpu = d.count("split_cpu", 0, 0, 256);
    c.width = d.count("width", 0, 0, 8);
    d.done();
    if (c.width == 3 || (c.width > 4 && c.width < 8))
        d.problem("width", fmt::format("width {} is not 0, 1, 2, 4 or 8", c.width), "width = 0 (automatic)");
    auto f = root.section("flow");
    c.edge_capacity = f.count("capacity", 64, 1, 64);
    f.done();
    auto k = root.section("checkpoint");
    c.seal_interval_s = k.real("interval_s", 30.0, 0.01, 86400.0);
    c.keep_checkpoints = k.count("keep", 2, 2, 1000);
    k.done();
    auto l = root.section("ledger");
    c.mirror = l.text("mirror", "");
    if (c.mirror == "none")
        c.mirror.clear();
    else if (!c.mirror.empty() && !is_mirror_name(c.mirror))
        l.problem("mirror", fmt::format("\"{}\" is no node's name", c.mirror), "mirror = \"node\" (whichever comes first), a node's name, or \"none\"");
    c.mirror_interval_s = l.real("mirror_interval_s", 5.0, 0.05, 86400.0);
    l.done();
    root.done();
    if (auto problems = document->problems(); !problems.empty())
        return error{errc::config_invalid, problems, file_name, "mend the lines above and start again"};
    return c;
}

std::string_view name_of(conductor_mode m) {
    return m == conductor_mode::off ? "off" : m == conductor_mode::advise ? "advise" : "act";
}

std::string physics_text(const campaign& c) {
    std::string t;
    const auto line = [&t](const char* key, const std::string& value) { t += fmt::format("{} = {}\n", key, value); };
    line("format", "1");
    line("chains", fmt::format("{}", c.n_chains));
    line("lattice.extents", to_text(c.lattice));
    line("action", "wilson");
    line("scan.beta_min", fmt::format("{}", c.beta_min));
    line("scan.beta_max", fmt::format("{}", c.beta_max));
    line("scan.points", fmt::format("{}", c.beta_points));
    line("scan.steering", c.steering == steering_mode::plan ? "plan" : "adaptive");
    line("hmc.trajectory_length", fmt::format("{}", c.hmc.trajectory_length));
    line("hmc.steps", fmt::format("{}", c.hmc.n_steps));
    line("hmc.integrator", std::string(name_of(c.hmc.integrator)));
    line("thermalisation.trajectories", fmt::format("{}", c.hmc.n_thermalise));
    line("thermalisation.warmup", fmt::format("{}", c.hmc.n_warmup));
    line("measurement.trajectories", fmt::format("{}", c.hmc.n_measure));
    line("measurement.target_error", c.hmc.target_error ? fmt::format("{}", *c.hmc.target_error) : "none");
    constexpr const char* strategies[] = {"native", "hybrid", "concurrent", "auto"};
    line("precision.strategy", strategies[static_cast<std::size_t>(c.precision)]);
    line("precision.df64_share", c.df64_share ? fmt::format("{}", *c.df64_share) : "measured");
    line("start.kind", c.start == start_kind::cold ? "cold" : c.start == start_kind::hot ? "hot" : c.start == start_kind::both ? "both" : "file");
    line("start.file", c.start_file.empty() ? "none" : c.start_file);
    if (c.conductor.mode == conductor_mode::act) { // only then has it a say in where a segment's measurement begins and which points there are
        line("conductor.thermalisation", c.conductor.thermalisation ? fmt::format("every {}", c.conductor.check_every) : "off");
        line("conductor.extra_points", fmt::format("{}", c.conductor.extra_points));
        line("conductor.model", c.conductor.model_hash.empty() ? "none" : c.conductor.model_hash);
        if (c.conductor.device != conductor_device::software) // other arithmetic, other decisions; not in the text of runs from before there was a choice
            line("conductor.device", "sim-akd1000");
    }
    return t;
}

std::string difference(const std::string& recorded, const std::string& asked) {
    std::istringstream a(recorded);
    std::istringstream b(asked);
    std::string out;
    std::string old_line;
    std::string new_line;
    while (true) {
        const bool more_a = static_cast<bool>(std::getline(a, old_line));
        const bool more_b = static_cast<bool>(std::getline(b, new_line));
        if (!more_a && !more_b)
            return out;
        if (more_a && more_b && old_line == new_line)
            continue;
        if (more_a)
            out += "- " + old_line + "\n";
        if (more_b)
            out += "+ " + new_line + "\n";
    }
}

} // namespace forge
