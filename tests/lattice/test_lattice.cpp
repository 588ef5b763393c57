// SPDX-License-Identifier: AGPL-3.0-only
// Numbering of sites, fingerprint of links, and the host's plaquette.
#include "libactors/lattice/gauge_field.hpp"
#include "libactors/lattice/state_hash.hpp"
#include "tests/support/random_fields.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

using namespace forge;
using forge::testing::gauge_transformed;
using forge::testing::random_field;

namespace {
const extents shapes[] = {{{4, 4, 4, 4}}, {{4, 6, 2, 8}}, {{3, 4, 5, 2}}, {{1, 2, 3, 1}}, {{1, 1, 1, 1}}, {{7, 1, 2, 3}}};
}

TEST_CASE("rank and coordinates are inverse to each other and cover every site once") {
    for (const auto& l : shapes) {
        std::set<site_coordinates> seen;
        for (std::size_t r = 0; r < l.volume(); ++r) {
            const auto x = coordinates_of(l, r);
            CHECK(site_rank(l, x) == r);
            seen.insert(x);
        }
        INFO(to_text(l));
        CHECK(seen.size() == l.volume());
    }
}

TEST_CASE("x runs fastest and t slowest") {
    const extents l{{4, 6, 2, 8}};
    CHECK(site_rank(l, {1, 0, 0, 0}) == 1);
    CHECK(site_rank(l, {0, 1, 0, 0}) == 4);
    CHECK(site_rank(l, {0, 0, 1, 0}) == 24);
    CHECK(site_rank(l, {0, 0, 0, 1}) == 48);
    CHECK(to_text(l) == "4x6x2x8");
    CHECK(l.volume() == 384);
    CHECK(l.spatial_volume() == 48);
    CHECK(l.links() == 1536);
}

TEST_CASE("forward and backward neighbours undo each other, and n steps come home") {
    for (const auto& l : shapes)
        for (std::size_t r = 0; r < l.volume(); ++r)
            for (std::size_t mu = 0; mu < 4; ++mu) {
                CHECK(neighbour(l, neighbour(l, r, mu, 1), mu, -1) == r);
                CHECK(neighbour(l, neighbour(l, r, mu, -1), mu, 1) == r);
                std::size_t walk = r;
                for (std::uint32_t step = 0; step < l.n[mu]; ++step)
                    walk = neighbour(l, walk, mu, 1);
                CHECK(walk == r);
                const auto x = coordinates_of(l, r);
                const auto y = coordinates_of(l, neighbour(l, r, mu, 1));
                for (std::size_t nu = 0; nu < 4; ++nu)
                    CHECK(y[nu] == (nu == mu ? (x[nu] + 1) % l.n[nu] : x[nu]));
            }
}

TEST_CASE("every single changed number changes both sums of the fingerprint") {
    const extents l{{2, 3, 2, 2}};
    const auto links = random_field(l, 1);
    const auto original = fingerprint_of(links);
    auto changed = links;
    std::size_t both = 0;
    std::size_t tries = 0;
    for (std::size_t k = 0; k < links.reals().size(); ++k)
        for (const double v : {-links.reals()[k], std::nextafter(links.reals()[k], 2.0), 0.0}) {
            changed.reals()[k] = v;
            const auto h = fingerprint_of(changed);
            ++tries;
            both += h.a != original.a && h.b != original.b ? 1 : 0;
            changed.reals()[k] = links.reals()[k];
        }
    CHECK(both == tries);
    CHECK(fingerprint_of(changed) == original);
}

TEST_CASE("the fingerprint sees exchanged numbers, exchanged links and the sign of zero") {
    const extents l{{2, 2, 2, 2}};
    auto links = random_field(l, 2);
    const auto original = fingerprint_of(links);
    std::swap(links.reals()[5], links.reals()[6]);
    CHECK(fingerprint_of(links).a != original.a);
    CHECK(fingerprint_of(links).b != original.b);
    std::swap(links.reals()[5], links.reals()[6]);
    const su3 u = links.link(3, 1);
    links.set_link(3, 1, links.link(4, 2));
    links.set_link(4, 2, u);
    CHECK(!(fingerprint_of(links) == original));
    auto cold = cold_start(l);
    const auto plus = fingerprint_of(cold);
    cold.reals()[1] = -0.0;
    CHECK(!(fingerprint_of(cold) == plus));
}

TEST_CASE("the fingerprint is the documented sum over all numbers") {
    // One link, numbers all zero but one: the formula of state_hash.hpp written a second time.
    const extents l{{1, 1, 1, 1}};
    gauge_field links(l);
    links.reals()[70] = 0.5;
    std::uint64_t a = 0;
    for (std::uint64_t k = 1; k <= 72; ++k) {
        std::uint64_t x = (k == 71 ? 0x3FE0000000000000u : 0u) + k * 0x9E3779B97F4A7C15u;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
        x = (x ^ x >> 27) * 0x94D049BB133111EBu;
        a += x ^ x >> 31;
    }
    CHECK(fingerprint_of(links).a == a);
}

TEST_CASE("the plaquette of the unit field is one") {
    for (const auto& l : shapes) {
        const auto p = host_plaquette(cold_start(l));
        CHECK(p.spatial == Approx(1.0).epsilon(1e-15));
        CHECK(p.temporal == Approx(1.0).epsilon(1e-15));
        CHECK(host_link_trace(cold_start(l)) == Approx(1.0).epsilon(1e-15));
    }
}

TEST_CASE("the host's plaquette is gauge invariant, link traces are not") {
    for (const auto& l : shapes) {
        const auto links = random_field(l, 3);
        const auto turned = gauge_transformed(links, 4);
        const auto p = host_plaquette(links);
        const auto q = host_plaquette(turned);
        INFO(to_text(l) << ", seeds 3 and 4");
        CHECK(std::abs(p.spatial - q.spatial) < 1e-13);
        CHECK(std::abs(p.temporal - q.temporal) < 1e-13);
        if (l.volume() > 100)
            CHECK(std::abs(host_link_trace(links) - host_link_trace(turned)) > 1e-6);
    }
}

TEST_CASE("the plaquette of random links is zero within its known spread") {
    // 6^4, seed 5; sd of the average = 0.2357 / sqrt(6 V), 4 sigma.
    const extents l{{6, 6, 6, 6}};
    CHECK(std::abs(host_plaquette(random_field(l, 5)).all()) < 4.0 * 0.2357 / std::sqrt(6.0 * 1296.0));
}

TEST_CASE("deviations from the group are found, and where") {
    const extents l{{3, 2, 2, 2}};
    const auto good = deviation_from_group(random_field(l, 6));
    CHECK(good.finite);
    CHECK(good.unitarity < 1e-14);
    CHECK(good.determinant < 1e-14);

    auto stretched = random_field(l, 6);
    stretched.set_link(13, 2, complex(1.0 + 1e-6) * stretched.link(13, 2));
    const auto d = deviation_from_group(stretched);
    CHECK(d.unitarity == Approx(2e-6).epsilon(0.01));
    CHECK(d.determinant == Approx(3e-6).epsilon(0.01));
    CHECK(d.worst_site == 13);
    CHECK(d.worst_direction == 2);

    auto phase = random_field(l, 6); // unitary, but of determinant exp(3 i phi)
    phase.set_link(7, 1, std::polar(1.0, 1e-5) * phase.link(7, 1));
    CHECK(deviation_from_group(phase).unitarity < 1e-14);
    CHECK(deviation_from_group(phase).determinant == Approx(3e-5).epsilon(1e-4));

    for (const double bad : {std::nan(""), HUGE_VAL}) {
        auto broken = random_field(l, 6);
        broken.reals()[(5 * 4 + 3) * 18 + 17] = bad;
        const auto n = deviation_from_group(broken);
        CHECK(!n.finite);
        CHECK(n.worst_site == 5);
        CHECK(n.worst_direction == 3);
    }
}
