// SPDX-License-Identifier: AGPL-3.0-only
// One edge at run time, as a state machine: what happens to an item that a producer offers.
#pragma once

#include "libactors/flow/topology.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace forge {

/// What came of an offer.
enum class offer_outcome : std::uint8_t {
    accepted,
    replaced,    ///< accepted; the item that waited on a `latest` edge is gone
    dropped,     ///< the consumer is full and droppable
    filtered,    ///< the condition was not true
    would_block, ///< not taken: offer it again after a grant
    closed,      ///< the consumer is dead: the edge takes nothing more
};

/// Counters of one edge since its beginning. Items that were decided: sent + dropped + filtered; offers that would have blocked come
/// again. sent = taken + fill + replaced + lost.
struct edge_counters {
    std::uint64_t sent = 0;     ///< accepted, with those that replaced another
    std::uint64_t dropped = 0;
    std::uint64_t filtered = 0;
    std::uint64_t replaced = 0; ///< items that a newer one took the place of
    std::uint64_t taken = 0;    ///< granted: the consumer is done with them
    std::uint64_t lost = 0;     ///< under way when the edge was closed
    std::uint64_t held = 0;     ///< times that an item would have blocked
    std::uint32_t fill = 0;     ///< under way now: waiting or in the consumer's hands
    std::uint32_t fill_max = 0;
    std::uint32_t credits = 0;  ///< items that would be accepted now
    friend bool operator==(const edge_counters&, const edge_counters&) = default;
};

/// The edge between one producer and one consumer.
///
/// An item is under way from its acceptance until the consumer grants it, so fill <= capacity also bounds what the consumer
/// works on. On `latest` the item in the consumer's hands is not under way: there is always place for one that waits.
/// Order: the consumer takes items of higher priority first, in order of their offers among equals.
class edge_channel {
public:
    struct item {
        std::uint64_t id = 0;
        std::uint32_t priority = 0;
        friend bool operator==(const item&, const item&) = default;
    };

    /// @param droppable  of the consumer.
    edge_channel(const channel& via, bool droppable);

    /// @param passes  of a `filtered` edge: the condition of this item is true. Others ignore it.
    offer_outcome offer(const item& i, bool passes = true);
    /// Would offer() block? For broadcast edges, which take an item together or not at all.
    [[nodiscard]] bool would_block() const;
    /// The consumer takes the next item in hand.
    [[nodiscard]] std::optional<item> take();
    /// The consumer is done with n items that it took. Precondition: it has as many in hand.
    void grant(std::uint32_t n = 1);
    /// The consumer is dead. @return what was under way, taken ones first: the producer gets it back.
    std::vector<item> close();

    [[nodiscard]] bool is_open() const { return open_; }
    [[nodiscard]] const channel& via() const { return via_; }
    [[nodiscard]] edge_counters counters() const;

private:
    channel via_;
    bool droppable_;
    bool open_ = true;
    credit_account credit_;
    std::deque<item> waiting_; ///< higher priority first
    std::deque<item> in_hand_;
    edge_counters counted_;
};

/// Offers an item to all broadcast edges of a producer: to every one or to none.
/// @return would_block when any of the open ones would, else accepted (dropped when every open edge dropped it; closed when none is open).
offer_outcome broadcast(const std::vector<edge_channel*>& edges, const edge_channel::item& i);

} // namespace forge
