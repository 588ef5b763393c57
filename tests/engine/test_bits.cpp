// SPDX-License-Identifier: AGPL-3.0-only
// Width, layout, local size and sub-device never change a bit of what a chain is made of.
#include "libactors/hmc/start.hpp"
#include "tests/engine/engine_script.hpp"
#include "tests/support/engine_variants.hpp"
#include "tests/support/field_distance.hpp"

#include <set>

using namespace forge;
using namespace forge::testing;

TEST_CASE("all OpenCL variants of a device leave the same bits in every field and sum") {
    for (const auto& l : contract_lattices) {
        std::map<std::string, engine_outcome> first; // by root device
        for (const auto& v : opencl_variants()) {
            const auto root = v.device.substr(0, v.device.find('.'));
            const auto o = run_script(engine_of(v), l);
            const auto [at, is_first] = first.try_emplace(root, o);
            const auto& f = at->second;
            INFO(v.name << " on " << to_text(l) << (is_first ? " (the first)" : ""));
            CHECK(o.kicked == f.kicked);
            CHECK(o.kicked_noise == f.kicked_noise);
            CHECK(o.drifted == f.drifted);
            CHECK(o.projected == f.projected);
            CHECK(o.kinetic == f.kinetic);
            CHECK(o.before == f.before);
            CHECK(o.after == f.after);
            CHECK(o.loop_before == f.loop_before);
            CHECK(o.loop_after == f.loop_after);
            CHECK(o.fingerprint == f.fingerprint);
        }
    }
}

TEST_CASE("large momenta, which take different numbers of halvings lane by lane, leave the same bits in every width") {
    const extents l{{4, 4, 4, 4}};
    auto momenta = random_momenta(l, 82, 10.0);
    for (std::size_t k = 0; k < momenta.reals().size(); ++k) // sizes from 1e-3 to 10 side by side
        momenta.reals()[k] *= std::pow(10.0, -double((k / reals_per_momentum) % 5));
    std::optional<state_hash> first;
    for (const auto& v : opencl_variants()) {
        const auto w = engine_of(v).allocate(l);
        w->upload(random_field(l, 83));
        w->upload_momenta(momenta);
        w->drift(1.0);
        const auto h = w->fingerprint();
        INFO(v.name);
        CHECK(h == first.value_or(h));
        first = h;
    }
    if (!first)
        WARN("SKIPPED: no OpenCL variant");
}

TEST_CASE("the bits class is one for all OpenCL variants, and the reference says which it has") {
    std::map<std::string, std::string> classes;
    for (const auto& v : opencl_variants()) {
        const auto name = bits_class_of(engine_of(v));
        INFO(v.name);
        CHECK(name.size() == 4 + 16);
        CHECK(name.rfind("f64-", 0) == 0);
        CHECK(bits_class_of(engine_of(v)) == name); // asking twice changes nothing
        classes[v.name] = name;
    }
    std::set<std::string> distinct;
    for (const auto& [variant, name] : classes)
        distinct.insert(name);
    CHECK(distinct.size() <= 1);

    reference_engine reference;
    const auto own = bits_class_of(reference);
    CHECK(own == bits_class_of(reference));
    if (distinct.size() == 1)
        WARN("bits class of the reference " << own << (distinct.contains(own) ? " equals" : " differs from") << " OpenCL's "
                                            << *distinct.begin());
}

TEST_CASE("how far the reference is from OpenCL is said, and within the bound of an approximate class") {
    const extents l{{4, 4, 4, 4}};
    reference_engine reference;
    const auto r = run_script(reference, l);
    for (const auto& v : two_engines()) {
        if (!v.is_opencl())
            continue;
        const auto o = run_script(engine_of(v), l);
        const double force = distance(o.kicked.reals(), r.kicked.reals()) / largest(r.kicked.reals());
        const double links = distance(o.drifted.reals(), r.drifted.reals());
        const double projected = distance(o.projected.reals(), r.projected.reals());
        const double sums = std::max(std::abs(o.before.spatial - r.before.spatial), std::abs(o.before.temporal - r.before.temporal));
        WARN(v.name << " against the reference on 4^4: momenta "
                    << (o.noise == r.noise ? "same bits" : "OTHER BITS") << ", force " << force << " relative, drifted links "
                    << links << ", reunitarised links " << projected << ", plaquette sums " << sums << ", kinetic energy "
                    << std::abs(o.kinetic - r.kinetic) / r.kinetic << " relative");
        CHECK(o.noise == r.noise);
        CHECK(force < 1e-14);
        CHECK(links < 1e-14);
        CHECK(projected < 1e-15);
    }
}
