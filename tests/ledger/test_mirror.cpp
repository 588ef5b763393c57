// SPDX-License-Identifier: AGPL-3.0-only
// Copies of a ledger that follow it.
#include "tests/ledger/ledger_fixture.hpp"

#include <random>

using namespace forge;
using namespace forge::testing;

namespace {

/// A ledger and its copy, as files.
struct pair_of_ledgers {
    run_folder here, there;
    ledger book = must(ledger::create_or_open(here.ledger(), toy_campaign()));

    ledger copy() {
        const auto stands = must(book.copy_to(there.ledger()));
        auto c = must(ledger::open_existing(there.ledger()));
        CHECK(must(c.standing()) == stands);
        return c;
    }
    /// Every row of a chain and every event, as text.
    static std::string dump(ledger& of, chain_id c) {
        std::string all;
        for (const auto& r : must(of.records(c, false)))
            all += fmt::format("record {} {} {} {} {}\n", r.record.trajectory, to_hex(r.hash), r.epoch.value, r.live, r.superseded_by ? r.superseded_by->value : 0);
        for (const auto& s : must(of.segments(c, false)))
            all += fmt::format("segment {} {} {} {} {}\n", to_text(s.number), s.first_trajectory, s.epoch.value, s.live, s.finished);
        for (const auto& k : must(of.checkpoints(c)))
            all += fmt::format("checkpoint {} {} {} {}\n", k.file, to_hex(k.file_hash), k.epoch.value, k.live);
        for (const auto& e : must(of.events()))
            all += fmt::format("event {} {} {}\n", e.id, e.kind, e.text);
        return all;
    }
};

checkpoint_row seal_of(const toy_chain& c) {
    checkpoint_row row;
    row.chain = c.id;
    row.trajectory = c.trajectory;
    row.epoch = c.epoch;
    row.file = fmt::format("checkpoints/{}-{}.ckpt", to_text(c.id), c.trajectory);
    row.file_hash = sha256_of(row.file);
    row.head = c.head;
    row.utc = "2026-01-01T00:00:00Z";
    return row;
}

} // namespace

TEST_CASE("a copy follows its ledger through commits, seals, rewinds and superseded records", "[mirror]") {
    pair_of_ledgers p;
    auto chain = toy_chain::start(p.book, {0});
    must(p.book.commit(chain.next(20)));
    auto copy = p.copy();
    std::mt19937 random(11);
    unsigned branch = 0;
    for (int round = 0; round < 40; ++round) {
        CAPTURE(round);
        switch (random() % 4) {
        case 0:
            must(p.book.commit(chain.next(1 + random() % 9)));
            break;
        case 1:
            must(p.book.add_checkpoint(seal_of(chain)));
            break;
        case 2: { // goes back and computes other bits
            chain.epoch = must(p.book.take_epoch(chain.id));
            const auto back = chain.trajectory - std::min<std::uint64_t>(chain.trajectory, random() % 5);
            must(p.book.begin_at(chain.id, chain.epoch, back));
            chain.trajectory = back;
            chain.head = back == 0 ? genesis_hash(p.book.identity().campaign_seed, chain.id) : must(p.book.records(chain.id, true, back, back)).front().hash;
            chain.branch = ++branch;
            must(p.book.commit(chain.next(3)));
            break;
        }
        default:
            must(p.book.add_event({0, "2026-01-01T00:00:00Z", "test", chain.id, chain.trajectory, "something", ""}));
        }
        if (random() % 3 == 0)
            continue; // several steps become one set of changes
        must(copy.apply(must(p.book.take_changes())));
        REQUIRE(must(copy.standing()) == must(p.book.standing()));
    }
    must(copy.apply(must(p.book.take_changes())));
    const auto report = must(copy.check());
    CHECK(report.ok());
    CHECK(p.dump(copy, {0}) == p.dump(p.book, {0}));
    CHECK(must(copy.count({0}, false)) > must(copy.count({0}, true)));
    CHECK(must(p.book.take_changes()).bytes.empty());
}

TEST_CASE("a copy takes only what begins where it stands, whole or not at all", "[mirror]") {
    pair_of_ledgers p;
    auto chain = toy_chain::start(p.book, {0});
    must(p.book.commit(chain.next(5)));
    auto copy = p.copy();
    must(p.book.commit(chain.next(5)));
    const auto first = must(p.book.take_changes());
    must(p.book.commit(chain.next(5)));
    const auto second = must(p.book.take_changes());
    const auto before = must(copy.standing());

    const auto skipped = copy.apply(second);
    REQUIRE_FALSE(skipped);
    CHECK((skipped.reason().code == errc::out_of_order || skipped.reason().code == errc::checksum_mismatch));
    CHECK(must(copy.standing()) == before);

    must(copy.apply(first));
    const auto twice = copy.apply(first);
    REQUIRE_FALSE(twice);
    CHECK(twice.reason().code == errc::out_of_order);
    auto lied = second;
    lied.after.hash[0] ^= 1;
    const auto other = copy.apply(lied);
    REQUIRE_FALSE(other);
    CHECK(other.reason().code == errc::checksum_mismatch);
    CHECK(must(copy.standing()) == first.after);
    must(copy.apply(second));
    CHECK(must(copy.check()).ok());
}

TEST_CASE("damaged changes never reach a copy", "[mirror]") {
    pair_of_ledgers p;
    auto chain = toy_chain::start(p.book, {0});
    auto copy = p.copy();
    must(p.book.commit(chain.next(8)));
    const auto good = must(p.book.take_changes());
    const auto before = must(copy.standing());
    std::mt19937 random(5);
    int refused = 0;
    for (int k = 0; k < 300; ++k) {
        auto bad = good;
        const auto bit = random() % (bad.bytes.size() * 8);
        bad.bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        if (k % 3 == 0)
            bad.bytes.resize(random() % bad.bytes.size());
        if (copy.apply(bad)) { // a flipped bit of a receipt is not in the standing, but its row's seal breaks
            CHECK_FALSE(must(copy.check()).ok());
            break;
        }
        ++refused;
        REQUIRE(must(copy.standing()) == before);
    }
    CHECK(refused > 0);
}

TEST_CASE("changes that nobody noted are not to be had", "[mirror]") {
    pair_of_ledgers p;
    const auto none = p.book.take_changes();
    REQUIRE_FALSE(none);
    CHECK(none.reason().code == errc::out_of_order);
    const auto there = p.book.copy_to(p.here.ledger());
    REQUIRE_FALSE(there);
    CHECK(there.reason().code == errc::already_exists);
}

TEST_CASE("a history has a name, and a rebuilt one has two", "[mirror]") {
    pair_of_ledgers p;
    CHECK(must(p.book.lineage()).empty());
    must(p.book.add_lineage("one", "2026-01-01T00:00:00Z"));
    auto copy = p.copy();
    must(copy.add_lineage("two", "2026-01-02T00:00:00Z"));
    CHECK(must(copy.lineage()) == std::vector<std::string>{"one", "two"});
    CHECK(must(p.book.lineage()) == std::vector<std::string>{"one"});
}
