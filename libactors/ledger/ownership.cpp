// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/ledger/ownership.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge {

error commit_refusal(errc code, std::string what, const physics_record& r, std::string hint) {
    return {code, std::move(what), fmt::format("{}, trajectory {}", to_text(r.chain), r.trajectory), std::move(hint)};
}

std::optional<error> refuse_epoch(const chain_row& row, epoch_no epoch) {
    if (row.epoch == epoch)
        return std::nullopt;
    return error{errc::stale_epoch,
                 fmt::format("epoch {} of chain {} is over: another owner has taken it at epoch {}", epoch.value,
                             to_text(row.chain), row.epoch.value),
                 to_text(row.chain), "take a new epoch and go on from the last checkpoint"};
}

chain_row next_owner(const chain_row& row) {
    chain_row after = row;
    ++after.epoch.value;
    after.cursor = row.last;
    return after;
}

result<chain_row> stand_at(const chain_row& row, epoch_no epoch, std::uint64_t trajectory) {
    if (auto stale = refuse_epoch(row, epoch))
        return *stale;
    if (trajectory > row.last)
        return error{errc::out_of_order,
                     fmt::format("there is no live record at trajectory {} of chain {}; the last one is {}", trajectory,
                                 to_text(row.chain), row.last),
                     to_text(row.chain), "choose a checkpoint that the ledger lists as live"};
    chain_row after = row;
    after.cursor = trajectory;
    return after;
}

commit_verdict judge_commit(const chain_standing& at, const commit_request& request, const digest& hash, const live_place& here) {
    const physics_record& r = request.record;
    const auto refuse = [&](errc code, std::string what, std::string hint) {
        return commit_verdict{commit_kind::refused, commit_refusal(code, std::move(what), r, std::move(hint)), at};
    };
    if (const auto stale = refuse_epoch(at.row, request.epoch))
        return refuse(stale->code, stale->what, stale->hint);
    if (r.trajectory != at.row.cursor + 1)
        return refuse(errc::out_of_order, fmt::format("expected trajectory {}", at.row.cursor + 1),
                      "go on from the last acknowledged trajectory");
    if (r.previous != at.head)
        return refuse(errc::out_of_order,
                      fmt::format("the record follows {}..., but record {} is {}...", to_hex(r.previous).substr(0, 12),
                                  at.row.cursor, to_hex(at.head).substr(0, 12)),
                      "restore the chain from a checkpoint of this branch");
    if (here.segment != r.segment)
        return refuse(errc::invalid_argument,
                      here.segment ? fmt::format("the ledger has it in segment {}, the record says {}", to_text(*here.segment),
                                                 to_text(r.segment))
                                   : std::string("no segment covers it"),
                      "open the segment first");
    commit_verdict v{commit_kind::committed, std::nullopt, {at.row, hash}};
    v.after.row.cursor = r.trajectory;
    if (r.trajectory <= at.row.last && here.record == hash) {
        v.kind = commit_kind::validated;
    } else {
        if (r.trajectory <= at.row.last)
            v.kind = commit_kind::superseded_older;
        v.after.row.last = r.trajectory;
    }
    return v;
}

std::optional<error> refuse_segment(const chain_row& row, std::uint64_t first_trajectory) {
    if (first_trajectory > row.cursor)
        return std::nullopt;
    return error{errc::out_of_order,
                 fmt::format("a segment of chain {} cannot start at trajectory {}: {} is committed", to_text(row.chain),
                             first_trajectory, row.cursor),
                 to_text(row.chain), "begin at an earlier checkpoint first"};
}

std::optional<error> refuse_checkpoint(const chain_row& row, const checkpoint_row& checkpoint, const std::optional<digest>& live) {
    if (auto stale = refuse_epoch(row, checkpoint.epoch))
        return stale;
    if (checkpoint.file.empty())
        return error{errc::invalid_argument, "a checkpoint has a file name", to_text(row.chain), ""};
    if (live != checkpoint.head)
        return error{errc::out_of_order,
                     fmt::format("the checkpoint of chain {} at trajectory {} is not of the live branch", to_text(row.chain),
                                 checkpoint.trajectory),
                     checkpoint.file, "commit the trajectory first, then seal it"};
    return std::nullopt;
}

} // namespace forge
