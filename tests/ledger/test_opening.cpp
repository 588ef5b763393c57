// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/ledger/file_guard.hpp"
#include "tests/ledger/ledger_fixture.hpp"

#include <fstream>
#include <sys/mount.h>
#include <sys/wait.h>

using namespace forge;
using namespace forge::testing;
using Catch::Matchers::Contains;

TEST_CASE("another campaign is refused and the differing fields are named") {
    run_folder run;
    must(ledger::create_or_open(run.ledger(), toy_campaign()));
    const auto refusal = [&](auto&& change) {
        auto id = toy_campaign();
        change(id);
        const auto opened = ledger::create_or_open(run.ledger(), id);
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.reason().code == errc::conflict);
        return opened.reason().what;
    };
    CHECK_THAT(refusal([](auto& id) { id.campaign_seed = "x"; }), Contains("seed") && !Contains("n_chains"));
    CHECK_THAT(refusal([](auto& id) { id.config_hash[0] ^= 1; }), Contains("config hash") && !Contains("seed"));
    CHECK_THAT(refusal([](auto& id) { id.n_chains = 4; }), Contains("n_chains (3 here, 4 asked)"));
    auto id = toy_campaign();
    id.program_version = "0.2.0";
    CHECK(must(ledger::create_or_open(run.ledger(), id)).identity().program_version == "0.1.0");
    CHECK(must(ledger::open_read_only(run.ledger())).identity().config_text == toy_campaign().config_text);
}

TEST_CASE("a second writer is refused with the pid of the first, in this process and in another") {
    run_folder run;
    const auto refused_here = [&] {
        const auto second = ledger::create_or_open(run.ledger(), toy_campaign());
        return !second.ok() && second.reason().code == errc::locked &&
               second.reason().what.find(std::to_string(::getpid())) != std::string::npos &&
               !second.reason().hint.empty();
    };
    {
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        CHECK(refused_here());
        const pid_t owner = ::getpid();
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const auto second = ledger::create_or_open(run.ledger(), toy_campaign());
            const bool right = !second.ok() && second.reason().code == errc::locked &&
                               second.reason().what.find(std::to_string(owner)) != std::string::npos;
            ::_exit(right ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
        CHECK(must(book.take_epoch({0})).value == 1);
    }
    CHECK(ledger::create_or_open(run.ledger(), toy_campaign()).ok()); // a lock ends with its owner
}

TEST_CASE("a reader works beside the writer, without one, and cannot write") {
    run_folder run;
    {
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        auto chain = toy_chain::start(book, {0});
        auto reader = must(ledger::open_read_only(run.ledger()));
        for (std::uint64_t n = 1; n <= 20; ++n) {
            must(book.commit(chain.next(3)));
            CHECK(must(reader.count({0})) == 3 * n);
            CHECK(must(reader.ledger_hash()) == must(book.ledger_hash()));
        }
        std::uint64_t met = 0; // a long read sees one moment, and the writer goes on
        must(reader.each_record({0}, true, 1, UINT64_MAX, [&](const record_row&) {
            if (met < 5)
                must(book.commit(chain.next(1)));
            ++met;
            return true;
        }));
        CHECK(met == 60);
        CHECK(must(reader.count({0})) == 65);
        CHECK(must(reader.check()).ok());
        CHECK(reader.take_epoch({0}).reason().code == errc::permission_denied);
        CHECK(reader.commit({}).reason().code == errc::permission_denied);
        CHECK(reader.open_segment({0}, {1}, 66, toy_params(), "x").reason().code == errc::permission_denied);
        CHECK(reader.add_event({}).reason().code == errc::permission_denied);
    }
    auto reader = must(ledger::open_read_only(run.ledger()));
    CHECK(must(reader.count({0})) == 65);
    CHECK(must(reader.check()).ok());
}

TEST_CASE("a finished run is readable on read-only media") {
    run_folder run;
    const auto disk = run.path / "disk";
    std::filesystem::create_directory(disk);
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=8m") != 0) {
        WARN("skipped: mounting a tmpfs needs root");
        return;
    }
    {
        auto book = must(ledger::create_or_open(disk / "ledger.sqlite", toy_campaign()));
        auto chain = toy_chain::start(book, {0});
        must(book.commit(chain.next(9)));
    }
    const bool remounted = ::mount("none", disk.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m") == 0;
    CHECK(remounted);
    {
        auto reader = ledger::open_read_only(disk / "ledger.sqlite");
        CHECK(reader.ok());
        if (reader) {
            CHECK(must(reader->count({0})) == 9);
            CHECK(must(reader->check()).ok());
        }
        const auto writer = ledger::create_or_open(disk / "ledger.sqlite", toy_campaign());
        CHECK(!writer.ok());
    }
    CHECK(::umount2(disk.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("what is not a ledger of ours is refused by name and left alone") {
    run_folder run;
    CHECK(ledger::open_read_only(run.ledger()).reason().code == errc::not_found);
    CHECK(ledger::create_or_open(run.path / "nowhere" / "ledger.sqlite", toy_campaign()).reason().code ==
          errc::not_found);
    CHECK(ledger::create_or_open(run.ledger(), toy_campaign(0)).reason().code == errc::invalid_argument);

    SECTION("text") {
        std::ofstream(run.ledger()) << std::string(4096, 'x');
        CHECK(ledger::create_or_open(run.ledger(), toy_campaign()).reason().code == errc::malformed);
        CHECK(ledger::open_read_only(run.ledger()).reason().code == errc::malformed);
        CHECK(std::filesystem::file_size(run.ledger()) == 4096);
    }
    SECTION("another program's database") {
        raw_sql(run.ledger(), "CREATE TABLE music(title TEXT)");
        CHECK(ledger::create_or_open(run.ledger(), toy_campaign()).reason().code == errc::malformed);
        CHECK(raw_sql(run.ledger(), "SELECT count(*) FROM sqlite_schema") == 1);
    }
    SECTION("a newer format") {
        must(ledger::create_or_open(run.ledger(), toy_campaign()));
        raw_sql(run.ledger(), "PRAGMA user_version = 2");
        CHECK(ledger::create_or_open(run.ledger(), toy_campaign()).reason().code == errc::version_too_new);
        CHECK(ledger::open_read_only(run.ledger()).reason().code == errc::version_too_new);
    }
    SECTION("an empty file, which an interrupted creation leaves, becomes a ledger") {
        std::ofstream(run.ledger()).flush();
        CHECK(ledger::open_read_only(run.ledger()).reason().code == errc::not_found);
        CHECK(must(ledger::create_or_open(run.ledger(), toy_campaign())).identity() == toy_campaign());
    }
}

TEST_CASE("network file systems are known by their numbers and local ones pass") {
    CHECK(network_file_system(0x6969) == "NFS");
    CHECK(network_file_system(0x517b) == "SMB");
    CHECK(network_file_system(0xff534d42) == "SMB");
    CHECK(network_file_system(0xfe534d42) == "SMB");
    CHECK(network_file_system(0x65735546) == "FUSE");
    CHECK(network_file_system(0xef53).empty());     // ext4
    CHECK(network_file_system(0x01021994).empty()); // tmpfs
    CHECK(network_file_system(0x58465342).empty()); // XFS
    CHECK(network_file_system(0x9123683e).empty()); // Btrfs
    CHECK(network_file_system(0x794c7630).empty()); // overlay
    run_folder run;
    CHECK(require_local_disk(run.path).ok());
    CHECK(require_local_disk(run.path / "nowhere").reason().code == errc::not_found);
}
