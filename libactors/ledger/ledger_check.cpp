// SPDX-License-Identifier: AGPL-3.0-only
// Believing nothing that can be recomputed.
#include "libactors/ledger/ledger_inner.hpp"
#include "libactors/ledger/ledger_rows.hpp"
#include "libactors/ledger/ledger_schema.hpp"

#include <bit>
#include <fmt/format.h>
#include <set>

namespace forge {

namespace {

/// NaN is stored as NULL.
bool same_real(const query& q, int column, double v) {
    return q.is_null(column) ? v != v : std::bit_cast<std::uint64_t>(q.f64(column)) == std::bit_cast<std::uint64_t>(v);
}

class chain_check {
public:
    chain_check(ledger::inner& in, const chain_row& row, check_report& report) : in_(in), row_(row), report_(report) {
        summary_.chain = row.chain;
        summary_.epoch = row.epoch;
        summary_.head = genesis_hash(in.identity.campaign_seed, row.chain);
    }

    void run() {
        segments();
        records();
        if (row_.cursor > summary_.live || row_.last != summary_.live)
            say(summary_.live + 1, fmt::format("the chain was at trajectory {} (last record {}), but there are {} live "
                                               "records",
                                               row_.cursor, row_.last, summary_.live));
        report_.chains.push_back(summary_);
    }

private:
    /// Keeps the first problem of the chain only: what follows a broken link is noise.
    void say(std::optional<std::uint64_t> trajectory, std::string text) {
        if (!std::exchange(said_, true))
            report_.problems.push_back({row_.chain, trajectory, std::move(text)});
    }

    void segments() {
        query q(in_.db, "SELECT number, ordinal, first_trajectory, beta, trajectory_length, n_steps, integrator, "
                        "n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, superseded_by, finished_at "
                        "FROM segments WHERE chain = ?1 ORDER BY first_trajectory, number");
        q.with(row_.chain.value);
        while (q.step()) {
            const segment_row s = segment_of(q, row_.chain);
            if (s.epoch > row_.epoch)
                say(s.first_trajectory,
                    fmt::format("segment {} is of epoch {}, which was never taken", to_text(s.number), s.epoch.value));
            if (!s.live)
                continue;
            if (s.ordinal != live_segments_.size())
                say(s.first_trajectory, fmt::format("segment {} is number {} along the chain, but says {}",
                                                    to_text(s.number), live_segments_.size(), s.ordinal));
            live_segments_.push_back(s);
        }
        summary_.segments = live_segments_.size();
    }

    void records() {
        query q(in_.db, "SELECT id, trajectory, segment, epoch, superseded_by, hash, bytes, measured, accepted, "
                        "plaquette, delta_h FROM records WHERE chain = ?1 ORDER BY trajectory, id");
        q.with(row_.chain.value);
        while (q.step()) {
            const bool live = q.is_null(4);
            ++(live ? summary_.live : summary_.superseded);
            one_record(q, live);
        }
    }

    void one_record(const query& q, bool live) {
        const std::uint64_t i = q.u64(1);
        const auto decoded = decode_record(q.blob(6));
        if (!decoded)
            return say(i, decoded.reason().what);
        const physics_record& r = *decoded;
        const digest hash = sha256_of(q.blob(6));
        if (q.blob(5).size() != hash.size() || q.hash(5) != hash)
            return say(i, "the stored hash is not the hash of the stored bytes");
        if (r.chain != row_.chain || r.trajectory != i || r.segment.value != q.u64(2) ||
            r.measured != (q.u64(7) != 0) || r.observed.accepted != (q.u64(8) != 0) ||
            !same_real(q, 9, r.observed.plaquette()) || !same_real(q, 10, r.observed.delta_h))
            return say(i, "a column differs from the record's bytes");
        const epoch_no epoch{q.u64(3)};
        if (epoch > row_.epoch || epoch.value == 0)
            return say(i, fmt::format("the record is of epoch {}, which was never taken", epoch.value));
        if (!live) {
            if (q.u64(4) < epoch.value || q.u64(4) > row_.epoch.value)
                say(i, fmt::format("a record of epoch {} cannot be superseded by epoch {}", epoch.value, q.u64(4)));
            return;
        }
        if (i != summary_.live)
            return say(summary_.live, fmt::format("live record {} is missing: the next one is {}", summary_.live, i));
        if (r.previous != summary_.head)
            return say(i, "the record does not follow the hash of its predecessor");
        if (epoch < epoch_)
            return say(i, fmt::format("epoch {} after epoch {}", epoch.value, epoch_.value));
        while (segment_ + 1 < live_segments_.size() && live_segments_[segment_ + 1].first_trajectory <= i)
            ++segment_;
        if (live_segments_.empty() || live_segments_[segment_].first_trajectory > i ||
            live_segments_[segment_].number != r.segment)
            return say(i, fmt::format("segment {} does not cover this trajectory", to_text(r.segment)));
        epoch_ = epoch;
        summary_.head = hash;
    }

    ledger::inner& in_;
    chain_row row_;
    check_report& report_;
    check_report::chain_summary summary_;
    std::vector<segment_row> live_segments_;
    std::size_t segment_ = 0;
    epoch_no epoch_;
    bool said_ = false;
};

void check_file(sqlite_handle& db, check_report& report) {
    query q(db, "PRAGMA integrity_check(10)");
    while (q.step())
        if (const auto text = q.text(0); text != "ok")
            report.problems.push_back({std::nullopt, std::nullopt, "SQLite: " + text});
    query keys(db, "PRAGMA foreign_key_check");
    if (keys.step())
        report.problems.push_back({std::nullopt, std::nullopt,
                                   fmt::format("row {} of {} refers to a row of {} that does not exist", keys.u64(1),
                                               keys.text(0), keys.text(2))});
    query lonely(db, "SELECT count(*) FROM records WHERE id NOT IN (SELECT record FROM receipts WHERE validation = 0)");
    if (lonely.step() && lonely.u64(0) != 0)
        report.problems.push_back(
            {std::nullopt, std::nullopt, fmt::format("{} records have no receipt", lonely.u64(0))});
    query gaps(db, "SELECT (SELECT coalesce(max(id), 0) - count(*) FROM records) + "
                   "(SELECT coalesce(max(id), 0) - count(*) FROM receipts) + "
                   "(SELECT coalesce(max(id), 0) - count(*) FROM events)");
    if (gaps.step() && gaps.u64(0) != 0)
        report.problems.push_back({std::nullopt, std::nullopt, "rows were deleted: their numbers have gaps"});
}

void check_seals(sqlite_handle& db, std::optional<chain_id> only, check_report& report) {
    for (const auto& table : schema::sealed_tables) {
        query q(db, table.broken_rows);
        std::set<std::optional<std::uint64_t>> said; // the first of each chain
        while (q.step()) {
            const auto chain = q.maybe_u64(1);
            if ((only && chain && *chain != only->value) || !said.insert(chain).second)
                continue;
            check_report::problem p{
                std::nullopt, q.maybe_u64(2),
                fmt::format("{} (table {}) is not what was written: its seal is broken", q.text(0), table.name)};
            if (chain)
                p.chain = chain_id{static_cast<std::uint32_t>(*chain)};
            report.problems.push_back(std::move(p));
        }
    }
}

} // namespace

result<check_report> ledger::check(std::optional<chain_id> only) {
    return guarded([&] {
        check_report report;
        transaction t(in_->db, transaction::kind::read); // one snapshot, while a writer goes on
        if (only)
            static_cast<void>(in_->chain(*only));
        try {
            check_file(in_->db, report);
            check_seals(in_->db, only, report);
            for (std::uint32_t c = 0; c < in_->identity.n_chains; ++c)
                if (!only || only->value == c)
                    chain_check(*in_, in_->chain({c}), report).run();
        } catch (const failure& f) {
            // A page that does not parse ends the walk; that it does is the finding.
            if (f.reason().code != errc::malformed && f.reason().code != errc::not_found)
                throw;
            report.problems.push_back({only, std::nullopt, f.reason().what});
        }
        return report;
    });
}

} // namespace forge
