// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

namespace forge::app {

namespace {

struct curve {
    std::string name;
    std::string title;
    std::string axis;
    const gamma_estimate segment_summary::*estimate;
};

/// Runs gnuplot in `folder` on plots.gp; its messages go to gnuplot.log.
result<void> run_gnuplot(const std::filesystem::path& folder) {
    const pid_t child = fork();
    if (child < 0)
        return error{errc::io_failed, "cannot start gnuplot", "", ""};
    if (child == 0) {
        if (chdir(folder.c_str()) != 0 || std::freopen("gnuplot.log", "w", stderr) == nullptr)
            _exit(126);
        execlp("gnuplot", "gnuplot", "plots.gp", static_cast<char*>(nullptr));
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return error{errc::not_found, "no plots: gnuplot is not installed", "", "apt install gnuplot-nox, then forge report"};
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error{errc::io_failed, "gnuplot failed", (folder / "gnuplot.log").string(), "look into that file"};
    return {};
}

} // namespace

result<std::vector<std::string>> write_plots(const std::filesystem::path& folder, const std::vector<report_row>& rows, const extents& lattice) {
    const curve curves[] = {
        {"plaquette", "Plaquette", "P", &segment_summary::plaquette},
        {"polyakov", "Polyakov loop", "<|L|>", &segment_summary::polyakov_abs},
        {"susceptibility", "Polyakov susceptibility", "chi_L", &segment_summary::chi_polyakov},
    };
    std::string script = "set grid\nset key off\n";
    std::vector<std::string> names;
    const auto both = [&script, &names](const std::string& name, const std::string& size, const std::string& body) {
        script += fmt::format("set terminal svg size {} enhanced background 'white'\nset output '{}.svg'\n{}", size, name, body);
        script += fmt::format("set terminal png size {}\nset output '{}.png'\n{}unset output\n", size, name, body);
        names.push_back(name);
    };
    for (const auto& c : curves) {
        std::ofstream data(folder / (c.name + ".dat"), std::ios::trunc);
        data << "# beta mean error\n";
        bool any = false;
        for (const auto& r : rows) {
            const auto& g = r.summary.*c.estimate;
            if (g.n < 2 || !g.error || !std::isfinite(g.mean))
                continue;
            data << fmt::format("{:.12g} {:.12g} {:.12g}\n", r.beta, g.mean, *g.error);
            any = true;
        }
        if (any)
            both(c.name, "800,500", fmt::format("set title '{} on {}'\nset xlabel 'beta'\nset ylabel '{}'\nset offsets graph 0.03,0.03,0.05,0.05\n"
                                                "plot '{}.dat' using 1:2:3 with yerrorbars pt 7 lc rgb '#1f4e79', '' using 1:2 smooth unique with lines lc rgb '#9db7d1'\n",
                                                c.title, to_text(lattice), c.axis, c.name));
    }
    std::ofstream history(folder / "history.dat", std::ios::trunc);
    history << "# trajectory plaquette abs_polyakov beta, one block per chain\n";
    std::vector<const report_row*> by_chain;
    for (const auto& r : rows)
        by_chain.push_back(&r);
    std::stable_sort(by_chain.begin(), by_chain.end(), [](const auto* a, const auto* b) {
        return std::pair(a->chain, a->segment) < std::pair(b->chain, b->segment);
    });
    std::size_t blocks = 0;
    for (std::size_t k = 0; k < by_chain.size(); ++k) {
        if (k > 0 && by_chain[k]->chain != by_chain[k - 1]->chain) {
            history << "\n\n";
            ++blocks;
        }
        for (const auto& r : by_chain[k]->records)
            history << fmt::format("{} {:.10g} {:.10g} {}\n", r.trajectory, r.observed.plaquette(),
                                   std::hypot(r.observed.polyakov_re, r.observed.polyakov_im), by_chain[k]->beta);
    }
    history.close();
    if (!by_chain.empty() && !by_chain.front()->records.empty())
        both("history", "1000,700", fmt::format("set multiplot layout 2,1\nset offsets 0,0,0,0\nset title 'History of every chain (colour: chain; a step is a change of beta)'\n"
                                                "set xlabel 'trajectory'\nset ylabel 'P'\nplot for [i=0:{0}] 'history.dat' index i using 1:2 with dots lc i+1\n"
                                                "set title ''\nset ylabel '|L|'\nplot for [i=0:{0}] 'history.dat' index i using 1:3 with dots lc i+1\nunset multiplot\n", blocks));
    std::ofstream(folder / "plots.gp", std::ios::trunc) << script;
    if (auto done = run_gnuplot(folder); !done)
        return done.reason();
    return names;
}

} // namespace forge::app
