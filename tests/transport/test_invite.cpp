// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/invite.hpp"
#include "libactors/transport/random.hpp"

#include <catch2/catch.hpp>

namespace forge {

namespace {

using namespace std::chrono_literals;
const calendar_time now = calendar_time(std::chrono::hours(24 * 365 * 50));
const digest ca = sha256_of("an authority");

} // namespace

TEST_CASE("an invite code survives its text, and no other text is taken for one") {
    invite_book book;
    const auto code = book.issue(ca, random_array<16>(), 1h, now).or_throw();
    const std::string text = to_text(code);
    CHECK(text.size() == 59);
    CHECK(invite_from_text(text).or_throw() == code);
    // Every single wrong character is noticed, with the 16 bits of checksum's one exception in 65536.
    int missed = 0;
    for (std::size_t k = 0; k < text.size(); ++k) {
        std::string typo = text;
        typo[k] = typo[k] == 'q' ? 'r' : 'q';
        missed += invite_from_text(typo).ok();
    }
    CHECK(missed == 0);
    for (const std::string& bad : {std::string(), std::string("fj1-"), text + "a", text.substr(1)})
        CHECK(invite_from_text(bad).reason().code == errc::invalid_argument);
}

TEST_CASE("an invite is good once, until it expires") {
    invite_book book;
    CHECK_FALSE(book.any_open(now));
    const auto code = book.issue(ca, random_array<16>(), 60s, now).or_throw();
    const auto id = invite_id_of(code);
    CHECK(book.any_open(now));
    CHECK(book.key_of(id, now).or_throw() == invite_key_of(code));
    CHECK_FALSE(book.any_open(now + 60s));
    CHECK_THAT(book.redeem(id, now + 60s).reason().what, Catch::Contains("expired"));
    REQUIRE(book.redeem(id, now + 59s).ok());
    CHECK_THAT(book.redeem(id, now + 59s).reason().what, Catch::Contains("used already"));
    CHECK_THAT(book.key_of(id + 1, now).reason().what, Catch::Contains("unknown"));
    CHECK_FALSE(book.any_open(now));
    CHECK(invite_book_from_text(to_text(book)).or_throw() == book);
    book.expire(now + 25h);
    CHECK(to_text(book).empty());
}

TEST_CASE("the invite book is bounded and judges its file") {
    invite_book book;
    CHECK_FALSE(book.issue(ca, random_array<16>(), 0s, now).ok());
    CHECK_FALSE(book.issue(ca, random_array<16>(), 200h, now).ok());
    for (std::size_t k = 0; k < invite_book::invites_max; ++k)
        REQUIRE(book.issue(ca, random_array<16>(), 1h, now).ok());
    CHECK_FALSE(book.issue(ca, random_array<16>(), 1h, now).ok());
    CHECK(invite_book_from_text(to_text(book)).or_throw() == book);
    const auto bad = invite_book_from_text("0000000000000001 zz 5 open\n");
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.reason().where == "line 1");
}

TEST_CASE("a proof fits one secret, one side and one connection") {
    const auto binding = random_array<32>();
    const auto other = random_array<32>();
    const digest key = sha256_of("key");
    const digest proof = join_proof(key, join_side::joiner, binding);
    CHECK(same_proof(proof, join_proof(key, join_side::joiner, binding)));
    CHECK_FALSE(same_proof(proof, join_proof(key, join_side::coordinator, binding)));
    CHECK_FALSE(same_proof(proof, join_proof(key, join_side::joiner, other)));
    CHECK_FALSE(same_proof(proof, join_proof(sha256_of("guess"), join_side::joiner, binding)));
}

TEST_CASE("the allow-list is a value: what is withdrawn says so") {
    const digest a = sha256_of("a"), b = sha256_of("b");
    const auto one = allow_list().with(a, "alpha").or_throw();
    const auto two = one.with(b, "beta").or_throw();
    CHECK(one.find(b) == nullptr);
    CHECK(two.admits(a));
    const auto less = two.without("alpha").or_throw();
    CHECK_FALSE(less.admits(a));
    CHECK(less.find(a)->revoked);
    CHECK(less.admits(b));
    CHECK(two.admits(a));
    CHECK(two.with(a, "beta").reason().code == errc::conflict);
    CHECK(two.without("gamma").reason().code == errc::not_found);
    CHECK(allow_list_from_text(to_text(less)).or_throw() == less);
    CHECK(allow_list_from_text("nonsense\n").reason().where == "line 1");
    CHECK_FALSE(allow_list_from_text(to_text(two) + to_text(one)).ok());
}

} // namespace forge
