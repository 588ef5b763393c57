// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "libactors/ledger/ledger.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace forge::bench {

namespace {

/// Largest resident size of `forge run` on an L^4 lattice, in bytes; 0 when it failed.
double peak_memory(const std::string& forge, const std::filesystem::path& folder, int size) {
    const auto file = folder / fmt::format("m{}.toml", size);
    std::ofstream(file) << fmt::format("name = \"m{0}\"\nseed = \"memory\"\n[lattice]\nextents = [{0}, {0}, {0}, {0}]\n[scan]\nbeta_min = 6.0\n[hmc]\nsteps = 4\n"
                                       "[thermalisation]\ntrajectories = 2\n[measurement]\ntrajectories = 6\n[checkpoint]\ninterval_s = 0.2\n", size);
    const auto out = (folder / fmt::format("run{}", size)).string();
    const pid_t child = fork();
    if (child == 0) {
        execl(forge.c_str(), forge.c_str(), "run", file.c_str(), "--out", out.c_str(), "--quiet", static_cast<char*>(nullptr));
        _exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
        return 0.0;
    return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

} // namespace

scratch_folder::scratch_folder() : path(std::filesystem::temp_directory_path() / fmt::format("forge-bench-{}", ::getpid())) {
    std::filesystem::create_directories(path);
}

scratch_folder::~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

nlohmann::json bench_ledger(const options& o, bool quiet) {
    const scratch_folder folder;
    auto book = ledger::create_or_open(folder.path / "ledger.sqlite", {"bench", "bench = 1\n", sha256_of("bench = 1\n"), 1, "bench"}).or_throw();
    const chain_id chain{0};
    const auto epoch = book.take_epoch(chain).or_throw();
    segment_params params;
    params.beta = 6.0;
    params.n_measure = 1000000;
    const auto segment = book.open_segment(chain, epoch, 1, params, "bench").or_throw();
    physics_record r;
    r.chain = chain;
    r.segment = segment.number;
    r.previous = genesis_hash("bench", chain);
    auto out = nlohmann::json::array();
    for (const std::size_t group : {std::size_t{1}, std::size_t{16}, std::size_t{256}}) {
        std::vector<double> seconds;
        for (int k = 0; k < 3 * o.repeats; ++k) {
            std::vector<commit_request> batch;
            for (std::size_t i = 0; i < group; ++i) {
                ++r.trajectory;
                batch.push_back({r, {}, epoch});
                r.previous = hash_of(r);
            }
            const double start = now_s();
            if (!book.commit(batch).or_throw().all_accepted())
                throw failure(error{errc::internal, "a benchmark commit was refused", "", ""});
            seconds.push_back((now_s() - start) / static_cast<double>(group));
        }
        const auto t = timing_of(seconds);
        out.push_back({{"group", group}, {"minimum_s_per_trajectory", t.minimum}, {"median_s_per_trajectory", t.median}, {"n", t.n}});
        if (!quiet)
            std::cout << fmt::format("ledger      {:>3} records a transaction: min {:.1f} us, median {:.1f} us per trajectory (n = {})\n", group, 1e6 * t.minimum, 1e6 * t.median, t.n);
    }
    return out;
}

nlohmann::json bench_memory(const std::string& forge, bool quiet) {
    const scratch_folder folder;
    const double small = peak_memory(forge, folder.path, 4);
    const double large = peak_memory(forge, folder.path, 16);
    const double field = 65536.0 * 4 * 18 * 8;
    if (small <= 0.0 || large <= 0.0) {
        if (!quiet)
            std::cout << "memory      n/a: " << forge << " did not run\n";
        return nullptr;
    }
    const double ratio = (large - small) / field;
    if (!quiet)
        std::cout << fmt::format("memory      forge run, peak resident: 4^4 {:.1f} MB, 16^4 {:.1f} MB; difference {:.2f} gauge fields of {:.1f} MB\n", small * 1e-6,
                                 large * 1e-6, ratio, field * 1e-6);
    return {{"peak_4_bytes", small}, {"peak_16_bytes", large}, {"gauge_field_bytes", field}, {"difference_in_fields", ratio}};
}

} // namespace forge::bench
