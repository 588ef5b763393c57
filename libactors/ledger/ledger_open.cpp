// SPDX-License-Identifier: AGPL-3.0-only
// Opening, creating and identifying a ledger.
#include "libactors/base/failpoint.hpp"
#include "libactors/ledger/ledger_inner.hpp"
#include "libactors/ledger/ledger_schema.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace forge {

namespace {

namespace fs = std::filesystem;

/// A new directory entry survives a power cut only after its folder was synced.
void sync_folder(const fs::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = fd >= 0 && ::fsync(fd) == 0;
    const int cause = errno;
    if (fd >= 0)
        ::close(fd);
    if (!done)
        throw failure({errc::io_failed, fmt::format("cannot fsync the run directory: {}", std::strerror(cause)),
                       folder.string(), ""});
}

std::uint64_t pragma(sqlite_handle& db, const char* sql) {
    query q(db, sql);
    return q.step() ? q.u64(0) : 0;
}

/// @return false for an empty database, which creation left behind when it was interrupted.
bool holds_ledger(sqlite_handle& db, const fs::path& path) {
    const auto id = pragma(db, "PRAGMA application_id");
    const auto version = pragma(db, "PRAGMA user_version");
    if (id == 0 && version == 0 && pragma(db, "SELECT count(*) FROM sqlite_schema") == 0)
        return false;
    if (id != schema::application_id)
        throw failure({errc::malformed, "this SQLite file is not a ledger of forge", path.string(),
                       "choose another run directory"});
    if (version > schema::version)
        throw failure(
            {errc::version_too_new,
             fmt::format("the ledger has format {} and this program reads up to {}", version, schema::version),
             path.string(), "upgrade forge"});
    return true;
}

campaign_identity stored_identity(sqlite_handle& db, const fs::path& path) {
    query q(db, "SELECT campaign_seed, config_text, config_hash, n_chains, program_version FROM campaign");
    if (!q.step())
        throw failure({errc::malformed, "the ledger does not say which campaign it belongs to", path.string(),
                       "restore the file from its mirror or a copy"});
    return {q.text(0), q.text(1), q.hash(2), q.u32(3), q.text(4)};
}

void create_tables(sqlite_handle& db, const campaign_identity& id) {
    transaction t(db, transaction::kind::write);
    db.exec(schema::create);
    db.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", schema::application_id, schema::version)
                .c_str());
    query(db, "INSERT INTO campaign VALUES(1, ?1, ?2, ?3, ?4, ?5, forge_seal(1, ?1, ?2, ?3, ?4, ?5))")
        .with(id.campaign_seed, id.config_text, id.config_hash, id.n_chains, id.program_version)
        .run();
    for (std::uint32_t c = 0; c < id.n_chains; ++c)
        query(db, "INSERT INTO chains VALUES(?1, 0, 0, 0, forge_seal(?1, 0, 0, 0))").with(c).run();
    t.commit();
}

void make_durable(sqlite_handle& db) {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864");
}

void require_same_campaign(const campaign_identity& stored, const campaign_identity& asked, const fs::path& path) {
    std::string differs;
    const auto note = [&](bool same, std::string_view what) {
        if (!same)
            differs += fmt::format("{}{}", differs.empty() ? "" : ", ", what);
    };
    note(stored.campaign_seed == asked.campaign_seed, "campaign seed");
    note(stored.config_hash == asked.config_hash, "config hash");
    note(stored.n_chains == asked.n_chains,
         fmt::format("n_chains ({} here, {} asked)", stored.n_chains, asked.n_chains));
    if (!differs.empty())
        throw failure({errc::conflict, "the run directory belongs to another campaign: these differ: " + differs,
                       path.string(), "go on with the configuration it was started with, or choose another directory"});
}

} // namespace

ledger::ledger(std::unique_ptr<inner> in) : in_(std::move(in)) {}
ledger::ledger(ledger&&) noexcept = default;
ledger& ledger::operator=(ledger&&) noexcept = default;
ledger::~ledger() = default;
const campaign_identity& ledger::identity() const {
    return in_->identity;
}

result<ledger> ledger::create_or_open(const fs::path& path, const campaign_identity& id) {
    return guarded([&] {
        if (id.n_chains == 0)
            throw failure({errc::invalid_argument, "a campaign has at least one chain", path.string(), ""});
        const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
        require_local_disk(folder).or_throw();
        auto lock = writer_lock::take(folder / "ledger.lock").or_throw();
        auto in = std::make_unique<inner>(std::move(lock), path, sqlite_access::read_write);
        auto& db = in->db;
        const bool exists = holds_ledger(db, path); // nothing is changed in a file that is not ours
        make_durable(db);
        if (!exists) {
            FORGE_FAILPOINT_THROW("ledger.before_create");
            create_tables(db, id);
            FORGE_FAILPOINT_THROW("ledger.after_create");
            sync_folder(folder);
        }
        in->identity = stored_identity(db, path);
        require_same_campaign(in->identity, id, path);
        return ledger(std::move(in));
    });
}

result<ledger> ledger::open_existing(const fs::path& path) {
    return guarded([&] {
        std::error_code ec;
        if (!fs::exists(path, ec))
            throw failure({errc::not_found, "there is no ledger here", path.string(), ""});
        const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
        require_local_disk(folder).or_throw();
        auto lock = writer_lock::take(folder / "ledger.lock").or_throw();
        auto in = std::make_unique<inner>(std::move(lock), path, sqlite_access::read_write);
        if (!holds_ledger(in->db, path))
            throw failure({errc::not_found, "the ledger is still being created", path.string(), "try again"});
        make_durable(in->db);
        in->identity = stored_identity(in->db, path);
        return ledger(std::move(in));
    });
}

result<ledger> ledger::open_read_only(const fs::path& path) {
    return guarded([&] {
        std::error_code ec;
        if (!fs::exists(path, ec))
            throw failure({errc::not_found, "there is no ledger here", path.string(),
                           "name a run directory that `forge run` has created"});
        const auto open_as = [&](sqlite_access access) {
            auto in = std::make_unique<inner>(std::nullopt, path, access);
            if (!holds_ledger(in->db, path))
                throw failure({errc::not_found, "the ledger is still being created", path.string(), "try again"});
            in->identity = stored_identity(in->db, path);
            return ledger(std::move(in));
        };
        try {
            return open_as(sqlite_access::read_only);
        } catch (const failure& first) {
            // Read-only media: SQLite cannot make its shared-memory file. Without a write-ahead log there is
            // nothing in it that counts, and nobody can write.
            const auto code = first.reason().code;
            const fs::path log = path.string() + "-wal";
            const bool log_is_empty = !fs::exists(log, ec) || fs::file_size(log, ec) == 0;
            if ((code != errc::io_failed && code != errc::permission_denied) || !log_is_empty ||
                ::access(path.parent_path().empty() ? "." : path.parent_path().c_str(), W_OK) == 0)
                throw;
            return open_as(sqlite_access::immutable);
        }
    });
}

// ---- what the other parts share -------------------------------------------------------------------------------

void ledger::inner::require_writer() const {
    if (!lock)
        throw failure({errc::permission_denied, "this ledger was opened for reading", path.string(), ""});
}

chain_row ledger::inner::chain(chain_id c) {
    query q(db, "SELECT epoch, cursor, last FROM chains WHERE chain = ?1");
    if (!q.with(c.value).step())
        throw failure({errc::not_found, fmt::format("the campaign has no chain {}", to_text(c)), path.string(),
                       fmt::format("chains are c0 to c{}", identity.n_chains - 1)});
    return {c, {q.u64(0)}, q.u64(1), q.u64(2)};
}

chain_row ledger::inner::owned_chain(chain_id c, epoch_no e) {
    const chain_row row = chain(c);
    if (const auto stale = refuse_epoch(row, e))
        throw failure(*stale);
    return row;
}

void ledger::inner::store(const chain_row& row) {
    query(db, "UPDATE chains SET epoch = ?2, cursor = ?3, last = ?4, seal = forge_seal(?1, ?2, ?3, ?4) "
              "WHERE chain = ?1")
        .with(row.chain.value, row.epoch.value, row.cursor, row.last)
        .run();
}

std::optional<digest> ledger::inner::live_hash(chain_id c, std::uint64_t trajectory) {
    if (trajectory == 0)
        return genesis_hash(identity.campaign_seed, c);
    query q(db, "SELECT hash FROM records WHERE chain = ?1 AND trajectory = ?2 AND superseded_by IS NULL");
    if (!q.with(c.value, trajectory).step())
        return std::nullopt;
    return q.hash(0);
}

std::optional<segment_no> ledger::inner::covering_segment(chain_id c, std::uint64_t trajectory) {
    query q(db, "SELECT number FROM segments WHERE chain = ?1 AND first_trajectory <= ?2 AND superseded_by IS NULL "
                "ORDER BY first_trajectory DESC LIMIT 1");
    if (!q.with(c.value, trajectory).step())
        return std::nullopt;
    return segment_no{q.u32(0)};
}

std::uint64_t ledger::inner::supersede_from(chain_row& row, epoch_no by, std::uint64_t trajectory) {
    query(db, "UPDATE records SET superseded_by = ?1, seal = forge_seal(id, chain, trajectory, segment, epoch, ?1, "
              "hash, bytes, measured, accepted, plaquette, delta_h) "
              "WHERE chain = ?2 AND trajectory >= ?3 AND superseded_by IS NULL")
        .with(by.value, row.chain.value, trajectory)
        .run();
    const std::uint64_t n = db.changes();
    query(db, "UPDATE segments SET superseded_by = ?1, seal = forge_seal(chain, number, ordinal, first_trajectory, "
              "beta, trajectory_length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, "
              "epoch, ?1, "
              "finished_at) WHERE chain = ?2 AND first_trajectory > ?3 AND superseded_by IS NULL")
        .with(by.value, row.chain.value, trajectory)
        .run();
    query(
        db,
        "UPDATE segments SET finished_at = NULL, seal = forge_seal(chain, number, ordinal, first_trajectory, "
        "beta, trajectory_length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, "
        "superseded_by, NULL) WHERE chain = ?1 AND finished_at >= ?2 AND superseded_by IS NULL")
        .with(row.chain.value, trajectory)
        .run();
    row.last = std::min(row.last, trajectory - 1);
    return n;
}

std::uint64_t ledger::inner::next_id(const char* max_id_query) {
    query q(db, max_id_query);
    return q.step() ? q.u64(0) + 1 : 1;
}

} // namespace forge
