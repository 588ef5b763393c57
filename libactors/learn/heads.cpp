// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/heads.hpp"

#include <algorithm>

namespace forge {

namespace {

using enum head_activation;
constexpr auto regression = head_kind::regression;
constexpr auto classification = head_kind::classification;

// "Next 25": the mean over the 25 trajectories that follow. Equilibrium values and the chi_L peak are those of the training chains.
constexpr std::array<head_info, head_total> heads{{
    {head_id::beta_priority, "beta_priority", 1, linear, regression, held_out::betas, "chi_L(beta) / largest chi_L, measured on the training chains",
     "linear interpolation between the betas that were measured", ""},
    {head_id::parameter_suggestion, "parameter_suggestion", 1, linear, regression, held_out::chains,
     "factor for the integrator step that gives an acceptance of 0.8: sqrt(0.507 / rms dH of the next 25)", "the same with the last 20", ""},
    {head_id::thermalisation, "thermalisation", 2, linear, regression, held_out::chains,
     "distance of the next 25 from equilibrium in standard deviations, of P and of |L|, + above for cold, + below for hot starts",
     "mean distance of training chains at the same trajectory and start", ""},
    {head_id::rejection, "rejection", 1, sigmoid, classification, held_out::chains, "the next trajectory is rejected",
     "the u of the next test: a large one rejects", ""},
    {head_id::phase, "phase", 1, sigmoid, classification, held_out::chains, "|L| of the next 25 is above its value at the chi_L peak",
     "the same for the last 10", ""},
    {head_id::cg_estimate, "cg_estimate", 1, relu, regression, held_out::chains, "iterations of the next conjugate-gradient solve",
     "the last solve's", "there are no fermions and no solver: nothing produces the target"},
    {head_id::quality, "quality", 1, linear, regression, held_out::chains, "share of the next 25 that is accepted", "share of the last 20", ""},
    {head_id::anomaly, "anomaly", 1, sigmoid, classification, held_out::chains, "the chain sticks: fewer than half of the next 10 are accepted",
     "fewer than half of the last 10 were", ""},
    {head_id::next_run, "next_run", 1, linear, regression, held_out::betas, "log10 of the trajectories for 100 independent |L|: 200 tau_int",
     "linear interpolation between the betas that were measured", ""},
    {head_id::quenched_length, "quenched_length", 1, relu, regression, held_out::chains,
     "trajectories that thermalisation still takes / 200: the later of the MSER-5 cuts of P and |L|, found afterwards",
     "mean of training chains of the same start, less those done", ""},
    {head_id::quenched_thermalisation, "quenched_thermalisation", 1, sigmoid, classification, held_out::chains,
     "the next 25 are within half a standard deviation of equilibrium (signed as `thermalisation`) in P and |L|",
     "the number of trajectories since the start, cut where it serves the training chains best", ""},
    {head_id::deconfinement, "deconfinement", 1, linear, regression, held_out::chains, "|L| of the next 25", "|L| of the last 10", ""},
    {head_id::transport_d, "transport_d", 1, linear, regression, held_out::chains, "D* of a plasma", "n/a",
     "there is no molecular-dynamics producer: plaquettes do not determine D*"},
    {head_id::transport_eta, "transport_eta", 1, linear, regression, held_out::chains, "eta* of a plasma", "n/a",
     "there is no molecular-dynamics producer: plaquettes do not determine eta*"},
}};

constexpr std::size_t count_columns() {
    std::size_t n = 0;
    for (const auto& h : heads)
        n += h.unavailable.empty() ? h.dim : 0;
    return n;
}
static_assert(count_columns() == target_columns);

std::vector<head_spec> specs(bool all) {
    std::vector<head_spec> out;
    for (const auto& h : heads)
        if (all || h.applicable())
            out.push_back({std::string(h.name), h.dim, h.activation});
    return out;
}

} // namespace

std::span<const head_info, head_total> all_heads() { return heads; }

const head_info& about(head_id id) { return heads[static_cast<std::size_t>(id)]; }

std::optional<head_id> head_from(std::string_view name) {
    const auto at = std::find_if(heads.begin(), heads.end(), [name](const auto& h) { return h.name == name; });
    return at == heads.end() ? std::nullopt : std::optional(at->id);
}

std::optional<std::size_t> column_of(head_id id) {
    if (!about(id).applicable())
        return std::nullopt;
    std::size_t column = 0;
    for (const auto& h : heads) {
        if (h.id == id)
            break;
        column += h.applicable() ? h.dim : 0;
    }
    return column;
}

std::vector<head_spec> trainable_heads() { return specs(false); }

std::vector<head_spec> every_head() { return specs(true); }

} // namespace forge
