// SPDX-License-Identifier: AGPL-3.0-only
// Reading records and receipts.
#include "libactors/ledger/ledger_inner.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge {

namespace {

// Columns 0-4 of a record, 5-11 of its first receipt.
#define FORGE_RECORD_COLUMNS                                                                                           \
    "SELECT r.bytes, r.hash, r.epoch, r.superseded_by, r.trajectory, t.epoch, t.seconds, t.joules, o.device, "         \
    "o.bits_class, o.kernel_hash, o.energy_source FROM records r LEFT JOIN receipts t ON t.id = "                      \
    "(SELECT min(id) FROM receipts WHERE record = r.id) LEFT JOIN origins o ON o.id = t.origin "
constexpr const char* live_records =
    FORGE_RECORD_COLUMNS "WHERE r.chain = ?1 AND r.trajectory BETWEEN ?2 AND ?3 AND r.superseded_by IS NULL "
                         "ORDER BY r.trajectory";
constexpr const char* all_records = FORGE_RECORD_COLUMNS "WHERE r.chain = ?1 AND r.trajectory BETWEEN ?2 AND ?3 "
                                                         "ORDER BY r.trajectory, r.superseded_by IS NULL, r.id";
constexpr const char* newest_record =
    FORGE_RECORD_COLUMNS "WHERE r.chain = ?1 AND r.superseded_by IS NULL ORDER BY r.trajectory DESC LIMIT 1";
#undef FORGE_RECORD_COLUMNS

receipt receipt_of(const query& q, int at) {
    receipt r;
    r.epoch.value = q.u64(at);
    r.seconds = q.f64(at + 1);
    r.joules = q.maybe_f64(at + 2);
    r.device = q.text(at + 3);
    r.bits_class = q.text(at + 4);
    r.kernel_hash = q.text(at + 5);
    r.energy_source = q.text(at + 6);
    return r;
}

record_row record_of(const query& q, chain_id c, const std::filesystem::path& path) {
    auto decoded = decode_record(q.blob(0));
    if (!decoded) {
        error e = decoded.reason();
        e.where = fmt::format("{}, {}, trajectory {}", path.string(), to_text(c), q.u64(4));
        e.hint = "forge ledger check RUN";
        throw failure(std::move(e));
    }
    record_row row;
    row.record = *decoded;
    row.hash = q.hash(1);
    row.epoch.value = q.u64(2);
    if (const auto by = q.maybe_u64(3)) {
        row.live = false;
        row.superseded_by = epoch_no{*by};
    }
    row.receipt = receipt_of(q, 5);
    return row;
}

} // namespace

result<void> ledger::each_record(chain_id c, bool live_only, std::uint64_t from, std::uint64_t to,
                                 const std::function<bool(const record_row&)>& use) {
    return guarded([&] {
        static_cast<void>(in_->chain(c));
        constexpr std::uint64_t largest = INT64_MAX;
        query q(in_->db, live_only ? live_records : all_records);
        q.with(c.value, std::min(from, largest), std::min(to, largest));
        while (q.step())
            if (!use(record_of(q, c, in_->path)))
                break;
    });
}

result<std::vector<record_row>> ledger::records(chain_id c, bool live_only, std::uint64_t from, std::uint64_t to) {
    std::vector<record_row> rows;
    auto done = each_record(c, live_only, from, to, [&](const record_row& row) {
        rows.push_back(row);
        return true;
    });
    if (!done)
        return done.reason();
    return rows;
}

result<std::optional<record_row>> ledger::last_record(chain_id c) {
    return guarded([&]() -> std::optional<record_row> {
        static_cast<void>(in_->chain(c));
        query q(in_->db, newest_record);
        if (!q.with(c.value).step())
            return std::nullopt;
        return record_of(q, c, in_->path);
    });
}

result<std::uint64_t> ledger::count(chain_id c, bool live_only) {
    return guarded([&] {
        static_cast<void>(in_->chain(c));
        query q(in_->db, live_only ? "SELECT count(*) FROM records WHERE chain = ?1 AND superseded_by IS NULL"
                                   : "SELECT count(*) FROM records WHERE chain = ?1");
        q.with(c.value).step();
        return q.u64(0);
    });
}

result<std::vector<receipt_row>> ledger::receipts(chain_id c, std::uint64_t trajectory) {
    return guarded([&] {
        static_cast<void>(in_->chain(c));
        std::vector<receipt_row> rows;
        query q(in_->db, "SELECT t.validation, t.epoch, t.seconds, t.joules, o.device, o.bits_class, o.kernel_hash, "
                         "o.energy_source FROM records r JOIN receipts t ON t.record = r.id JOIN origins o ON "
                         "o.id = t.origin WHERE r.chain = ?1 AND r.trajectory = ?2 AND r.superseded_by IS NULL "
                         "ORDER BY t.id");
        q.with(c.value, trajectory);
        while (q.step())
            rows.push_back({c, trajectory, receipt_of(q, 1), q.u64(0) != 0});
        return rows;
    });
}

result<digest> ledger::ledger_hash() {
    const auto s = standing();
    if (!s)
        return s.reason();
    return s->hash;
}

} // namespace forge
