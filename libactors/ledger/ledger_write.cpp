// SPDX-License-Identifier: AGPL-3.0-only
// Ownership and commits.
#include "libactors/ledger/ledger_inner.hpp"

#include "libactors/base/failpoint.hpp"

#include <fmt/format.h>
#include <map>

namespace forge {

namespace {

constexpr std::uint64_t largest_index = INT64_MAX; // SQLite's integers are signed

commit_outcome refused(errc code, std::string what, const physics_record& r, std::string hint) {
    return {
        commit_kind::refused,
        error{code, std::move(what), fmt::format("{}, trajectory {}", to_text(r.chain), r.trajectory), std::move(hint)},
        0};
}

/// One transaction's worth of commits: where each chain stands is read once and written once.
class commit_pass {
public:
    commit_pass(sqlite_handle& db, ledger::inner& in) : db_(db), in_(in) {}

    commit_outcome take(const commit_request& request);
    void finish() {
        for (auto& [chain, at] : chains_)
            if (at.touched)
                in_.store(at.row);
    }

private:
    struct standing {
        chain_row row;
        digest head{}; ///< hash of live record row.cursor
        bool touched = false;
    };
    standing& standing_of(chain_id c) {
        if (auto found = chains_.find(c); found != chains_.end())
            return found->second;
        const chain_row row = in_.chain(c);
        const auto head = in_.live_hash(c, row.cursor);
        if (!head)
            throw failure({errc::malformed, fmt::format("record {} of chain {} is missing", row.cursor, to_text(c)),
                           in_.path.string(), "forge ledger check RUN"});
        return chains_.emplace(c, standing{row, *head, false}).first->second;
    }
    std::uint64_t insert_record(const commit_request& request, std::span<const std::byte> bytes, const digest& hash);
    void insert_receipt(std::uint64_t record, const commit_request& request, bool validation);
    std::uint64_t origin_of(const receipt& r);

    sqlite_handle& db_;
    ledger::inner& in_;
    std::map<chain_id, standing> chains_;
    std::uint64_t next_record_ = 0;
};

commit_outcome commit_pass::take(const commit_request& request) {
    const physics_record& r = request.record;
    if (r.chain.value >= in_.identity.n_chains)
        return refused(errc::not_found, fmt::format("the campaign has no chain {}", to_text(r.chain)), r, "");
    standing& at = standing_of(r.chain);
    if (request.epoch != at.row.epoch) {
        const error e = stale_epoch_error(r.chain, request.epoch, at.row.epoch);
        return refused(e.code, e.what, r, e.hint);
    }
    if (r.trajectory != at.row.cursor + 1)
        return refused(errc::out_of_order, fmt::format("expected trajectory {}", at.row.cursor + 1), r,
                       "go on from the last acknowledged trajectory");
    if (r.previous != at.head)
        return refused(errc::out_of_order,
                       fmt::format("the record follows {}..., but record {} is {}...", to_hex(r.previous).substr(0, 12),
                                   at.row.cursor, to_hex(at.head).substr(0, 12)),
                       r, "restore the chain from a checkpoint of this branch");
    const auto segment = in_.covering_segment(r.chain, r.trajectory);
    if (!segment || *segment != r.segment)
        return refused(errc::invalid_argument,
                       segment ? fmt::format("the ledger has it in segment {}, the record says {}", to_text(*segment),
                                             to_text(r.segment))
                               : std::string("no segment covers it"),
                       r, "open the segment first");

    const auto bytes = encode(r);
    const digest hash = sha256_of(bytes);
    commit_outcome outcome{commit_kind::committed, std::nullopt, 0};
    std::optional<std::uint64_t> record;
    if (r.trajectory <= at.row.last) {
        query old(db_, "SELECT id, hash FROM records WHERE chain = ?1 AND trajectory = ?2 AND superseded_by IS NULL");
        if (old.with(r.chain.value, r.trajectory).step()) {
            if (old.hash(1) == hash) {
                record = old.u64(0);
                outcome.kind = commit_kind::validated;
            }
        }
        if (!record)
            outcome.kind = commit_kind::superseded_older;
    }
    if (outcome.kind == commit_kind::superseded_older)
        outcome.superseded = in_.supersede_from(at.row, request.epoch, r.trajectory);
    insert_receipt(record ? *record : insert_record(request, bytes, hash), request, record.has_value());
    at.row.cursor = r.trajectory;
    at.row.last = std::max(at.row.last, r.trajectory);
    at.head = hash;
    at.touched = true;
    return outcome;
}

std::uint64_t commit_pass::insert_record(const commit_request& request, std::span<const std::byte> bytes,
                                         const digest& hash) {
    const physics_record& r = request.record;
    if (next_record_ == 0)
        next_record_ = in_.next_id("SELECT max(id) FROM records");
    const std::uint64_t id = next_record_++;
    query(db_, "INSERT INTO records VALUES(?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8, ?9, ?10, ?11, "
               "forge_seal(?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8, ?9, ?10, ?11))")
        .with(id, r.chain.value, r.trajectory, r.segment.value, request.epoch.value, hash, bytes, r.measured,
              r.observed.accepted, r.observed.plaquette(), r.observed.delta_h)
        .run();
    return id;
}

std::uint64_t commit_pass::origin_of(const receipt& r) {
    {
        query known(db_, "SELECT id FROM origins WHERE device = ?1 AND bits_class = ?2 AND kernel_hash = ?3 AND "
                         "energy_source = ?4");
        if (known.with(r.device, r.bits_class, r.kernel_hash, r.energy_source).step())
            return known.u64(0);
    }
    const auto id = in_.next_id("SELECT max(id) FROM origins");
    query(db_, "INSERT INTO origins VALUES(?1, ?2, ?3, ?4, ?5, forge_seal(?1, ?2, ?3, ?4, ?5))")
        .with(id, r.device, r.bits_class, r.kernel_hash, r.energy_source)
        .run();
    return id;
}

void commit_pass::insert_receipt(std::uint64_t record, const commit_request& request, bool validation) {
    const receipt& r = request.receipt;
    query(db_, "INSERT INTO receipts VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, forge_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7))")
        .with(in_.next_id("SELECT max(id) FROM receipts"), record, validation, request.epoch.value, origin_of(r),
              r.seconds, r.joules)
        .run();
}

} // namespace

result<epoch_no> ledger::take_epoch(chain_id c) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_take_epoch");
        chain_row row = in_->chain(c);
        ++row.epoch.value;
        row.cursor = row.last;
        in_->store(row);
        t.commit();
        FORGE_FAILPOINT("ledger.after_take_epoch");
        return row.epoch;
    });
}

result<epoch_no> ledger::epoch(chain_id c) {
    return guarded([&] { return in_->chain(c).epoch; });
}

result<std::uint64_t> ledger::cursor(chain_id c) {
    return guarded([&] { return in_->chain(c).cursor; });
}

result<void> ledger::begin_at(chain_id c, epoch_no e, std::uint64_t trajectory) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_begin_at");
        chain_row row = in_->owned_chain(c, e);
        if (trajectory > row.last)
            throw failure({errc::out_of_order,
                           fmt::format("there is no live record at trajectory {} of chain {}; the last one is {}",
                                       trajectory, to_text(c), row.last),
                           to_text(c), "choose a checkpoint that the ledger lists as live"});
        row.cursor = trajectory;
        in_->store(row);
        t.commit();
    });
}

result<commit_result> ledger::commit(std::span<const commit_request> requests) {
    return guarded([&] {
        in_->require_writer();
        commit_result outcomes;
        outcomes.items.reserve(requests.size());
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_records");
        commit_pass pass(in_->db, *in_);
        for (const auto& request : requests) {
            if (request.record.trajectory > largest_index)
                outcomes.items.push_back(refused(errc::invalid_argument, "the index is too large", request.record, ""));
            else
                outcomes.items.push_back(pass.take(request));
        }
        pass.finish();
        FORGE_FAILPOINT_THROW("ledger.after_records");
        t.commit();
        return outcomes;
    });
}

} // namespace forge
