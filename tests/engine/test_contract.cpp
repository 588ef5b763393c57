// SPDX-License-Identifier: AGPL-3.0-only
// Every engine, width, layout and local size against the reference: the meaning of each operation.
#include "libactors/hmc/start.hpp"
#include "tests/engine/engine_script.hpp"
#include "tests/support/engine_variants.hpp"
#include "tests/support/field_distance.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

/// Checks one outcome against the reference's; bounds are relative to the largest entry or to the sum of magnitudes.
void check_against_reference(const engine_outcome& o, const engine_outcome& r, const extents& l) {
    CHECK(o.uploaded == random_field(l, 71)); // to the bit
    CHECK(o.noise == r.noise);                // to the bit
    CHECK(std::abs(o.kinetic - r.kinetic) < 1e-14 * r.kinetic);
    CHECK(distance(o.kicked.reals(), r.kicked.reals()) < 1e-13 * largest(r.kicked.reals()));
    CHECK(distance(o.kicked_noise.reals(), r.kicked_noise.reals()) < 1e-13 * largest(r.kicked_noise.reals()));
    CHECK(distance(o.drifted.reals(), r.drifted.reals()) < 1e-14);
    const double terms = 9.0 * static_cast<double>(l.volume()); // largest value that a sum could have
    for (const auto& [a, b] : {std::pair{o.before, r.before}, std::pair{o.after, r.after}}) {
        CHECK(std::abs(a.spatial - b.spatial) < 1e-15 * terms);
        CHECK(std::abs(a.temporal - b.temporal) < 1e-15 * terms);
    }
    CHECK(std::abs(o.loop_before - r.loop_before) < 1e-14);
    CHECK(std::abs(o.loop_after - r.loop_after) < 1e-14);
    CHECK(distance(o.projected.reals(), r.projected.reals()) < 1e-15);
    CHECK(deviation_from_group(o.projected).unitarity < 1e-15);
    CHECK(o.fingerprint == fingerprint_of(o.projected));
}

} // namespace

TEST_CASE("every engine does what the reference does, on even, asymmetric and odd lattices") {
    reference_engine reference;
    for (const auto& l : contract_lattices) {
        const auto r = run_script(reference, l);
        for (const auto& v : all_variants()) {
            INFO(v.name << " on " << to_text(l) << ", seeds 71 and 72");
            check_against_reference(run_script(engine_of(v), l), r, l);
        }
    }
}

TEST_CASE("the reference's own numbers are the host's: plaquette, Polyakov loop, kinetic energy, force") {
    reference_engine reference;
    for (const auto& l : contract_lattices) {
        const auto r = run_script(reference, l);
        const auto links = random_field(l, 71);
        const auto p = host_plaquette(links);
        const double planes = 9.0 * static_cast<double>(l.volume());
        CHECK(r.before.spatial / planes == Approx(p.spatial).margin(1e-15));
        CHECK(r.before.temporal / planes == Approx(p.temporal).margin(1e-15));
        complex loop = 0.0;
        for (std::size_t s = 0; s < l.spatial_volume(); ++s) {
            su3 walk = identity();
            std::size_t x = s;
            for (std::uint32_t t = 0; t < l.n[3]; ++t) {
                walk = walk * links.link(x, 3);
                x = neighbour(l, x, 3, 1);
            }
            CHECK(x == s);
            loop += trace(walk);
        }
        CHECK(std::abs(r.loop_before - loop / (3.0 * double(l.spatial_volume()))) < 1e-14);
        double kinetic = 0.0;
        for (std::size_t s = 0; s < l.volume(); ++s)
            for (std::size_t mu = 0; mu < n_directions; ++mu) {
                const su3 m = matrix_of(r.noise.at(s, mu));
                kinetic -= trace(m * m).real();
                CHECK(std::abs(trace(m)) < 1e-14);
            }
        CHECK(r.kinetic == Approx(kinetic).epsilon(1e-13));
        // the staples close to plaquettes: sum over links of Re tr U A = 4 times the sum over plaquettes
        double closed = 0.0;
        for (std::size_t s = 0; s < l.volume(); ++s)
            for (std::size_t mu = 0; mu < n_directions; ++mu)
                closed += trace(links.link(s, mu) * staple_sum(links, s, mu)).real();
        CHECK(closed == Approx(4.0 * (r.before.spatial + r.before.temporal)).margin(1e-10));
    }
}

TEST_CASE("small extents: lattices of 1 and 2 sites in a direction work in every layout") {
    reference_engine reference;
    for (const extents& l : {extents{{2, 2, 2, 2}}, extents{{1, 2, 3, 1}}, extents{{2, 1, 2, 3}}, extents{{2, 2, 2, 1}}}) {
        const auto r = run_script(reference, l);
        for (const auto& v : two_engines()) {
            INFO(v.name << " on " << to_text(l));
            check_against_reference(run_script(engine_of(v), l), r, l);
        }
        for (const auto& v : opencl_variants())
            if (v.options.block == 8) {
                INFO(v.name << " on " << to_text(l));
                check_against_reference(run_script(engine_of(v), l), r, l);
            }
    }
}

TEST_CASE("upload and download keep every bit, of any number") {
    for (const auto& v : all_variants())
        for (const auto& l : contract_lattices) {
            INFO(v.name << " on " << to_text(l));
            const auto w = engine_of(v).allocate(l);
            CHECK(w->shape() == l);
            gauge_field links(l);
            momentum_field momenta(l);
            std::mt19937_64 generator(73);
            for (auto reals : {links.reals(), momenta.reals()})
                for (double& x : reals)
                    x = std::ldexp(1.0 + double(generator() % 1000) / 999.0, int(generator() % 2000) - 1000) * (generator() % 2 ? 1 : -1);
            links.reals()[7] = -0.0;
            w->upload(links);
            w->upload_momenta(momenta);
            CHECK(fingerprint_of(w->download()) == fingerprint_of(links)); // == of doubles would pass a lost sign of zero
            CHECK(w->fingerprint() == fingerprint_of(links));
            CHECK(w->download_momenta() == momenta);
        }
}

TEST_CASE("saved links come back to the bit, and momenta are left alone") {
    const extents l{{4, 6, 2, 8}};
    for (const auto& v : all_variants()) {
        INFO(v.name);
        const auto w = engine_of(v).allocate(l);
        const auto links = random_field(l, 74);
        const auto momenta = random_momenta(l, 75);
        w->upload(links);
        w->upload_momenta(momenta);
        for (int round = 0; round < 2; ++round) {
            w->save_links();
            CHECK(w->fingerprint() == fingerprint_of(links));
            w->drift(0.3);
            CHECK(!(w->fingerprint() == fingerprint_of(links)));
            w->restore_links();
            CHECK(w->download() == links);
            CHECK(w->download_momenta() == momenta);
        }
    }
}

TEST_CASE("kick and drift in one sweep is the kick, then the drift, to the bit; saved links come back from it") {
    for (const auto& l : contract_lattices)
        for (const auto& v : all_variants()) {
            INFO(v.name << " on " << to_text(l));
            const auto links = random_field(l, 82);
            const auto momenta = random_momenta(l, 83);
            const auto start = [&] {
                auto w = engine_of(v).allocate(l);
                w->upload(links);
                w->upload_momenta(momenta);
                return w;
            };
            const auto apart = start();
            const auto joined = start();
            joined->save_links();
            for (const double step : {0.1, -0.03}) {
                apart->kick(5.7, step);
                apart->drift(2.0 * step);
                joined->kick_and_drift(5.7, step, 2.0 * step);
            }
            CHECK(joined->fingerprint() == apart->fingerprint());
            CHECK(joined->download_momenta() == apart->download_momenta());
            CHECK(joined->plaquette() == apart->plaquette());
            joined->restore_links();
            CHECK(joined->fingerprint() == fingerprint_of(links));
            // A save after a sweep keeps what is there then; an upload replaces the links, not the saved ones.
            joined->kick_and_drift(5.7, 0.1, 0.1);
            const auto kept = joined->fingerprint();
            joined->save_links();
            joined->upload(links);
            joined->restore_links();
            CHECK(joined->fingerprint() == kept);
            joined->save_links();
            joined->restore_links(); // nothing changed in between
            CHECK(joined->fingerprint() == kept);
        }
}

TEST_CASE("a drift with large momenta stays in the group and agrees with the reference") {
    const extents l{{4, 4, 4, 4}};
    reference_engine reference;
    for (const double size : {1e-9, 0.3, 3.0, 12.0}) { // typical entries; eigenvalues reach about four times that
        const auto momenta = random_momenta(l, 76, size);
        const auto r = reference.allocate(l);
        r->upload(random_field(l, 77));
        r->upload_momenta(momenta);
        r->drift(1.0);
        const auto expected = r->download();
        for (const auto& v : all_variants()) {
            INFO(v.name << ", size " << size);
            const auto w = engine_of(v).allocate(l);
            w->upload(random_field(l, 77));
            w->upload_momenta(momenta);
            w->drift(1.0);
            const auto links = w->download();
            CHECK(distance(links.reals(), expected.reals()) < 1e-12);
            const auto d = deviation_from_group(links);
            CHECK(d.finite);
            CHECK(d.unitarity < 1e-12);
            CHECK(d.determinant < 1e-12);
        }
    }
}

TEST_CASE("the drift's exponential has the known eigenvalues up to 50") {
    const extents l{{2, 2, 2, 2}};
    for (const auto& v : all_variants())
        for (const double top : {1e-12, 0.5, 0.87, 5.0, 50.0}) {
            momentum_field momenta(l);
            for (std::size_t s = 0; s < l.volume(); ++s)
                for (std::size_t mu = 0; mu < n_directions; ++mu) // other angles lane by lane
                    momenta.set(s, mu, {top, -top * (double(s) / 16.0), -top * (1.0 - double(s) / 16.0), 0, 0, 0, 0, 0, 0});
            const auto w = engine_of(v).allocate(l);
            w->upload(cold_start(l));
            w->upload_momenta(momenta);
            w->drift(1.0);
            const auto links = w->download();
            double worst = 0.0;
            for (std::size_t s = 0; s < l.volume(); ++s)
                for (std::size_t mu = 0; mu < n_directions; ++mu) {
                    su3 expected;
                    const auto p = momenta.at(s, mu);
                    for (std::size_t i = 0; i < 3; ++i)
                        expected(i, i) = std::polar(1.0, p[i]);
                    for (std::size_t k = 0; k < 9; ++k)
                        worst = std::max(worst, std::abs(links.link(s, mu).e[k] - expected.e[k]));
                }
            INFO(v.name << ", eigenvalue " << top << ", worst " << worst);
            CHECK(worst < 2e-13);
        }
}

TEST_CASE("a kick is linear in its step, and no step changes nothing") {
    const extents l{{3, 4, 5, 2}};
    for (const auto& v : two_engines()) {
        INFO(v.name);
        const auto w = engine_of(v).allocate(l);
        const auto momenta = random_momenta(l, 78);
        w->upload(random_field(l, 79));
        w->upload_momenta(momenta);
        w->kick(5.7, 0.0);
        CHECK(w->download_momenta() == momenta);
        w->kick(5.7, 0.25);
        w->kick(5.7, -0.25);
        CHECK(distance(w->download_momenta().reals(), momenta.reals()) < 1e-14);
        w->kick(5.7, 0.5);
        const auto once = w->download_momenta();
        w->upload_momenta(momenta);
        w->kick(2.85, 1.0); // beta and step enter as a product
        CHECK(distance(w->download_momenta().reals(), once.reals()) < 1e-13);
    }
}

TEST_CASE("noise belongs to its name: other trajectory, segment or key, other momenta; the same name, the same bits") {
    const extents l{{2, 2, 2, 2}};
    for (const auto& v : two_engines()) {
        INFO(v.name);
        const auto w = engine_of(v).allocate(l);
        const auto of = [&](const noise_id& id) {
            w->refresh_momenta(id);
            return w->download_momenta();
        };
        const auto first = of({5, 6, 7});
        CHECK(!(of({5, 6, 8}) == first));
        CHECK(!(of({5, 7, 7}) == first));
        CHECK(!(of({6, 6, 7}) == first));
        CHECK(!(of({5u | 1ull << 50, 6, 7}) == first));
        CHECK(of({5, 6, 7}) == first);
    }
}

TEST_CASE("two workspaces of one engine do not touch each other") {
    const extents small{{2, 2, 2, 2}};
    const extents large{{4, 4, 4, 4}};
    for (const auto& v : two_engines()) {
        INFO(v.name);
        const auto a = engine_of(v).allocate(large);
        const auto b = engine_of(v).allocate(small);
        a->upload(random_field(large, 80));
        b->upload(random_field(small, 81));
        b->refresh_momenta({1, 1, 1});
        b->drift(0.5);
        (void)b->plaquette();
        CHECK(a->fingerprint() == fingerprint_of(random_field(large, 80)));
    }
}

TEST_CASE("fields of another lattice break the contract") {
    for (const auto& v : two_engines()) {
        INFO(v.name);
        const auto w = engine_of(v).allocate({{2, 2, 2, 2}});
        CHECK_THROWS_AS(w->upload(cold_start({{2, 2, 2, 4}})), contract_broken);
        CHECK_THROWS_AS(w->upload_momenta(momentum_field(extents{{4, 2, 2, 2}})), contract_broken);
    }
}
