// SPDX-License-Identifier: AGPL-3.0-only
// The pipeline as a value: stages and the bounded edges between them.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace forge {

/// How an edge carries items. `bounded` blocks its producer when full; `latest` holds one item and never blocks.
enum class channel_kind : std::uint8_t { bounded, latest };

struct stage {
    std::string id;   ///< unique, stable: "chain.c0", "recorder"
    std::string role; ///< device_worker | chain | steerer | recorder
    friend bool operator==(const stage&, const stage&) = default;
};

struct edge {
    std::string from;
    std::string to;
    channel_kind kind = channel_kind::bounded;
    std::uint32_t capacity = 1; ///< items in flight at most; 1 for `latest`
    friend bool operator==(const edge&, const edge&) = default;
};

struct topology {
    std::vector<stage> stages;
    std::vector<edge> edges;
    friend bool operator==(const topology&, const topology&) = default;

    /// The edge from -> to. Precondition: it exists.
    [[nodiscard]] const edge& find_edge(const std::string& from, const std::string& to) const;
};

/// Largest number of trajectories that a chain may be ahead of the ledger's acknowledgement.
inline constexpr std::uint32_t edge_capacity_max = 64;

/// Every problem at once: unknown or duplicate stages, capacity 0 or above the maximum, cycles of blocking edges.
[[nodiscard]] result<void> validate(const topology& t);

/// The topology of a beta scan: every chain on its worker, records over a bounded edge to one recorder,
/// decisions over `latest` edges from one steerer.
[[nodiscard]] topology scan_topology(const std::vector<std::string>& devices, std::uint32_t n_chains, std::uint32_t capacity);

/// Producer's side of a bounded edge: send only against credit. Pure bookkeeping; the actor does the sending.
class credit_account {
public:
    explicit credit_account(std::uint32_t capacity) : capacity_(capacity), credit_(capacity) {}
    [[nodiscard]] bool may_send() const { return credit_ > 0; }
    /// Precondition: may_send().
    void sent();
    /// The consumer finished n items. Precondition: no more than are in flight.
    void granted(std::uint32_t n);
    [[nodiscard]] std::uint32_t in_flight() const { return capacity_ - credit_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

private:
    std::uint32_t capacity_;
    std::uint32_t credit_;
};

} // namespace forge
