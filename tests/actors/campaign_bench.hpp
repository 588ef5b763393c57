// SPDX-License-Identifier: AGPL-3.0-only
// A campaign in this process on reference engines that fail on demand.
#pragma once

#include "actors/runtime/campaign_runtime.hpp"
#include "tests/support/process.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace forge::test {

/// Called before every drift with its number (from 1, over all engines that share the fault); may throw.
struct fault {
    std::function<void(std::uint64_t)> on_drift;
    std::atomic<std::uint64_t> drifts{0};
};

/// A reference engine whose workspaces ask `f` before every drift.
[[nodiscard]] engine_factory faulty_reference(std::shared_ptr<fault> f);
[[nodiscard]] engine_factory sound_reference();

/// 2^4 lattice, two chains, four points, a few trajectories: some tenths of a second.
[[nodiscard]] campaign small_campaign();

/// A run directory in which a campaign is started as often as one likes.
class bench {
public:
    explicit bench(campaign plan = small_campaign()) : plan_(std::move(plan)) {}
    /// Opens ledger and store and puts the parts together; the plan decides chains and capacity.
    [[nodiscard]] runtime_parts parts(const std::vector<engine_factory>& engines) const;
    [[nodiscard]] ledger open() const { return ledger::open_read_only(folder_.path() / "ledger.sqlite").or_throw(); }
    [[nodiscard]] std::string hash() const { return to_hex(open().ledger_hash().or_throw()); }
    [[nodiscard]] const campaign& plan() const { return plan_; }
    /// Trajectories of one chain when everything is done.
    [[nodiscard]] std::uint64_t trajectories_of(chain_id c) const;

private:
    scratch_folder folder_;
    campaign plan_;
};

/// Runs until the campaign is over (at most 60 s, then it fails) and returns the last status.
run_status run_to_end(campaign_runtime& runtime);
/// Hash of an undisturbed run of this campaign.
[[nodiscard]] std::string undisturbed_hash(const campaign& plan);

} // namespace forge::test
