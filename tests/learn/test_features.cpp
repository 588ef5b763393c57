// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/feature_vector.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

namespace {

trajectory_sample sample_of(double p, double l = 0.1) {
    trajectory_sample s;
    s.beta = 5.7;
    s.plaquette_spatial = p - 0.001;
    s.plaquette_temporal = p + 0.001;
    s.polyakov_re = l;
    s.accepted = true;
    return s;
}

std::size_t index_of(std::string_view name) {
    for (std::size_t k = 0; k < feature_count; ++k)
        if (feature_names[k] == name)
            return k;
    FAIL("no feature " << name);
    return 0;
}

} // namespace

TEST_CASE("a feature is what its definition says") {
    const extents lattice{{8, 8, 8, 4}};
    feature_builder b(lattice);
    feature_vector v{};
    for (int k = 0; k < 12; ++k)
        v = b.next(sample_of(k < 7 ? 0.55 : 0.5505)).value();
    CHECK(v[index_of("beta")] == 0.0f);
    CHECK(v[index_of("plaquette")] == Approx(0.0005 / 0.025).margin(1e-6));
    CHECK(v[index_of("anisotropy")] == Approx(0.002 * std::sqrt(6.0 * 2048)));
    CHECK(v[index_of("polyakov")] == Approx(0.0).margin(1e-6));
    CHECK(v[index_of("polyakov_phase")] == Approx(1.0));
    CHECK(v[index_of("acceptance")] == 1.0f);
    CHECK(v[index_of("plaquette_drift")] == Approx(0.0005 * std::sqrt(6.0 * 2048)).epsilon(1e-3));
    CHECK(v[index_of("volume")] == Approx(std::log10(2048.0) - 3.0));
}

TEST_CASE("the centre's sectors look alike, and history begins again after reset") {
    const extents lattice{{4, 4, 4, 4}};
    feature_builder a(lattice);
    feature_builder b(lattice);
    auto s = sample_of(0.55, 0.2);
    const auto va = a.next(s).value();
    s.polyakov_re = 0.2 * std::cos(2.0 * M_PI / 3.0);
    s.polyakov_im = 0.2 * std::sin(2.0 * M_PI / 3.0);
    const auto vb = b.next(s).value();
    for (std::size_t k = 0; k < feature_count; ++k)
        CHECK(va[k] == Approx(vb[k]).margin(1e-6));
    for (int k = 0; k < 30; ++k)
        (void)a.next(sample_of(0.5 + 0.001 * k));
    a.reset();
    CHECK(a.next(sample_of(0.55, 0.2)).value() == feature_builder(lattice).next(sample_of(0.55, 0.2)).value());
}

TEST_CASE("in equilibrium drift and spread are of order one on any volume") {
    for (const std::uint32_t n : {4u, 16u}) {
        CAPTURE(n);
        const extents lattice{{n, n, n, n}};
        const double sigma = 0.5 / std::sqrt(6.0 * static_cast<double>(lattice.volume())); // fluctuations as 1/sqrt(V)
        std::mt19937 random(n);
        std::normal_distribution<double> normal(0.58, sigma);
        feature_builder b(lattice);
        double drift = 0.0;
        double spread = 0.0;
        for (int k = 0; k < 2000; ++k) {
            const auto v = b.next(sample_of(normal(random))).value();
            drift += v[index_of("plaquette_drift")] * v[index_of("plaquette_drift")] / 2000.0;
            spread += v[index_of("plaquette_spread")] / 2000.0;
        }
        CHECK(std::sqrt(drift) == Approx(0.5 * std::sqrt(2.0 / 5.0)).epsilon(0.1));
        CHECK(spread == Approx(0.5).epsilon(0.1));
    }
}

TEST_CASE("a sample that is not a number reaches no model, and nothing leaves the range") {
    feature_builder b(extents{{4, 4, 4, 4}});
    auto bad = sample_of(0.55);
    bad.delta_h = std::nan("");
    CHECK_FALSE(b.next(bad));
    bad = sample_of(INFINITY);
    CHECK_FALSE(b.next(bad));
    auto far = sample_of(0.9);
    far.beta = 1e6;
    far.delta_h = 1e300;
    for (int k = 0; k < 20; ++k) {
        const auto v = b.next(k % 2 == 0 ? far : sample_of(0.1)).value();
        for (const float x : v)
            REQUIRE(std::abs(x) <= 4.0f);
    }
}

TEST_CASE("the threshold of the next trajectory is that of the accept step") {
    const noise_id id{0x1234567890abcdefull, 17, 2};
    const double u = open_uniform(noise_block(id, 0, noise_purpose::accept, 0));
    CHECK(metropolis_threshold(id) == Approx(-std::log(u)).epsilon(1e-14));
    double sum = 0.0;
    for (std::uint64_t i = 1; i <= 4000; ++i)
        sum += metropolis_threshold({99, i, 0});
    CHECK(sum / 4000.0 == Approx(1.0).epsilon(0.06)); // exponential: mean 1, error 1/sqrt(4000)
    // dH^2 = 0.16: mean 0.08, rms 0.4; at the mean half are rejected, one rms above 15.87 %.
    CHECK(rejection_chance(0.08, 0.16) == Approx(0.5));
    CHECK(rejection_chance(0.48, 0.16) == Approx(0.158655).epsilon(1e-5));
    feature_builder b(extents{{4, 4, 4, 4}});
    auto s = sample_of(0.55);
    s.delta_h = -0.4;
    s.threshold_next = 0.48;
    CHECK(b.next(s).value()[index_of("rejection_next")] == Approx(4.0 * 0.158655 - 1.0).epsilon(1e-4));
    s.threshold_next = 30.0;
    CHECK(b.next(s).value()[index_of("rejection_next")] == -1.0f);
    s.threshold_next = std::nan("");
    CHECK_FALSE(b.next(s));
}
