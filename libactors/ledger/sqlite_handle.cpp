// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/ledger/sqlite_handle.hpp"

#include "libactors/base/failpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace forge {

namespace {

constexpr int busy_milliseconds = 5000; // a reader that meets the writer's recovery waits this long, then says so

/// SQL function forge_seal(...): SHA-256 of its arguments with their types. A row's last column is the seal of the
/// others, so that a flipped bit anywhere in a row shows.
void seal_function(sqlite3_context* context, int n, sqlite3_value** values) {
    try {
        byte_writer out;
        for (int i = 0; i < n; ++i) {
            sqlite3_value* v = values[i];
            const int type = sqlite3_value_type(v);
            out.u8(static_cast<std::uint8_t>(type));
            if (type == SQLITE_INTEGER) {
                out.u64(static_cast<std::uint64_t>(sqlite3_value_int64(v)));
            } else if (type == SQLITE_FLOAT) {
                out.f64(sqlite3_value_double(v));
            } else if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
                const auto* data = static_cast<const char*>(sqlite3_value_blob(v));
                out.text(std::string_view(data, static_cast<std::size_t>(sqlite3_value_bytes(v))));
            }
        }
        const digest d = sha256_of(out.bytes());
        sqlite3_result_blob(context, d.data(), static_cast<int>(d.size()), SQLITE_TRANSIENT);
    } catch (const std::exception& e) {
        sqlite3_result_error(context, e.what(), -1);
    }
}

std::string uri_of(const std::string& path) {
    std::string uri = "file:";
    for (char c : path) {
        if (c == '?' || c == '#' || c == '%')
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        else
            uri += c;
    }
    return uri + "?immutable=1";
}

errc code_of(int sqlite_code, int os_code) {
    const bool full = os_code == ENOSPC || os_code == EDQUOT || os_code == EFBIG;
    switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
        return errc::no_space;
    case SQLITE_IOERR:
        return full ? errc::no_space : errc::io_failed;
    case SQLITE_CANTOPEN:
        return full ? errc::no_space
                    : (os_code == EACCES || os_code == EPERM ? errc::permission_denied : errc::io_failed);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return errc::locked;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return errc::permission_denied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return errc::malformed;
    default:
        return errc::internal;
    }
}

std::string_view hint_of(errc code) {
    switch (code) {
    case errc::no_space:
        return "free space on this file system (or raise the quota or file-size limit), then retry";
    case errc::io_failed:
        return "look at the kernel log for disk errors";
    case errc::malformed:
        return "forge ledger check RUN; restore the file from its mirror or a copy";
    case errc::permission_denied:
        return "check the owner and mode of the run directory";
    default:
        return "";
    }
}

} // namespace

sqlite_handle::sqlite_handle(const std::filesystem::path& path, sqlite_access access) : path_(path.string()) {
    const bool immutable = access == sqlite_access::immutable;
    const int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
        (access == sqlite_access::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
        (immutable ? SQLITE_OPEN_URI : 0);
    const int code = sqlite3_open_v2((immutable ? uri_of(path_) : path_).c_str(), &db_, flags, nullptr);
    if (code != SQLITE_OK) {
        const error e = last_error(code);
        sqlite3_close(db_);
        throw failure(e);
    }
    sqlite3_busy_timeout(db_, busy_milliseconds);
    sqlite3_create_function_v2(db_, "forge_seal", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, seal_function,
                               nullptr, nullptr, nullptr);
}

sqlite_handle::~sqlite_handle() {
    for (auto& [sql, statement] : idle_)
        sqlite3_finalize(statement);
    sqlite3_close_v2(db_);
}

error sqlite_handle::last_error(int code) const {
    const int os_code = db_ != nullptr ? sqlite3_system_errno(db_) : 0;
    const errc c = code_of(code, os_code);
    const bool about_files = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    const std::string os = about_files && os_code != 0 ? fmt::format(": {}", std::strerror(os_code)) : "";
    return error{c, fmt::format("SQLite: {} (code {}{})", db_ != nullptr ? sqlite3_errmsg(db_) : "no memory", code, os),
                 path_, std::string(hint_of(c))};
}

void sqlite_handle::exec(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        throw failure(last_error(code));
}

sqlite3_stmt* sqlite_handle::take(const char* sql) {
    // A statement that is running (a callback that reads again) is not in `idle_`: the inner call gets its own.
    if (auto found = idle_.find(sql); found != idle_.end()) {
        sqlite3_stmt* statement = found->second;
        idle_.erase(found);
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK)
        throw failure(last_error(code));
    return statement;
}

void sqlite_handle::give_back(const char* sql, sqlite3_stmt* statement) noexcept {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    try {
        if (idle_.emplace(sql, statement).second)
            return;
    } catch (...) { // out of memory: the statement is prepared again next time
    }
    sqlite3_finalize(statement);
}

bool query::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        throw failure(db_->last_error(code));
    return false;
}

void query::check(int code) const {
    if (code != SQLITE_OK)
        throw failure(db_->last_error(code));
}

std::string query::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data != nullptr ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                           : std::string();
}

std::span<const std::byte> query::blob(int column) const {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
    return {data, data != nullptr ? static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) : 0};
}

digest query::hash(int column) const {
    digest d{};
    const auto bytes = blob(column);
    if (bytes.size() == d.size())
        std::memcpy(d.data(), bytes.data(), d.size());
    return d;
}

void query::bind(int at, std::string_view v) {
    check(
        sqlite3_bind_text64(statement_, at, v.data() != nullptr ? v.data() : "", v.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void query::bind(int at, std::span<const std::byte> v) {
    static constexpr std::byte nothing{};
    check(sqlite3_bind_blob64(statement_, at, v.empty() ? &nothing : v.data(), v.size(), SQLITE_STATIC));
}

transaction::transaction(sqlite_handle& db, kind k) : db_(&db) {
    db.exec(k == kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

transaction::~transaction() {
    // SQLite rolls some failures back by itself; a second ROLLBACK would be an error of ours.
    if (db_ == nullptr || !db_->in_transaction())
        return;
    try {
        db_->exec("ROLLBACK");
    } catch (const failure&) { // the next BEGIN will report what is wrong with the file
    }
}

void transaction::commit() {
    FORGE_FAILPOINT_THROW("ledger.before_commit");
    db_->exec("COMMIT");
    db_ = nullptr;
    FORGE_FAILPOINT("ledger.after_commit");
}

} // namespace forge
