// SPDX-License-Identifier: AGPL-3.0-only
// Checkpoint rows, decisions and events.
#include "libactors/ledger/ledger_inner.hpp"

#include "libactors/base/failpoint.hpp"

#include <fmt/format.h>

namespace forge {

result<void> ledger::add_checkpoint(const checkpoint_row& row) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_seal_row");
        if (const auto refused = refuse_checkpoint(in_->chain(row.chain), row, in_->live_hash(row.chain, row.trajectory)))
            throw failure(*refused);
        query(in_->db, "DELETE FROM checkpoints WHERE chain = ?1 AND file = ?2").with(row.chain.value, row.file).run();
        query(in_->db, "INSERT INTO checkpoints VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
                       "forge_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))")
            .with(in_->next_id("SELECT max(id) FROM checkpoints"), row.chain.value, row.trajectory, row.epoch.value,
                  row.file, row.file_hash, row.bytes, row.state.a, row.state.b, row.head, row.utc)
            .run();
        t.commit();
        FORGE_FAILPOINT("ledger.after_seal_row");
    });
}

result<std::vector<checkpoint_row>> ledger::checkpoints(chain_id c) {
    return guarded([&] {
        static_cast<void>(in_->chain(c));
        const digest genesis = genesis_hash(in_->identity.campaign_seed, c);
        std::vector<checkpoint_row> rows;
        query q(in_->db, "SELECT p.trajectory, p.epoch, p.file, p.file_hash, p.bytes, p.state_a, p.state_b, p.head, "
                         "p.utc, r.hash FROM checkpoints p LEFT JOIN records r ON r.chain = p.chain AND "
                         "r.trajectory = p.trajectory AND r.superseded_by IS NULL WHERE p.chain = ?1 "
                         "ORDER BY p.trajectory DESC, p.id DESC");
        q.with(c.value);
        while (q.step()) {
            checkpoint_row row{c,         q.u64(0),  {q.u64(1)}, q.text(2), q.hash(3), q.u64(4), {q.u64(5), q.u64(6)},
                               q.hash(7), q.text(8), true};
            row.live = row.head == (row.trajectory == 0 ? genesis : q.hash(9));
            rows.push_back(std::move(row));
        }
        return rows;
    });
}

result<std::optional<std::uint64_t>> ledger::sealed(chain_id c) {
    auto rows = checkpoints(c);
    if (!rows)
        return rows.reason();
    for (const auto& row : *rows)
        if (row.live)
            return std::optional(row.trajectory);
    return std::optional<std::uint64_t>();
}

result<void> ledger::forget_checkpoint(chain_id c, std::string_view file) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_forget");
        static_cast<void>(in_->chain(c));
        query(in_->db, "DELETE FROM checkpoints WHERE chain = ?1 AND file = ?2").with(c.value, file).run();
        if (in_->db.changes() == 0)
            throw failure({errc::not_found, fmt::format("chain {} has no checkpoint of this name", to_text(c)),
                           std::string(file), ""});
        t.commit();
    });
}

result<void> ledger::add_event(const event_row& e) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        std::optional<std::uint32_t> chain;
        if (e.chain)
            chain = e.chain->value;
        query(in_->db, "INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, forge_seal(?1, ?2, ?3, ?4, ?5, ?6, ?7))")
            .with(in_->next_id("SELECT max(id) FROM events"), e.utc, e.kind, chain, e.trajectory, e.text, e.json)
            .run();
        t.commit();
    });
}

result<std::vector<event_row>> ledger::events(std::uint64_t after) {
    return guarded([&] {
        std::vector<event_row> rows;
        query q(in_->db, "SELECT id, utc, kind, chain, trajectory, text, json FROM events WHERE id > ?1 ORDER BY id");
        q.with(after);
        while (q.step()) {
            event_row e{q.u64(0), q.text(1), q.text(2), std::nullopt, q.maybe_u64(4), q.text(5), q.text(6)};
            if (const auto chain = q.maybe_u64(3))
                e.chain = chain_id{static_cast<std::uint32_t>(*chain)};
            rows.push_back(std::move(e));
        }
        return rows;
    });
}

} // namespace forge
