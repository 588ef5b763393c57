// SPDX-License-Identifier: AGPL-3.0-only
// Finding devices, refusing what cannot be, and the cache of compiled kernels.
#include "tests/engine/engine_script.hpp"
#include "tests/support/engine_variants.hpp"

#include <filesystem>
#include <fstream>
#include <set>

using namespace forge;
using namespace forge::testing;

namespace {

/// The whole device that the suite may use, if any.
const opencl_device_info* some_device() {
    if (const auto* whole = devices_of_machine(0))
        for (const auto& d : whole->devices())
            if (d.fp64 && wanted_device(d.id))
                return &d;
    WARN("SKIPPED: no OpenCL device with fp64");
    return nullptr;
}

} // namespace

TEST_CASE("devices have unique ids and say what they are") {
    if (some_device() == nullptr)
        return;
    std::set<std::string> ids;
    for (const auto& d : devices_of_machine(0)->devices()) {
        CHECK(ids.insert(d.id).second);
        CHECK(!d.name.empty());
        CHECK(!d.platform.empty());
        CHECK(!d.driver.empty());
        CHECK(d.compute_units >= 1);
        CHECK(d.memory_bytes > 0);
        CHECK(d.native_width >= 1);
    }
}

TEST_CASE("what cannot be is refused with its reason") {
    const auto* d = some_device();
    if (d == nullptr)
        return;
    const auto& system = *devices_of_machine(0);
    const auto unknown = system.make_engine("opencl:77", {});
    REQUIRE(!unknown);
    CHECK(unknown.reason().code == errc::device_unavailable);
    CHECK(unknown.reason().hint.find(d->id) != std::string::npos);
    for (const std::uint32_t width : {3u, 5u, 16u}) {
        opencl_options o;
        o.width = width;
        const auto engine = system.make_engine(d->id, o);
        REQUIRE(!engine);
        CHECK(engine.reason().code == errc::invalid_argument);
    }
    if (d->is_cpu) {
        const auto parts = opencl_system::discover(100000);
        REQUIRE(!parts);
        CHECK(parts.reason().code == errc::device_unavailable);
        CHECK(!parts.reason().hint.empty());
    }
    const auto engine = system.make_engine(d->id, {}).or_throw();
    CHECK_THROWS_AS(engine->allocate({{4096, 4096, 4096, 4096}}), failure);
    CHECK_THROWS_AS(engine->allocate({{0, 4, 4, 4}}), failure);
}

TEST_CASE("an engine says what it is and what code it runs") {
    for (const auto& v : two_engines()) {
        auto& engine = engine_of(v);
        (void)engine.allocate({{4, 4, 4, 4}});
        const auto& about = engine.about();
        INFO(v.name);
        CHECK(about.id == v.device);
        CHECK(about.fp64);
        CHECK(!about.device_name.empty());
        CHECK(!about.kernel_hash.empty());
        CHECK(about.compute_units >= 1);
    }
}

TEST_CASE("profiling counts launches and device time, and is empty when not asked for") {
    const auto* d = some_device();
    if (d == nullptr)
        return;
    opencl_options o;
    o.width = 1;
    o.block = 1;
    o.profile = true;
    o.cache_dir = default_cache_dir();
    const auto engine = devices_of_machine(0)->make_engine(d->id, o).or_throw();
    const auto w = engine->allocate({{4, 4, 4, 4}});
    w->upload(cold_start({{4, 4, 4, 4}}));
    w->refresh_momenta({1, 1, 1});
    w->kick(5.7, 0.1);
    w->kick(5.7, 0.1);
    bool found = false;
    for (const auto& t : w->take_profile())
        if (t.name == "gauge_force_kick") {
            found = true;
            CHECK(t.launches == 2);
            CHECK(t.seconds > 0.0);
        }
    CHECK(found);
    CHECK(w->take_profile().empty()); // taking resets
}

TEST_CASE("measured group sizes are kept, used, replaced when damaged, and never change a result") {
    const auto* d = some_device();
    if (d == nullptr)
        return;
    const auto folder = std::filesystem::temp_directory_path() / ("forge-test-tuning-" + std::to_string(std::random_device{}()));
    const extents l{{2, 2, 2, 2}};
    opencl_options o;
    o.width = 1;
    o.block = 1;
    o.cache_dir = folder;
    const auto& system = *devices_of_machine(0);
    const auto outcome = [&] {
        const auto engine = system.make_engine(d->id, o).or_throw();
        return run_script(*engine, l).fingerprint;
    };
    const auto untuned = outcome();
    CHECK(!system.is_tuned(d->id, o, l));
    const auto rows = system.tune(d->id, o, l, 1).or_throw();
    std::set<std::string> kernels;
    for (const auto& r : rows) {
        INFO(r.kernel);
        CHECK(r.seconds.size() >= 4);
        CHECK(r.seconds.contains(r.chosen));
        kernels.insert(r.kernel);
    }
    for (const char* name : {"gauge_force_kick", "gauge_force_step", "link_drift", "momenta_refresh", "gauge_plaquette", "links_fingerprint"})
        CHECK(kernels.contains(name));
    CHECK(system.is_tuned(d->id, o, l));
    CHECK(!system.is_tuned(d->id, o, {{2, 2, 2, 4}})); // other extents have a table of their own
    CHECK(outcome() == untuned);
    for (const auto& f : std::filesystem::directory_iterator(folder / "tuning")) {
        std::fstream edit(f.path(), std::ios::in | std::ios::out | std::ios::binary);
        edit.seekp(24);
        edit.put('9');
    }
    CHECK(!system.is_tuned(d->id, o, l));
    CHECK(outcome() == untuned);
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

TEST_CASE("damaged files in the kernel cache are replaced and never change a result") {
    const auto* d = some_device();
    if (d == nullptr)
        return;
    const auto folder = std::filesystem::temp_directory_path() / ("forge-test-cache-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder);
    const extents l{{2, 2, 2, 2}};
    const auto outcome = [&] {
        opencl_options o;
        o.width = 1;
        o.block = 1;
        o.cache_dir = folder;
        const auto engine = devices_of_machine(0)->make_engine(d->id, o).or_throw();
        return run_script(*engine, l).fingerprint;
    };
    const auto fresh = outcome();
    std::vector<std::filesystem::path> files;
    for (const auto& f : std::filesystem::recursive_directory_iterator(folder))
        if (f.is_regular_file())
            files.push_back(f.path());
    CHECK(!files.empty());
    CHECK(outcome() == fresh); // from the cache
    for (const auto& damage : {0, 1, 2})
        for (const auto& f : files) {
            const auto size = std::filesystem::file_size(f);
            if (damage == 0)
                std::filesystem::resize_file(f, size / 2);
            else if (damage == 1)
                std::ofstream(f, std::ios::trunc) << "no binary";
            else {
                std::fstream edit(f, std::ios::in | std::ios::out | std::ios::binary);
                edit.seekp(static_cast<std::streamoff>(size / 2));
                edit.put('\x5a').put('\xa5').put('\x5a');
            }
            INFO("damage " << damage << " in " << f.filename());
            CHECK(outcome() == fresh);
        }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}
