// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/book.hpp"

#include <algorithm>

namespace forge::model {

std::optional<segment_no> chain_book::covering(std::uint64_t trajectory) const {
    const book_segment* best = nullptr;
    for (const auto& s : segments)
        if (s.live && s.opened.first_trajectory <= trajectory && (best == nullptr || best->opened.first_trajectory < s.opened.first_trajectory))
            best = &s;
    return best == nullptr ? std::nullopt : std::optional(best->opened.number);
}

epoch_no bookkeeper::take_epoch(chain_book& b, std::uint64_t actor) const {
    if (planted_ != flaw::restart_keeps_epoch || b.row.epoch.value == 0)
        b.row = next_owner(b.row);
    else
        b.row.cursor = b.row.last;
    expect(b.row.epoch >= b.newest, "an epoch fell");
    b.newest = b.row.epoch;
    b.owner = actor;
    return b.row.epoch;
}

result<void> bookkeeper::begin_at(chain_book& b, epoch_no e, std::uint64_t trajectory) const {
    const auto row = stand_at(b.row, e, trajectory);
    if (!row)
        return row.reason();
    b.row = *row;
    return {};
}

std::uint32_t bookkeeper::supersede_from(chain_book& b, std::uint64_t trajectory) const {
    expect(trajectory > b.sealed.size(), "a sealed trajectory is superseded");
    const auto n = static_cast<std::uint32_t>(b.live.size() - std::min<std::size_t>(b.live.size(), trajectory - 1));
    b.live.resize(std::min<std::size_t>(b.live.size(), trajectory - 1));
    for (auto& s : b.segments) // ledger::inner::supersede_from: those that start later
        s.live = s.live && s.opened.first_trajectory <= trajectory;
    b.row.last = std::min(b.row.last, trajectory - 1);
    b.superseded += n;
    return n;
}

commit_outcome bookkeeper::commit(chain_book& b, const commit_request& asked, std::uint64_t actor) const {
    auto request = asked;
    if (planted_ == flaw::epoch_not_checked)
        request.epoch = b.row.epoch;
    const auto& r = request.record;
    const auto head = b.live_at(b.row.cursor);
    expect(head.has_value(), "the record at the cursor is missing");
    const auto hash = hash_of(r);
    const auto verdict = judge_commit({b.row, head.value_or(digest{})}, request, hash, {b.covering(r.trajectory), b.live_at(r.trajectory)});
    commit_outcome out{verdict.kind, verdict.reason, 0};
    if (verdict.kind == commit_kind::refused)
        return out;
    expect(actor == b.owner, "two committers: a commit of an owner that was replaced is accepted");
    if (verdict.kind == commit_kind::superseded_older)
        out.superseded = supersede_from(b, r.trajectory);
    if (verdict.kind == commit_kind::validated) {
        ++b.validated;
    } else {
        expect(b.live.size() + 1 == r.trajectory, "not exactly one live record per index");
        expect(r.trajectory == 1 ? r.previous == b.genesis : b.live_at(r.trajectory - 1) == r.previous, "a live record does not follow the one before it");
        b.live.push_back({hash, r.previous, asked.epoch, r.measured});
    }
    b.row = verdict.after.row;
    return out;
}

result<opened_segment> bookkeeper::open_segment(chain_book& b, epoch_no e, std::uint64_t first, const segment_params& params) const {
    if (auto stale = refuse_epoch(b.row, e))
        return *stale;
    std::uint32_t ordinal = 0;
    for (const auto& s : b.segments) {
        if (s.live && s.opened.first_trajectory == first)
            return s.opened;
        ordinal += s.live && s.opened.first_trajectory < first;
    }
    if (auto refused = refuse_segment(b.row, first))
        return *refused;
    if (first <= b.row.last)
        static_cast<void>(supersede_from(b, first));
    b.segments.push_back({{segment_no{static_cast<std::uint32_t>(b.segments.size())}, ordinal, first, params}, true});
    return b.segments.back().opened;
}

result<void> bookkeeper::add_checkpoint(chain_book& b, const checkpoint_row& row) const {
    if (auto refused = refuse_checkpoint(b.row, row, b.live_at(row.trajectory)))
        return *refused;
    std::erase_if(b.checkpoints, [&row](const auto& c) { return c.file == row.file; });
    b.checkpoints.push_back(row);
    while (b.sealed.size() < row.trajectory)
        b.sealed.push_back(*b.live_at(b.sealed.size() + 1));
    return {};
}

void bookkeeper::forget_checkpoint(chain_book& b, const std::string& file) const {
    std::erase_if(b.checkpoints, [&file](const auto& c) { return c.file == file; });
}

} // namespace forge::model
