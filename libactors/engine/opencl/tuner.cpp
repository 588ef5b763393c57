// SPDX-License-Identifier: AGPL-3.0-only
// Measures every kernel with every group size that is worth trying, and keeps the best.
#include "libactors/engine/opencl/local_sizes.hpp"
#include "libactors/engine/opencl/opencl_engine.hpp"

#include <algorithm>

namespace forge::opencl {

namespace {

constexpr double worth_changing = 0.97; ///< of the default's time: below the noise of a timing nothing changes

/// One launch of every operation, with the work of a trajectory.
void exercise(gauge_workspace& w, std::uint64_t round) {
    w.refresh_momenta({7, round, 0});
    w.kick(5.7, 1e-3);
    w.kick_and_drift(5.7, 1e-3, 1e-3);
    w.drift(1e-3);
    (void)w.kinetic_energy();
    (void)w.plaquette();
    w.reunitarise();
    (void)w.polyakov_loop();
    (void)w.fingerprint();
}

} // namespace

std::vector<tuned_kernel> tune(const std::function<std::unique_ptr<lattice_engine>(const opencl_options&)>& make, opencl_options options,
                               const extents& l, std::span<const std::uint32_t> sizes, int repeats) {
    std::map<std::string, tuned_kernel> found;
    options.profile = true;
    const auto start = cold_start(l);
    for (const std::uint32_t size : sizes) {
        options.local_size = size;
        const auto engine = make(options);
        const auto fields = engine->allocate(l);
        fields->upload(start);
        exercise(*fields, 0); // compiles, where the driver compiles per size
        (void)fields->take_profile();
        for (int r = 1; r <= repeats; ++r) {
            exercise(*fields, static_cast<std::uint64_t>(r));
            for (const auto& t : fields->take_profile()) {
                auto& k = found[t.name];
                k.kernel = t.name;
                const double seconds = t.seconds / static_cast<double>(t.launches);
                const auto [at, fresh] = k.seconds.try_emplace(size, seconds);
                if (!fresh)
                    at->second = std::min(at->second, seconds);
            }
        }
    }
    std::vector<tuned_kernel> out;
    for (auto& [name, k] : found) {
        const auto best = std::min_element(k.seconds.begin(), k.seconds.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto usual = k.seconds.find(sizes.front());
        k.chosen = usual != k.seconds.end() && best->second > worth_changing * usual->second ? sizes.front() : best->first;
        out.push_back(std::move(k));
    }
    return out;
}

} // namespace forge::opencl
