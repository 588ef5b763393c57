// SPDX-License-Identifier: AGPL-3.0-only
// A run directory that goes away, and chains whose trajectories are made of numbers only.
#pragma once

#include "libactors/ledger/ledger.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <sqlite3.h>
#include <string>
#include <unistd.h>

namespace forge::testing {

struct run_folder {
    std::filesystem::path path;
    run_folder() {
        static std::atomic<int> number{0};
        path = std::filesystem::temp_directory_path() / fmt::format("forge-ledger-{}-{}", ::getpid(), number++);
        std::filesystem::create_directories(path);
    }
    ~run_folder() {
        std::error_code ec;
        std::filesystem::remove_all(path, ec);
    }
    run_folder(const run_folder&) = delete;
    run_folder& operator=(const run_folder&) = delete;
    [[nodiscard]] std::filesystem::path ledger() const { return path / "ledger.sqlite"; }
};

inline campaign_identity toy_campaign(std::uint32_t n_chains = 3) {
    return {"seed of the test", "beta = 5.7\n", sha256_of("beta = 5.7\n"), n_chains, "0.1.0"};
}

inline segment_params toy_params(double beta = 5.7) {
    segment_params p;
    p.beta = beta;
    p.n_thermalise = 2;
    p.n_measure = 100;
    p.n_warmup = 1;
    return p;
}

/// The value of `r`; fails the test with the error's text when there is none.
template <class T>
T must(result<T> r) {
    if (!r)
        FAIL(to_text(r.reason()));
    return std::move(r).value();
}
inline void must(const result<void>& r) {
    if (!r)
        FAIL(to_text(r.reason()));
}

/// The record of trajectory i after `previous`; `branch` stands for the bits of a device.
inline physics_record toy_record(chain_id c, segment_no s, std::uint64_t i, const digest& previous,
                                 unsigned branch = 0) {
    physics_record r;
    r.chain = c;
    r.segment = s;
    r.trajectory = i;
    r.previous = previous;
    r.state = {i * 1000 + c.value, 77 + branch};
    r.measured = i > 2;
    r.observed.delta_h = 0.01 * static_cast<double>(i);
    r.observed.plaquette_spatial = 0.5 + 0.001 * static_cast<double>(i);
    r.observed.plaquette_temporal = 0.51;
    r.observed.accepted = i % 7 != 0;
    return r;
}

/// A chain as its owner sees it.
struct toy_chain {
    chain_id id;
    segment_no segment;
    epoch_no epoch;
    std::uint64_t trajectory = 0;
    digest head{};
    unsigned branch = 0;

    static toy_chain start(ledger& book, chain_id c) {
        toy_chain t;
        t.id = c;
        t.epoch = must(book.take_epoch(c));
        t.head = genesis_hash(book.identity().campaign_seed, c);
        t.segment = must(book.open_segment(c, t.epoch, 1, toy_params(), "start")).number;
        return t;
    }
    commit_request next() {
        ++trajectory;
        commit_request q;
        q.record = toy_record(id, segment, trajectory, head, branch);
        q.epoch = epoch;
        q.receipt.device = "reference";
        q.receipt.bits_class = "b1";
        q.receipt.kernel_hash = "k1";
        q.receipt.seconds = 0.25;
        head = hash_of(q.record);
        return q;
    }
    std::vector<commit_request> next(std::size_t n) {
        std::vector<commit_request> requests;
        for (std::size_t k = 0; k < n; ++k)
            requests.push_back(next());
        return requests;
    }
};

inline commit_kind kind_of(ledger& book, const commit_request& q) {
    return must(book.commit(std::span(&q, 1))).items.at(0).kind;
}
inline errc refusal_of(ledger& book, const commit_request& q) {
    const auto item = must(book.commit(std::span(&q, 1))).items.at(0);
    return item.kind == commit_kind::refused ? item.reason.value().code : errc::internal;
}

/// Runs SQL behind the ledger's back.
inline std::int64_t raw_sql(const std::filesystem::path& file, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    const int prepared = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
    INFO(sql << ": " << sqlite3_errmsg(db));
    REQUIRE(prepared == SQLITE_OK);
    const int stepped = sqlite3_step(statement);
    CHECK((stepped == SQLITE_ROW || stepped == SQLITE_DONE));
    const std::int64_t value = stepped == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

} // namespace forge::testing
