// SPDX-License-Identifier: AGPL-3.0-only
// Every kernel once, small enough for an interpreter that watches each memory access. The `oclgrind` CTest entry runs
// this under `oclgrind --data-races` and fails on what it prints; run alone it checks the results only.
#include "tests/engine/engine_script.hpp"
#include "tests/support/engine_variants.hpp"
#include "tests/support/field_distance.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("every kernel at W = 1 and 8 stays inside its buffers and races nowhere", "[oclgrind]") {
    const extents l{{4, 4, 4, 4}};
    const auto* whole = devices_of_machine(0);
    REQUIRE(whole != nullptr);
    const auto& d = whole->devices().front();
    WARN("platform " << d.platform); // the log must show that the interpreter ran
    reference_engine reference;
    const auto r = run_script(reference, l);
    for (const auto& [width, block] : {std::pair{1u, 1}, std::pair{8u, 1}, std::pair{8u, 32}}) {
        std::vector<engine_variant> one;
        add_opencl(one, d, 0, width, block, 0);
        INFO(one[0].name);
        const auto o = run_script(engine_of(one[0]), l);
        CHECK(o.noise == r.noise);
        CHECK(distance(o.kicked.reals(), r.kicked.reals()) < 1e-13 * largest(r.kicked.reals()));
        CHECK(distance(o.drifted.reals(), r.drifted.reals()) < 1e-14);
        CHECK(std::abs(o.before.spatial - r.before.spatial) < 1e-11);
        CHECK(std::abs(o.loop_after - r.loop_after) < 1e-14);
        CHECK(o.fingerprint == fingerprint_of(o.projected));
    }
}
