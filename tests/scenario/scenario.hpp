// SPDX-License-Identifier: AGPL-3.0-only
// A small campaign in a folder of its own, run by the real program.
#pragma once

#include "libactors/ledger/ledger.hpp"
#include "tests/support/process.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>

namespace forge::test {

/// What the campaign file says; every field ends up in text().
struct campaign_file {
    std::optional<std::string> seed = "s1";
    int chains = 2;
    int points = 4;
    int steps = 6;
    int thermalise = 20;
    int measure = 100;
    std::string extents = "[4, 4, 4, 4]";
    std::string scan;        ///< more lines of [scan]
    std::string measurement; ///< more lines of [measurement]
    std::string start;       ///< lines of [start]
    std::string devices = "split_cpu = 2";
    std::string flow;
    std::string checkpoint = "interval_s = 0.3";
    std::string ledger; ///< lines of [ledger]
    std::string conductor; ///< lines of [conductor]
    [[nodiscard]] std::string text() const;
};

/// One run directory, with the commands that act on it.
class scenario {
public:
    explicit scenario(const campaign_file& c = {}) : folder_(scratch_.path() / "run") { write(c); }

    void write(const campaign_file& c) const { write_text(c.text()); }
    void write_text(const std::string& text) const;
    [[nodiscard]] std::filesystem::path file() const { return scratch_.path() / "campaign.toml"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] const std::filesystem::path& scratch() const { return scratch_.path(); }
    /// Another place for the run directory.
    void use_folder(const std::filesystem::path& f) { folder_ = f; }

    /// forge run FILE --out FOLDER --json, and more.
    [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& more = {}) const;
    [[nodiscard]] process_result run(const std::vector<std::string>& more = {}) const { return process(command(more)).wait(); }
    /// Runs to the end and returns the ledger hash. @throws when it does not end well.
    std::string finish() const;
    [[nodiscard]] process_result check_ledger() const { return run_forge({"ledger", "check", folder_.string(), "--json"}); }

    [[nodiscard]] ledger open() const { return ledger::open_read_only(folder_ / "ledger.sqlite").or_throw(); }
    /// Live records of a chain, 0 while there is no ledger.
    [[nodiscard]] std::uint64_t committed(std::uint32_t chain = 0) const;
    /// Newest checkpoint file first.
    [[nodiscard]] std::vector<std::filesystem::path> checkpoints(std::uint32_t chain) const;

private:
    scratch_folder scratch_;
    std::filesystem::path folder_;
};

/// "data" of the envelope on stdout. @throws when it is not one.
[[nodiscard]] nlohmann::json data_of(const process_result& r);
/// Hash of a finished run of this campaign in a fresh folder, computed once per text.
[[nodiscard]] std::string undisturbed_hash(const campaign_file& c);
/// Every index of every chain has exactly one live record, and there are as many as the campaign asks for.
void check_one_live_record_each(ledger& book, const campaign_file& c);
/// Goes on to the end: the undisturbed hash, a sound ledger, nothing doubled, nothing superseded, nothing lost.
void check_whole(const scenario& s, const campaign_file& c);
/// Flips one bit of the byte at `offset` (from the end when negative).
void flip(const std::filesystem::path& file, std::int64_t offset);

} // namespace forge::test
