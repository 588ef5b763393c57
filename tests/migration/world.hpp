// SPDX-License-Identifier: AGPL-3.0-only
// A campaign as one value: the coordinator's process with its real cores, its disk, the nodes, and what is on the wires.
#pragma once

#include "libactors/control/chain_core.hpp"
#include "libactors/control/operations/operation_desk.hpp"
#include "libactors/control/supervisor.hpp"
#include "tests/migration/book.hpp"
#include "tests/migration/disk.hpp"

#include <functional>
#include <memory>

namespace forge::model {

struct settings {
    std::size_t nodes = 2; ///< one device each
    std::uint32_t chains = 1;
    std::vector<std::uint32_t> plan{2, 1}; ///< measured trajectories of each segment of a chain
    std::uint32_t edge_capacity = 1;
    std::size_t keep_checkpoints = 2;
    flaw planted = flaw::none;
    /// Which bits an owner computes, by node and epoch: equal numbers, equal bits.
    std::function<std::uint64_t(std::size_t node, epoch_no epoch)> bits = [](std::size_t node, epoch_no epoch) { return node * 100 + epoch.value; };
};

/// What a coordinator and a node say to each other (actors/remote/remote_messages.hpp), with the owner's epoch.
struct message {
    enum class kind : std::uint8_t { load, run, snapshot, unload, loaded, done, links };
    kind what = kind::load;
    chain_id chain;
    epoch_no epoch;
    std::uint64_t trajectory = 0; ///< of the state; of a run: the one to compute
    state_hash state;
    std::uint64_t actor = 0; ///< that it was computed for; the cores never see it, the invariants do
};

/// A chain in a node's memory.
struct held_chain {
    chain_id chain;
    epoch_no epoch;
    std::uint64_t trajectory = 0;
    state_hash state;
};

struct node {
    bool alive = false;
    bool linked = false; ///< as far as the node knows
    std::vector<held_chain> chains;
};

/// The wire to one node, as the coordinator's process sees it.
struct wire {
    std::uint64_t connection = 0; ///< grows; 0: there is none
    std::uint64_t worker = 0;     ///< the remote_worker that lives, by its number; 0: none
    std::uint64_t worker_on = 0;  ///< connection that it speaks through
    std::vector<message> down, up;
};

/// What the supervisor's mailbox holds.
struct event {
    enum class kind : std::uint8_t { started, done, failed, seal_noted, node_came, worker_down, node_drains };
    kind what = kind::started;
    chain_id chain;
    std::uint64_t trajectory = 0;
    epoch_no epoch;
    bool finished = false;
    errc code = errc::internal;
    std::size_t slot = 0;
    std::uint64_t number = 0; ///< worker (worker_down) or connection (node_came)
};

/// What the recorder's mailbox holds.
struct record_item {
    enum class kind : std::uint8_t { commit, prepare, find_segment, open_segment, finish_segment, seal, log };
    kind what = kind::commit;
    chain_id chain;
    std::uint64_t actor = 0; ///< who asked
    epoch_no epoch;
    std::uint64_t first = 0;
    std::uint32_t ordinal = 0;
    sealed_state sealed{};
    std::shared_ptr<const commit_request> request{};
    std::shared_ptr<const operation_report> report{};
};

/// A chain actor.
struct chain_actor {
    enum class stage : std::uint8_t { none, preparing, loading, up };
    stage at = stage::none;
    std::uint64_t number = 0; ///< of the actor
    epoch_no epoch;
    std::size_t slot = 0;
    std::uint64_t worker = 0; ///< number of the worker that it was given
    std::shared_ptr<const chain_start> start;
    shared<chain_core> core; ///< once up
    bool paused = false, stop_requested = false;
    std::optional<std::uint64_t> seal_requested;
    bool job_out = false;
    std::optional<sealed_state> snapshot_out;
    bool lost_worker = false; ///< a request was refused; the actor has not handled that yet
    bool prepare_again = false, retry_seal = false; ///< its timers, because storage refused
    std::optional<record_item> ask_again;           ///< likewise
};

/// What the supervisor keeps of a chain.
struct chain_seat {
    chain_actor actor;
    bool known = false; ///< to the supervisor: its message of an end has not been handled
    bool homeless = false;
    std::uint64_t given = 0; ///< number of the worker that its actor was started with
    std::optional<double> restart_at;
};

/// The coordinator's process: gone with it.
struct coordinator {
    shared<operation_desk> desk;
    shared<supervisor> core;
    std::vector<chain_seat> seats;
    std::vector<std::uint64_t> workers; ///< by slot: number of the worker, 0 while its node is away
    std::vector<event> events;
    std::vector<record_item> inbox;
    std::vector<record_item> batch; ///< commits that storage refused
    bool over = false; ///< every chain has ended: the recorder writes what it has, and that is all
};

/// The operations that the ledger's events name, and how often each was begun by the process that lives.
struct operation_book {
    std::vector<operation_report> reports; ///< in order of writing
    std::map<std::string, int> begun;      ///< by what the operator asked for, not by id
    [[nodiscard]] const operation_report* find(const std::string& id) const;
};

struct counters {
    std::size_t commits = 0, validated = 0, superseded = 0, seals = 0, moves = 0, restarts = 0, late_refused = 0, crashes = 0;
};

struct world {
    const settings* given = nullptr;
    // durable
    std::vector<shared<chain_book>> books;
    shared<operation_book> operations;
    shared<folder> files;
    // volatile
    std::optional<coordinator> boss;
    std::vector<node> nodes;
    std::vector<wire> wires;
    std::vector<message> late; ///< results of an earlier connection that may still arrive
    std::uint64_t numbered = 0; ///< connections, workers, actors
    counters seen;
    std::string wrong;          ///< the first invariant that broke
};

[[nodiscard]] state_code code_of(const operation_book& o);
/// Two worlds with equal codes behave alike from here on, up to the names of bits, epochs and segments.
[[nodiscard]] state_code code_of(const world& w);

[[nodiscard]] inline std::string device_of(std::size_t node) { return std::string(1, static_cast<char>('a' + node)) + "/gpu"; }
[[nodiscard]] inline state_hash first_state(chain_id chain) { return {mix(77, chain.value), 1}; }
[[nodiscard]] inline state_hash next_state(const state_hash& s, std::uint64_t trajectory, std::uint64_t bits) {
    return {mix(mix(s.a, trajectory), bits), mix(s.b, bits)};
}

/// What of a core is not public and still tells two states apart.
[[nodiscard]] digest head_of(const chain_core& c);
[[nodiscard]] state_hash state_of(const chain_core& c);
[[nodiscard]] bool holds_record(const chain_core& c);
[[nodiscard]] bool seal_is_due(const chain_core& c);
[[nodiscard]] bool operation_open(const operation_desk& d);

/// What is wrong with the world as it stands; empty: nothing.
[[nodiscard]] std::string broken_invariant(const world& w);
/// The chain is computed by a live node for its owner, rests because an operator wanted it so, or has finished.
[[nodiscard]] bool well(const world& w, chain_id c);
/// Every chain is well and no operation is under way.
[[nodiscard]] bool well(const world& w);

} // namespace forge::model
