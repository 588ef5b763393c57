// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/ledger/ledger_fixture.hpp"

#include <random>

using namespace forge;
using namespace forge::testing;

namespace {

constexpr const char* record_columns[] = {"id",   "chain", "trajectory", "segment",  "epoch",     "superseded_by",
                                          "hash", "bytes", "measured",   "accepted", "plaquette", "delta_h",
                                          "seal"};

/// 12 live records, of which the last four stand in place of four superseded ones.
void fill(const std::filesystem::path& file) {
    auto book = must(ledger::create_or_open(file, toy_campaign()));
    auto chain = toy_chain::start(book, {1});
    const auto old = chain.next(12);
    must(book.commit(old));
    chain.epoch = must(book.take_epoch({1}));
    must(book.begin_at({1}, chain.epoch, 8));
    chain.trajectory = 8;
    chain.head = hash_of(old[7].record);
    chain.branch = 1;
    must(book.commit(chain.next(4)));
    REQUIRE(must(book.check()).ok());
}

check_report check_of(const std::filesystem::path& file) {
    auto book = ledger::open_read_only(file);
    if (!book)
        return {{{std::nullopt, std::nullopt, book.reason().what}}, {}};
    auto report = book->check();
    return report ? *report : check_report{{{std::nullopt, std::nullopt, report.reason().what}}, {}};
}

/// Changes a blob in place through SQLite's incremental blob interface.
void flip_in_place(const std::filesystem::path& file, const char* column, std::uint64_t row, int byte, int bit) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    sqlite3_blob* blob = nullptr;
    REQUIRE(sqlite3_blob_open(db, "main", "records", column, static_cast<sqlite3_int64>(row), 1, &blob) == SQLITE_OK);
    unsigned char value = 0;
    REQUIRE(sqlite3_blob_read(blob, &value, 1, byte) == SQLITE_OK);
    value = static_cast<unsigned char>(value ^ (1u << bit));
    REQUIRE(sqlite3_blob_write(blob, &value, 1, byte) == SQLITE_OK);
    sqlite3_blob_close(blob);
    sqlite3_close(db);
}

} // namespace

TEST_CASE("every flipped bit of every blob of a record row is found, live or superseded") {
    run_folder run;
    fill(run.ledger());
    std::size_t tried = 0;
    for (std::uint64_t row : {3u, 11u, 15u}) // live, superseded, live in its place
        for (const char* column : {"bytes", "hash", "seal"}) {
            const auto length =
                raw_sql(run.ledger(), fmt::format("SELECT length({}) FROM records WHERE id = {}", column, row));
            for (int byte = 0; byte < static_cast<int>(length); ++byte) {
                const int bit = byte % 8;
                flip_in_place(run.ledger(), column, row, byte, bit);
                const auto report = check_of(run.ledger());
                flip_in_place(run.ledger(), column, row, byte, bit);
                ++tried;
                INFO(column << " byte " << byte << " of row " << row);
                REQUIRE_FALSE(report.ok());
                bool named = false;
                for (const auto& p : report.problems)
                    named |= p.chain == chain_id{1} && p.trajectory.has_value();
                REQUIRE(named);
            }
        }
    CHECK(tried > 400);
    CHECK(check_of(run.ledger()).ok()); // every flip was taken back
}

TEST_CASE("every changed number of a record row is found") {
    run_folder run;
    fill(run.ledger());
    for (const char* column : record_columns) {
        if (std::string(column) == "bytes" || std::string(column) == "hash" || std::string(column) == "seal")
            continue;
        run_folder copy;
        std::filesystem::copy_file(run.ledger(), copy.ledger());
        const bool real = std::string(column) == "plaquette" || std::string(column) == "delta_h";
        raw_sql(copy.ledger(), fmt::format("UPDATE records SET {0} = coalesce({0}, 0) + {1} WHERE id = 6", column,
                                           real ? "1e-9" : "1000"));
        INFO(column);
        CHECK_FALSE(check_of(copy.ledger()).ok());
    }
}

TEST_CASE("check names the first bad record of each chain and the others pass") {
    run_folder run;
    fill(run.ledger());
    flip_in_place(run.ledger(), "bytes", 5, 60, 2);
    flip_in_place(run.ledger(), "bytes", 7, 60, 2);
    const auto report = check_of(run.ledger());
    REQUIRE_FALSE(report.ok());
    for (const auto& p : report.problems) {
        CHECK(p.chain == chain_id{1});
        CHECK(p.trajectory == 5u);
    }
    auto book = must(ledger::open_read_only(run.ledger()));
    CHECK(must(book.check(chain_id{0})).ok());
    CHECK_FALSE(must(book.check(chain_id{1})).ok());
    CHECK(book.check(chain_id{9}).reason().code == errc::not_found);
}

TEST_CASE("a forged record under a hash and a seal that fit breaks the chain of hashes") {
    run_folder run;
    fill(run.ledger());
    auto forged = must(must(ledger::open_read_only(run.ledger())).records({1}, true, 12, 12)).at(0);
    const auto forge_as = [&](const physics_record& r, std::uint64_t epoch = 2) {
        const auto bytes = encode(r);
        const digest hash = hash_of(r);
        const auto text_of = [](std::span<const std::byte> b) {
            return std::string(reinterpret_cast<const char*>(b.data()), b.size());
        };
        byte_writer w; // docs/formats/ledger.md: type and value of each column
        w.u8(1).u64(16).u8(1).u64(1).u8(1).u64(12).u8(1).u64(0).u8(1).u64(epoch).u8(5);
        w.u8(4).text(text_of(std::as_bytes(std::span(hash)))).u8(4).text(text_of(bytes));
        w.u8(1).u64(r.measured ? 1 : 0).u8(1).u64(r.observed.accepted ? 1 : 0);
        w.u8(2).f64(r.observed.plaquette()).u8(2).f64(r.observed.delta_h);
        std::string hex;
        for (auto b : bytes)
            hex += fmt::format("{:02x}", static_cast<unsigned>(b));
        raw_sql(run.ledger(),
                fmt::format("UPDATE records SET bytes = x'{}', hash = x'{}', seal = x'{}', epoch = {} WHERE id = 16",
                            hex, to_hex(hash), to_hex(sha256_of(w.bytes())), epoch));
    };
    forge_as(forged.record);
    REQUIRE(check_of(run.ledger()).ok());      // the true record, sealed by hand
    for (std::uint64_t epoch : {0u, 1u, 3u}) { // never taken, falling along the chain, not taken yet
        forge_as(forged.record, epoch);
        CHECK(check_of(run.ledger()).problems.size() == 1);
    }
    forged.record.previous[7] ^= 1;
    forge_as(forged.record);
    const auto report = check_of(run.ledger());
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].chain == chain_id{1});
    CHECK(report.problems[0].trajectory == 12u);
    CHECK_THAT(report.problems[0].text, Catch::Matchers::Contains("predecessor"));
}

TEST_CASE("rows that are taken away, doubled or moved are found") {
    const char* attacks[] = {
        "DELETE FROM records WHERE id = 16",                 // the newest record
        "DELETE FROM records WHERE id = 4",                  // one in the middle
        "DELETE FROM receipts WHERE id = 4",                 // a receipt
        "DELETE FROM segments",                              //
        "UPDATE records SET superseded_by = 2 WHERE id = 8", // a live one buried
        "UPDATE receipts SET seconds = 99.0 WHERE id = 2",   //
        "UPDATE origins SET device = 'opencl:9.9'",          //
        "UPDATE segments SET beta = 6.0",                    //
        "UPDATE chains SET epoch = 9 WHERE chain = 1",       //
        "UPDATE chains SET cursor = 3 WHERE chain = 1",      //
        "UPDATE campaign SET campaign_seed = 'another'",     //
        "DROP INDEX live_records",                           // allowed a second live record ...
        "UPDATE records SET chain = 2 WHERE id = 12",        //
    };
    run_folder run;
    fill(run.ledger());
    for (const char* attack : attacks) {
        run_folder copy;
        std::filesystem::copy_file(run.ledger(), copy.ledger());
        raw_sql(copy.ledger(), attack);
        if (std::string(attack) == "DROP INDEX live_records")
            raw_sql(copy.ledger(),
                    "INSERT INTO records SELECT 17, chain, trajectory, segment, epoch, NULL, hash, bytes, "
                    "measured, accepted, plaquette, delta_h, seal FROM records WHERE id = 5");
        INFO(attack);
        CHECK_FALSE(check_of(copy.ledger()).ok());
    }
}

TEST_CASE("random flips of the file are found or do not change what it says") {
    run_folder run;
    fill(run.ledger());
    const auto size = std::filesystem::file_size(run.ledger());
    const auto hash = must(must(ledger::open_read_only(run.ledger())).ledger_hash());
    std::mt19937_64 generator(4711);
    std::size_t found = 0;
    constexpr int tries = 300;
    for (int k = 0; k < tries; ++k) {
        run_folder copy;
        std::filesystem::copy_file(run.ledger(), copy.ledger());
        {
            std::FILE* f = std::fopen(copy.ledger().c_str(), "r+b");
            REQUIRE(f != nullptr);
            const long at = static_cast<long>(generator() % size);
            std::fseek(f, at, SEEK_SET);
            const int old = std::fgetc(f);
            std::fseek(f, at, SEEK_SET);
            std::fputc(old ^ (1 << (generator() % 8)), f);
            std::fclose(f);
        }
        const auto report = check_of(copy.ledger());
        if (!report.ok()) {
            ++found;
            continue;
        }
        // Free space inside pages, header counters: nothing that the ledger says.
        auto book = must(ledger::open_read_only(copy.ledger()));
        REQUIRE(must(book.ledger_hash()) == hash);
        REQUIRE(must(book.count({1}, false)) == 16);
    }
    CHECK(found > 0);
}
