// SPDX-License-Identifier: AGPL-3.0-only
// The force is the derivative of the action; fields on which force and plaquette are known exactly.
#include "tests/hmc/hmc_tools.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

/// S along U -> exp(t X) U, symmetric difference.
double difference_quotient(gauge_workspace& w, const gauge_field& links, const momentum_field& x, double beta, double e) {
    const auto at = [&](double t) {
        w.upload(links);
        w.upload_momenta(x);
        w.drift(t);
        return action_of(w, beta);
    };
    return (at(e) - at(-e)) / (2.0 * e);
}

/// F from one kick of zero momenta.
momentum_field force_of(gauge_workspace& w, const gauge_field& links, double beta) {
    w.upload(links);
    w.upload_momenta(momentum_field(links.shape()));
    w.kick(beta, -1.0);
    return w.download_momenta();
}

/// -2 tr(X F) over all links: H = -sum tr P^2 + S is conserved for dU/dt = P U, dP/dt = -F only if this is dS/dt.
double minus_two_trace(const momentum_field& x, const momentum_field& f) {
    double sum = 0.0;
    for (std::size_t s = 0; s < x.shape().volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            sum -= 2.0 * trace(matrix_of(x.at(s, mu)) * matrix_of(f.at(s, mu))).real();
    return sum;
}

} // namespace

TEST_CASE("the force is the derivative of the action along a direction that moves every link") {
    for (const extents& l : {extents{{2, 3, 2, 4}}, extents{{2, 2, 4, 2}}})
        for (const auto& v : two_engines())
            for (const std::uint64_t seed : {101u, 102u, 103u}) {
                const auto links = random_field(l, seed);
                const auto x = random_momenta(l, seed + 50);
                const auto w = engine_of(v).allocate(l);
                const double exact = minus_two_trace(x, force_of(*w, links, 5.7));
                INFO(v.name << " on " << to_text(l) << ", seed " << seed << ", dS " << exact);
                REQUIRE(std::abs(exact) > 1.0);
                // Richardson on 2e-3, 1e-3: the e^2 term is removed, what is left is below 1e-10 of S
                const double once = difference_quotient(*w, links, x, 5.7, 2e-3);
                const double twice = difference_quotient(*w, links, x, 5.7, 1e-3);
                CHECK(std::abs((4.0 * twice - once) / 3.0 - exact) < 1e-7 * std::abs(exact));
                CHECK((once - exact) / (twice - exact) == Approx(4.0).epsilon(0.02)); // the error falls as e^2
            }
}

TEST_CASE("the force is the derivative of the action for single links and single generators") {
    const extents l{{2, 3, 2, 4}};
    std::mt19937_64 generator(104);
    for (const auto& v : two_engines()) {
        const auto links = random_field(l, 105);
        const auto w = engine_of(v).allocate(l);
        const auto f = force_of(*w, links, 5.7);
        for (int k = 0; k < 12; ++k) {
            momentum_field x(l);
            algebra_reals r{};
            const auto a = static_cast<std::size_t>(generator() % 8); // a Gell-Mann matrix times i/2
            if (a < 6)
                r[3 + a] = 0.5;
            else
                r[a - 6] = 0.5, r[a - 5] = -0.5;
            x.set(generator() % l.volume(), generator() % 4, r);
            const double exact = minus_two_trace(x, f);
            const double e = 1e-3;
            const double found = (4.0 * difference_quotient(*w, links, x, 5.7, e) - difference_quotient(*w, links, x, 5.7, 2.0 * e)) / 3.0;
            INFO(v.name << ", seeds 104 and 105, choice " << k << ", dS " << exact);
            CHECK(std::abs(found - exact) < 1e-7 * std::max(std::abs(exact), 1.0)); // the force on a link is of order 1
        }
    }
}

TEST_CASE("the unit field has no force, no action and Polyakov loop 1") {
    const extents l{{4, 2, 4, 6}};
    for (const auto& v : two_engines()) {
        const auto w = engine_of(v).allocate(l);
        INFO(v.name);
        CHECK(largest(force_of(*w, cold_start(l), 5.7).reals()) == 0.0);
        w->upload(cold_start(l));
        CHECK(action_of(*w, 5.7) == 0.0);
        CHECK(std::abs(w->polyakov_loop() - 1.0) < 1e-15);
    }
}

TEST_CASE("a constant abelian flux has the exact plaquette and no force") {
    struct flux_case {
        extents l;
        int n12, n34;
        double plaquette; // [4 + (1 + 2 cos p12)/3 + (1 + 2 cos p34)/3]/6, p = 2 pi n / (area)
    };
    for (const auto& c : {flux_case{{{4, 4, 4, 4}}, 1, 1, 0.98308434055806}, flux_case{{{8, 8, 8, 8}}, 1, 1, 0.99892993926049},
                          flux_case{{{6, 6, 6, 6}}, 1, -1, 0.99662394581382}}) {
        const auto links = constant_flux(c.l, c.n12, c.n34);
        const double p12 = 2.0 * std::acos(-1.0) * c.n12 / double(c.l.n[0] * c.l.n[1]);
        const double p34 = 2.0 * std::acos(-1.0) * c.n34 / double(c.l.n[2] * c.l.n[3]);
        const double exact = (4.0 + (1.0 + 2.0 * std::cos(p12)) / 3.0 + (1.0 + 2.0 * std::cos(p34)) / 3.0) / 6.0;
        CHECK(exact == Approx(c.plaquette).margin(1e-14));
        CHECK(host_plaquette(links).all() == Approx(exact).margin(1e-14));
        for (const auto& v : two_engines()) {
            const auto w = engine_of(v).allocate(c.l);
            INFO(v.name << " on " << to_text(c.l));
            w->upload(links);
            const auto p = averages_of(w->plaquette(), c.l);
            CHECK(p.all() == Approx(exact).margin(1e-14));
            CHECK(action_of(*w, 6.0) == Approx(36.0 * double(c.l.volume()) * (1.0 - exact)).epsilon(1e-11));
            CHECK(largest(force_of(*w, links, 6.0).reals()) < 5e-15);
        }
    }
}
