// SPDX-License-Identifier: AGPL-3.0-only
// Every engine that this machine offers, in every layout that must not change a bit.
#pragma once

#include "libactors/engine/lattice_engine.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/engine/reference/reference_engine.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace forge::testing {

/// One way of running the lattice operations. Engines are built on first use and shared by all test cases,
/// because compiling the kernels costs seconds.
struct engine_variant {
    std::string name;
    std::string device; ///< id of opencl_system, or "reference"
    opencl_options options;
    std::uint32_t split = 0;
    [[nodiscard]] bool is_opencl() const { return device != "reference"; }
};

/// What test cases share. Emptied when the last one has run (support/release_engines.hpp): after main() the drivers
/// have left already.
struct engine_store {
    std::map<std::uint32_t, std::optional<opencl_system>> systems; ///< by split; destroyed after the engines
    std::map<std::string, std::unique_ptr<lattice_engine>> engines; ///< by variant
};
inline engine_store& shared_engines() {
    static engine_store store;
    return store;
}

/// Devices whole (0) or split; empty where there are none.
inline const opencl_system* devices_of_machine(std::uint32_t split) {
    auto& systems = shared_engines().systems;
    const auto known = systems.find(split);
    if (known != systems.end())
        return known->second ? &*known->second : nullptr;
    auto found = opencl_system::discover(split);
    auto& slot = systems[split];
    if (found)
        slot.emplace(std::move(*found));
    else
        WARN("SKIPPED " << (split < 2 ? std::string("OpenCL") : "devices split into " + std::to_string(split)) << ": "
                        << found.reason().what);
    return slot ? &*slot : nullptr;
}

/// Does FORGE_TEST_DEVICE (unset: every device) allow this id?
inline bool wanted_device(const std::string& id) {
    const char* only = std::getenv("FORGE_TEST_DEVICE");
    return only == nullptr || *only == '\0' || id == only;
}

inline void add_opencl(std::vector<engine_variant>& out, const opencl_device_info& d, std::uint32_t split, std::uint32_t width,
                       int block, std::uint32_t local) {
    opencl_options o;
    o.width = width;
    o.block = block;
    o.local_size = local;
    // An interpreter's binaries are not worth keeping, and its platform must not find another's.
    if (d.platform.find("Oclgrind") == std::string::npos)
        o.cache_dir = default_cache_dir();
    out.push_back({d.id + " W" + std::to_string(width) + " B" + std::to_string(block) + " local " +
                       (local == 0 ? std::string("default") : std::to_string(local)),
                   d.id, o, split});
}

/// What a GPU gets: one site and one link an item, coalesced blocks, large groups.
inline void add_as_on_gpu(std::vector<engine_variant>& out, const opencl_device_info& d) {
    add_opencl(out, d, 0, 1, 32, 64);
    out.back().options.links_per_item = 1;
    out.back().name += " link per item";
}

/// Each variant costs seconds of compiling kernels. FORGE_ALL_VARIANTS (CTest's engine_slow) asks for every one.
inline bool all_variants_wanted() { return std::getenv("FORGE_ALL_VARIANTS") != nullptr; }

/// Every width with every block of the layout, and other local sizes; else each width, each block and one other local size.
inline void add_whole_device(std::vector<engine_variant>& out, const opencl_device_info& d) {
    if (all_variants_wanted()) {
        for (const std::uint32_t width : {1u, 2u, 4u, 8u})
            for (const int block : {0, 1, 8, 32})
                add_opencl(out, d, 0, width, block, 0);
        for (const std::uint32_t local : {1u, 16u})
            add_opencl(out, d, 0, 8, 1, local);
    } else {
        add_opencl(out, d, 0, 1, 0, 0);
        add_opencl(out, d, 0, 2, 8, 0);
        add_opencl(out, d, 0, 4, 32, 0);
        add_opencl(out, d, 0, 8, 1, 0);
        add_opencl(out, d, 0, 8, 1, 16);
    }
    add_as_on_gpu(out, d);
}

/// The OpenCL variants of every device, whole and split.
inline const std::vector<engine_variant>& opencl_variants() {
    static const std::vector<engine_variant> all = [] {
        std::vector<engine_variant> out;
        if (const auto* whole = devices_of_machine(0))
            for (const auto& d : whole->devices()) {
                if (!wanted_device(d.id))
                    continue;
                if (!d.fp64) {
                    WARN("SKIPPED " << d.id << " (" << d.name << "): no fp64");
                    continue;
                }
                add_whole_device(out, d);
            }
        if (const auto* parts = devices_of_machine(2))
            for (const auto& d : parts->devices())
                if (d.is_cpu && d.fp64 && wanted_device(d.id)) {
                    add_opencl(out, d, 2, 8, 1, 0);
                    if (all_variants_wanted())
                        add_opencl(out, d, 2, 1, 1, 0);
                }
        if (out.empty())
            WARN("SKIPPED every OpenCL variant: no device" << (std::getenv("FORGE_TEST_DEVICE") ? " that FORGE_TEST_DEVICE names" : ""));
        return out;
    }();
    return all;
}

inline lattice_engine& engine_of(const engine_variant& v) {
    auto& e = shared_engines().engines[v.name];
    if (!e && !v.is_opencl())
        e = std::make_unique<reference_engine>();
    if (!e)
        e = devices_of_machine(v.split)->make_engine(v.device, v.options).or_throw();
    return *e;
}

/// The reference, then every OpenCL variant.
inline const std::vector<engine_variant>& all_variants() {
    static const std::vector<engine_variant> all = [] {
        std::vector<engine_variant> out;
        if (wanted_device("reference"))
            out.push_back({"reference", "reference", {}, 0});
        out.insert(out.end(), opencl_variants().begin(), opencl_variants().end());
        return out;
    }();
    return all;
}

/// The reference and the one OpenCL variant that laws need (bits of the others are the same, as tests/engine shows).
inline std::vector<engine_variant> two_engines() {
    std::vector<engine_variant> out;
    if (wanted_device("reference"))
        out.push_back({"reference", "reference", {}, 0});
    if (const auto* whole = devices_of_machine(0))
        for (const auto& d : whole->devices())
            if (d.fp64 && wanted_device(d.id)) {
                add_opencl(out, d, 0, d.is_cpu ? 8 : 1, d.is_cpu ? 1 : 32, 0);
                break;
            }
    if (out.size() < 2 && std::getenv("FORGE_TEST_DEVICE") == nullptr)
        WARN("SKIPPED: no OpenCL engine with fp64");
    return out;
}

} // namespace forge::testing
