// SPDX-License-Identifier: AGPL-3.0-only
// Gamma method: public chains, a process with known answer, and the series that give none. Tree sums.
#include "libactors/numerics/counter_rng.hpp"
#include "libactors/numerics/statistics.hpp"
#include "libactors/numerics/tree_sum.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <vector>

using namespace forge;

namespace {

/// Second column of a chain of another code, without its first `cut` rows; empty when the file is not here.
std::vector<double> public_chain(const std::string& file, std::size_t cut) {
    const char* data = std::getenv("FORGE_TEST_DATA");
    std::vector<double> series;
    if (data == nullptr)
        return series;
    std::ifstream in(std::filesystem::path(data) / "chains" / file);
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        double sweep = 0.0;
        double p = 0.0;
        if (fields >> sweep >> p) // comment and blank lines do not read as numbers
            series.push_back(p);
    }
    series.erase(series.begin(), series.begin() + static_cast<std::ptrdiff_t>(std::min(cut, series.size())));
    return series;
}

/// x' = a x + sqrt(1 - a^2) eta, started in equilibrium.
std::vector<double> autoregressive(double a, std::uint32_t n, std::uint64_t key) {
    std::vector<double> x;
    double now = normal_pair(noise_block({key, 0, 0}, 0, noise_purpose::start, 0))[0];
    for (std::uint32_t k = 0; k < n; ++k) {
        x.push_back(now);
        now = a * now + std::sqrt(1.0 - a * a) * normal_pair(noise_block({key, 1, 0}, k, noise_purpose::start, 0))[0];
    }
    return x;
}

} // namespace

TEST_CASE("the Gamma method reproduces the published analysis of the CL2QCD chain") {
    const auto x = public_chain("cl2qcd_heatbath_b6_8x8x8x8_gaugeobservables.txt", 100);
    if (x.empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA/chains has no CL2QCD chain");
        return;
    }
    const auto g = gamma_method(x);
    CHECK(g.mean == Approx(0.594169590).margin(5e-10));
    CHECK(*g.error == Approx(0.000160357).margin(5e-10));
    CHECK(*g.tau_int == Approx(2.4506).margin(5e-5));
    CHECK(*g.tau_int_error == Approx(0.5179).margin(5e-5));
    CHECK(g.window == 12);
    CHECK(g.reliable);
    CHECK(*g.effective_size() == Approx(static_cast<double>(x.size()) / (2.0 * *g.tau_int)));
}

TEST_CASE("the Gamma method reproduces the published analysis of the GPT chain") {
    const auto x = public_chain("gpt_b5.5_8x8x8x8_su2_heat_bath.P", 100);
    if (x.empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA/chains has no GPT chain");
        return;
    }
    const auto g = gamma_method(x);
    CHECK(g.mean == Approx(0.496445558).margin(5e-10));
    CHECK(*g.error == Approx(0.000585728).margin(5e-10));
    CHECK(*g.tau_int == Approx(6.67).margin(5e-3));
    CHECK(*g.tau_int_error == Approx(2.65).margin(5e-3));
    CHECK(g.window == 22);
}

TEST_CASE("AR(1) with a = 0.9 has tau_int = 9.5 and an error that says how well the mean is known") {
    // N = 100000, keys 1...8; 4 of the method's own standard deviations, and the true mean is 0.
    for (std::uint64_t key = 1; key <= 8; ++key) {
        const auto g = gamma_method(autoregressive(0.9, 100000, key));
        INFO("key " << key << ", N = 100000, tau_int " << *g.tau_int << " +- " << *g.tau_int_error);
        CHECK(std::abs(*g.tau_int - 9.5) < 4.0 * *g.tau_int_error);
        CHECK(*g.tau_int_error < 1.0);
        CHECK(std::abs(g.mean) < 4.0 * *g.error);
        CHECK(*g.error == Approx(std::sqrt(2.0 * 9.5 / 100000.0)).epsilon(0.2));
        CHECK(g.reliable);
    }
}

TEST_CASE("independent numbers have tau_int = 1/2") {
    const auto g = gamma_method(autoregressive(0.0, 50000, 21)); // key 21, N = 50000, 4 sigma
    CHECK(std::abs(*g.tau_int - 0.5) < 4.0 * *g.tau_int_error);
    CHECK(g.variance == Approx(1.0).epsilon(4.0 * std::sqrt(2.0 / 50000.0)));
}

TEST_CASE("a constant series has error 0 and no tau_int, whatever the constant and the length") {
    for (const double value : {0.0, 1.0, 0.1, -1.0 / 3.0, 0.59416959})
        for (const std::size_t n : {std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
            const auto g = gamma_method(std::vector<double>(n, value));
            INFO(n << " times " << value);
            CHECK(g.mean == value);
            REQUIRE(g.error);
            CHECK(*g.error == 0.0);
            CHECK(!g.tau_int);
            CHECK(!g.reliable);
            CHECK(!g.effective_size());
        }
}

TEST_CASE("short series promise nothing") {
    const auto none = gamma_method({});
    CHECK(none.n == 0);
    CHECK(std::isnan(none.mean));
    CHECK(!none.error);
    const auto one = gamma_method(std::vector<double>{2.0});
    CHECK(one.mean == 2.0);
    CHECK(!one.error);
    CHECK(!one.tau_int);
    for (std::size_t n = 2; n < 12; ++n) {
        const auto full = autoregressive(0.5, 12, 33);
        const auto g = gamma_method(std::span(full).first(n));
        INFO("n = " << n);
        CHECK(g.error);
        CHECK(std::isfinite(*g.error));
        CHECK(!g.reliable);
        CHECK(!g.effective_size());
    }
}

TEST_CASE("fewer than 50 tau_int measurements are not reliable") {
    for (const std::uint32_t n : {60u, 200u, 400u}) {
        const auto g = gamma_method(autoregressive(0.95, n, 44)); // exact tau_int 19.5: n / tau_int < 21
        REQUIRE(g.tau_int);
        INFO("n = " << n << ", tau_int " << *g.tau_int);
        CHECK(g.reliable == (n >= 50.0 * *g.tau_int));
        CHECK(g.effective_size().has_value() == g.reliable);
        CHECK(!g.reliable);
    }
}

TEST_CASE("shift and scale move mean and error and leave tau_int alone") {
    const auto x = autoregressive(0.7, 5000, 55);
    auto y = x;
    for (double& v : y)
        v = 3.0 - 2.0 * v;
    const auto g = gamma_method(x);
    const auto h = gamma_method(y);
    CHECK(h.mean == Approx(3.0 - 2.0 * g.mean).epsilon(1e-12));
    CHECK(*h.error == Approx(2.0 * *g.error).epsilon(1e-10));
    CHECK(*h.tau_int == Approx(*g.tau_int).epsilon(1e-10));
    CHECK(h.window == g.window);
}

TEST_CASE("the susceptibility is the volume times the variance, with an error that covers the truth") {
    const auto x = autoregressive(0.5, 20000, 66); // variance 1; key 66, N = 20000, 4 sigma
    const auto chi = susceptibility(x, 8.0);
    REQUIRE(chi.error);
    CHECK(std::abs(chi.mean - 8.0) < 4.0 * *chi.error);
    CHECK(*chi.error < 0.5);
    const auto constant = susceptibility(std::vector<double>(100, 0.1), 8.0);
    CHECK(constant.mean == 0.0);
}

TEST_CASE("the shape of a tree sum depends on the number of terms only") {
    // Written out: the first half holds floor(n/2) terms; unequal magnitudes make another shape visible.
    const std::vector<double> t{1.0, 1e16, -1e16, 3.0, 1e-3, 7e15, 0.1};
    CHECK(pairwise_sum(std::span(t).first(2)) == t[0] + t[1]);
    CHECK(pairwise_sum(std::span(t).first(3)) == t[0] + (t[1] + t[2]));
    CHECK(pairwise_sum(std::span(t).first(5)) == (t[0] + t[1]) + (t[2] + (t[3] + t[4])));
    CHECK(pairwise_sum(t) == (t[0] + (t[1] + t[2])) + ((t[3] + t[4]) + (t[5] + t[6])));
    CHECK(chunk_sum(std::span(t).first(4)) == ((t[0] + t[1]) + t[2]) + t[3]);
    CHECK(pairwise_sum({}) == 0.0);
    CHECK(chunk_sum({}) == 0.0);
    for (const std::size_t n : {1u, 31u, 32u, 33u, 1000u}) {
        std::vector<double> whole(n);
        std::iota(whole.begin(), whole.end(), 1.0);
        CHECK(pairwise_sum(whole) == static_cast<double>(n * (n + 1) / 2)); // integers: exact in any shape
        CHECK(chunk_sum(whole) == static_cast<double>(n * (n + 1) / 2));
    }
}
