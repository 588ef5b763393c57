// SPDX-License-Identifier: AGPL-3.0-only
// What the parts of the ledger share. Private to libactors/ledger. Everything here throws `failure`.
#pragma once

#include "libactors/ledger/file_guard.hpp"
#include "libactors/ledger/ledger.hpp"
#include "libactors/ledger/ownership.hpp"
#include "libactors/ledger/sqlite_handle.hpp"

#include <memory>
#include <optional>

namespace forge {

/// Rows that changed since some moment: a session of SQLite. In ledger_mirror.cpp.
class change_notes {
public:
    explicit change_notes(sqlite_handle& db);
    ~change_notes();
    change_notes(const change_notes&) = delete;
    change_notes& operator=(const change_notes&) = delete;
    [[nodiscard]] std::vector<std::byte> bytes() const;
    [[nodiscard]] std::uint64_t memory_bytes() const;

private:
    struct sqlite3_session* session_ = nullptr;
    sqlite_handle* db_;
};

struct ledger::inner {
    // Order matters: the database closes before the lock goes.
    std::optional<writer_lock> lock;
    sqlite_handle db;
    std::unique_ptr<change_notes> notes; ///< ends before the database closes
    campaign_identity identity;
    std::filesystem::path path;

    inner(std::optional<writer_lock> l, const std::filesystem::path& p, sqlite_access access)
        : lock(std::move(l)), db(p, access), path(p) {}

    /// @throws errc::permission_denied on a ledger opened for reading.
    void require_writer() const;
    /// @throws errc::not_found.
    [[nodiscard]] chain_row chain(chain_id c);
    /// @throws also errc::stale_epoch.
    [[nodiscard]] chain_row owned_chain(chain_id c, epoch_no e);
    void store(const chain_row& row);
    /// Hash of live record i, genesis for 0, nothing when there is none.
    [[nodiscard]] std::optional<digest> live_hash(chain_id c, std::uint64_t trajectory);
    /// Live segment that covers trajectory i.
    [[nodiscard]] std::optional<segment_no> covering_segment(chain_id c, std::uint64_t trajectory);
    /// Supersedes live records from `trajectory` on and segments that start later; unfinishes what ended there.
    /// @return number of records; row.last is moved, row is not stored.
    std::uint64_t supersede_from(chain_row& row, epoch_no by, std::uint64_t trajectory);
    [[nodiscard]] ledger_standing standing(); ///< inside a transaction
    [[nodiscard]] std::uint64_t next_id(const char* max_id_query);
};

/// Runs `work`, which may throw `failure`, and returns its value or the error.
template <class Work>
auto guarded(Work&& work) -> result<decltype(work())> {
    try {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            return {};
        } else {
            return work();
        }
    } catch (const failure& f) {
        return f.reason();
    }
}

} // namespace forge
