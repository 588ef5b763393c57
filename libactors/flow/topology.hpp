// SPDX-License-Identifier: AGPL-3.0-only
// The pipeline as a value: stages and the edges between them.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/flow/stage_library.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// How an edge carries items.
enum class channel_kind : std::uint8_t {
    bounded,   ///< holds its producer when full
    unbounded, ///< never full in practice: `capacity` is the guard at which it holds its producer after all
    broadcast, ///< bounded; an item goes to all broadcast edges of its producer at once, or to none yet
    filtered,  ///< bounded; only items for which the predicate is true
    latest,    ///< holds one item, replaces it by a newer one, never blocks: for steering
};
[[nodiscard]] const char* name_of(channel_kind k);

struct channel {
    channel_kind kind = channel_kind::bounded;
    std::uint32_t capacity = 1; ///< items in flight at most; the guard of `unbounded`; 1 for `latest`
    std::string predicate;      ///< of `filtered` only

    [[nodiscard]] static channel bounded(std::uint32_t capacity) { return {channel_kind::bounded, capacity, {}}; }
    [[nodiscard]] static channel unbounded(std::uint32_t guard) { return {channel_kind::unbounded, guard, {}}; }
    [[nodiscard]] static channel broadcast(std::uint32_t capacity) { return {channel_kind::broadcast, capacity, {}}; }
    [[nodiscard]] static channel filtered(std::string predicate, std::uint32_t capacity) {
        return {channel_kind::filtered, capacity, std::move(predicate)};
    }
    [[nodiscard]] static channel latest() { return {channel_kind::latest, 1, {}}; }
    friend bool operator==(const channel&, const channel&) = default;
};

struct stage_config {
    std::optional<std::uint32_t> buffer_depth;    ///< items that may wait before the stage, over all its edges; unset: their capacities
    bool droppable = false;                       ///< items for a full stage are dropped and counted, its producers go on
    std::optional<std::uint32_t> power_budget_mw; ///< the stage is throttled to this; unset: no limit
    std::uint32_t priority = 0;                   ///< 0...9; higher goes first where stages share a device
    friend bool operator==(const stage_config&, const stage_config&) = default;
};

struct stage {
    std::string id;                ///< unique, stable: "chain.c0", "recorder"; letters, digits and . _ - :, at most 64
    std::string kind;              ///< of the stage library
    std::string device;            ///< id of the device that it runs on; empty: any that can
    std::vector<capability> needs; ///< beyond those of its kind
    stage_config config;
    friend bool operator==(const stage&, const stage&) = default;
};

struct edge {
    std::string from;
    std::string to;
    channel via;
    friend bool operator==(const edge&, const edge&) = default;
};

/// "edge a -> b"
[[nodiscard]] std::string name_of(const edge& e);

struct topology {
    std::vector<stage> stages;
    std::vector<edge> edges;
    /// The same graph, in whatever order it was written down.
    friend bool operator==(const topology& a, const topology& b);

    /// The edge from -> to. Precondition: it exists.
    [[nodiscard]] const edge& find_edge(const std::string& from, const std::string& to) const;
    /// Null when there is none.
    [[nodiscard]] const stage* find_stage(std::string_view id) const;
    /// Stages and edges in the order of their names.
    [[nodiscard]] topology sorted() const;
};

/// Largest number of items under way on an edge; it also bounds how far a chain is ahead of the ledger's acknowledgement.
inline constexpr std::uint32_t edge_capacity_max = 64;
/// Largest guard of an unbounded edge: 65536 results of some 500 bytes are 32 MiB.
inline constexpr std::uint32_t edge_guard_max = 65536;
inline constexpr std::size_t stages_max = 256;
inline constexpr std::size_t edges_max = 1024;
inline constexpr std::uint32_t priority_max = 9;

/// May an item on this edge hold its producer? Not on `latest`, and not before a droppable stage.
[[nodiscard]] bool can_block(const edge& e, const topology& t);

/// One line per stage and edge, sorted, conditions in canonical text where they can be read: what is hashed.
[[nodiscard]] std::string to_text(const topology& t);
[[nodiscard]] std::string to_text(const stage& s);
[[nodiscard]] std::string to_text(const channel& c);
/// SHA-256 of to_text.
[[nodiscard]] digest hash_of(const topology& t);

/// What a topology is checked against. Default: no devices known, so that neither capabilities nor power are checked.
struct node_view {
    std::vector<substrate> devices;
    std::optional<std::uint32_t> power_budget_mw;
    std::vector<std::string> heads = default_heads(); ///< whose scores conditions may name
    [[nodiscard]] static std::vector<std::string> default_heads();
};

/// One fault and its place.
struct topology_problem {
    enum class place : std::uint8_t { whole, stage, edge };
    place at = place::whole;
    std::size_t index = 0; ///< into stages or edges
    std::string field;     ///< "capacity", "kind", ...; may be empty
    std::string what;      ///< with the name of the place
    std::string hint;
};

/// Every problem: names (twice, unknown, illegal), kinds, ports that do not fit or hang loose, capacities, conditions, cycles of
/// edges that can all block, devices without the capabilities, power budgets.
[[nodiscard]] std::vector<topology_problem> problems_of(const topology& t, const node_view& node = {});

/// All of problems_of in one error (errc::invalid_argument), separated by "; ", or nothing.
[[nodiscard]] result<void> validate(const topology& t, const node_view& node = {});

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
