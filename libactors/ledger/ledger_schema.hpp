// SPDX-License-Identifier: AGPL-3.0-only
// The tables of the ledger (docs/formats/ledger.md). Stored on disk: a change needs a new schema version.
#pragma once

namespace forge::schema {

inline constexpr int version = 1;                 // PRAGMA user_version
inline constexpr int application_id = 0x4d46474c; // "MFGL", PRAGMA application_id

// The last column of every table seals the row: forge_seal(every other column, in order).
// "superseded_by IS NULL" is what live means; partial unique indices keep one live row per place.
inline constexpr const char* create = R"sql(
CREATE TABLE campaign(
  id INTEGER PRIMARY KEY CHECK(id = 1), campaign_seed TEXT NOT NULL, config_text TEXT NOT NULL,
  config_hash BLOB NOT NULL, n_chains INTEGER NOT NULL, program_version TEXT NOT NULL, seal BLOB NOT NULL) STRICT;
CREATE TABLE chains(
  chain INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL, last INTEGER NOT NULL,
  seal BLOB NOT NULL) STRICT;
CREATE TABLE segments(
  chain INTEGER NOT NULL REFERENCES chains, number INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  first_trajectory INTEGER NOT NULL, beta REAL NOT NULL, trajectory_length REAL NOT NULL, n_steps INTEGER NOT NULL,
  integrator INTEGER NOT NULL, n_thermalise INTEGER NOT NULL, n_measure INTEGER NOT NULL, n_warmup INTEGER NOT NULL,
  precision INTEGER NOT NULL, df64_share REAL NOT NULL, target_error REAL,
  reason TEXT NOT NULL, epoch INTEGER NOT NULL, superseded_by INTEGER, finished_at INTEGER, seal BLOB NOT NULL,
  PRIMARY KEY(chain, number)) STRICT;
CREATE UNIQUE INDEX live_segments ON segments(chain, first_trajectory) WHERE superseded_by IS NULL;
CREATE TABLE records(
  id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, trajectory INTEGER NOT NULL, segment INTEGER NOT NULL,
  epoch INTEGER NOT NULL, superseded_by INTEGER, hash BLOB NOT NULL, bytes BLOB NOT NULL, measured INTEGER NOT NULL,
  accepted INTEGER NOT NULL, plaquette REAL, delta_h REAL, seal BLOB NOT NULL,
  FOREIGN KEY(chain, segment) REFERENCES segments(chain, number)) STRICT;
CREATE UNIQUE INDEX live_records ON records(chain, trajectory) WHERE superseded_by IS NULL;
CREATE INDEX superseded_records ON records(chain, trajectory) WHERE superseded_by IS NOT NULL;
CREATE TABLE origins(
  id INTEGER PRIMARY KEY, device TEXT NOT NULL, bits_class TEXT NOT NULL, kernel_hash TEXT NOT NULL,
  energy_source TEXT NOT NULL, seal BLOB NOT NULL, UNIQUE(device, bits_class, kernel_hash, energy_source)) STRICT;
CREATE TABLE receipts(
  id INTEGER PRIMARY KEY, record INTEGER NOT NULL REFERENCES records, validation INTEGER NOT NULL,
  epoch INTEGER NOT NULL, origin INTEGER NOT NULL REFERENCES origins, seconds REAL, joules REAL,
  seal BLOB NOT NULL) STRICT;
CREATE INDEX receipts_of_record ON receipts(record);
CREATE TABLE checkpoints(
  id INTEGER PRIMARY KEY, chain INTEGER NOT NULL REFERENCES chains, trajectory INTEGER NOT NULL,
  epoch INTEGER NOT NULL, file TEXT NOT NULL, file_hash BLOB NOT NULL, bytes INTEGER NOT NULL,
  state_a INTEGER NOT NULL, state_b INTEGER NOT NULL, head BLOB NOT NULL, utc TEXT NOT NULL, seal BLOB NOT NULL,
  UNIQUE(chain, file)) STRICT;
CREATE TABLE events(
  id INTEGER PRIMARY KEY, utc TEXT NOT NULL, kind TEXT NOT NULL, chain INTEGER, trajectory INTEGER,
  text TEXT NOT NULL, json TEXT NOT NULL, seal BLOB NOT NULL) STRICT;
)sql";

/// Rows whose seal does not fit: (row name for people, chain or NULL, trajectory or NULL).
struct sealed_table {
    const char* name;
    const char* broken_rows;
};
inline constexpr sealed_table sealed_tables[] = {
    {"campaign", "SELECT 'campaign', NULL, NULL FROM campaign WHERE seal IS NOT "
                 "forge_seal(id, campaign_seed, config_text, config_hash, n_chains, program_version)"},
    {"chains", "SELECT 'chain ' || chain, chain, NULL FROM chains WHERE seal IS NOT "
               "forge_seal(chain, epoch, cursor, last)"},
    {"segments", "SELECT 'segment ' || number, chain, NULL FROM segments WHERE seal IS NOT "
                 "forge_seal(chain, number, ordinal, first_trajectory, beta, trajectory_length, n_steps, integrator, "
                 "n_thermalise, n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, superseded_by, finished_at)"},
    {"records", "SELECT 'record row ' || id, chain, trajectory FROM records WHERE seal IS NOT "
                "forge_seal(id, chain, trajectory, segment, epoch, superseded_by, hash, bytes, measured, accepted, "
                "plaquette, delta_h) ORDER BY chain, trajectory"},
    {"origins", "SELECT 'origin ' || id, NULL, NULL FROM origins WHERE seal IS NOT "
                "forge_seal(id, device, bits_class, kernel_hash, energy_source)"},
    {"receipts", "SELECT 'receipt ' || t.id, r.chain, r.trajectory FROM receipts t LEFT JOIN records r "
                 "ON r.id = t.record WHERE t.seal IS NOT "
                 "forge_seal(t.id, t.record, t.validation, t.epoch, t.origin, t.seconds, t.joules)"},
    {"checkpoints", "SELECT 'checkpoint ' || file, chain, trajectory FROM checkpoints WHERE seal IS NOT "
                    "forge_seal(id, chain, trajectory, epoch, file, file_hash, bytes, state_a, state_b, head, utc)"},
    {"events", "SELECT 'event ' || id, chain, trajectory FROM events WHERE seal IS NOT "
               "forge_seal(id, utc, kind, chain, trajectory, text, json)"},
};

} // namespace forge::schema
