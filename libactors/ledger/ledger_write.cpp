// SPDX-License-Identifier: AGPL-3.0-only
// Ownership and commits.
#include "libactors/ledger/ledger_inner.hpp"

#include "libactors/base/failpoint.hpp"

#include <fmt/format.h>
#include <map>

namespace forge {

namespace {

constexpr std::uint64_t largest_index = INT64_MAX; // SQLite's integers are signed

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
    struct standing : chain_standing {
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
        return chains_.emplace(c, standing{{row, *head}, false}).first->second;
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
    if (r.trajectory > largest_index)
        return {commit_kind::refused, commit_refusal(errc::invalid_argument, "the index is too large", r, ""), 0};
    if (r.chain.value >= in_.identity.n_chains)
        return {commit_kind::refused, commit_refusal(errc::not_found, fmt::format("the campaign has no chain {}", to_text(r.chain)), r, ""), 0};
    standing& at = standing_of(r.chain);
    live_place here{in_.covering_segment(r.chain, r.trajectory), std::nullopt};
    std::uint64_t record = 0; // row of here.record
    if (r.trajectory <= at.row.last) {
        query old(db_, "SELECT id, hash FROM records WHERE chain = ?1 AND trajectory = ?2 AND superseded_by IS NULL");
        if (old.with(r.chain.value, r.trajectory).step()) {
            record = old.u64(0);
            here.record = old.hash(1);
        }
    }
    const auto bytes = encode(r);
    const digest hash = sha256_of(bytes);
    const auto verdict = judge_commit(at, request, hash, here);
    commit_outcome outcome{verdict.kind, verdict.reason, 0};
    if (verdict.kind == commit_kind::refused)
        return outcome;
    if (verdict.kind == commit_kind::superseded_older)
        outcome.superseded = in_.supersede_from(at.row, request.epoch, r.trajectory);
    const bool validation = verdict.kind == commit_kind::validated;
    insert_receipt(validation ? record : insert_record(request, bytes, hash), request, validation);
    static_cast<chain_standing&>(at) = verdict.after;
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
        const chain_row row = next_owner(in_->chain(c));
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
        in_->store(stand_at(in_->chain(c), e, trajectory).or_throw());
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
        for (const auto& request : requests)
            outcomes.items.push_back(pass.take(request));
        pass.finish();
        FORGE_FAILPOINT_THROW("ledger.after_records");
        t.commit();
        return outcomes;
    });
}

} // namespace forge
