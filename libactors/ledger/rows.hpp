// SPDX-License-Identifier: AGPL-3.0-only
// The values that go into the ledger and come out of it.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/base/hash.hpp"
#include "libactors/base/ids.hpp"
#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What a run directory is about; a ledger belongs to exactly one campaign.
struct campaign_identity {
    std::string campaign_seed;   ///< text that every random-number key is derived from
    std::string config_text;     ///< canonical text of the campaign file
    digest config_hash{};        ///< of what must not change; the ledger compares this, not the text
    std::uint32_t n_chains = 0;  ///< chains 0 ... n_chains-1 exist, >= 1
    std::string program_version; ///< that created the ledger; may differ when it is opened again

    friend bool operator==(const campaign_identity&, const campaign_identity&) = default;
};

/// One stretch of a chain, as the ledger issued it.
struct segment_row {
    chain_id chain;
    segment_no number;                  ///< issued once, never reused in a chain (numbers seed the noise)
    std::uint32_t ordinal = 0;          ///< live segments before it: 0, 1, 2 ... along the chain
    std::uint64_t first_trajectory = 1; ///< index of its first trajectory
    segment_params params;
    std::string reason; ///< why it was opened: "start", "plan", "steered" ...
    epoch_no epoch;     ///< that opened it
    bool live = true;   ///< false once superseded
    bool finished = false;
};

/// A trajectory handed in for good.
struct commit_request {
    physics_record record;
    forge::receipt receipt; ///< its `epoch` field is ignored: `epoch` below counts
    epoch_no epoch;         ///< of the owner that computed it
};

/// What became of one commit request.
enum class commit_kind {
    committed,        ///< new live record
    validated,        ///< a live record with the same hash was there: replay after a crash met the same bits
    superseded_older, ///< the live record at this index had other bits: it and all after it were superseded
    refused,          ///< nothing changed; `reason` says why
};

struct commit_outcome {
    commit_kind kind = commit_kind::refused;
    std::optional<error> reason;  ///< set when refused: stale_epoch, out_of_order, invalid_argument, not_found
    std::uint64_t superseded = 0; ///< live records that this commit superseded
};

/// One outcome per request, in the order of the requests.
struct commit_result {
    std::vector<commit_outcome> items;
    [[nodiscard]] bool all_accepted() const {
        for (const auto& item : items)
            if (item.kind == commit_kind::refused)
                return false;
        return true;
    }
};

/// A record as stored.
struct record_row {
    physics_record record;
    digest hash{};
    epoch_no epoch; ///< of the owner that committed it
    bool live = true;
    std::optional<epoch_no> superseded_by;
    forge::receipt receipt; ///< of the commit
};

/// A receipt as stored; a record that was computed again after a crash has more than one.
struct receipt_row {
    chain_id chain;
    std::uint64_t trajectory = 0;
    forge::receipt receipt;
    bool validation = false; ///< the trajectory was there and this is the receipt of meeting it again
};

/// A durable, verified checkpoint file.
struct checkpoint_row {
    chain_id chain;
    std::uint64_t trajectory = 0; ///< i of the state in the file
    epoch_no epoch;               ///< that wrote it
    std::string file;             ///< name relative to the run directory; unique within the chain
    digest file_hash{};           ///< SHA-256 of all its bytes
    std::uint64_t bytes = 0;
    state_hash state;
    digest head{};    ///< hash of record `trajectory` (genesis hash for 0)
    std::string utc;  ///< wall time, for people
    bool live = true; ///< filled on reading: `head` is the live record there (false: its branch was superseded)
};

/// A decision or an event, for `forge events` and `forge why`.
struct event_row {
    std::uint64_t id = 0; ///< filled on reading; grows
    std::string utc;
    std::string kind;
    std::optional<chain_id> chain;
    std::optional<std::uint64_t> trajectory;
    std::string text; ///< one sentence
    std::string json; ///< details; empty or one JSON value
};

/// Where a ledger stands: enough to see that a copy is the same and of the same owners.
struct ledger_standing {
    digest hash{};                ///< ledger_hash: the physics of all chains
    std::vector<epoch_no> epochs; ///< of chain 0, 1, ...
    std::uint64_t events = 0;     ///< id of the last event; 0: none
    friend bool operator==(const ledger_standing&, const ledger_standing&) = default;
};

/// What brings a copy forward from where the last one left it.
struct ledger_changes {
    std::vector<std::byte> bytes; ///< an SQLite changeset; empty: nothing changed
    ledger_standing after;
};

/// What `ledger::check` found.
struct check_report {
    struct problem {
        std::optional<chain_id> chain;           ///< none: the file as a whole
        std::optional<std::uint64_t> trajectory; ///< the first bad record of the chain
        std::string text;
    };
    struct chain_summary {
        chain_id chain;
        std::uint64_t live = 0;       ///< live records: trajectories 1 ... live when nothing is wrong
        std::uint64_t superseded = 0; ///< records kept, but not part of the chain any more
        std::uint64_t segments = 0;   ///< live ones
        epoch_no epoch;               ///< current one
        digest head{};                ///< recomputed hash of the last live record
    };
    std::vector<problem> problems; ///< at most one per chain and table, the first that was met
    std::vector<chain_summary> chains;

    [[nodiscard]] bool ok() const { return problems.empty(); }
};

} // namespace forge
