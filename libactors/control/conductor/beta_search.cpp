// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/beta_search.hpp"

#include "libactors/learn/echo_state_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace forge {

namespace {

constexpr int steps_per_input = 10;  // until the state has forgotten that it began at rest
constexpr double smallest_gap = 0.05; // of the range
constexpr std::array<double, 5> penalties{1e-4, 1e-3, 1e-2, 1e-1, 1.0};
const std::string head = "beta_priority";

struct scale {
    double middle, half;
    [[nodiscard]] std::array<float, 2> input(double beta) const {
        const double x = (beta - middle) / half;
        return {static_cast<float>(2.0 * x), static_cast<float>(2.0 * x * x - 1.0)};
    }
};

result<echo_state_network> surrogate_of(const beta_search_request& r, const scale& s, double largest) {
    network_shape shape;
    shape.reservoir = {.inputs = 2, .units = 40, .spectral_radius = 0.9, .connectivity = 0.2, .leak = 0.5, .input_scale = 1.0, .seed = r.seed};
    shape.reservoirs = 5;
    shape.heads = {{head, 1, head_activation::linear}};
    auto network = echo_state_network::make(shape);
    if (!network)
        return network;
    network_trainer trainer(*network);
    std::uint64_t group = 0;
    for (const auto& p : r.measured) {
        trainer.begin(group++);
        const auto u = s.input(p.beta);
        for (int k = 0; k < steps_per_input; ++k)
            if (auto stepped = trainer.step(u); !stepped)
                return stepped.reason();
        const double target = p.chi_polyakov / largest;
        if (auto taught = trainer.teach(head, std::span(&target, 1)); !taught)
            return taught.reason();
    }
    return trainer.solve(penalties);
}

std::optional<head_value> ask(const echo_state_network& network, const scale& s, double beta) {
    auto state = network.rest();
    const auto u = s.input(beta);
    for (int k = 0; k < steps_per_input; ++k)
        if (!network.advance(u, state))
            return std::nullopt;
    const auto read = network.read(head, state);
    return read ? std::optional(read->front()) : std::nullopt;
}

struct gap {
    double middle = 0.0;
    double width = 0.0;
};

gap largest_gap(std::vector<double> known, double low, double high) {
    known.push_back(low);
    known.push_back(high);
    std::sort(known.begin(), known.end());
    gap g;
    for (std::size_t k = 1; k < known.size(); ++k)
        if (known[k] - known[k - 1] > g.width)
            g = {0.5 * (known[k] + known[k - 1]), known[k] - known[k - 1]};
    return g;
}

} // namespace

result<beta_proposal> search_beta(const beta_search_request& r) {
    if (!(r.beta_max > r.beta_min) || r.candidates < 1)
        return error{errc::invalid_argument, "there is no range to search", fmt::format("beta {} ... {}", r.beta_min, r.beta_max), "beta_max above beta_min"};
    std::vector<double> known = r.planned;
    double largest = 0.0;
    for (const auto& p : r.measured) {
        if (!std::isfinite(p.beta) || !std::isfinite(p.chi_polyakov))
            return error{errc::invalid_argument, "a measured point is not finite", fmt::format("beta {}", p.beta), ""};
        known.push_back(p.beta);
        largest = std::max(largest, p.chi_polyakov);
    }
    const double spacing = (r.beta_max - r.beta_min) / (r.candidates + 1);
    const auto widest = largest_gap(known, r.beta_min, r.beta_max);
    const auto middle_of_gap = [&](const char* why) {
        return beta_proposal{widest.middle, std::nullopt, std::nullopt,
                             fmt::format("{}: the middle of the largest gap, {:.4f} wide", why, widest.width)};
    };
    if (widest.width < 2.0 * search_exclusion * spacing)
        return beta_proposal{std::nullopt, std::nullopt, std::nullopt, "there is no room between the points"};
    if (r.measured.size() < search_from_points || !(largest > 0.0))
        return middle_of_gap("fewer than three points are measured");
    const scale s{0.5 * (r.beta_min + r.beta_max), 0.5 * (r.beta_max - r.beta_min)};
    const auto surrogate = surrogate_of(r, s, largest);
    if (!surrogate || !surrogate->trained(head))
        return middle_of_gap("the surrogate cannot be solved");
    beta_proposal best;
    double best_score = 0.0;
    for (std::uint32_t k = 1; k <= r.candidates; ++k) {
        const double beta = r.beta_min + k * spacing;
        if (std::any_of(known.begin(), known.end(), [&](double b) { return std::abs(b - beta) < search_exclusion * spacing; }))
            continue;
        const auto answer = ask(*surrogate, s, beta);
        if (!answer || !std::isfinite(answer->value) || !std::isfinite(answer->variance))
            continue;
        const double spread = std::sqrt(std::max(answer->variance, 0.0));
        const double score = answer->value + search_uncertainty_weight * spread;
        if (!best.beta || score > best_score) {
            best_score = score;
            best = {beta, answer->value, spread, ""};
        }
    }
    if (!best.beta)
        return middle_of_gap("no candidate has a finite score");
    if (r.measured.size() >= 5 && (widest.width < smallest_gap * (r.beta_max - r.beta_min) || best_score < search_saturated_score))
        return beta_proposal{std::nullopt, std::nullopt, std::nullopt,
                             fmt::format("saturated: largest gap {:.4f}, best score {:.3f}, {} points", widest.width, best_score, r.measured.size())};
    best.reason = fmt::format("conductor: priority {:.3f} + 0.5 x {:.3f}, best of {} candidates from {} measured points", *best.priority,
                              *best.uncertainty, r.candidates, r.measured.size());
    return best;
}

std::optional<double> peak_of(std::span<const measured_point> points) {
    if (points.size() < 3)
        return std::nullopt;
    std::vector<measured_point> p(points.begin(), points.end());
    std::sort(p.begin(), p.end(), [](const auto& a, const auto& b) { return a.beta < b.beta; });
    const auto top = static_cast<std::size_t>(
        std::max_element(p.begin(), p.end(), [](const auto& a, const auto& b) { return a.chi_polyakov < b.chi_polyakov; }) - p.begin());
    if (top == 0 || top + 1 == p.size())
        return std::nullopt;
    const double x0 = p[top - 1].beta - p[top].beta, x2 = p[top + 1].beta - p[top].beta;
    const double y0 = p[top - 1].chi_polyakov - p[top].chi_polyakov, y2 = p[top + 1].chi_polyakov - p[top].chi_polyakov;
    const double a = (y0 / x0 - y2 / x2) / (x0 - x2);
    const double b = y0 / x0 - a * x0;
    if (!(a < 0.0))
        return std::nullopt;
    return p[top].beta - b / (2.0 * a);
}

} // namespace forge
