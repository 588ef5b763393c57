// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/remote_messages.hpp"

#include <bit>

namespace forge {

namespace {

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }
double real(std::uint64_t x) { return std::bit_cast<double>(x); }

bool read_arithmetic(std::uint64_t strategy, std::uint64_t share, arithmetic& out) {
    if (strategy > static_cast<std::uint64_t>(precision_strategy::concurrent) || !(real(share) >= 0.0 && real(share) <= 1.0))
        return false;
    out = {static_cast<precision_strategy>(strategy), real(share)};
    return true;
}

constexpr std::size_t params_size = 12;
constexpr std::size_t observed_size = 8;
constexpr std::uint64_t count_max = UINT32_MAX;

} // namespace

remote_error to_remote(const std::optional<error>& e) {
    return e ? remote_error{static_cast<std::int32_t>(e->code), e->what, e->where, e->hint} : remote_error{};
}

std::optional<error> from_remote(const remote_error& e) {
    if (e.code < 0)
        return std::nullopt;
    const auto code = e.code <= static_cast<std::int32_t>(errc::internal) ? static_cast<errc>(e.code) : errc::internal;
    return error{code, e.what, e.where, e.hint};
}

std::vector<std::uint64_t> arithmetic_words(const arithmetic& resumed, const arithmetic& planned) {
    return {static_cast<std::uint64_t>(resumed.strategy), bits(resumed.df64_share), static_cast<std::uint64_t>(planned.strategy), bits(planned.df64_share)};
}

bool read_arithmetics(const std::vector<std::uint64_t>& words, arithmetic& resumed, arithmetic& planned) {
    return words.size() == 4 && read_arithmetic(words[0], words[1], resumed) && read_arithmetic(words[2], words[3], planned);
}

std::vector<std::uint64_t> epoch_words(const std::vector<epoch_no>& epochs) {
    std::vector<std::uint64_t> words;
    for (const auto e : epochs)
        words.push_back(e.value);
    return words;
}

std::vector<epoch_no> epochs_from(const std::vector<std::uint64_t>& words) {
    std::vector<epoch_no> epochs;
    for (const auto w : words)
        epochs.push_back(epoch_no{w});
    return epochs;
}

std::vector<std::uint64_t> params_words(const segment_params& p) {
    return {bits(p.beta), bits(p.trajectory_length), p.n_steps, static_cast<std::uint64_t>(p.integrator), p.n_thermalise, p.n_measure, p.n_warmup,
            static_cast<std::uint64_t>(p.precision.strategy), bits(p.precision.df64_share), p.target_error ? 1u : 0u, bits(p.target_error.value_or(0.0)), params_size};
}

bool read_params(const std::vector<std::uint64_t>& w, segment_params& p) {
    if (w.size() != params_size || w[11] != params_size || w[3] > static_cast<std::uint64_t>(integrator_kind::omelyan2))
        return false;
    for (const auto n : {w[2], w[4], w[5], w[6]})
        if (n > count_max)
            return false;
    p.beta = real(w[0]);
    p.trajectory_length = real(w[1]);
    p.n_steps = static_cast<std::uint32_t>(w[2]);
    p.integrator = static_cast<integrator_kind>(w[3]);
    p.n_thermalise = static_cast<std::uint32_t>(w[4]);
    p.n_measure = static_cast<std::uint32_t>(w[5]);
    p.n_warmup = static_cast<std::uint32_t>(w[6]);
    p.target_error = w[9] != 0 ? std::optional(real(w[10])) : std::nullopt;
    return p.n_steps >= 1 && p.trajectory_length > 0.0 && read_arithmetic(w[7], w[8], p.precision);
}

std::vector<std::uint64_t> observed_words(const trajectory_observables& o) {
    return {bits(o.plaquette_spatial), bits(o.plaquette_temporal), bits(o.action_density), bits(o.polyakov_re), bits(o.polyakov_im), bits(o.delta_h),
            bits(o.exp_minus_delta_h), o.accepted ? 1u : 0u};
}

bool read_observed(const std::vector<std::uint64_t>& w, trajectory_observables& o) {
    if (w.size() != observed_size)
        return false;
    o = {real(w[0]), real(w[1]), real(w[2]), real(w[3]), real(w[4]), real(w[5]), real(w[6]), w[7] != 0};
    return true;
}

std::vector<std::uint64_t> middle_words(const std::optional<trajectory_probe>& middle) {
    if (!middle)
        return {};
    std::vector<std::uint64_t> words{bits(middle->kinetic_start), bits(middle->minus_log_u)};
    if (middle->delta_h_middle)
        words.push_back(bits(*middle->delta_h_middle));
    return words;
}

bool read_middle(const std::vector<std::uint64_t>& w, std::optional<trajectory_probe>& middle) {
    middle.reset();
    if (w.empty())
        return true;
    if (w.size() != 2 && w.size() != 3)
        return false;
    middle = trajectory_probe{real(w[0]), real(w[1]), w.size() == 3 ? std::optional(real(w[2])) : std::nullopt};
    return true;
}

void register_remote_messages(caf::actor_system_config& config) {
    config.add_message_type<remote_error>("forge::remote_error");
    config.add_message_type<remote_device>("forge::remote_device");
    config.add_message_type<remote_hi>("forge::remote_hi");
    config.add_message_type<remote_drain>("forge::remote_drain");
    config.add_message_type<remote_load>("forge::remote_load");
    config.add_message_type<remote_loaded>("forge::remote_loaded");
    config.add_message_type<remote_job>("forge::remote_job");
    config.add_message_type<remote_done>("forge::remote_done");
    config.add_message_type<remote_snapshot>("forge::remote_snapshot");
    config.add_message_type<remote_snapshot_sent>("forge::remote_snapshot_sent");
    config.add_message_type<remote_unload>("forge::remote_unload");
    config.add_message_type<remote_late>("forge::remote_late");
    config.add_message_type<remote_late_refused>("forge::remote_late_refused");
    config.add_message_type<remote_mirror_offer>("forge::remote_mirror_offer");
    config.add_message_type<remote_mirror_held>("forge::remote_mirror_held");
    config.add_message_type<remote_mirror_file>("forge::remote_mirror_file");
    config.add_message_type<remote_mirror_ledger>("forge::remote_mirror_ledger");
    config.add_message_type<remote_mirror_kept>("forge::remote_mirror_kept");
    config.add_message_type<remote_mirror_list>("forge::remote_mirror_list");
    config.add_message_type<remote_mirror_run>("forge::remote_mirror_run");
    config.add_message_type<remote_mirror_listing>("forge::remote_mirror_listing");
    config.add_message_type<remote_mirror_send>("forge::remote_mirror_send");
}

} // namespace forge
