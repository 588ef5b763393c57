// SPDX-License-Identifier: AGPL-3.0-only
// Copies of a ledger: whole ones, and the changes that bring them forward.
#include "libactors/base/failpoint.hpp"
#include "libactors/ledger/ledger_inner.hpp"

#include <fmt/format.h>

namespace forge {

namespace {

/// A mirror that is away this long gets a whole copy: that is cheaper than noting ever more.
constexpr std::uint64_t noted_bytes_max = std::uint64_t{64} << 20;

void require_ok(sqlite_handle& db, int code) {
    if (code != SQLITE_OK)
        throw failure(db.last_error(code));
}

/// The other end of a whole copy: a file that SQLite fills page by page.
class copy_file {
public:
    explicit copy_file(const std::filesystem::path& path) : db_(path, sqlite_access::read_write) {}
    void fill_from(sqlite_handle& source) {
        auto* backup = sqlite3_backup_init(db_.raw(), "main", source.raw(), "main");
        if (backup == nullptr)
            throw failure(db_.last_error(sqlite3_errcode(db_.raw())));
        sqlite3_backup_step(backup, -1);
        require_ok(db_, sqlite3_backup_finish(backup));
    }

private:
    sqlite_handle db_;
};

struct conflict_seen {
    std::string text;
};

int on_conflict(void* context, int kind, sqlite3_changeset_iter* at) {
    const char* table = nullptr;
    int columns = 0;
    int operation = 0;
    int indirect = 0;
    sqlite3changeset_op(at, &table, &columns, &operation, &indirect);
    static_cast<conflict_seen*>(context)->text = fmt::format("a row of table {} is not what the change expects (kind {})", table != nullptr ? table : "?", kind);
    return SQLITE_CHANGESET_ABORT;
}

} // namespace

change_notes::change_notes(sqlite_handle& db) : db_(&db) {
    require_ok(db, sqlite3session_create(db.raw(), "main", &session_));
    if (const int code = sqlite3session_attach(session_, nullptr); code != SQLITE_OK) {
        sqlite3session_delete(session_);
        throw failure(db.last_error(code));
    }
}

change_notes::~change_notes() { sqlite3session_delete(session_); }

std::vector<std::byte> change_notes::bytes() const {
    int size = 0;
    void* data = nullptr;
    require_ok(*db_, sqlite3session_changeset(session_, &size, &data));
    const auto* first = static_cast<const std::byte*>(data);
    std::vector<std::byte> out(first, first + size);
    sqlite3_free(data);
    return out;
}

std::uint64_t change_notes::memory_bytes() const { return static_cast<std::uint64_t>(sqlite3session_memory_used(session_)); }

ledger_standing ledger::inner::standing() {
    ledger_standing s;
    sha256 all;
    for (std::uint32_t c = 0; c < identity.n_chains; ++c) {
        const auto row = chain({c});
        s.epochs.push_back(row.epoch);
        const auto head = live_hash({c}, row.last);
        if (!head)
            throw failure({errc::malformed, "the last record of chain " + to_text(chain_id{c}) + " is missing", path.string(), "forge ledger check RUN"});
        all.add(std::as_bytes(std::span(*head)));
    }
    s.hash = all.finish();
    query last(db, "SELECT max(id) FROM events");
    s.events = last.step() ? last.u64(0) : 0;
    return s;
}

result<ledger_standing> ledger::standing() {
    return guarded([&] {
        transaction t(in_->db, transaction::kind::read); // one snapshot for all chains
        return in_->standing();
    });
}

result<ledger_standing> ledger::copy_to(const std::filesystem::path& file) {
    auto done = guarded([&] {
        in_->require_writer();
        FORGE_FAILPOINT_THROW("ledger.before_copy");
        std::error_code ec;
        if (std::filesystem::exists(file, ec))
            throw failure({errc::already_exists, "a copy would overwrite this file", file.string(), "report this"});
        in_->notes.reset();
        in_->notes = std::make_unique<change_notes>(in_->db); // nobody else writes: nothing falls between the two
        copy_file(file).fill_from(in_->db);
    });
    if (!done) {
        in_->notes.reset();
        return done.reason();
    }
    return standing();
}

result<ledger_changes> ledger::take_changes() {
    auto changes = guarded([&] {
        in_->require_writer();
        FORGE_FAILPOINT_THROW("ledger.before_take_changes");
        if (!in_->notes || in_->notes->memory_bytes() > noted_bytes_max) {
            in_->notes.reset();
            throw failure({errc::out_of_order, "what changed was not noted", in_->path.string(), "make a whole copy"});
        }
        ledger_changes c;
        c.bytes = in_->notes->bytes();
        in_->notes.reset();
        in_->notes = std::make_unique<change_notes>(in_->db);
        return c;
    });
    if (!changes)
        return changes.reason();
    auto after = standing();
    if (!after)
        return after.reason();
    changes->after = std::move(after).value();
    return changes;
}

result<void> ledger::apply(const ledger_changes& changes) {
    return guarded([&] {
        in_->require_writer();
        transaction t(in_->db, transaction::kind::write);
        FORGE_FAILPOINT_THROW("ledger.before_apply");
        conflict_seen seen;
        // SQLite does not write into a changeset; its parameter only lacks the const.
        const int code = changes.bytes.empty() ? SQLITE_OK
                                               : sqlite3changeset_apply(in_->db.raw(), static_cast<int>(changes.bytes.size()),
                                                                        const_cast<std::byte*>(changes.bytes.data()), nullptr, on_conflict, &seen);
        if (!seen.text.empty())
            throw failure({errc::out_of_order, "the copy is not where these changes begin: " + seen.text, in_->path.string(), "make a whole copy"});
        require_ok(in_->db, code);
        if (!(in_->standing() == changes.after))
            throw failure({errc::checksum_mismatch, "after the changes the copy does not stand where the ledger stood", in_->path.string(), "make a whole copy"});
        t.commit();
    });
}

result<std::vector<std::string>> ledger::lineage() {
    return guarded([&] {
        std::vector<std::string> names;
        query q(in_->db, "SELECT text FROM events WHERE kind = 'lineage' ORDER BY id");
        while (q.step())
            names.push_back(q.text(0));
        return names;
    });
}

result<void> ledger::add_lineage(const std::string& name, const std::string& utc) {
    event_row row;
    row.utc = utc;
    row.kind = "lineage";
    row.text = name;
    return add_event(row);
}

} // namespace forge
