// SPDX-License-Identifier: AGPL-3.0-only
// The words of chain ownership: nodes, operations, positions in a chain, checkpoints, leases.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/ids.hpp"

#include <cstdint>
#include <string>

namespace forge::migration {

using node_name = strong_id<struct node_tag, std::string>;         ///< a process of the cluster, "lab1"
using operation_id = strong_id<struct operation_tag, std::string>; ///< chosen by the client, unique for ever

/// Where a chain runs.
struct place {
    node_name node;
    std::string device; ///< "gpu0"; empty: the node chooses
    friend bool operator==(const place&, const place&) = default;
};

/// A point of a chain's history: the state after trajectory i, named by the hash of record i (genesis for 0).
struct position {
    std::uint64_t trajectory = 0;
    digest head{};
    friend bool operator==(const position&, const position&) = default;
};

/// A checkpoint file by its contents; where it lies is told separately.
struct checkpoint_ref {
    position at;
    digest file{}; ///< SHA-256 of all its bytes
    std::uint64_t bytes = 0;
    friend bool operator==(const checkpoint_ref&, const checkpoint_ref&) = default;
};

/// Times in seconds on a clock that counts through suspension (CLOCK_BOOTTIME).
///
/// The owner counts from when it *asked* for renewal, the coordinator from when it answered, so the owner stops
/// first. This saves work only; what keeps two owners from committing is the epoch.
struct lease_terms {
    double ttl_s = 15.0;
    double renew_s = 3.0;
    double margin_s = 2.0; ///< the owner starts nothing in the last margin_s of its lease
};

/// A known fault built into the protocol, so that the tests can show that they would find it.
///
/// Correct by default. Only `flaw_planter`, which is defined in tests/migration and nowhere else, can make any other.
class protocol_flaw {
public:
    enum class kind : std::uint8_t {
        none,
        epoch_not_checked,    ///< the ledger takes commits of any epoch
        commit_before_verify, ///< a target reports a copy that it has not verified
        restart_keeps_epoch,  ///< an owner that comes back goes on with its old epoch
        resend_without_id,    ///< a repeated request is taken for a new one
        directory_not_synced, ///< a copy counts before its name is durable
    };
    constexpr protocol_flaw() = default;
    [[nodiscard]] constexpr bool is(kind k) const { return kind_ == k; }

private:
    friend struct flaw_planter;
    constexpr explicit protocol_flaw(kind k) : kind_(k) {}
    kind kind_ = kind::none;
};

} // namespace forge::migration
