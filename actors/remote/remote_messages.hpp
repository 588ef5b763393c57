// SPDX-License-Identifier: AGPL-3.0-only
// What a coordinator and a node say to each other. These types travel; lattice fields never do: a message carries the id
// of a transfer on the data stream. Numbers that must keep their bits travel as bit patterns.
#pragma once

#include "actors/messages/messages.hpp"

#include <caf/all.hpp>
#include <caf/meta/type_name.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace forge {

struct remote_error {
    std::int32_t code = -1; ///< -1: none
    std::string what, where, hint;
};
[[nodiscard]] remote_error to_remote(const std::optional<error>& e);
[[nodiscard]] std::optional<error> from_remote(const remote_error& e);

/// One device that a node offers.
struct remote_device { std::string id, name; std::uint64_t memory_bytes = 0; std::uint32_t compute_units = 0; bool fp64 = false; };

// ---- node -> coordinator, once the link is up
struct remote_hi {
    caf::strong_actor_ptr gate;
    std::vector<remote_device> devices;
    bool keeps_mirror = false; ///< it has a folder for copies of runs
};

/// A trajectory that was computed for an epoch whose link is gone; answered by why it does not count.
struct remote_late { std::uint32_t chain = 0; std::uint64_t epoch = 0, trajectory = 0; };
struct remote_late_refused { remote_error why; };

struct remote_drain { std::uint32_t reserved = 0; }; ///< this node is about to leave: take the chains away

// ---- coordinator -> node
struct remote_load {
    std::string device;
    std::uint32_t chain = 0;
    std::uint64_t epoch = 0;
    std::uint64_t key = 0;
    std::vector<std::uint32_t> extents;
    std::uint64_t transfer = 0; ///< under which the coordinator serves the links
    std::vector<std::uint64_t> arithmetics; ///< strategy and share of `resumed`, then of `planned`
    std::vector<std::uint64_t> expected;    ///< two words of the state that was handed over and is there: no transfer; or empty
};
struct remote_loaded { std::uint64_t state_a = 0, state_b = 0; std::string bits_class, kernel_hash; remote_error failed; double device_s = 0.0; };
struct remote_job {
    std::string device;
    std::uint32_t chain = 0;
    std::uint64_t trajectory = 0;
    std::uint32_t segment = 0;
    bool test = true;
    std::vector<std::uint64_t> params;
    bool look = false; ///< also half-way
};
struct remote_done { std::vector<std::uint64_t> observed; std::uint64_t state_a = 0, state_b = 0, seconds = 0; remote_error failed; std::vector<std::uint64_t> middle{}; };
struct remote_snapshot { std::string device; std::uint32_t chain = 0; std::uint64_t transfer = 0; }; ///< under which the coordinator takes the links
struct remote_snapshot_sent { std::uint64_t bytes = 0; remote_error failed; double device_s = 0.0; };
struct remote_unload { std::string device; std::uint32_t chain = 0; };

// ---- copies of a run: coordinator -> the node that keeps them. Bytes go over the data stream: the node fetches `transfer`.
struct remote_mirror_offer {
    std::string name, seed, config_hash;
    std::uint32_t n_chains = 0;
    std::vector<std::string> lineage;
    std::vector<std::uint64_t> epochs;
};
struct remote_mirror_held { std::vector<std::string> files; remote_error failed; }; ///< SHA-256 of each, in hex
struct remote_mirror_file { std::string name, hash; std::uint64_t bytes = 0, transfer = 0; };
struct remote_mirror_ledger {
    bool whole = true; ///< else changes
    std::string hash;  ///< of the bytes
    std::uint64_t bytes = 0, transfer = 0;
    std::string after_hash; ///< where the copy stands then
    std::vector<std::uint64_t> after_epochs;
    std::uint64_t after_events = 0;
};
struct remote_mirror_kept { remote_error failed; };
// ---- and back: what is kept, and one file of it, which the node pushes under `transfer`
struct remote_mirror_list { std::uint32_t reserved = 0; };
struct remote_mirror_run {
    std::string id, seed, config_hash;
    std::uint64_t trajectories = 0;
    std::vector<remote_mirror_file> files;
};
struct remote_mirror_listing { std::vector<remote_mirror_run> runs; remote_error failed; };
struct remote_mirror_send { std::string id, name; std::uint64_t transfer = 0; };

/// @return false when a value cannot be one: the peer is another version, or broken.
[[nodiscard]] bool read_arithmetics(const std::vector<std::uint64_t>& words, arithmetic& resumed, arithmetic& planned);
[[nodiscard]] std::vector<std::uint64_t> arithmetic_words(const arithmetic& resumed, const arithmetic& planned);
[[nodiscard]] std::vector<std::uint64_t> epoch_words(const std::vector<epoch_no>& epochs);
[[nodiscard]] std::vector<epoch_no> epochs_from(const std::vector<std::uint64_t>& words);
[[nodiscard]] std::vector<std::uint64_t> params_words(const segment_params& p);
[[nodiscard]] bool read_params(const std::vector<std::uint64_t>& words, segment_params& p);
[[nodiscard]] std::vector<std::uint64_t> observed_words(const trajectory_observables& o);
/// Empty; or kinetic energy at the start and -ln u; or these and dH half-way.
[[nodiscard]] std::vector<std::uint64_t> middle_words(const std::optional<trajectory_probe>& middle);
[[nodiscard]] bool read_middle(const std::vector<std::uint64_t>& words, std::optional<trajectory_probe>& middle);
[[nodiscard]] bool read_observed(const std::vector<std::uint64_t>& words, trajectory_observables& o);

/// Both ends must know every type by the same name; one that is missing arrives as an empty message.
void register_remote_messages(caf::actor_system_config& config);

/// What a node answers to; the coordinator holds its handle.
using node_gate = caf::typed_actor<caf::replies_to<remote_load>::with<remote_loaded>, caf::replies_to<remote_job>::with<remote_done>,
                                   caf::replies_to<remote_snapshot>::with<remote_snapshot_sent>, caf::reacts_to<remote_unload>,
                                   caf::replies_to<remote_mirror_offer>::with<remote_mirror_held>, caf::replies_to<remote_mirror_file>::with<remote_mirror_kept>,
                                   caf::replies_to<remote_mirror_ledger>::with<remote_mirror_kept>, caf::replies_to<remote_mirror_list>::with<remote_mirror_listing>,
                                   caf::replies_to<remote_mirror_send>::with<remote_mirror_kept>>;
/// What a coordinator answers to.
using coordinator_gate = caf::typed_actor<caf::reacts_to<remote_hi>, caf::reacts_to<remote_drain>, caf::replies_to<remote_late>::with<remote_late_refused>>;

template <class I> typename I::result_type inspect(I& f, remote_error& x) { return f(caf::meta::type_name("remote_error"), x.code, x.what, x.where, x.hint); }
template <class I> typename I::result_type inspect(I& f, remote_device& x) { return f(caf::meta::type_name("remote_device"), x.id, x.name, x.memory_bytes, x.compute_units, x.fp64); }
template <class I> typename I::result_type inspect(I& f, remote_hi& x) { return f(caf::meta::type_name("remote_hi"), x.gate, x.devices, x.keeps_mirror); }
template <class I> typename I::result_type inspect(I& f, remote_drain& x) { return f(caf::meta::type_name("remote_drain"), x.reserved); }
template <class I> typename I::result_type inspect(I& f, remote_load& x) { return f(caf::meta::type_name("remote_load"), x.device, x.chain, x.epoch, x.key, x.extents, x.transfer, x.arithmetics, x.expected); }
template <class I> typename I::result_type inspect(I& f, remote_loaded& x) { return f(caf::meta::type_name("remote_loaded"), x.state_a, x.state_b, x.bits_class, x.kernel_hash, x.failed, x.device_s); }
template <class I> typename I::result_type inspect(I& f, remote_job& x) { return f(caf::meta::type_name("remote_job"), x.device, x.chain, x.trajectory, x.segment, x.test, x.params, x.look); }
template <class I> typename I::result_type inspect(I& f, remote_done& x) { return f(caf::meta::type_name("remote_done"), x.observed, x.state_a, x.state_b, x.seconds, x.failed, x.middle); }
template <class I> typename I::result_type inspect(I& f, remote_snapshot& x) { return f(caf::meta::type_name("remote_snapshot"), x.device, x.chain, x.transfer); }
template <class I> typename I::result_type inspect(I& f, remote_snapshot_sent& x) { return f(caf::meta::type_name("remote_snapshot_sent"), x.bytes, x.failed, x.device_s); }
template <class I> typename I::result_type inspect(I& f, remote_unload& x) { return f(caf::meta::type_name("remote_unload"), x.device, x.chain); }
template <class I> typename I::result_type inspect(I& f, remote_late& x) { return f(caf::meta::type_name("remote_late"), x.chain, x.epoch, x.trajectory); }
template <class I> typename I::result_type inspect(I& f, remote_late_refused& x) { return f(caf::meta::type_name("remote_late_refused"), x.why); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_offer& x) { return f(caf::meta::type_name("remote_mirror_offer"), x.name, x.seed, x.config_hash, x.n_chains, x.lineage, x.epochs); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_held& x) { return f(caf::meta::type_name("remote_mirror_held"), x.files, x.failed); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_file& x) { return f(caf::meta::type_name("remote_mirror_file"), x.name, x.hash, x.bytes, x.transfer); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_ledger& x) { return f(caf::meta::type_name("remote_mirror_ledger"), x.whole, x.hash, x.bytes, x.transfer, x.after_hash, x.after_epochs, x.after_events); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_kept& x) { return f(caf::meta::type_name("remote_mirror_kept"), x.failed); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_list& x) { return f(caf::meta::type_name("remote_mirror_list"), x.reserved); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_run& x) { return f(caf::meta::type_name("remote_mirror_run"), x.id, x.seed, x.config_hash, x.trajectories, x.files); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_listing& x) { return f(caf::meta::type_name("remote_mirror_listing"), x.runs, x.failed); }
template <class I> typename I::result_type inspect(I& f, remote_mirror_send& x) { return f(caf::meta::type_name("remote_mirror_send"), x.id, x.name, x.transfer); }

} // namespace forge
