// SPDX-License-Identifier: AGPL-3.0-only
// What gauge and centre transformations leave alone, and the group's own averages.
#include "tests/hmc/hmc_tools.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("Hamiltonian and plaquette are gauge invariant, and a trajectory commutes with the transformation") {
    const extents l{{4, 2, 4, 4}};
    const auto links = random_field(l, 201);
    const auto turned = gauge_transformed(links, 202);
    const auto momenta = random_momenta(l, 203);
    std::mt19937_64 generator(202); // the same g(x) as gauge_transformed
    momentum_field turned_momenta(l);
    for (std::size_t s = 0; s < l.volume(); ++s) {
        const su3 g = reunitarise(random_matrix(generator));
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            turned_momenta.set(s, mu, reals_of(g * matrix_of(momenta.at(s, mu)) * dagger(g)));
    }
    for (const auto& v : two_engines()) {
        const auto w = engine_of(v).allocate(l);
        const auto g = engine_of(v).allocate(l);
        w->upload(links);
        w->upload_momenta(momenta);
        g->upload(turned);
        g->upload_momenta(turned_momenta);
        INFO(v.name << ", seeds 201 ... 203");
        const double planes = 9.0 * double(l.volume());
        const auto same = [&] {
            CHECK(std::abs(w->plaquette().spatial - g->plaquette().spatial) < 1e-13 * planes);
            CHECK(std::abs(w->plaquette().temporal - g->plaquette().temporal) < 1e-13 * planes);
            const double h = hamiltonian(*w, 5.7);
            CHECK(std::abs(hamiltonian(*g, 5.7) - h) < 1e-13 * std::abs(h));
            CHECK(std::abs(w->polyakov_loop() - g->polyakov_loop()) < 1e-13);
        };
        same();
        evolve(*w, integrator_kind::omelyan2, 5.7, 0.5, 5);
        evolve(*g, integrator_kind::omelyan2, 5.7, 0.5, 5);
        same();
    }
}

TEST_CASE("a centre transformation of one time slice leaves the action alone and turns the Polyakov loop by 120 degrees") {
    const extents l{{4, 4, 2, 6}};
    const complex z = std::polar(1.0, 2.0 * std::acos(-1.0) / 3.0);
    const auto links = random_field(l, 204);
    auto turned = links;
    for (std::size_t s = 0; s < l.volume(); ++s)
        if (coordinates_of(l, s)[3] == 2)
            turned.set_link(s, 3, z * links.link(s, 3));
    for (const auto& v : two_engines()) {
        const auto w = engine_of(v).allocate(l);
        w->upload(links);
        const auto before = measure(*w);
        w->upload(turned);
        const auto after = measure(*w);
        INFO(v.name << ", seed 204");
        CHECK(std::abs(after.sums.spatial - before.sums.spatial) < 1e-12);
        CHECK(std::abs(after.sums.temporal - before.sums.temporal) < 1e-12);
        CHECK(std::abs(after.polyakov - z * before.polyakov) < 1e-14);
        CHECK(std::abs(before.polyakov) > 1e-3);
    }
}

TEST_CASE("turning the axes of the lattice turns the planes of the plaquette") {
    // x -> y -> z -> x: spatial sums stay, and so do the temporal ones.
    const extents l{{4, 4, 4, 2}};
    const auto links = random_field(l, 205);
    gauge_field turned(l);
    for (std::size_t s = 0; s < l.volume(); ++s) {
        const auto x = coordinates_of(l, s);
        const auto to = site_rank(l, {x[2], x[0], x[1], x[3]});
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            turned.set_link(to, mu == 3 ? 3 : (mu + 1) % 3, links.link(s, mu));
    }
    for (const auto& v : two_engines()) {
        const auto w = engine_of(v).allocate(l);
        w->upload(links);
        const auto before = measure(*w);
        w->upload(turned);
        const auto after = measure(*w);
        INFO(v.name << ", seed 205");
        CHECK(std::abs(after.sums.spatial - before.sums.spatial) < 1e-12);
        CHECK(std::abs(after.sums.temporal - before.sums.temporal) < 1e-12);
        CHECK(std::abs(after.polyakov - before.polyakov) < 1e-14);
    }
}

TEST_CASE("a hot start lies in the group, is a function of its name and has the averages of Haar's measure") {
    // 6^4: N = 5184 links, key 301; 4 sigma with var(Re tr U) = 1/2, var |tr U|^2 = 1, sd(P) = 0.2357/sqrt(6 V).
    const extents l{{6, 6, 6, 6}};
    const auto links = hot_start(l, {301, 0, 0});
    const auto d = deviation_from_group(links);
    CHECK(d.finite);
    CHECK(d.unitarity < 1e-14);
    CHECK(d.determinant < 1e-14);
    CHECK(hot_start(l, {301, 0, 0}) == links);
    CHECK(!(hot_start(l, {302, 0, 0}) == links));
    double re = 0.0, squares = 0.0;
    const double n = double(l.links());
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu) {
            const complex t = trace(links.link(s, mu));
            re += t.real();
            squares += std::norm(t);
        }
    INFO("key 301, N = " << n);
    CHECK(std::abs(re / n) < 4.0 * std::sqrt(0.5 / n));
    CHECK(std::abs(squares / n - 1.0) < 4.0 / std::sqrt(n));
    CHECK(std::abs(host_plaquette(links).all()) < 4.0 * 0.2357 / std::sqrt(6.0 * double(l.volume())));
}

TEST_CASE("fresh momenta carry four units of kinetic energy a link") {
    // T = 1/2 sum of 8 squares: mean 4, sigma 2 a link; N = 40 x 1024 links, key 302, 4 sigma.
    const extents l{{4, 4, 4, 4}};
    for (const auto& v : two_engines()) {
        const auto w = engine_of(v).allocate(l);
        double sum = 0.0;
        for (std::uint64_t i = 1; i <= 40; ++i) {
            w->refresh_momenta({302, i, 1});
            sum += w->kinetic_energy();
        }
        const double n = 40.0 * double(l.links());
        INFO(v.name << ", key 302, N = " << n);
        CHECK(std::abs(sum / n - 4.0) < 4.0 * 2.0 / std::sqrt(n));
    }
}
