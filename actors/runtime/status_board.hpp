// SPDX-License-Identifier: AGPL-3.0-only
// What the actors publish and everybody may read: values under one short lock, never a question to a busy actor.
#pragma once

#include "libactors/base/ids.hpp"
#include "libactors/base/metrics.hpp"
#include "libactors/control/conductor/mid_trajectory_watch.hpp"
#include "libactors/control/conductor/reservoir_stepper.hpp"
#include "libactors/control/operations/operation.hpp"
#include "libactors/flow/channel.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// One chain as people see it. Unknown numbers are unset and print as n/a.
struct chain_status {
    chain_id chain;
    std::string device;
    std::string phase = "starting";
    std::uint64_t epoch = 0;
    std::optional<std::uint32_t> ordinal; ///< of the segment
    std::optional<double> beta;
    std::optional<std::uint64_t> trajectory; ///< unset until the ledger has said where the chain stands
    std::optional<std::uint64_t> sealed;
    std::uint32_t done_in_segment = 0;
    std::uint32_t n_thermalise = 0;
    std::uint32_t n_measure = 0;
    std::uint32_t segments_total = 0; ///< that the plan gives this chain; 0 where nobody knows (adaptive)
    std::optional<double> plaquette;
    std::optional<double> plaquette_error;
    std::optional<double> acceptance;         ///< of measured trajectories of this segment
    std::optional<double> trajectories_per_s; ///< recent
    std::optional<double> eta_s;
    std::size_t restarts = 0;
    std::string reason; ///< why paused, restarted or given up
};

/// One place for chains.
struct device_status {
    std::string id;   ///< "opencl:0.1", or "lab2/opencl:0" on another node
    std::string name; ///< as the vendor says; empty: unknown
    bool online = true;
    bool disabled = false;
    bool draining = false;
    std::vector<chain_id> chains;
};

/// The copy of the run on a second node.
struct mirror_status {
    std::string wanted;            ///< as the campaign has it; empty: none
    std::string node;              ///< that keeps it; empty: none has come yet
    std::string state = "waiting"; ///< waiting, copying, current, refused
    std::uint64_t rounds = 0;      ///< since the start, each ended with everything there
    std::optional<double> current_s; ///< steady clock, of the last round's beginning
    std::map<chain_id, std::uint64_t> sealed; ///< on both disks
    std::string problem;           ///< the last failure, until a round succeeds
};

/// What the conductor has done and how far its heads are trusted.
struct conductor_status {
    struct head {
        std::string name;
        std::optional<double> score; ///< rolling R^2 or balanced accuracy; unset: not enough pairs
        bool trusted = false;
    };
    struct pair {
        std::uint32_t first_chain = 0;
        std::uint32_t ordinal = 0;
        std::optional<std::uint32_t> after; ///< trajectories; unset: hot and cold did not agree
    };
    struct answer {
        std::string head;
        double value = 0.0;
        std::optional<double> uncertainty; ///< models only
        std::string source;                ///< model or heuristic
    };
    struct chain_says {
        chain_id chain;
        std::vector<answer> heads; ///< that have an answer
    };
    std::vector<chain_says> says; ///< at most 64 chains
    std::string mode;  ///< off, advise, act; empty: no conductor
    std::string model; ///< file; empty: heuristics only
    std::optional<stepper_report> device; ///< that runs its reservoirs; unset: software
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;   ///< passes that answered them
    std::uint64_t watched = 0;   ///< trajectories
    std::uint64_t proposed = 0;  ///< points of the scan
    std::uint64_t early = 0;     ///< predictions that were there when the device was ready
    std::uint64_t late = 0;      ///< that were not: nobody waited for them
    std::uint64_t learnt_rows = 0; ///< that its model's copy has taken in
    std::size_t points = 0;      ///< finished ones that it knows
    std::size_t waiting = 0;     ///< chains that wait for their partner
    std::optional<mid_trajectory_standing> middle; ///< unset: nobody looks half-way
    std::vector<head> heads;
    std::vector<pair> thermalised;
};

/// The precision validator and the edges that lead to it.
struct validation_status {
    std::string device; ///< empty: nobody validates
    std::uint64_t passed = 0, failed = 0;
    std::optional<double> df64_delta_h_max; ///< largest |dH| between fp64 and df64; unset: none was compared
    std::map<chain_id, edge_counters> edges;
};

struct run_status {
    std::vector<chain_status> chains; ///< in order of id
    std::vector<stage_metrics> stages;
    std::vector<std::string> notices; ///< most recent last
    std::vector<operation_report> operations; ///< oldest first
    std::vector<device_status> devices;
    mirror_status mirror;
    conductor_status conductor;
    validation_status validation;
    bool over = false;
    bool all_finished = false;
    bool stopping = false;
    // of a node
    bool connected = false;
    std::size_t chains_loaded = 0;
    std::uint64_t trajectories = 0;
};

/// Thread-safe; readers get copies.
class status_board {
public:
    void update(const chain_status& c) {
        const std::lock_guard lock(mutex_);
        chains_[c.chain] = c;
    }
    void update(const stage_metrics& m) {
        const std::lock_guard lock(mutex_);
        stages_[m.stage] = m;
    }
    void update(const operation_report& r) {
        const std::lock_guard lock(mutex_);
        for (auto& known : operations_)
            if (known.id == r.id) {
                known = r;
                return;
            }
        operations_.push_back(r);
        if (operations_.size() > notices_max)
            operations_.pop_front();
    }
    void update(std::vector<device_status> devices) {
        const std::lock_guard lock(mutex_);
        devices_ = std::move(devices);
    }
    void update(mirror_status m) {
        const std::lock_guard lock(mutex_);
        mirror_ = std::move(m);
    }
    void update(conductor_status c) {
        const std::lock_guard lock(mutex_);
        conductor_ = std::move(c);
    }
    void update(const validation_status& v) {
        const std::lock_guard lock(mutex_);
        auto edges = std::move(validation_.edges);
        validation_ = v;
        validation_.edges = std::move(edges);
    }
    void update_edge(chain_id chain, const edge_counters& c) {
        const std::lock_guard lock(mutex_);
        validation_.edges[chain] = c;
    }
    void notice(std::string text) {
        const std::lock_guard lock(mutex_);
        notices_.push_back(std::move(text));
        ++n_notices_;
        if (notices_.size() > notices_max)
            notices_.pop_front();
    }
    void set_stopping() {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    void set_result(bool all_finished) {
        const std::lock_guard lock(mutex_);
        all_finished_ = all_finished;
    }
    void set_connected(bool yes) {
        const std::lock_guard lock(mutex_);
        connected_ = yes;
    }
    void set_chains_loaded(std::size_t n) {
        const std::lock_guard lock(mutex_);
        chains_loaded_ = n;
    }
    void set_trajectories(std::uint64_t n) {
        const std::lock_guard lock(mutex_);
        trajectories_ = n;
    }
    void set_over() {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    [[nodiscard]] run_status snapshot() const {
        const std::lock_guard lock(mutex_);
        run_status s;
        for (const auto& [id, c] : chains_)
            s.chains.push_back(c);
        for (const auto& [id, m] : stages_)
            s.stages.push_back(m);
        s.notices.assign(notices_.begin(), notices_.end());
        s.devices = devices_;
        s.mirror = mirror_;
        s.conductor = conductor_;
        s.validation = validation_;
        s.operations.assign(operations_.begin(), operations_.end());
        s.over = over_;
        s.all_finished = all_finished_;
        s.stopping = stopping_;
        s.connected = connected_;
        s.chains_loaded = chains_loaded_;
        s.trajectories = trajectories_;
        return s;
    }
    /// Notices since the `seen`-th one, at most notices_max; advances `seen`.
    [[nodiscard]] std::vector<std::string> notices_since(std::uint64_t& seen) const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> fresh;
        const std::uint64_t first = n_notices_ - notices_.size();
        for (std::uint64_t k = std::max(seen, first); k < n_notices_; ++k)
            fresh.push_back(notices_[static_cast<std::size_t>(k - first)]);
        seen = n_notices_;
        return fresh;
    }

private:
    static constexpr std::size_t notices_max = 100;
    mutable std::mutex mutex_;
    std::map<chain_id, chain_status> chains_;
    std::map<std::string, stage_metrics> stages_;
    std::deque<std::string> notices_;
    std::deque<operation_report> operations_;
    std::vector<device_status> devices_;
    mirror_status mirror_;
    conductor_status conductor_;
    validation_status validation_;
    std::uint64_t n_notices_ = 0;
    bool over_ = false;
    bool all_finished_ = false;
    bool stopping_ = false;
    bool connected_ = false;
    std::size_t chains_loaded_ = 0;
    std::uint64_t trajectories_ = 0;
};

} // namespace forge
