// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/channel.hpp"

#include <algorithm>

namespace forge {

edge_channel::edge_channel(const channel& via, bool droppable)
    : via_(via), droppable_(droppable), credit_(via.kind == channel_kind::latest ? 1 : via.capacity) {
    expects(via.capacity > 0, "an edge has capacity");
}

bool edge_channel::would_block() const {
    return open_ && via_.kind != channel_kind::latest && !droppable_ && !credit_.may_send();
}

offer_outcome edge_channel::offer(const item& i, bool passes) {
    if (!open_)
        return offer_outcome::closed;
    if (via_.kind == channel_kind::filtered && !passes) {
        ++counted_.filtered;
        return offer_outcome::filtered;
    }
    bool replaces = false;
    if (!credit_.may_send()) {
        if (via_.kind == channel_kind::latest) {
            waiting_.clear();
            credit_.granted(1);
            ++counted_.replaced;
            replaces = true;
        } else if (droppable_) {
            ++counted_.dropped;
            return offer_outcome::dropped;
        } else {
            ++counted_.held;
            return offer_outcome::would_block;
        }
    }
    credit_.sent();
    ++counted_.sent;
    counted_.fill_max = std::max(counted_.fill_max, credit_.in_flight());
    waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), i, [](const item& a, const item& b) { return a.priority > b.priority; }), i);
    return replaces ? offer_outcome::replaced : offer_outcome::accepted;
}

std::optional<edge_channel::item> edge_channel::take() {
    if (!open_ || waiting_.empty())
        return std::nullopt;
    const item i = waiting_.front();
    waiting_.pop_front();
    if (via_.kind == channel_kind::latest) { // its place is free as soon as the consumer has it
        credit_.granted(1);
        ++counted_.taken;
    } else {
        in_hand_.push_back(i);
    }
    return i;
}

void edge_channel::grant(std::uint32_t n) {
    if (!open_ || via_.kind == channel_kind::latest)
        return; // a grant that crossed the closing; a latest edge needs none
    expects(n <= in_hand_.size(), "a consumer grants only what it took");
    in_hand_.erase(in_hand_.begin(), in_hand_.begin() + n);
    credit_.granted(n);
    counted_.taken += n;
}

std::vector<edge_channel::item> edge_channel::close() {
    std::vector<item> back(in_hand_.begin(), in_hand_.end());
    back.insert(back.end(), waiting_.begin(), waiting_.end());
    in_hand_.clear();
    waiting_.clear();
    counted_.lost += back.size();
    credit_.granted(static_cast<std::uint32_t>(back.size()));
    open_ = false;
    return back;
}

edge_counters edge_channel::counters() const {
    auto c = counted_;
    c.fill = credit_.in_flight();
    c.credits = open_ ? credit_.capacity() - c.fill : 0;
    return c;
}

offer_outcome broadcast(const std::vector<edge_channel*>& edges, const edge_channel::item& i) {
    if (std::any_of(edges.begin(), edges.end(), [](const edge_channel* e) { return e->would_block(); }))
        return offer_outcome::would_block;
    auto outcome = offer_outcome::closed;
    for (auto* e : edges)
        if (const auto one = e->offer(i); one != offer_outcome::closed)
            outcome = outcome == offer_outcome::accepted || one == offer_outcome::accepted ? offer_outcome::accepted : one;
    return outcome;
}

} // namespace forge
