// SPDX-License-Identifier: AGPL-3.0-only
// The real cores of a coordinator and some nodes, joined by a network, disks and a ledger that the tests control.
#pragma once

#include "libactors/control/migration/coordinator.hpp"
#include "libactors/control/migration/node_core.hpp"
#include "tests/migration/flaw_planter.hpp"

#include <functional>

namespace forge::migration::testing {

/// A message under way.
struct envelope {
    bool up = false;      ///< to the coordinator
    std::size_t node = 0; ///< the other end
    to_coordinator question{};
    to_node answer{};
    double due_s = 0.0;
};

/// Something that a node's hardware is busy with; lost with the process.
struct job {
    enum class kind : std::uint8_t { trajectory, write, pull, sync };
    kind what = kind::trajectory;
    std::size_t node = 0;
    chain_id chain;
    checkpoint_ref ref{};  ///< trajectory: ref.at is what comes out
    std::size_t source = 0; ///< of a pull
    double due_s = 0.0;
};

struct stored {
    checkpoint_ref ref;
    bool durable = false; ///< its name survives a crash
    bool good = true;     ///< its bytes are what the hash says
};
using disk = std::map<std::pair<chain_id, digest>, stored>;

struct node_slot {
    std::optional<node_core> core; ///< none: the process is dead
    std::uint64_t incarnation = 0;
    disk files;
    disk fetched; ///< temporary files
    bool disk_lost = false; ///< and the coordinator has not been told
};

struct cluster_settings {
    std::size_t nodes = 2;
    std::size_t chains = 1;
    std::uint64_t trajectories_max = 2;
    coordinator_settings coordinator;
    node_settings node;
    /// Messages to a process that died reach the next one of its name; false: they die with the connection.
    bool links_outlive_processes = false;
    /// Which bits an owner computes, by node and epoch: equal numbers, equal bits.
    std::function<std::uint64_t(std::size_t node, epoch_no epoch)> bits;
};

class cluster {
public:
    explicit cluster(const cluster_settings& settings);

    // ---- what happens
    void deliver(const envelope& e, double now_s);
    void finish(const job& j, double now_s, bool corrupt = false);
    bool start_trajectory(std::size_t node, chain_id chain, double now_s);
    void renew(std::size_t node, double now_s);
    void resend(std::size_t node);
    void seal_due(std::size_t node, chain_id chain);
    void crash(std::size_t node);
    void restart(std::size_t node, double now_s);
    void lose_disk(std::size_t node);
    void crash_coordinator();
    void restart_coordinator(double now_s);
    /// Runs the coordinator on an event. @param crash_after  number of stores after which it dies; 0: it lives.
    void on_coordinator(const std::function<coordinator_commands(coordinator&)>& event, std::size_t crash_after = 0);

    /// Empty, or what is wrong now or was wrong at the last store.
    [[nodiscard]] std::string violation() const;
    /// A process holds the chain in memory, runs it under the current epoch, and is where the ledger is.
    [[nodiscard]] bool runs(chain_id chain) const;
    [[nodiscard]] std::optional<std::size_t> index_of(const node_name& name) const;
    [[nodiscard]] static node_name name_of(std::size_t node);

    // ---- the world; open to the test that drives it
    cluster_settings const* settings;
    std::optional<coordinator> boss; ///< none: its process is dead
    std::vector<node_slot> nodes;
    std::vector<envelope> net;
    std::vector<job> jobs;
    // the durable ledger
    std::map<chain_id, chain_row> rows;
    std::map<chain_id, std::vector<digest>> live; ///< live records' hashes, by trajectory - 1
    std::map<operation_id, operation> operations;
    std::map<node_name, node_row> known_nodes;
    std::map<operation_id, int> moves; ///< compare-and-sets done for an operation
    bool calm = true; ///< no crash, suspicion or loss of a disk so far: then nothing committed may be lost
    std::size_t superseded = 0, validated = 0, stores = 0;
    std::string broken; ///< first thing that was wrong at a store
    std::function<void(const std::string&)> tell; ///< trace; may be empty
    std::size_t crash_after_stores = 0;

private:
    void perform(const coordinator_commands& commands);
    void perform(std::size_t node, const node_commands& commands);
    void store(const store_rows& s);
    void store(const store_record& s);
    void check_row(const chain_row& before, const chain_row& after);
    void wrong(const std::string& what);
    [[nodiscard]] std::optional<digest> live_at(chain_id chain, std::uint64_t trajectory) const;
    std::optional<node_name> committing_; ///< sender of the message that the coordinator handles
};

[[nodiscard]] std::string to_text(const envelope& e);
[[nodiscard]] std::string to_text(const job& j);
[[nodiscard]] digest number_digest(std::uint64_t v);
[[nodiscard]] std::uint64_t mix(std::uint64_t a, std::uint64_t b);
[[nodiscard]] std::uint64_t number_of(const digest& d);

} // namespace forge::migration::testing
