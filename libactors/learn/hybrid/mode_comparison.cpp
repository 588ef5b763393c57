// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/mode_comparison.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/learn/program_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace forge {

namespace {

constexpr std::size_t folds = 5;

std::uint64_t mixed(std::uint64_t x) { // splitmix64
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

std::vector<std::vector<float>> inputs_of(std::span<const labelled_sequence> all, sample_role role) {
    std::vector<std::vector<float>> some;
    for (const auto& s : all)
        if (s.role == role)
            some.push_back(s.inputs);
    return some;
}

/// Calls `use(sequence, row)` after every asked row of a role.
template <class Use>
result<void> walk(hybrid_network& n, std::span<const labelled_sequence> all, sample_role role, Use&& use) {
    const std::size_t inputs = n.program().inputs;
    for (const auto& s : all) {
        if (s.role != role)
            continue;
        n.reset();
        for (std::size_t t = 0; t < s.labels.size(); ++t) {
            if (auto done = n.step(std::span(s.inputs).subspan(t * inputs, inputs)); !done)
                return done;
            if (!std::isnan(s.labels[t]))
                use(s, t);
        }
    }
    return {};
}

} // namespace

void split_by_group(std::vector<labelled_sequence>& all, std::uint64_t seed, std::uint32_t parts) {
    expects(parts >= 3, "a part for each role");
    for (auto& s : all) {
        const auto part = mixed(s.group * 0x2545f4914f6cdd1dull + seed) % parts;
        s.role = part == 0 ? sample_role::test : part == 1 ? sample_role::validation : sample_role::train;
    }
}

result<void> validate(std::span<const labelled_sequence> all, std::uint32_t inputs) {
    const auto refuse = [](std::string what, std::uint64_t group) {
        return error{errc::invalid_argument, std::move(what), fmt::format("group {}", group), "see labelled_sequence"};
    };
    std::map<std::uint64_t, sample_role> roles;
    std::array<std::uint64_t, 2> seen{};
    for (const auto& s : all) {
        if (inputs == 0 || s.labels.empty() || s.inputs.size() != s.labels.size() * inputs)
            return refuse(fmt::format("{} values for {} rows of {} inputs", s.inputs.size(), s.labels.size(), inputs), s.group);
        if (!std::all_of(s.inputs.begin(), s.inputs.end(), [](float x) { return std::isfinite(x); }))
            return refuse("an input is not a number", s.group);
        for (const float y : s.labels) {
            if (!std::isnan(y) && y != 0.0f && y != 1.0f)
                return refuse(fmt::format("a label of {}: 0, 1 or none (NaN)", y), s.group);
            if (s.role == sample_role::train && !std::isnan(y))
                ++seen[y > 0.5f ? 1 : 0];
        }
        if (const auto [at, fresh] = roles.emplace(s.group, s.role); !fresh && at->second != s.role)
            return refuse("sequences of one group have different roles", s.group);
    }
    if (seen[0] == 0 || seen[1] == 0)
        return error{errc::invalid_argument, fmt::format("training rows: {} of class 0 and {} of class 1", seen[0], seen[1]), "labelled sequences",
                     "both are needed"};
    return {};
}

rate classified::accuracy() const { return {static_cast<std::uint64_t>(std::count(right.begin(), right.end(), 1)), right.size()}; }

double classified::balanced_accuracy() const {
    std::array<rate, 2> of;
    for (std::size_t k = 0; k < right.size(); ++k) {
        ++of[label[k]].n;
        of[label[k]].k += right[k];
    }
    return of[0].n == 0 || of[1].n == 0 ? accuracy().value() : 0.5 * (of[0].value() + of[1].value());
}

result<npu_program> retrain_classifier(const npu_program& program, std::span<const labelled_sequence> all, dense_engine& host,
                                       std::vector<dense_engine*> devices, const hybrid_options& options) {
    auto on_host = options;
    on_host.readouts = readout_place::host; // only states are wanted
    auto n = hybrid_network::make(program, host, std::move(devices), on_host);
    if (!n)
        return n.reason();
    std::vector<ridge_sums> sums(folds, ridge_sums(program.units));
    const auto done = walk(*n, all, sample_role::train, [&](const labelled_sequence& s, std::size_t t) {
        sums[mixed(s.group) % folds].add(n->state(), s.labels[t] > 0.5f ? 1.0 : -1.0);
    });
    if (!done)
        return done.reason();
    std::erase_if(sums, [](const ridge_sums& s) { return s.rows() == 0; });
    const auto fit = ridge_readout::cross_validate(sums, usual_penalties());
    if (!fit)
        return fit.reason();
    auto trained = program;
    auto& head = trained.heads.front();
    const auto w = fit->weights(); // bias first
    head.bias = {static_cast<float>(w.front())};
    std::transform(w.begin() + 1, w.end(), head.weights.begin(), [](double x) { return static_cast<float>(x); });
    return trained;
}

result<npu_program> train_classifier(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host,
                                     std::vector<dense_engine*> devices, const hybrid_options& options) {
    if (auto sound = validate(all, shape.inputs); !sound)
        return sound.reason();
    auto p = program_builder().name("classifier").shape(shape).add_head("class", 1, head_activation::sigmoid).build();
    if (!p)
        return p.reason();
    auto rows = calibration_rows(*p, options, inputs_of(all, sample_role::train));
    if (!rows)
        return rows.reason();
    p->examples = std::move(rows).value();
    return retrain_classifier(*p, all, host, std::move(devices), options);
}

result<classified> classify(const npu_program& program, std::span<const labelled_sequence> all, sample_role role, dense_engine& host,
                            std::vector<dense_engine*> devices, const hybrid_options& options, hybrid_cost* cost) {
    auto n = hybrid_network::make(program, host, std::move(devices), options);
    if (!n)
        return n.reason();
    classified out;
    const auto done = walk(*n, all, role, [&](const labelled_sequence& s, std::size_t t) {
        const bool says = n->readout(0)[0] > 0.0f, is = s.labels[t] > 0.5f;
        out.right.push_back(says == is ? 1 : 0);
        out.group.push_back(s.group);
        out.label.push_back(is ? 1 : 0);
    });
    if (!done)
        return done.reason();
    if (cost != nullptr)
        *cost = n->cost();
    return out;
}

result<std::vector<mode_row>> compare_modes(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host,
                                            dense_engine& device) {
    struct way {
        const char* name;
        bool on_device;
        hybrid_options options;
    };
    const auto relu = state_activation::bounded_relu;
    const auto here = readout_place::host, there = readout_place::device;
    constexpr double any = 1e9; // the mode is asked for, not routed
    const std::array<way, 7> ways{{{"f32 tanh", false, {.readouts = here}},
                                   {"int4 bounded ReLU", true, {.activation = relu, .readouts = there, .int4_tolerance = any}},
                                   {"int4 bounded ReLU, float readouts", true, {.activation = relu, .readouts = here, .int4_tolerance = any}},
                                   {"hybrid (threshold override)", true, {.readouts = here, .int4_tolerance = any}},
                                   {"hybrid (split)", true, {.path = linear_path::split, .readouts = here, .int4_tolerance = any}},
                                   {"hybrid, int4 readouts", true, {.readouts = there, .int4_tolerance = any}},
                                   {"f32 bounded ReLU", false, {.activation = relu, .readouts = here}}}};
    std::vector<mode_row> rows;
    for (const auto& w : ways) {
        const std::vector<dense_engine*> devices = w.on_device ? std::vector<dense_engine*>{&device} : std::vector<dense_engine*>{};
        const auto p = train_classifier(shape, all, host, devices, w.options);
        if (!p)
            return p.reason();
        mode_row row;
        row.name = w.name;
        auto answers = classify(*p, all, sample_role::test, host, devices, w.options, &row.cost);
        if (!answers)
            return answers.reason();
        row.answers = std::move(answers).value();
        const auto& f32 = rows.empty() ? row.answers : rows.front().answers;
        row.to_f32 = compare_paired(f32.right, row.answers.right, row.answers.group);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace forge
