// SPDX-License-Identifier: AGPL-3.0-only
// What the coordinator does next to keep a copy of its run on a second node: pure core of the mirror actor.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/error.hpp"
#include "libactors/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace forge {

/// Which campaign, which history of it, and how far: what a node compares with the copy that it holds.
struct mirror_offer {
    std::string name;                 ///< the campaign's, for people
    std::string seed;
    digest config_hash{};
    std::uint32_t n_chains = 0;
    std::vector<std::string> lineage; ///< oldest first, never empty
    std::vector<epoch_no> epochs;     ///< of chain 0, 1, ...
};

/// What a node holds of a campaign.
struct mirror_holding {
    std::vector<std::string> lineage; ///< empty: nothing yet
    std::vector<epoch_no> epochs;
};

/// May this run's ledger go into that copy?
///
/// The copy outlives a run directory, so it is a fence as well: a run that was rebuilt from it elsewhere has a longer
/// lineage, and whoever woke up with the older one is refused.
/// @return errc::stale_epoch when the copy is of a later history or has seen later owners; errc::conflict when neither
///         history comes from the other; nothing when the copy may follow.
[[nodiscard]] std::optional<error> judge_mirror_offer(const mirror_offer& offer, const mirror_holding& held);

// Commands. At most one is under way.
struct ask_holding_command {};                    ///< then on_holding or on_failed
struct take_changes_command { bool whole; };      ///< then on_taken or on_failed
struct send_file_command { std::size_t index; };  ///< of the files that on_taken named; then on_kept or on_failed
struct send_ledger_command {};                    ///< then on_kept or on_failed
struct wait_command { double seconds; };          ///< then on_due
struct settled_command {};                        ///< finish(): everything is there, or never will be
using mirror_command = std::variant<ask_holding_command, take_changes_command, send_file_command, send_ledger_command, wait_command, settled_command>;

/// The mirror as (state, event) -> command: checkpoints first, then the ledger that lists them, so that the copy never
/// names a file that it does not hold. After any failure it begins again with a whole copy, with growing pauses.
class mirror_sender {
public:
    /// @param wanted      name of the node, or "node": whichever comes first.
    /// @param interval_s  between the end of one round and the next.
    mirror_sender(std::string wanted, double interval_s);

    /// Is this the node to copy to, now that it is there (again)? The one that has the copy keeps it while it is there.
    [[nodiscard]] bool wants(const std::string& node, bool keeps_copies) const;
    /// The wanted node is there (again).
    [[nodiscard]] std::vector<mirror_command> on_node(std::string node);
    void on_node_gone();
    /// @param files  content hashes of what the node holds already.
    [[nodiscard]] std::vector<mirror_command> on_holding(std::set<digest> files);
    /// @param files  content hashes of the checkpoints that the ledger lists, in the order in which they are to go.
    [[nodiscard]] std::vector<mirror_command> on_taken(std::vector<digest> files, bool changed);
    [[nodiscard]] std::vector<mirror_command> on_kept();
    /// A refusal (stale_epoch, conflict) ends it with this node until the node comes again.
    [[nodiscard]] std::vector<mirror_command> on_failed(const error& why);
    [[nodiscard]] std::vector<mirror_command> on_due();
    /// The campaign ends: one more round, at once, and then no more.
    [[nodiscard]] std::vector<mirror_command> finish();

    enum class phase : std::uint8_t { no_node, asking, taking, files, ledger, waiting, refused, settled };
    [[nodiscard]] phase now() const { return phase_; }
    [[nodiscard]] const std::string& node() const { return node_; }
    [[nodiscard]] const std::set<digest>& held() const { return held_; }
    [[nodiscard]] std::uint64_t rounds() const { return rounds_; } ///< that ended with everything there

private:
    [[nodiscard]] std::vector<mirror_command> next_file();
    [[nodiscard]] std::vector<mirror_command> round_done();
    [[nodiscard]] std::vector<mirror_command> settle();

    std::string wanted_;
    double interval_s_;
    double backoff_s_;
    phase phase_ = phase::no_node;
    std::string node_;
    bool whole_ = true; ///< the node's ledger is not the beginning of the next changes
    bool changed_ = true;
    bool finishing_ = false;
    bool last_round_ = false; ///< this round began after finish()
    std::set<digest> held_;
    std::vector<digest> files_;
    std::size_t at_ = 0;
    std::uint64_t rounds_ = 0;
};

} // namespace forge
