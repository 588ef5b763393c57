// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/steering/bayesian_steerer.hpp"

#include "libactors/learn/gaussian_process.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr double exclusion = 0.3;      // of the spacing
constexpr double resolvable = 0.15;    // of the curves' spread
constexpr double length_min = 2.0;     // spacings
constexpr double plaquette_error = 1e-3; // of a plaquette without error

std::vector<double> grid_of(const steering_request& r) {
    std::vector<double> grid;
    for (std::uint32_t k = 1; k <= r.candidates; ++k)
        grid.push_back(r.beta_min + k * (r.beta_max - r.beta_min) / (r.candidates + 1.0));
    return grid;
}

std::optional<error> fault_of(const steering_request& r) {
    if (!(r.beta_max > r.beta_min) || !std::isfinite(r.beta_max - r.beta_min) || r.candidates < 1 || r.candidates > 1000)
        return error{errc::invalid_argument, "there is no range to steer in", fmt::format("beta {} ... {}, {} candidates", r.beta_min, r.beta_max, r.candidates), ""};
    const auto finite = [](const std::optional<double>& x) { return !x || std::isfinite(*x); };
    for (const auto& p : r.measured)
        if (!std::isfinite(p.beta) || !finite(p.chi_polyakov) || !finite(p.chi_error) || !finite(p.plaquette) || !finite(p.plaquette_error))
            return error{errc::invalid_argument, "a measured point is not finite", fmt::format("beta {}", p.beta), ""};
    return std::nullopt;
}

std::vector<gp_point> log_chi(const steering_request& r) {
    std::vector<gp_point> points;
    for (const auto& p : r.measured)
        if (p.chi_polyakov && *p.chi_polyakov > 0.0) {
            const bool known = p.chi_error && *p.chi_error > 0.0;
            points.push_back({p.beta, std::log(*p.chi_polyakov), known ? *p.chi_error / *p.chi_polyakov : steering_unknown_error});
        }
    return points;
}

std::vector<gp_point> plaquettes(const steering_request& r) {
    std::vector<gp_point> points;
    for (const auto& p : r.measured)
        if (p.plaquette)
            points.push_back({p.beta, *p.plaquette, p.plaquette_error && *p.plaquette_error > 0.0 ? *p.plaquette_error : plaquette_error});
    return points;
}

double entropy_bits(const std::vector<double>& weights) {
    double sum = 0.0, h = 0.0;
    for (const double w : weights)
        sum += w;
    for (const double w : weights)
        if (w > 0.0)
            h -= w / sum * std::log2(w / sum);
    return sum > 0.0 ? h : 0.0;
}

/// Curves that may be true, and what points that are not measured yet would do to them.
class possible_curves {
public:
    static result<possible_curves> make(const steering_request& r, const std::vector<double>& grid, const std::vector<gp_point>& points) {
        possible_curves c;
        c.n_ = grid.size();
        const auto shapes = gaussian_process::fits(gp_kernel::matern52, points, length_min * (r.beta_max - r.beta_min) / (r.candidates + 1.0));
        if (!shapes)
            return shapes.reason();
        auto drawn = draw_mixture(*shapes, grid, steering_draws, r.seed);
        if (!drawn)
            return drawn.reason();
        c.value_ = std::move(*drawn);
        for (std::size_t s = 0; s < steering_draws; ++s) {
            const auto row = c.value_.begin() + static_cast<std::ptrdiff_t>(s * c.n_);
            c.peak_.push_back(static_cast<std::size_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(c.n_)) - row));
        }
        std::vector<double> errors;
        for (const auto& p : points)
            errors.push_back(p.error);
        std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2), errors.end());
        c.error_ = errors[errors.size() / 2];
        c.log_weight_.assign(steering_outcomes * steering_draws, 0.0);
        c.seed_ = r.seed;
        c.bits_ = c.expected_bits(c.log_weight_);
        return c;
    }

    [[nodiscard]] peak_belief belief(const std::vector<double>& grid) const {
        peak_belief b;
        std::vector<double> histogram(n_);
        double squares = 0.0;
        for (const auto j : peak_) {
            histogram[j] += 1.0;
            b.beta += grid[j] / static_cast<double>(steering_draws);
        }
        for (const auto j : peak_)
            squares += (grid[j] - b.beta) * (grid[j] - b.beta) / static_cast<double>(steering_draws);
        const double spacing = n_ > 1 ? grid[1] - grid[0] : 0.0;
        b.error = std::sqrt(squares + spacing * spacing / 12.0); // a place on the grid is known to a spacing
        b.bits = entropy_bits(histogram);
        return b;
    }

    /// Bits that a point at grid place k would add.
    [[nodiscard]] double gain(std::size_t k) const { return bits_ - expected_bits(with(k)); }
    void add(std::size_t k) {
        log_weight_ = with(k);
        bits_ = expected_bits(log_weight_);
        ++points_;
    }

private:
    [[nodiscard]] std::vector<double> with(std::size_t k) const {
        double mean = 0.0, squares = 0.0;
        for (std::size_t s = 0; s < steering_draws; ++s)
            mean += value_[s * n_ + k] / static_cast<double>(steering_draws);
        for (std::size_t s = 0; s < steering_draws; ++s)
            squares += (value_[s * n_ + k] - mean) * (value_[s * n_ + k] - mean) / static_cast<double>(steering_draws);
        const double e = std::max({error_, resolvable * std::sqrt(squares), 1e-12});
        const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)};
        auto weight = log_weight_;
        for (std::size_t q = 0; q < steering_outcomes; ++q) {
            // The same noise at every candidate: their differences are not of the noise.
            const double z = normal_pair(philox4x32({static_cast<std::uint32_t>(q), points_, 1, 0x57ee}, key))[0];
            const double y = value_[truth(q) * n_ + k] + e * z;
            for (std::size_t s = 0; s < steering_draws; ++s) {
                const double d = (y - value_[s * n_ + k]) / e;
                weight[q * steering_draws + s] -= 0.5 * d * d;
            }
        }
        return weight;
    }
    /// Curve that is taken for the truth: spread over all draws, so over all shapes.
    static std::size_t truth(std::size_t q) { return q * (steering_draws / steering_outcomes); }
    [[nodiscard]] double expected_bits(const std::vector<double>& log_weight) const {
        double sum = 0.0;
        std::vector<double> histogram(n_);
        for (std::size_t q = 0; q < steering_outcomes; ++q) {
            std::fill(histogram.begin(), histogram.end(), 0.0);
            const auto* row = log_weight.data() + q * steering_draws;
            double top = -1e300;
            for (std::size_t s = 0; s < steering_draws; ++s)
                if (s != truth(q)) // it knows itself
                    top = std::max(top, row[s]);
            double weights = 0.0, squares = 0.0;
            for (std::size_t s = 0; s < steering_draws; ++s)
                if (s != truth(q)) {
                    const double w = std::exp(row[s] - top);
                    histogram[peak_[s]] += w;
                    weights += w;
                    squares += w * w;
                }
            // Few curves that still fit see too few places: Miller and Madow's correction, for as many as the weights are worth.
            const auto places = static_cast<double>(std::count_if(histogram.begin(), histogram.end(), [](double w) { return w > 0.0; }));
            const double worth = weights * weights / squares;
            sum += (entropy_bits(histogram) + std::min(places - 1.0, worth) / (2.0 * worth * std::log(2.0))) / static_cast<double>(steering_outcomes);
        }
        return sum;
    }
    std::size_t n_ = 0;
    std::vector<double> value_;
    std::vector<std::size_t> peak_;
    std::vector<double> log_weight_; ///< of every curve, for every truth
    double error_ = 0.0;
    double bits_ = 0.0;
    std::uint32_t points_ = 0;
    std::uint64_t seed_ = 0;
};

std::size_t nearest(const std::vector<double>& grid, double beta) {
    return static_cast<std::size_t>(std::min_element(grid.begin(), grid.end(), [&](double a, double b) { return std::abs(a - beta) < std::abs(b - beta); }) - grid.begin());
}

struct gap {
    double middle = 0.0, width = 0.0;
};

gap largest_gap(const steering_request& r, std::vector<double> known) {
    std::erase_if(known, [&](double b) { return b < r.beta_min || b > r.beta_max; });
    known.insert(known.end(), {r.beta_min, r.beta_max});
    std::sort(known.begin(), known.end());
    gap g;
    for (std::size_t k = 1; k < known.size(); ++k)
        if (known[k] - known[k - 1] > g.width)
            g = {0.5 * (known[k] + known[k - 1]), known[k] - known[k - 1]};
    return g;
}

/// Without enough of chi_L: P(beta) where it is least known, or the middle of the largest gap.
steering_choice explore(const steering_request& r, const std::vector<double>& grid, const std::vector<double>& known, const std::vector<bool>& taken) {
    auto points = plaquettes(r);
    if (points.size() >= steering_from_points) {
        if (const auto g = gaussian_process::fit(gp_kernel::squared_exponential, points)) {
            // A planned point takes its place as one that says what is expected anyway: variance does not depend on values.
            double error = 0.0;
            for (const auto& p : points)
                error = std::max(error, p.error);
            const std::size_t measured = points.size();
            for (const double b : known)
                if (std::none_of(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(measured), [&](const auto& p) { return p.x == b; }))
                    points.push_back({b, g->mean(b), error});
            if (const auto h = gaussian_process::make(g->shape(), points)) {
                std::optional<std::size_t> best;
                for (std::size_t k = 0; k < grid.size(); ++k)
                    if (!taken[k] && (!best || h->variance(grid[k]) > h->variance(grid[*best])))
                        best = k;
                if (best)
                    return {grid[*best], std::nullopt,
                            fmt::format("too few values of chi_L; the plaquette is least known here: {:.5f} +- {:.2g}", h->mean(grid[*best]), std::sqrt(h->variance(grid[*best])))};
            }
        }
    }
    const auto widest = largest_gap(r, known);
    return {widest.middle, std::nullopt, fmt::format("too few values of chi_L: the middle of the largest gap, {:.4f} wide", widest.width)};
}

} // namespace

result<std::optional<peak_belief>> believe_peak(const steering_request& r) {
    if (auto fault = fault_of(r))
        return *fault;
    const auto points = log_chi(r);
    if (points.size() < steering_from_points)
        return std::optional<peak_belief>();
    const auto grid = grid_of(r);
    const auto curves = possible_curves::make(r, grid, points);
    if (!curves)
        return curves.reason();
    return std::optional(curves->belief(grid));
}

result<steering_plan> steer(const steering_request& r) {
    if (auto fault = fault_of(r))
        return *fault;
    const auto grid = grid_of(r);
    const double spacing = (r.beta_max - r.beta_min) / (r.candidates + 1.0);
    std::vector<double> known = r.running;
    for (const auto& p : r.measured)
        known.push_back(p.beta);
    std::vector<bool> taken(grid.size());
    const auto take = [&](double beta) {
        for (std::size_t k = 0; k < grid.size(); ++k)
            taken[k] = taken[k] || std::abs(grid[k] - beta) < exclusion * spacing;
    };
    for (const double b : known)
        take(b);
    steering_plan plan;
    std::optional<possible_curves> curves;
    if (const auto points = log_chi(r); points.size() >= steering_from_points) {
        auto made = possible_curves::make(r, grid, points);
        if (!made)
            return made.reason();
        curves = std::move(*made);
        plan.peak = curves->belief(grid);
        for (const double b : r.running)
            if (b > r.beta_min && b < r.beta_max)
                curves->add(nearest(grid, b));
    }
    std::optional<gaussian_process> plaquette;
    if (const auto points = plaquettes(r); points.size() >= steering_from_points)
        if (auto fitted = gaussian_process::fit(gp_kernel::squared_exponential, points))
            plaquette = std::move(*fitted);
    while (plan.choices.size() < r.chains && std::find(taken.begin(), taken.end(), false) != taken.end()) {
        if (!curves) {
            plan.choices.push_back(explore(r, grid, known, taken));
        } else {
            std::optional<std::size_t> best;
            double most = 0.0;
            for (std::size_t k = 0; k < grid.size(); ++k) {
                if (taken[k])
                    continue;
                const double g = curves->gain(k);
                if (!best || g > most) {
                    best = k;
                    most = g;
                }
            }
            std::string reason = fmt::format("{:.2f} bits expected about the peak (now {:.4f} +- {:.4f}, {:.2f} bits open), best of {} candidates, {} points ahead of it", most,
                                             plan.peak->beta, plan.peak->error, plan.peak->bits, std::count(taken.begin(), taken.end(), false),
                                             r.running.size() + plan.choices.size());
            if (plaquette)
                reason += fmt::format("; P there {:.5f} +- {:.2g}", plaquette->mean(grid[*best]), std::sqrt(plaquette->variance(grid[*best])));
            if (plan.choices.empty())
                plan.saturated = most < steering_saturated_bits;
            plan.choices.push_back({grid[*best], most, std::move(reason)});
            curves->add(*best);
        }
        known.push_back(plan.choices.back().beta);
        const auto before = std::count(taken.begin(), taken.end(), false);
        take(plan.choices.back().beta);
        if (std::count(taken.begin(), taken.end(), false) == before) // a middle of a gap between two candidates
            taken[nearest(grid, plan.choices.back().beta)] = true;
    }
    return plan;
}

} // namespace forge
