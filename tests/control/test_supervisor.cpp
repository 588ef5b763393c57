// SPDX-License-Identifier: AGPL-3.0-only
// Restarts in a sliding window, and when a campaign is over.
#include "libactors/control/supervisor.hpp"

#include <catch2/catch.hpp>

using namespace forge;

namespace {
const error device_lost{errc::device_failed, "the device failed", "", ""};
}

TEST_CASE("three restarts in a minute with doubled waits, then the chain is given up") {
    supervisor s(2);
    for (std::size_t k = 0; k < 3; ++k) {
        const auto v = s.on_failure(chain_id{0}, device_lost, 10.0 * double(k));
        CHECK(v.restart);
        CHECK(v.after_s == Approx(0.1 * double(1u << k)));
        CHECK(v.restarts_in_window == k);
        CHECK(s.given_up().empty());
    }
    CHECK(!s.on_failure(chain_id{0}, device_lost, 30.0).restart);
    REQUIRE(s.given_up().contains(chain_id{0}));
    CHECK(s.given_up().at(chain_id{0}) == device_lost);
}

TEST_CASE("the window slides: old restarts are forgotten and the wait begins anew") {
    supervisor s(1);
    for (const double t : {0.0, 1.0, 2.0})
        CHECK(s.on_failure(chain_id{0}, device_lost, t).restart);
    const auto later = s.on_failure(chain_id{0}, device_lost, 60.5); // the one at 0 has left the window
    CHECK(later.restart);
    CHECK(later.after_s == Approx(0.4));
    CHECK(!s.on_failure(chain_id{0}, device_lost, 60.6).restart);

    supervisor patient(1);
    for (int k = 0; k < 100; ++k) { // one failure every 61 s: for ever, without growing waits
        const auto v = patient.on_failure(chain_id{0}, device_lost, 61.0 * k);
        CHECK(v.restart);
        CHECK(v.after_s == Approx(0.1));
    }
}

TEST_CASE("an actor that threw something unforeseen starts again, within the same budget") {
    supervisor s(1);
    for (std::size_t k = 0; k < restarts_max; ++k)
        CHECK(s.on_failure(chain_id{0}, {errc::internal, "a surprise", "", ""}, 0.0).restart);
    CHECK(!s.on_failure(chain_id{0}, {errc::internal, "a surprise", "", ""}, 0.0).restart);
    CHECK(s.over());
}

TEST_CASE("an error that no restart mends gives up at once") {
    for (const auto code : {errc::config_invalid, errc::unsupported, errc::not_found, errc::permission_denied}) {
        supervisor s(1);
        CHECK(!s.on_failure(chain_id{0}, {code, "", "", ""}, 0.0).restart);
        CHECK(s.over());
        CHECK(!s.all_finished());
    }
}

TEST_CASE("one chain's failures are not another's, and the campaign goes on without it") {
    supervisor s(3);
    for (int k = 0; k < 4; ++k)
        (void)s.on_failure(chain_id{1}, device_lost, 1.0);
    CHECK(s.given_up().size() == 1);
    CHECK(!s.over());
    CHECK(s.on_failure(chain_id{0}, device_lost, 1.0).restart);
    s.on_done(chain_id{0}, true);
    CHECK(!s.over());
    s.on_done(chain_id{2}, true);
    CHECK(s.over());
    CHECK(!s.all_finished());
}

TEST_CASE("a campaign has finished when every chain has, and is over when each finished or stopped") {
    supervisor s(2);
    CHECK(!s.over());
    CHECK(!s.all_finished());
    s.on_done(chain_id{0}, true);
    s.on_done(chain_id{1}, true);
    CHECK(s.over());
    CHECK(s.all_finished());
    supervisor stopped(2);
    stopped.on_done(chain_id{0}, true);
    stopped.on_done(chain_id{1}, false);
    CHECK(stopped.over());
    CHECK(!stopped.all_finished());
}
