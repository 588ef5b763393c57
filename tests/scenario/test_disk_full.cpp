// SPDX-License-Identifier: AGPL-3.0-only
// Storage that is full: chains wait and say why; nothing that was committed is lost.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <sys/mount.h>

using namespace forge::test;
using forge::chain_id;

namespace {

/// A small file system in memory; unmounted with the object.
class small_disk {
public:
    explicit small_disk(const std::filesystem::path& at) : at_(at) {
        std::filesystem::create_directories(at_);
        mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=1536k") == 0;
    }
    ~small_disk() {
        if (mounted_)
            ::umount2(at_.c_str(), MNT_DETACH);
    }
    small_disk(const small_disk&) = delete;
    small_disk& operator=(const small_disk&) = delete;
    [[nodiscard]] bool mounted() const { return mounted_; }
    [[nodiscard]] bool grow() const { return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; }

private:
    std::filesystem::path at_;
    bool mounted_ = false;
};

campaign_file storage_hungry() {
    campaign_file c;
    c.measure = 1500;
    c.checkpoint = "interval_s = 0.1";
    return c;
}

bool complains(const std::string& text) {
    return text.find("no_space") != std::string::npos || text.find("io_failed") != std::string::npos;
}

} // namespace

TEST_CASE("a run on a full disk waits, says why, and goes on by itself when there is space", "[disk]") {
    const auto c = storage_hungry();
    const auto hash = undisturbed_hash(c);
    scenario s(c);
    const small_disk disk(s.folder());
    if (!disk.mounted()) {
        WARN("SKIPPED: a small file system can be mounted by root only");
        return;
    }
    process p(s.command());
    REQUIRE(eventually(30.0, [&p] { return complains(p.err()) || !p.running(); }));
    INFO(p.err());
    REQUIRE(p.running());
    const auto held = s.committed(0) + s.committed(1);
    CHECK(held > 0);
    // It stays alive and commits nothing wrong while the disk is full: three rounds of its retries.
    CHECK_FALSE(eventually(3.5, [&p] { return !p.running(); }));
    CHECK(s.committed(0) + s.committed(1) >= held);
    REQUIRE(disk.grow());
    const auto r = p.wait();
    INFO(r.err);
    CHECK_FALSE(r.timed_out);
    CHECK(r.exit_code == 0);
    CHECK(data_of(r).at("finished") == true);
    CHECK(data_of(r).at("ledger_hash") == hash);
    const auto checked = s.check_ledger();
    CHECK(checked.exit_code == 0);
    const auto summary = data_of(checked); // named: a range-for keeps no temporary behind a reference alive
    for (const auto& chain : summary.at("chains"))
        CHECK(chain.at("superseded") == 0);
}

TEST_CASE("a run that is killed on a full disk goes on when there is space", "[disk]") {
    const auto c = storage_hungry();
    scenario s(c);
    const small_disk disk(s.folder());
    if (!disk.mounted()) {
        WARN("SKIPPED: a small file system can be mounted by root only");
        return;
    }
    process p(s.command());
    REQUIRE(eventually(30.0, [&p] { return complains(p.err()) || !p.running(); }));
    REQUIRE(p.stop(SIGKILL).signal == SIGKILL);
    process again(s.command()); // starts on the full disk: waits or refuses, but never crashes
    const bool ended = eventually(2.0, [&again] { return !again.running(); });
    const auto r = ended ? again.wait() : again.stop(SIGKILL);
    INFO(r.err);
    CHECK((r.exit_code >= 0 || r.signal == SIGKILL));
    CHECK(r.exit_code != 1);
    REQUIRE(disk.grow());
    CHECK(s.finish() == undisturbed_hash(c));
    CHECK(s.check_ledger().exit_code == 0);
    CHECK(run_forge({"report", "--run", s.folder().string(), "--json"}).exit_code == 0);
}

TEST_CASE("a limit on the size of files is met like a full disk", "[disk]") {
    const auto c = storage_hungry();
    scenario s(c);
    process p(s.command(), {.folder = {}, .file_size_max = 512 * 1024});
    REQUIRE(eventually(30.0, [&p] { return complains(p.err()) || !p.running(); }));
    INFO(p.err());
    REQUIRE(p.running());
    CHECK(eventually(10.0, [&s] {
        const auto status = nlohmann::json::parse(read_all(s.folder() / "status.json"), nullptr, false);
        return !status.is_discarded() && complains(status.dump());
    }));
    const auto held = s.committed(0);
    CHECK(held > 0);
    CHECK(p.stop(SIGKILL).signal == SIGKILL);
    CHECK(s.committed(0) == held);
    CHECK(s.finish() == undisturbed_hash(c));
    CHECK(s.check_ledger().exit_code == 0);
}
