// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "apps/forge/npu_device_measure.hpp"
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/opencl/clblast_dense.hpp"
#include "libactors/engine/opencl/clblast_gram.hpp"
#include "libactors/learn/host_gram.hpp"

#include <fmt/format.h>

#include <iostream>

namespace forge::bench {

namespace {

constexpr std::size_t batch = 64;

/// A square linear layer of n; weights whose values do not matter.
dense_program square(std::uint32_t n) {
    std::vector<float> w(std::size_t{n} * n);
    for (std::size_t k = 0; k < w.size(); ++k)
        w[k] = 1e-3f * static_cast<float>(k % 17);
    return {fmt::format("square {}", n), {{"w", n, n, std::move(w), false}}, {}};
}

timing timed_runs(dense_engine& e, const dense_program& p, std::span<const float> rows, int repeats, double& first) {
    const auto id = e.map(p, {}).or_throw();
    const double start = now_s();
    (void)e.run(id, rows).or_throw();
    first = now_s() - start;
    std::vector<double> seconds;
    for (int k = 0; k < repeats; ++k) {
        const double begin = now_s();
        (void)e.run(id, rows).or_throw();
        seconds.push_back(now_s() - begin);
    }
    e.unmap(id);
    return timing_of(seconds);
}

/// Square layers, one row and a batch of 64, on the host and by CLBlast.
nlohmann::json bench_crossover(const options& o, bool quiet) {
    software_engine host;
    const auto device = make_clblast_engine("opencl:0").or_throw();
    auto out = nlohmann::json::array();
    std::uint32_t crossover_one = 0, crossover_batch = 0;
    if (!quiet)
        std::cout << fmt::format("\n{:>6} {:>6} {:>12} {:>12} {:>14}   CLBlast on opencl:0 against the host, square layers\n", "SIZE", "ROWS",
                                 "HOST P50 us", "CLB P50 us", "CLB FIRST s");
    for (const std::uint32_t n : {128u, 256u, 512u, 1024u, 2048u})
        for (const std::size_t rows : {std::size_t{1}, batch}) {
            const auto p = square(n);
            const std::vector<float> x(rows * n, 0.5f);
            double ignored = 0.0, first = 0.0;
            const auto h = timed_runs(host, p, x, o.repeats, ignored), d = timed_runs(*device, p, x, o.repeats, first);
            auto& crossover = rows == 1 ? crossover_one : crossover_batch;
            crossover = d.median < h.median ? (crossover == 0 ? n : crossover) : 0; // the first of those that win up to the end
            out.push_back({{"size", n},
                           {"rows", rows},
                           {"host_median_s", h.median},
                           {"host_minimum_s", h.minimum},
                           {"clblast_median_s", d.median},
                           {"clblast_minimum_s", d.minimum},
                           {"clblast_first_s", first},
                           {"n", h.n}});
            if (!quiet)
                std::cout << fmt::format("{:>6} {:>6} {:>12.1f} {:>12.1f} {:>14.2f}\n", n, rows, 1e6 * h.median, 1e6 * d.median, first) << std::flush;
        }
    const auto text = [](std::uint32_t n) { return n == 0 ? std::string("not up to 2048") : std::to_string(n); };
    const auto json = [](std::uint32_t n) { return n == 0 ? nlohmann::json(nullptr) : nlohmann::json(n); };
    if (!quiet)
        std::cout << fmt::format("CLBlast is faster from size: one row {}, batch of 64 {}\n", text(crossover_one), text(crossover_batch));
    return {{"sizes", out}, {"crossover_one_row", json(crossover_one)}, {"crossover_batch_64", json(crossover_batch)}};
}

struct gram_time {
    double seconds; ///< the least
    double first;   ///< of the first tile: with CLBlast's compilation
};

/// The sums of `rows` rows, which come as training has them: tile by tile.
gram_time timed_sums(gram_engine& e, std::size_t columns, std::size_t targets, std::size_t rows, int repeats) {
    std::vector<double> x(e.tile_rows() * columns), y(e.tile_rows() * targets);
    for (std::size_t k = 0; k < x.size(); ++k)
        x[k] = 1e-2 * static_cast<double>(k % 193) - 1.0;
    for (std::size_t k = 0; k < y.size(); ++k)
        y[k] = 1e-2 * static_cast<double>(k % 211) - 1.0;
    gram_sums sums(columns, targets);
    const double start = now_s();
    e.accumulate(x, y, sums).or_throw();
    const double first = now_s() - start;
    double least = 0.0;
    for (int k = 0; k < repeats; ++k) {
        sums = gram_sums(columns, targets);
        const double begin = now_s();
        while (sums.rows < rows) {
            const std::size_t n = std::min<std::size_t>(e.tile_rows(), rows - sums.rows);
            e.accumulate(std::span(x).first(n * columns), std::span(y).first(n * targets), sums).or_throw();
        }
        const double took = now_s() - begin;
        least = k == 0 ? took : std::min(least, took);
    }
    return {least, first};
}

/// The sums that training is made of, on the host and by CLBlast.
nlohmann::json bench_gram(const options& o, bool quiet) {
    constexpr std::size_t targets = 16;
    host_gram host;
    const auto device = make_clblast_gram("opencl:0").or_throw();
    const int repeats = std::min(o.repeats, 3);
    auto out = nlohmann::json::array();
    if (!quiet)
        std::cout << fmt::format("\n{:>8} {:>8} {:>14} {:>14} {:>7} {:>10}   sums of training, {} targets, fp64 on opencl:0 against the host\n", "COLUMNS", "ROWS",
                                 "HOST GFLOP/s", "CLB GFLOP/s", "RATIO", "FIRST s", targets);
    for (const auto& [columns, rows] : {std::pair<std::size_t, std::size_t>{129, 100'000}, {385, 100'000}, {1025, 20'480}}) { // as many as take seconds
        const auto h = timed_sums(host, columns, targets, rows, repeats), d = timed_sums(*device, columns, targets, rows, repeats);
        const double flops = 2.0 * static_cast<double>(rows * columns * (columns + targets));
        out.push_back({{"columns", columns},
                       {"rows", rows},
                       {"targets", targets},
                       {"host_s", h.seconds},
                       {"clblast_s", d.seconds},
                       {"clblast_first_s", d.first},
                       {"ratio", h.seconds / d.seconds},
                       {"n", repeats}});
        if (!quiet)
            std::cout << fmt::format("{:>8} {:>8} {:>14.2f} {:>14.2f} {:>7.2f} {:>10.2f}\n", columns, rows, 1e-9 * flops / h.seconds, 1e-9 * flops / d.seconds,
                                     h.seconds / d.seconds, d.first)
                      << std::flush;
    }
    return out;
}

} // namespace

nlohmann::json bench_npu(const options& o, bool quiet) {
    const auto rows = app::measure_npu(o.repeats);
    if (!quiet) {
        std::cout << app::table_of(rows);
        const auto ratio = [&rows](std::size_t a, std::size_t b) { return rows[a].p50 / rows[b].p50; };
        std::cout << fmt::format(
            "11 heads / 1 head: software {:.2f}, hybrid {:.2f}, native {:.2f}; training {:.0f} steps/s on this machine, "
                                 "{:.0f} by the device's model (safe set_variable)\n",
            ratio(0, 1), ratio(2, 3), ratio(4, 5), 1.0 / rows.back().p50, 1.0 / rows.back().model_s.value_or(1.0));
    }
    nlohmann::json out{{"rows", app::json_of(rows)}};
    if (o.slow) {
        out["crossover"] = bench_crossover(o, quiet);
        out["gram"] = bench_gram(o, quiet);
    }
    return out;
}

} // namespace forge::bench
