// SPDX-License-Identifier: AGPL-3.0-only
// Segments: issued here, once.
#include "libactors/base/failpoint.hpp"
#include "libactors/ledger/ledger_inner.hpp"
#include "libactors/ledger/ledger_rows.hpp"

#include <cmath>
#include <fmt/format.h>

namespace forge {

namespace {

void require_sane(const segment_params& p, std::uint64_t first_trajectory) {
    const bool sane = std::isfinite(p.beta) && std::isfinite(p.trajectory_length) && p.trajectory_length > 0.0 &&
                      p.n_steps > 0 && (!p.target_error || std::isfinite(*p.target_error)) && first_trajectory > 0 &&
                      first_trajectory <= INT64_MAX;
    if (!sane)
        throw failure({errc::invalid_argument,
                       fmt::format("not the parameters of a segment: beta {}, length {}, {} steps, first trajectory {}",
                                   p.beta, p.trajectory_length, p.n_steps, first_trajectory),
                       "", ""});
}

/// Sets finished_at of the live segments that `where` selects among those of the chain.
void finish_before(sqlite_handle& db, chain_id c, std::uint64_t first) {
    query(
        db,
        "UPDATE segments SET finished_at = ?2 - 1, seal = forge_seal(chain, number, ordinal, first_trajectory, "
        "beta, trajectory_length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, "
        "superseded_by, ?2 - 1) WHERE chain = ?1 AND superseded_by IS NULL AND first_trajectory < ?2 AND "
        "(finished_at IS NULL OR finished_at >= ?2)")
        .with(c.value, first)
        .run();
}

} // namespace

segment_row segment_of(const query& q, chain_id c) {
    segment_row s;
    s.chain = c;
    s.number.value = q.u32(0);
    s.ordinal = q.u32(1);
    s.first_trajectory = q.u64(2);
    s.params.beta = q.f64(3);
    s.params.trajectory_length = q.f64(4);
    s.params.n_steps = q.u32(5);
    s.params.integrator = static_cast<integrator_kind>(q.u32(6));
    s.params.n_thermalise = q.u32(7);
    s.params.n_measure = q.u32(8);
    s.params.n_warmup = q.u32(9);
    s.params.precision.strategy = static_cast<precision_strategy>(q.u32(10));
    s.params.precision.df64_share = q.f64(11);
    s.params.target_error = q.maybe_f64(12);
    s.reason = q.text(13);
    s.epoch.value = q.u64(14);
    s.live = q.is_null(15);
    s.finished = !q.is_null(16);
    return s;
}

result<segment_row> ledger::open_segment(chain_id c, epoch_no e, std::uint64_t first_trajectory,
                                         const segment_params& params, std::string_view reason) {
    return guarded([&]() -> segment_row {
        in_->require_writer();
        auto& db = in_->db;
        transaction t(db, transaction::kind::write);
        chain_row row = in_->owned_chain(c, e);
        {
            query taken(db,
                        "SELECT number, ordinal, first_trajectory, beta, trajectory_length, n_steps, integrator, "
                        "n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, superseded_by, finished_at "
                        "FROM segments WHERE chain = ?1 AND first_trajectory = ?2 AND superseded_by IS NULL");
            if (taken.with(c.value, first_trajectory).step())
                return segment_of(taken, c);
        }
        require_sane(params, first_trajectory);
        FORGE_FAILPOINT_THROW("ledger.before_open_segment");
        if (const auto refused = refuse_segment(row, first_trajectory))
            throw failure(*refused);
        in_->supersede_from(row, e, first_trajectory);
        in_->store(row);
        finish_before(db, c, first_trajectory);
        FORGE_FAILPOINT_THROW("ledger.in_open_segment");

        segment_row s{c, {}, 0, first_trajectory, params, std::string(reason), e, true, false};
        {
            query last(db, "SELECT max(number) FROM segments WHERE chain = ?1");
            last.with(c.value).step();
            s.number.value = last.is_null(0) ? 0 : last.u32(0) + 1;
            query before(db, "SELECT count(*) FROM segments WHERE chain = ?1 AND superseded_by IS NULL");
            before.with(c.value).step();
            s.ordinal = before.u32(0);
        }
        // Named one by one, so that a parameter that is added to the struct and not here does not compile.
        const auto& [beta, length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, target_error] =
            params;
        const auto& [strategy, df64_share] = precision;
        query(db, "INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                  "NULL, NULL, forge_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, NULL, "
                  "NULL))")
            .with(c.value, s.number.value, s.ordinal, first_trajectory, beta, length, n_steps,
                  static_cast<std::uint32_t>(integrator), n_thermalise, n_measure, n_warmup,
                  static_cast<std::uint32_t>(strategy), df64_share, target_error, s.reason, e.value)
            .run();
        t.commit();
        FORGE_FAILPOINT("ledger.after_open_segment");
        return s;
    });
}

result<void> ledger::finish_segment(chain_id c, epoch_no e, segment_no number) {
    return guarded([&] {
        in_->require_writer();
        auto& db = in_->db;
        transaction t(db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_finish_segment");
        const chain_row row = in_->owned_chain(c, e);
        query(db, "UPDATE segments SET finished_at = ?3, seal = forge_seal(chain, number, ordinal, first_trajectory, "
                  "beta, trajectory_length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, "
                  "reason, epoch, "
                  "superseded_by, ?3) WHERE chain = ?1 AND number = ?2 AND superseded_by IS NULL AND "
                  "finished_at IS NULL")
            .with(c.value, number.value, row.cursor)
            .run();
        if (db.changes() == 0) {
            query known(db, "SELECT 1 FROM segments WHERE chain = ?1 AND number = ?2 AND superseded_by IS NULL");
            if (!known.with(c.value, number.value).step())
                throw failure({errc::not_found,
                               fmt::format("chain {} has no live segment {}", to_text(c), to_text(number)), "", ""});
        }
        t.commit();
        FORGE_FAILPOINT("ledger.after_finish_segment");
    });
}

result<std::vector<segment_row>> ledger::segments(chain_id c, bool live_only) {
    return guarded([&] {
        static_cast<void>(in_->chain(c));
        std::vector<segment_row> rows;
        query q(in_->db, "SELECT number, ordinal, first_trajectory, beta, trajectory_length, n_steps, integrator, "
                         "n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, superseded_by, finished_at "
                         "FROM segments WHERE chain = ?1 ORDER BY number");
        q.with(c.value);
        while (q.step())
            if (auto s = segment_of(q, c); s.live || !live_only)
                rows.push_back(std::move(s));
        return rows;
    });
}

} // namespace forge
