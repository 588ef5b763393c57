// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/ledger/ledger_fixture.hpp"

#include <chrono>
#include <csignal>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

using namespace forge;
using namespace forge::testing;

TEST_CASE("kill -9 in the middle of commits leaves a consistent prefix that holds everything acknowledged") {
    constexpr unsigned seed = 20240607;
    INFO("seed " << seed);
    std::mt19937 generator(seed);
    run_folder run;
    std::uint64_t restarts = 0;
    for (int kill = 0; kill < 20; ++kill) {
        int pipe_ends[2];
        REQUIRE(::pipe(pipe_ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(pipe_ends[0]);
            auto book = ledger::create_or_open(run.ledger(), toy_campaign());
            if (!book)
                ::_exit(3);
            auto chain = toy_chain::start(*book, {0});
            if (auto last = book->last_record({0}); last && *last) {
                chain.trajectory = (*last)->record.trajectory;
                chain.head = (*last)->hash;
            }
            for (std::size_t n = 1;; n = n % 40 + 1) {
                if (!book->commit(chain.next(n)))
                    ::_exit(4);
                if (::write(pipe_ends[1], &chain.trajectory, sizeof chain.trajectory) != sizeof chain.trajectory)
                    ::_exit(5);
            }
        }
        ::close(pipe_ends[1]);
        std::this_thread::sleep_for(std::chrono::microseconds(generator() % 60000));
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        std::uint64_t acknowledged = 0, value = 0;
        while (::read(pipe_ends[0], &value, sizeof value) == sizeof value)
            acknowledged = value;
        ::close(pipe_ends[0]);

        if (auto reader = ledger::open_read_only(run.ledger())) { // before any writer repairs anything
            CHECK(must(reader->check()).ok());
            CHECK(must(reader->count({0})) >= acknowledged);
        } else {
            CHECK(acknowledged == 0); // killed while it was created
        }
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        const auto report = must(book.check());
        CHECK(report.ok());
        CHECK(report.chains[0].live >= acknowledged);
        CHECK(must(book.count({0}, false)) == report.chains[0].live);
        restarts += acknowledged > 0 ? 1 : 0;
    }
    CHECK(restarts > 0); // some kills came after commits
}

namespace {

/// In the child: fill until the file-size limit stops us, lift it, go on. @return exit status, 0 is good.
int fill_the_disk(const std::filesystem::path& file, rlim_t room) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto book = ledger::create_or_open(file, toy_campaign());
    if (!book)
        return 10;
    auto chain = toy_chain::start(*book, {0});
    if (!book->commit(chain.next(10)))
        return 11;
    // SQLite's log is the file that grows: let it grow by `room` and no further.
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    rlimit tight{0, RLIM_INFINITY};
    std::error_code ec;
    const auto log = std::filesystem::file_size(file.string() + "-wal", ec);
    tight.rlim_cur = static_cast<rlim_t>(ec ? 0 : log) + room;
    if (::setrlimit(RLIMIT_FSIZE, &tight) != 0)
        return 12;
    std::uint64_t acknowledged = chain.trajectory;
    for (int k = 0; k < 100000; ++k) {
        toy_chain ahead = chain;
        const auto requests = ahead.next(50);
        const auto done = book->commit(requests);
        if (done) {
            chain = ahead;
            acknowledged = chain.trajectory;
            continue;
        }
        if (done.reason().code != errc::no_space && done.reason().code != errc::io_failed)
            return 13;
        if (book->count({0}).ok() && *book->count({0}) != acknowledged)
            return 14;
        if (auto again = book->commit(requests); again) // still full
            return 15;
        if (::setrlimit(RLIMIT_FSIZE, &all) != 0)
            return 16;
        auto retried = book->commit(requests);
        if (!retried || !retried->all_accepted())
            return 17;
        if (*book->count({0}) != acknowledged + 50)
            return 18;
        auto report = book->check();
        return report && report->ok() ? 0 : 19;
    }
    return 20;
}

} // namespace

TEST_CASE("a full disk is an error that says so, loses nothing, and passes when there is space") {
    for (rlim_t room : {0u, 1u, 777u, 4096u, 5000u, 30000u, 100000u, 300000u}) {
        run_folder run;
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0)
            ::_exit(fill_the_disk(run.ledger(), room));
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        INFO("room " << room);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
        auto book = must(ledger::open_read_only(run.ledger()));
        CHECK(must(book.check()).ok());
        CHECK(must(book.count({0})) >= 60);
    }
}

TEST_CASE("cost of commits", "[.][slow][bench]") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    for (std::size_t group : {1u, 16u, 256u}) {
        constexpr int rounds = 200;
        std::vector<double> seconds;
        for (int k = 0; k < rounds; ++k) {
            const auto requests = chain.next(group);
            const auto start = std::chrono::steady_clock::now();
            REQUIRE(must(book.commit(requests)).all_accepted());
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        std::sort(seconds.begin(), seconds.end());
        WARN(group << " records: median " << 1e3 * seconds[rounds / 2] << " ms, p99 "
                   << 1e3 * seconds[rounds * 99 / 100] << " ms");
    }
    const auto start = std::chrono::steady_clock::now();
    CHECK(must(book.check()).ok());
    WARN("check of " << must(book.count({0})) << " records: "
                     << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s");
}
