// SPDX-License-Identifier: AGPL-3.0-only
// SQLite with owners: a connection, its prepared statements, transactions. Private to libactors/ledger.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/base/hash.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <sqlite3.h>
#include <string>
#include <string_view>

namespace forge {

enum class sqlite_access {
    read_write,
    read_only,
    immutable ///< nobody can write: no lock, no shared memory; for read-only media
};

/// A connection. Everything below throws `forge::failure`; the ledger's interface turns it into a result.
class sqlite_handle {
public:
    sqlite_handle(const std::filesystem::path& path, sqlite_access access);
    ~sqlite_handle();
    sqlite_handle(const sqlite_handle&) = delete;
    sqlite_handle& operator=(const sqlite_handle&) = delete;

    /// Runs statements without parameters or rows.
    void exec(const char* sql);
    /// Rows changed by the last statement.
    [[nodiscard]] std::uint64_t changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(db_)); }
    [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
    /// For what SQLite offers beyond statements: backups and changesets.
    [[nodiscard]] sqlite3* raw() { return db_; }
    /// The error that SQLite reports now, in our words.
    [[nodiscard]] error last_error(int code) const;

private:
    friend class query;
    sqlite3_stmt* take(const char* sql);
    void give_back(const char* sql, sqlite3_stmt* statement) noexcept;

    sqlite3* db_ = nullptr;
    std::string path_;
    std::map<const char*, sqlite3_stmt*> idle_; ///< prepared and reset, by the address of their (static) text
};

/// One execution of a prepared statement. `sql` must be a string literal or another text with static storage.
class query {
public:
    query(sqlite_handle& db, const char* sql) : db_(&db), sql_(sql), statement_(db.take(sql)) {}
    ~query() { db_->give_back(sql_, statement_); }
    query(const query&) = delete;
    query& operator=(const query&) = delete;

    /// Binds ?1, ?2 ... in order.
    template <class... Values>
    query& with(const Values&... values) {
        int at = 0;
        (bind(++at, values), ...);
        return *this;
    }
    /// Next row. @return false at the end.
    bool step();
    /// To the end; for statements without rows.
    void run() {
        while (step()) {
        }
    }

    [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    [[nodiscard]] std::uint64_t u64(int column) const {
        return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
    }
    [[nodiscard]] std::uint32_t u32(int column) const { return static_cast<std::uint32_t>(u64(column)); }
    [[nodiscard]] double f64(int column) const { return sqlite3_column_double(statement_, column); }
    [[nodiscard]] std::string text(int column) const;
    /// Valid until the next step.
    [[nodiscard]] std::span<const std::byte> blob(int column) const;
    /// All zeros when the column does not hold 32 bytes.
    [[nodiscard]] digest hash(int column) const;
    [[nodiscard]] std::optional<std::uint64_t> maybe_u64(int column) const {
        return is_null(column) ? std::nullopt : std::optional(u64(column));
    }
    [[nodiscard]] std::optional<double> maybe_f64(int column) const {
        return is_null(column) ? std::nullopt : std::optional(f64(column));
    }

private:
    // Texts and blobs are not copied: they must live until the statement has run.
    void bind(int at, std::uint64_t v) { check(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(v))); }
    void bind(int at, std::uint32_t v) { bind(at, std::uint64_t{v}); }
    void bind(int at, bool v) { bind(at, std::uint64_t{v ? 1u : 0u}); }
    void bind(int at, double v) { check(sqlite3_bind_double(statement_, at, v)); }
    void bind(int at, std::string_view v);
    void bind(int at, const std::string& v) { bind(at, std::string_view(v)); }
    void bind(int at, std::span<const std::byte> v);
    void bind(int at, const digest& v) { bind(at, std::as_bytes(std::span(v))); }
    void bind(int at, std::nullptr_t) { check(sqlite3_bind_null(statement_, at)); }
    template <class T>
    void bind(int at, const std::optional<T>& v) {
        v ? bind(at, *v) : bind(at, nullptr);
    }
    void check(int code) const;

    sqlite_handle* db_;
    const char* sql_;
    sqlite3_stmt* statement_;
};

/// BEGIN now, COMMIT by `commit`, ROLLBACK by the destructor when there was no commit.
class transaction {
public:
    enum class kind { read, write };
    transaction(sqlite_handle& db, kind k);
    ~transaction();
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    void commit();

private:
    sqlite_handle* db_;
};

} // namespace forge
