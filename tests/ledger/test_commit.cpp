// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/ledger/ledger_fixture.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("what was committed is read back") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {1});
    auto requests = chain.next(5);
    requests[3].receipt.joules = 12.5;
    requests[3].receipt.energy_source = "rapl";
    const auto done = must(book.commit(requests));
    REQUIRE(done.all_accepted());
    const auto rows = must(book.records({1}));
    REQUIRE(rows.size() == 5);
    for (std::size_t k = 0; k < 5; ++k) {
        CHECK(rows[k].record == requests[k].record);
        CHECK(rows[k].hash == hash_of(requests[k].record));
        CHECK(rows[k].epoch == chain.epoch);
        CHECK(rows[k].live);
        CHECK(rows[k].receipt.seconds == 0.25);
        CHECK(rows[k].receipt.device == "reference");
    }
    CHECK(rows[3].receipt.joules == 12.5);
    CHECK(rows[3].receipt.energy_source == "rapl");
    CHECK_FALSE(rows[2].receipt.joules.has_value());
    CHECK(must(book.records({1}, true, 2, 3)).size() == 2);
    CHECK(must(book.last_record({1}))->record == requests[4].record);
    CHECK_FALSE(must(book.last_record({0})).has_value());
    CHECK(must(book.count({1})) == 5);
    CHECK(must(book.cursor({1})) == 5);
    CHECK(must(book.check()).ok());

    std::size_t met = 0;
    must(book.each_record({1}, true, 1, UINT64_MAX, [&](const record_row& row) {
        // Reading inside reading is allowed.
        CHECK(must(book.records({1}, true, row.record.trajectory, row.record.trajectory)).size() == 1);
        return ++met < 3;
    }));
    CHECK(met == 3);
}

TEST_CASE("a ledger opened again goes on where it stopped") {
    run_folder run;
    toy_chain chain;
    {
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        chain = toy_chain::start(book, {0});
        must(book.commit(chain.next(3)));
    }
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    CHECK(book.identity() == toy_campaign());
    CHECK(must(book.count({0})) == 3);
    chain.epoch = must(book.take_epoch({0}));
    CHECK(chain.epoch.value == 2);
    CHECK(kind_of(book, chain.next()) == commit_kind::committed);
}

TEST_CASE("commit refuses what does not follow, says why, and changes nothing") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    must(book.commit(chain.next(4)));
    const auto before = must(book.ledger_hash());
    const auto good = chain.next();

    SECTION("an epoch that is over") {
        must(book.take_epoch({0}));
        CHECK(refusal_of(book, good) == errc::stale_epoch);
    }
    SECTION("an epoch that was never taken") {
        auto q = good;
        q.epoch.value += 1;
        CHECK(refusal_of(book, q) == errc::stale_epoch);
    }
    SECTION("a gap") {
        auto q = good;
        q.record.trajectory = 6;
        CHECK(refusal_of(book, q) == errc::out_of_order);
    }
    SECTION("the same trajectory twice in one epoch") {
        REQUIRE(kind_of(book, good) == commit_kind::committed);
        CHECK(refusal_of(book, good) == errc::out_of_order);
        CHECK(must(book.count({0})) == 5);
        return;
    }
    SECTION("a previous hash of another branch") {
        auto q = good;
        q.record.previous[31] ^= 1;
        CHECK(refusal_of(book, q) == errc::out_of_order);
    }
    SECTION("a segment that was not issued") {
        auto q = good;
        q.record.segment.value = 9;
        CHECK(refusal_of(book, q) == errc::invalid_argument);
    }
    SECTION("a chain that the campaign does not have") {
        auto q = good;
        q.record.chain.value = 3;
        CHECK(refusal_of(book, q) == errc::not_found);
    }
    SECTION("an index beyond the integers of the file") {
        auto q = good;
        q.record.trajectory = UINT64_MAX;
        CHECK(refusal_of(book, q) == errc::invalid_argument);
    }
    SECTION("the first record of a chain must follow its genesis") {
        auto other = toy_chain::start(book, {1});
        other.head[0] ^= 1;
        CHECK(refusal_of(book, other.next()) == errc::out_of_order);
    }
    SECTION("a chain without a segment") {
        toy_chain other;
        other.id = {2};
        other.epoch = must(book.take_epoch({2}));
        other.head = genesis_hash(book.identity().campaign_seed, {2});
        CHECK(refusal_of(book, other.next()) == errc::invalid_argument);
    }
    CHECK(must(book.ledger_hash()) == before);
    CHECK(must(book.count({0}, false)) == 4);
    CHECK(must(book.check()).ok());
}

TEST_CASE("a refused item leaves the others of its transaction alone") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto a = toy_chain::start(book, {0});
    auto b = toy_chain::start(book, {1});
    std::vector<commit_request> mixed{a.next(), b.next(), a.next(), b.next(), a.next(), b.next()};
    mixed[2].record.previous[0] ^= 1; // trajectory 2 of chain 0, so that 3 has nothing to follow
    const auto done = must(book.commit(mixed));
    CHECK(done.items[0].kind == commit_kind::committed);
    CHECK(done.items[2].kind == commit_kind::refused);
    CHECK(done.items[4].kind == commit_kind::refused);
    CHECK(done.items[1].kind == commit_kind::committed);
    CHECK(done.items[5].kind == commit_kind::committed);
    CHECK_FALSE(done.all_accepted());
    CHECK(must(book.count({0})) == 1);
    CHECK(must(book.count({1})) == 3);
    CHECK(must(book.check()).ok());
}

TEST_CASE("a replay with the same bits validates and adds no record") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    auto first = chain.next(10);
    must(book.commit(first));
    const auto hash = must(book.ledger_hash());

    const auto e = must(book.take_epoch({0}));
    CHECK(must(book.cursor({0})) == 10);
    must(book.begin_at({0}, e, 4));
    std::vector<commit_request> again(first.begin() + 4, first.end());
    for (auto& q : again) {
        q.epoch = e;
        q.receipt.device = "opencl:0.0";
    }
    for (const auto& item : must(book.commit(again)).items)
        CHECK(item.kind == commit_kind::validated);
    CHECK(must(book.count({0}, false)) == 10);
    CHECK(must(book.ledger_hash()) == hash);
    const auto receipts = must(book.receipts({0}, 7));
    REQUIRE(receipts.size() == 2);
    CHECK_FALSE(receipts[0].validation);
    CHECK(receipts[1].validation);
    CHECK(receipts[1].receipt.device == "opencl:0.0");
    CHECK(receipts[1].receipt.epoch == e);
    CHECK(must(book.receipts({0}, 4)).size() == 1);
    chain.epoch = e;
    CHECK(kind_of(book, chain.next()) == commit_kind::committed);
    CHECK(must(book.check()).ok());
}

TEST_CASE("a replay with other bits supersedes: old rows stay, one live record per index") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    const auto old = chain.next(10);
    must(book.commit(old));

    auto replay = chain;
    replay.epoch = must(book.take_epoch({0}));
    must(book.begin_at({0}, replay.epoch, 4));
    replay.trajectory = 4;
    replay.head = hash_of(old[3].record);
    const auto same = replay.next(2); // 5 and 6 meet their records
    must(book.commit(same));
    replay.branch = 1; // from here on the device gives other bits
    const auto other = replay.next();
    const auto item = must(book.commit(std::span(&other, 1))).items.at(0);
    CHECK(item.kind == commit_kind::superseded_older);
    CHECK(item.superseded == 4); // 7, 8, 9, 10
    CHECK(kind_of(book, replay.next()) == commit_kind::committed);

    const auto all = must(book.records({0}, false));
    CHECK(all.size() == 12);
    for (std::uint64_t i = 1; i <= 10; ++i) {
        std::size_t live = 0;
        for (const auto& row : all)
            live += row.record.trajectory == i && row.live ? 1u : 0u;
        CHECK(live == (i <= 8 ? 1u : 0u));
    }
    const auto old_seven = must(book.records({0}, false, 7, 7));
    REQUIRE(old_seven.size() == 2);
    CHECK(old_seven[0].record == old[6].record);
    CHECK(old_seven[0].superseded_by == replay.epoch);
    CHECK(old_seven[1].record == other.record);
    CHECK(must(book.last_record({0}))->record.trajectory == 8);
    const auto report = must(book.check());
    CHECK(report.ok());
    CHECK(report.chains[0].live == 8);
    CHECK(report.chains[0].superseded == 4);
}

TEST_CASE("begin_at needs the current epoch and a live record") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    must(book.commit(chain.next(3)));
    CHECK(book.begin_at({0}, {99}, 1).reason().code == errc::stale_epoch);
    CHECK(book.begin_at({0}, chain.epoch, 4).reason().code == errc::out_of_order);
    CHECK(book.begin_at({7}, chain.epoch, 0).reason().code == errc::not_found);
    must(book.begin_at({0}, chain.epoch, 0));
    CHECK(must(book.cursor({0})) == 0);
    must(book.take_epoch({0})); // a new owner stands at the last live record until it begins elsewhere
    CHECK(must(book.cursor({0})) == 3);
}

TEST_CASE("every ownership takes a new epoch, also after a restart of the program") {
    run_folder run;
    for (std::uint64_t e = 1; e <= 5; ++e) {
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        CHECK(must(book.epoch({2})).value == e - 1);
        CHECK(must(book.take_epoch({2})).value == e);
        CHECK(must(book.epoch({1})).value == 0);
    }
}

TEST_CASE("the ledger hash depends on the physics only") {
    const auto build = [](std::size_t group, unsigned restarts, const std::string& device) {
        run_folder run;
        auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
        auto a = toy_chain::start(book, {0});
        auto b = toy_chain::start(book, {2});
        std::vector<commit_request> all;
        for (int k = 0; k < 20; ++k) {
            all.push_back(a.next());
            all.push_back(b.next());
        }
        for (std::size_t at = 0; at < all.size(); at += group) {
            std::vector<commit_request> some(all.begin() + static_cast<std::ptrdiff_t>(at),
                                             all.begin() +
                                                 static_cast<std::ptrdiff_t>(std::min(at + group, all.size())));
            epoch_no ea = must(book.epoch({0})), eb = must(book.epoch({2}));
            if (at / group < restarts) {
                ea = must(book.take_epoch({0}));
                eb = must(book.take_epoch({2}));
            }
            for (auto& q : some) {
                q.epoch = q.record.chain.value == 0 ? ea : eb;
                q.receipt.device = device;
                q.receipt.seconds *= static_cast<double>(group);
            }
            REQUIRE(must(book.commit(some)).all_accepted());
        }
        return must(book.ledger_hash());
    };
    const auto reference = build(40, 0, "reference");
    CHECK(build(1, 0, "reference") == reference);
    CHECK(build(7, 5, "opencl:0.0") == reference);
    CHECK(build(3, 14, "opencl:1.0") == reference);

    run_folder empty;
    auto book = must(ledger::create_or_open(empty.ledger(), toy_campaign(2)));
    sha256 heads;
    for (std::uint32_t c = 0; c < 2; ++c) {
        const digest g = genesis_hash(toy_campaign().campaign_seed, {c});
        heads.add(std::as_bytes(std::span(g)));
    }
    CHECK(must(book.ledger_hash()) == heads.finish());
    auto chain = toy_chain::start(book, {1});
    must(book.commit(chain.next(1)));
    CHECK(must(book.ledger_hash()) != reference);
}

TEST_CASE("numbers that are not finite survive the ledger bit by bit") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    auto chain = toy_chain::start(book, {0});
    auto q = chain.next();
    q.record.observed.delta_h = std::numeric_limits<double>::quiet_NaN();
    q.record.observed.plaquette_spatial = std::numeric_limits<double>::infinity();
    CHECK(kind_of(book, q) == commit_kind::committed);
    CHECK(encode(must(book.last_record({0}))->record) == encode(q.record));
    CHECK(must(book.check()).ok());
}

TEST_CASE("a record's bytes lie where docs/formats/ledger.md says") {
    const auto r = toy_record({2}, {5}, 9, sha256_of("before"), 3);
    const auto bytes = encode(r);
    REQUIRE(bytes.size() == 123);
    const auto from = [&](std::size_t at) { return byte_reader(std::span<const std::byte>(bytes).subspan(at)); };
    CHECK(from(0).u8() == 1);
    CHECK(from(1).u32() == 2);
    CHECK(from(5).u32() == 5);
    CHECK(from(9).u64() == 9);
    CHECK(from(17).hash() == r.previous);
    CHECK(from(49).u64() == r.state.a);
    CHECK(from(57).u64() == r.state.b);
    CHECK(from(65).u8() == 1);
    CHECK(from(66).u8() == 1);
    CHECK(from(67).f64() == r.observed.delta_h);
    CHECK(from(83).f64() == r.observed.plaquette_spatial);
    CHECK(from(91).f64() == r.observed.plaquette_temporal);
    CHECK(from(115).f64() == r.observed.polyakov_im);
    CHECK(genesis_hash("s", {2}) ==
          sha256_of(byte_writer{}.text("metalforge chain genesis 1").text("s").u32(2).bytes()));
}
