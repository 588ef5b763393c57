// SPDX-License-Identifier: AGPL-3.0-only
// The study of steering, on a model world whose answers are known.
#include "libactors/control/conductor/steering_study.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

/// A model (no lattice): |L| is AR(1) with this autocorrelation, its variance a bump at 5.70 over V_s.
std::vector<measured_series> model_stock(double rho, std::size_t chains = 12, std::size_t length = 300) {
    std::vector<measured_series> stock;
    for (int k = 0; k <= 16; ++k) {
        measured_series s{5.5 + 0.025 * k, {}};
        const double chi = 0.1 + 1.2 * std::exp(-(s.beta - 5.7) * (s.beta - 5.7) / (2 * 0.05 * 0.05));
        for (std::size_t c = 0; c < chains; ++c) {
            std::vector<double> series;
            double x = 0.0;
            for (std::size_t t = 0; t < length + 50; ++t) {
                const auto z = normal_pair(noise_block({static_cast<std::uint64_t>(k * 100) + c, t, 0}, 0, noise_purpose::momenta, 0))[0];
                x = rho * x + std::sqrt(1.0 - rho * rho) * z;
                if (t >= 50)
                    series.push_back(0.1 + std::sqrt(chi / 512.0) * x);
            }
            s.chains.push_back(std::move(series));
        }
        stock.push_back(std::move(s));
    }
    return stock;
}

steering_study_settings settings() {
    steering_study_settings s;
    s.beta_min = 5.5;
    s.beta_max = 5.9;
    s.spatial_volume = 512.0;
    s.budgets = {1500, 3000, 6000, 12000};
    s.seeds = 20;
    return s;
}

} // namespace

TEST_CASE("the common fit finds the peak of a bump, and of a slope its end") {
    std::vector<measured_point> bump, slope;
    for (int k = 0; k <= 8; ++k) {
        const double b = 5.5 + 0.05 * k;
        bump.push_back({b, 0.1 + 1.2 * std::exp(-(b - 5.68) * (b - 5.68) / (2 * 0.05 * 0.05)), {}});
        slope.push_back({b, std::exp(0.1 * k), {}});
    }
    const std::vector<double> n(9, 100.0);
    CHECK(*fitted_peak(bump, n, 5.5, 5.9) == Approx(5.68).margin(0.003));
    CHECK(fitted_peak(slope, n, 5.5, 5.9).value_or(5.9) > 5.8); // at the edge, or none
    CHECK_FALSE(fitted_peak({bump.begin(), bump.begin() + 3}, {1, 1, 1}, 5.5, 5.9));
}

TEST_CASE("more trajectories place the peak better, for every strategy; equal worlds give equal numbers", "[slow]") {
    const auto stock = model_stock(0.6);
    const auto a = study_steering(stock, settings()).or_throw();
    const auto b = study_steering(stock, settings()).or_throw();
    REQUIRE(a.strategies.size() == 8);
    for (std::size_t k = 0; k < a.strategies.size(); ++k) {
        CAPTURE(a.strategies[k].name);
        CHECK(a.strategies[k].rmse == b.strategies[k].rmse);
        CHECK(a.strategies[k].rmse.back() < a.strategies[k].rmse.front());
        CHECK(a.strategies[k].rmse.back() < 0.03);
    }
    CHECK(a.strategies.back().name == "conductor");
    CHECK(a.best_grid.starts_with("uniform"));
    REQUIRE(a.saved.low);
    CHECK(*a.saved.low <= *a.saved.high);
}

TEST_CASE("what cannot be studied is refused") {
    auto stock = model_stock(0.0, 1, 20);
    CHECK(study_steering(stock, settings()).reason().code == errc::invalid_argument); // too few trajectories
    stock = model_stock(0.0, 2, 100);
    auto s = settings();
    s.budgets.clear();
    CHECK(study_steering(stock, s).reason().code == errc::invalid_argument);
    stock.resize(4);
    CHECK(study_steering(stock, settings()).reason().code == errc::invalid_argument);
}
