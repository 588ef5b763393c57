// SPDX-License-Identifier: AGPL-3.0-only
// Double-float arithmetic: accurate, the same bits in every layout, and mixed with fp64 where it is said to be.
#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "libactors/numerics/difference.hpp"
#include "tests/support/engine_variants.hpp"
#include "tests/support/random_fields.hpp"

#include <cmath>
#include <map>

using namespace forge;
using namespace forge::testing;

namespace {

const extents lattice{{4, 4, 4, 8}};

momentum_field force_in(lattice_engine& engine, const arithmetic& a, const extents& l = lattice) {
    const auto w = engine.allocate(l);
    w->upload(random_field(l, 64));
    w->set_arithmetic(a);
    w->upload_momenta(momentum_field(l));
    w->kick(6.0, -1.0);
    return w->download_momenta();
}

constexpr arithmetic hybrid{precision_strategy::hybrid, 0.0};

} // namespace

TEST_CASE("double-float sums and products are accurate to 45 bits on every device") {
    for (const auto& v : opencl_variants()) {
        const auto bits = engine_of(v).df64_bits();
        INFO(v.name);
        REQUIRE(bits);
        CHECK(*bits >= 45.0);
        CHECK(*bits <= 53.0);
    }
    if (opencl_variants().empty())
        WARN("SKIPPED: no OpenCL variant");
}

TEST_CASE("the double-float force differs from the fp64 reference by rounding of 46 bits only, and does differ") {
    const extents l{{4, 4, 4, 4}};
    reference_engine reference;
    const auto exact = force_in(reference, {}, l);
    for (const auto& v : opencl_variants()) {
        const auto d = difference_of(force_in(engine_of(v), hybrid, l).reals(), exact.reals());
        INFO(v.name << " max " << d.max << " rms " << d.rms);
        CHECK(d.max < 1e-12); // forces are of order 10; 2^-46 of that, times some dozens of roundings
        CHECK(d.rms < 5e-14);
        CHECK(d.rms > 1e-16); // it is another arithmetic
    }
}

TEST_CASE("double-float results have the same bits in every width, layout and sub-device") {
    std::map<std::string, std::pair<momentum_field, std::string>> first;
    for (const auto& v : opencl_variants()) {
        const auto root = v.device.substr(0, v.device.find('.'));
        const auto force = force_in(engine_of(v), hybrid);
        const auto [at, is_first] = first.try_emplace(root, force, v.name);
        INFO(v.name << " against " << at->second.second);
        CHECK(force == at->second.first);
    }
    if (first.empty())
        WARN("SKIPPED: no OpenCL variant");
}

TEST_CASE("concurrent computes whole time slices in double-float, the others in fp64, whatever the layout") {
    const double share = 0.375; // 3 of 8 slices
    for (const auto& v : opencl_variants()) {
        auto& engine = engine_of(v);
        INFO(v.name);
        const auto native = force_in(engine, {});
        const auto df64 = force_in(engine, hybrid);
        CHECK(force_in(engine, {precision_strategy::concurrent, 0.0}) == native);
        CHECK(force_in(engine, {precision_strategy::concurrent, 1.0}) == df64);
        const auto mixed = force_in(engine, {precision_strategy::concurrent, share});
        const std::size_t border = 5 * lattice.spatial_volume();
        bool right = true;
        for (std::size_t s = 0; s < lattice.volume(); ++s)
            for (std::size_t mu = 0; mu < 4; ++mu)
                right = right && mixed.at(s, mu) == (s < border ? native : df64).at(s, mu);
        CHECK(right);
    }
}

TEST_CASE("plaquette and kinetic energy in double-float agree with fp64 to 1e-13 of their size") {
    for (const auto& v : opencl_variants()) {
        const auto w = engine_of(v).allocate(lattice);
        w->upload(random_field(lattice, 65));
        w->refresh_momenta({65, 1, 0});
        const auto sums = w->plaquette();
        const double kinetic = w->kinetic_energy();
        w->set_arithmetic(hybrid);
        const auto sums_df64 = w->plaquette();
        INFO(v.name);
        const double size = 3.0 * static_cast<double>(lattice.volume()) * 3.0;
        CHECK(std::abs(sums_df64.spatial - sums.spatial) < 1e-13 * size);
        CHECK(std::abs(sums_df64.temporal - sums.temporal) < 1e-13 * size);
        CHECK(std::abs(w->kinetic_energy() - kinetic) < 1e-13 * kinetic);
    }
}

TEST_CASE("going back to native gives the native bits; links that change renew their float halves") {
    for (const auto& v : opencl_variants()) {
        const auto w = engine_of(v).allocate(lattice);
        w->upload(random_field(lattice, 66));
        w->refresh_momenta({66, 1, 0});
        w->set_arithmetic(hybrid);
        const auto before = w->plaquette();
        w->drift(0.1);
        const auto after = w->plaquette();
        INFO(v.name);
        CHECK(after.spatial != before.spatial);
        w->set_arithmetic({});
        const auto native = w->plaquette();
        CHECK(std::abs(after.spatial - native.spatial) < 1e-10);
        CHECK(std::abs(after.temporal - native.temporal) < 1e-10);
    }
}

TEST_CASE("arithmetics that cannot be are refused: shares outside 0...1, and double-float on the reference") {
    reference_engine reference;
    const auto r = reference.allocate({{2, 2, 2, 2}});
    CHECK_THROWS_AS(r->set_arithmetic(hybrid), failure);
    CHECK_NOTHROW(r->set_arithmetic({}));
    for (const auto& v : opencl_variants()) {
        const auto w = engine_of(v).allocate({{2, 2, 2, 2}});
        CHECK_THROWS_AS(w->set_arithmetic({precision_strategy::concurrent, 1.5}), failure);
        CHECK_THROWS_AS(w->set_arithmetic({precision_strategy::concurrent, std::nan("")}), failure);
    }
}

TEST_CASE("each arithmetic has a bits class of its own name") {
    for (const auto& v : opencl_variants()) {
        const auto native = bits_class_of(engine_of(v));
        const auto df64 = bits_class_of(engine_of(v), hybrid);
        CHECK(native.starts_with("f64-"));
        CHECK(df64.starts_with("df64-"));
        CHECK(bits_class_of(engine_of(v), {precision_strategy::concurrent, 0.5}).starts_with("mixed-0.5"));
        break;
    }
    if (opencl_variants().empty())
        WARN("SKIPPED: no OpenCL variant");
}
