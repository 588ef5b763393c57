// SPDX-License-Identifier: AGPL-3.0-only
// The integrators: exact error coefficients on the oscillator, order, reversibility and area on the group.
#include "tests/hmc/hmc_tools.hpp"

#include <array>

using namespace forge;
using namespace forge::testing;

namespace {

/// (q, p) -> (a q + b p, c q + d p) of one step for H = p^2/2 + q^2/2.
struct step_matrix {
    double a, b, c, d;
};

step_matrix oscillator_step(integrator_kind kind, double step) {
    const auto evolve_from = [&](double q, double p) {
        integrate(
            kind, 1, step, [&](double h) { p -= h * q; }, [&](double h) { q += h * p; });
        return std::array{q, p};
    };
    const auto from_q = evolve_from(1.0, 0.0);
    const auto from_p = evolve_from(0.0, 1.0);
    return {from_q[0], from_p[0], from_q[1], from_p[1]};
}

/// The scheme conserves exactly H + eps^2 (alpha p^2 + beta q^2) + O(eps^4). A reversible step has a = d, so it
/// conserves -c q^2 + b p^2: the ratio of the coefficients, (1 + 2 beta eps^2)/(1 + 2 alpha eps^2), gives beta - alpha.
/// Its angle is eps w with w^2 = (1 + 2 alpha eps^2)(1 + 2 beta eps^2) and sin(eps w) = sqrt(-b c): alpha + beta.
std::array<double, 2> error_coefficients(integrator_kind kind) {
    const auto difference = [&](double e) {
        const auto m = oscillator_step(kind, e);
        return (-m.c / m.b - 1.0) / (2.0 * e * e);
    };
    const auto sum = [&](double e) {
        const auto m = oscillator_step(kind, e);
        return (std::asin(std::sqrt(-m.b * m.c)) / e - 1.0) / (e * e);
    };
    const double e = 0.02; // Richardson: what is left is of order e^4
    const double d = (4.0 * difference(0.5 * e) - difference(e)) / 3.0;
    const double s = (4.0 * sum(0.5 * e) - sum(e)) / 3.0;
    return {0.5 * (s - d), 0.5 * (s + d)};
}

} // namespace

TEST_CASE("one step of either integrator is reversible and keeps the area of phase space") {
    for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2})
        for (const double step : {0.01, 0.3, 1.0}) {
            const auto m = oscillator_step(kind, step);
            INFO(name_of(kind) << ", step " << step);
            CHECK(m.a == Approx(m.d).epsilon(1e-14));
            CHECK(m.a * m.d - m.b * m.c == Approx(1.0).epsilon(1e-14));
        }
}

TEST_CASE("leapfrog's shadow Hamiltonian is H + eps^2 (p^2/12 - q^2/24)") {
    const auto [alpha, beta] = error_coefficients(integrator_kind::leapfrog);
    CHECK(alpha == Approx(1.0 / 12.0).margin(1e-6));
    CHECK(beta == Approx(-1.0 / 24.0).margin(1e-6));
}

TEST_CASE("omelyan2's shadow Hamiltonian is H + eps^2 (-(1 - 6l)/24 p^2 + (1 - 6l + 6l^2)/12 q^2)") {
    // l = 1/2 is the leapfrog above and l = 0 its drift-first twin, with the two roles exchanged.
    const double l = omelyan_lambda;
    const auto [alpha, beta] = error_coefficients(integrator_kind::omelyan2);
    CHECK(alpha == Approx((6.0 * l - 1.0) / 24.0).margin(1e-6));
    CHECK(beta == Approx((1.0 - 6.0 * l + 6.0 * l * l) / 12.0).margin(1e-6));
    const auto lf = error_coefficients(integrator_kind::leapfrog);
    CHECK(std::hypot(lf[0], lf[1]) / std::hypot(alpha, beta) == Approx(10.9).margin(0.05)); // hep-lat/0505020
}

TEST_CASE("lambda is the minimum of the norm of the two error coefficients") {
    const auto norm = [](double l) { return std::hypot((6.0 * l - 1.0) / 24.0, (1.0 - 6.0 * l + 6.0 * l * l) / 12.0); };
    for (const double off : {1e-3, 1e-4, 1e-5}) {
        CHECK(norm(omelyan_lambda) < norm(omelyan_lambda + off));
        CHECK(norm(omelyan_lambda) < norm(omelyan_lambda - off));
    }
    const double l = omelyan_lambda; // the gradient of the squared norm vanishes, to rounding
    CHECK(std::abs((6.0 * l - 1.0) / 24.0 * 0.25 + (1.0 - 6.0 * l + 6.0 * l * l) / 12.0 * (l - 0.5)) < 1e-16);
}

TEST_CASE("kicks and drifts add up to the length, and neighbouring kicks are joined") {
    for (const std::uint32_t n : {1u, 2u, 7u})
        for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2}) {
            double kicked = 0.0, drifted = 0.0;
            std::uint32_t kicks = 0, drifts = 0;
            integrate(
                kind, n, 0.5, [&](double h) { kicked += h, ++kicks; }, [&](double h) { drifted += h, ++drifts; });
            INFO(name_of(kind) << ", " << n << " steps");
            CHECK(kicked == Approx(0.5 * n));
            CHECK(drifted == Approx(0.5 * n));
            CHECK(kicks == (kind == integrator_kind::leapfrog ? n + 1 : 2 * n + 1));
            CHECK(drifts == (kind == integrator_kind::leapfrog ? n : 2 * n));
        }
}

TEST_CASE("the energy error of a gauge trajectory falls as the square of the step, for both integrators") {
    // rms over 12 momenta, tau = 1, beta = 5.7, dt = 1/32 ... 1/108; slope of the straight line through the logarithms.
    for (const auto& v : two_engines()) {
        const extents l = v.is_opencl() ? extents{{4, 4, 4, 4}} : extents{{2, 2, 2, 2}};
        const auto links = thermalised(engine_of(v), l, 5.7, 30);
        const auto w = engine_of(v).allocate(l);
        std::map<integrator_kind, std::vector<double>> rms;
        for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2}) {
            double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
            const std::vector<std::uint32_t> steps{32, 48, 72, 108};
            for (const auto n : steps) {
                double squares = 0.0;
                for (std::uint64_t i = 1; i <= 12; ++i) {
                    const double dh = energy_error(*w, links, {801, i, 1}, kind, 5.7, 1.0, n);
                    squares += dh * dh;
                }
                rms[kind].push_back(std::sqrt(squares / 12.0));
                const double x = -std::log(double(n));
                const double y = std::log(rms[kind].back());
                sx += x, sy += y, sxx += x * x, sxy += x * y;
            }
            const double count = double(steps.size());
            const double slope = (count * sxy - sx * sy) / (count * sxx - sx * sx);
            INFO(v.name << ", " << name_of(kind) << ", noise key 801, slope " << slope);
            CHECK(slope == Approx(2.0).margin(0.05));
        }
        for (std::size_t k = 0; k < rms[integrator_kind::leapfrog].size(); ++k) {
            const double ratio = rms[integrator_kind::leapfrog][k] / rms[integrator_kind::omelyan2][k];
            INFO(v.name << ", leapfrog / omelyan2 at equal step " << ratio);
            CHECK(ratio > 6.0);
            CHECK(ratio < 16.0);
        }
    }
}

TEST_CASE("a trajectory with reversed momenta comes back to its links") {
    const extents l{{4, 4, 2, 6}};
    for (const auto& v : two_engines())
        for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2}) {
            const auto links = random_field(l, 91);
            const auto w = engine_of(v).allocate(l);
            w->upload(links);
            w->refresh_momenta({91, 1, 1});
            const auto momenta = w->download_momenta();
            const double h = hamiltonian(*w, 5.7);
            evolve(*w, kind, 5.7, 1.0, 20);
            CHECK(distance(w->download().reals(), links.reals()) > 0.1); // it went somewhere
            auto turned = w->download_momenta();
            for (double& p : turned.reals())
                p = -p;
            w->upload_momenta(turned);
            evolve(*w, kind, 5.7, 1.0, 20);
            auto back = w->download_momenta();
            for (double& p : back.reals())
                p = -p;
            INFO(v.name << ", " << name_of(kind) << ", seed 91");
            CHECK(distance(w->download().reals(), links.reals()) < 1e-11);
            CHECK(distance(back.reals(), momenta.reals()) < 1e-11);
            CHECK(std::abs(hamiltonian(*w, 5.7) - h) < 1e-9);
        }
}

TEST_CASE("the gauge leapfrog keeps the volume of phase space: its Jacobian on the one-site lattice has determinant 1") {
    const extents l{{1, 1, 1, 1}};
    const std::size_t n = 64; // 4 links, 8 generators, links and momenta
    reference_engine engine;
    const auto w = engine.allocate(l);
    const auto links = random_field(l, 92);
    const auto momenta = random_momenta(l, 93);
    // Orthonormal basis of nine reals with zero trace: Gell-Mann, entries as momentum_field stores them.
    const auto generator = [](std::size_t a) {
        algebra_reals r{};
        if (a < 6)
            r[3 + a] = 1.0 / std::sqrt(2.0);
        else if (a == 6)
            r[0] = 1.0 / std::sqrt(2.0), r[1] = -r[0];
        else
            r[0] = r[1] = 1.0 / std::sqrt(6.0), r[2] = -2.0 * r[0];
        return r;
    };
    const auto inner = [](const algebra_reals& x, const algebra_reals& y) {
        double sum = 0.0;
        for (std::size_t k = 0; k < 9; ++k)
            sum += (k < 3 ? 1.0 : 2.0) * x[k] * y[k];
        return sum;
    };
    const auto image = [&](std::size_t coordinate, double shift, const gauge_field* around, std::vector<double>& out) {
        auto u = links;
        auto p = momenta;
        const std::size_t mu = coordinate / 8 % 4;
        auto t = generator(coordinate % 8);
        if (coordinate < n / 2) {
            u.set_link(0, mu, exponential(complex(shift) * matrix_of(t)) * u.link(0, mu));
        } else {
            auto r = p.at(0, mu);
            for (std::size_t k = 0; k < 9; ++k)
                r[k] += shift * t[k];
            p.set(0, mu, r);
        }
        w->upload(u);
        w->upload_momenta(p);
        evolve(*w, integrator_kind::leapfrog, 5.7, 0.3, 2);
        const auto end = w->download();
        if (around != nullptr) {
            const auto p_end = w->download_momenta();
            for (std::size_t nu = 0; nu < 4; ++nu) {
                const auto turn = reals_of(project_ta(end.link(0, nu) * dagger(around->link(0, nu)))); // log to third order
                for (std::size_t a = 0; a < 8; ++a) {
                    out[nu * 8 + a] = inner(generator(a), turn);
                    out[n / 2 + nu * 8 + a] = inner(generator(a), p_end.at(0, nu));
                }
            }
        }
        return end;
    };
    std::vector<double> unused;
    const auto centre = image(0, 0.0, nullptr, unused);
    const double e = 1e-4;
    std::vector<std::vector<double>> jacobian(n, std::vector<double>(n));
    for (std::size_t c = 0; c < n; ++c) {
        std::vector<double> up(n), down(n);
        (void)image(c, e, &centre, up);
        (void)image(c, -e, &centre, down);
        for (std::size_t r = 0; r < n; ++r)
            jacobian[r][c] = (up[r] - down[r]) / (2.0 * e);
    }
    double determinant_of_step = 1.0; // Gauss with partial pivoting
    for (std::size_t c = 0; c < n; ++c) {
        std::size_t pivot = c;
        for (std::size_t r = c; r < n; ++r)
            if (std::abs(jacobian[r][c]) > std::abs(jacobian[pivot][c]))
                pivot = r;
        if (pivot != c) {
            std::swap(jacobian[pivot], jacobian[c]);
            determinant_of_step = -determinant_of_step;
        }
        determinant_of_step *= jacobian[c][c];
        for (std::size_t r = c + 1; r < n; ++r) {
            const double factor = jacobian[r][c] / jacobian[c][c];
            for (std::size_t k = c; k < n; ++k)
                jacobian[r][k] -= factor * jacobian[c][k];
        }
    }
    INFO("seeds 92 and 93, step 0.15");
    CHECK(determinant_of_step == Approx(1.0).margin(1e-6)); // differences of step 1e-4
}
