// SPDX-License-Identifier: AGPL-3.0-only
// What the actors of one process say to each other. None of these types leaves the process: lattice fields travel as
// shared handles. Commands are verbs, events are past participles.
#pragma once

#include "libactors/checkpoint/mapped_file.hpp"
#include "libactors/control/chain_core.hpp"
#include "libactors/control/migration/late_result.hpp"
#include "libactors/control/mirror/mirror_sender.hpp"
#include "libactors/control/operations/operation.hpp"
#include "libactors/control/steerer.hpp"
#include "libactors/hmc/chain_state.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "libactors/ledger/rows.hpp"

#include <caf/all.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace forge {

using links_handle = std::shared_ptr<const gauge_field>;

// ---- chain <-> device worker
/// `expected`: the state of `links`, when the device may hold it already (it was handed over): then nothing is moved.
/// `resumed`: arithmetic that the links were last measured in; `planned`: that the chain works in.
struct load_chain { chain_id chain; epoch_no epoch; std::uint64_t key; links_handle links; arithmetic resumed, planned; std::optional<state_hash> expected{}; };
/// `device_s`: on the device itself; what is missing to the whole went into the network.
struct chain_loaded { state_hash state; std::string device, bits_class, kernel_hash; std::optional<error> failed; double device_s = 0.0; };
struct run_job { chain_id chain; run_command job; bool look = false; }; ///< look: also half-way; never changes bits
struct job_done { trajectory_observables observed; state_hash state; double seconds; std::optional<error> failed; std::optional<trajectory_probe> middle{}; };
struct take_snapshot { chain_id chain; };
struct unload_chain { chain_id chain; }; ///< its fields go
struct snapshot_taken { links_handle links; std::optional<error> failed; double device_s = 0.0; };

// ---- chain -> recorder (bounded edge: commit_item; the rest is request and answer, one outstanding per chain)
struct commit_item { commit_request request; bool last_credit; };
struct prepare_chain { chain_id chain; };
struct chain_prepared { chain_start start; links_handle links; std::vector<trajectory_observables> measured; std::optional<error> failed; }; ///< measured: of the segment so far
struct find_segment { chain_id chain; std::uint64_t first_trajectory; };
struct open_segment { chain_id chain; epoch_no epoch; std::uint64_t first_trajectory; steering_decision decision; };
struct segment_answer { std::optional<opened_segment> segment; std::optional<error> failed; };
struct finish_segment { chain_id chain; epoch_no epoch; segment_no number; };
struct seal_chain { std::shared_ptr<chain_state> state; epoch_no epoch; }; ///< the receiver owns the state
struct log_event { event_row row; };

// ---- mirror -> recorder: what this run is, and what has changed in it
struct describe_run {};
struct run_described { mirror_offer offer; std::optional<error> failed; };
struct take_changes { bool whole; };
/// A file as it was when the ledger listed it: a mapping stays readable when the file is deleted.
struct run_part { std::string name; digest hash{}; std::shared_ptr<const mapped_file> bytes; };
struct changes_taken {
    std::filesystem::path copy;                            ///< a whole ledger, to be deleted by the receiver; or
    std::shared_ptr<const std::vector<std::byte>> changes; ///< what brings a copy forward
    ledger_standing after;
    std::vector<run_part> parts; ///< every file that the ledger lists
    std::map<chain_id, std::uint64_t> sealed; ///< newest seal of each chain in it
    std::optional<error> failed;
};

// ---- supervisor -> recorder: did a node's late trajectory get into the ledger?
struct ask_fate { late_result late; };
struct fate_told { bool committed; epoch_no current; };

// ---- recorder -> chain
struct credit_granted { std::uint32_t n; };
struct chain_sealed { std::uint64_t trajectory; };
struct seal_failed { error reason; };
struct commit_refused { error reason; };

// ---- chain <-> steerer (`latest` edge: at most one decision is ever under way per chain)
struct ask_decision { chain_id chain; std::uint32_t ordinal; };
struct decision_made { std::optional<steering_decision> decision; };

// ---- chain, worker -> supervisor; main -> supervisor
struct chain_failed { chain_id chain; error reason; };
struct chain_done { chain_id chain; bool finished; std::uint64_t trajectory; migration_times leaving; };
struct chain_started { chain_id chain; epoch_no epoch; migration_times arriving; };
struct chain_seal_noted { chain_id chain; std::uint64_t trajectory; }; ///< the answer to seal_now, once durable
struct worker_ready { std::size_t slot; std::optional<error> failed; };
struct stop_campaign {};
struct restart_chain { chain_id chain; };
struct operate { operation_request request; }; ///< answered with an operation_report at once; the work goes on

// ---- supervisor -> chain
struct pause_chain { std::string reason; };
struct resume_chain {};
struct seal_now {};
/// As stop_campaign; and while the last state is being sealed it goes to the device that the chain moves to.
struct hand_over { caf::actor heir; };

// ---- timers of an actor to itself
struct flush_due { std::uint64_t generation; };
struct seal_due {};
struct retry_seal {};
struct publish_due {};
struct try_again { std::function<void()> work; }; ///< after a pause, because storage refused

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::load_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::run_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::job_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::take_snapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::snapshot_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::unload_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::commit_item)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::prepare_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_prepared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::find_segment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::open_segment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::segment_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::finish_segment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::seal_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::log_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::describe_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::run_described)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::take_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::changes_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::ask_fate)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::fate_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::credit_granted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_sealed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::seal_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::commit_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::ask_decision)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::decision_made)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::worker_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::stop_campaign)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::restart_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_seal_noted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::operate)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::operation_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::pause_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::resume_chain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::seal_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::hand_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::flush_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::seal_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::retry_seal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::publish_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::try_again)
