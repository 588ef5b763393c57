// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/router.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <set>

using namespace forge;

namespace {

route_surroundings around(bool int4_device, std::uint32_t back_ends = 1, bool trunk_on_device = true) {
    return {int4_device, back_ends, trunk_on_device, {}};
}

const auto one_device = around(true);

void goes(const operation& op, side where, int rule, const std::string& because, const route_surroundings& there = one_device) {
    CAPTURE(name_of(op.kind));
    const auto d = route(op, there);
    CHECK(d.name == op.name);
    CHECK(name_of(d.where) == name_of(where));
    CHECK(d.rule == rule);
    CHECK_THAT(d.reason, Catch::Contains(because));
}

operation of(operation_kind kind) { return {kind, "x", 178, 128, weight_precision::int4}; }

} // namespace

TEST_CASE("rule 1: a layer with 4-bit weights goes to the device") { goes(of(operation_kind::dense), side::device, 1, "native"); }

TEST_CASE("rule 2: a layer whose weights need floats stays on the host") {
    goes({operation_kind::dense, "x", 178, 128, weight_precision::f32}, side::host, 2, "4 bits would lose");
}

TEST_CASE("rule 3: a layer of more than 1000 nodes stays on the host") {
    goes({operation_kind::dense, "x", 10, 1000, weight_precision::int4}, side::device, 1, "native");
    goes({operation_kind::dense, "x", 10, 1001, weight_precision::int4}, side::host, 3, "1001 nodes are more than the device's 1000 units");
}

TEST_CASE("rule 4: tanh is the host's, after the device's linear part") {
    goes(of(operation_kind::tanh_activation), side::device_then_host, 4, "no tanh");
}
TEST_CASE("rule 5: a bounded ReLU is the device's own") { goes(of(operation_kind::bounded_relu), side::device, 5, "own activation"); }
TEST_CASE("rule 6: a sigmoid is the host's") { goes(of(operation_kind::sigmoid), side::host, 6, "no sigmoid"); }
TEST_CASE("rule 7: GELU is the host's") { goes(of(operation_kind::gelu), side::host, 7, "no GELU"); }
TEST_CASE("rule 8: a recurrent step is one product there, activation and state here") {
    goes(of(operation_kind::recurrent_step), side::device_then_host, 8, "[u; s]");
}
TEST_CASE("rule 9: gradients are the host's") { goes(of(operation_kind::gradient), side::host, 9, "no gradient"); }
TEST_CASE("rule 10: a gradient step changes the host's float weights") { goes(of(operation_kind::gradient_update), side::host, 10, "float weights"); }
TEST_CASE("rule 11: a mutation is computed here and written there") {
    goes(of(operation_kind::mutation_update), side::host_then_device, 11, "set_variable");
}

TEST_CASE("rule 12: all heads in one pass, while their units last") {
    goes({operation_kind::head_fan_out, "x", 128, 11, weight_precision::int4}, side::device, 12, "one pass");
    goes({operation_kind::head_fan_out, "x", 128, 68, weight_precision::int4}, side::device, 12, "one pass");
    goes({operation_kind::head_fan_out, "x", 128, 69, weight_precision::int4}, side::host, 12, "179 + 12 * 69 = 1007 of 1000");
    goes({operation_kind::head_fan_out, "x", 128, 11, weight_precision::int4}, side::host, 12, "second pass", around(true, 1, false));
    goes({operation_kind::head_fan_out, "x", 128, 11, weight_precision::f32}, side::host, 2, "heads' weights");
}

TEST_CASE("rule 13: integration over time needs the host's state buffer") {
    goes(of(operation_kind::temporal_integration), side::device_then_host, 13, "keeps the state");
}

TEST_CASE("rule 14: several back ends share a layer, however large") {
    goes({operation_kind::dense, "x", 2098, 2048, weight_precision::int4}, side::divided, 14, "2048 rows over 4 back ends", around(true, 4));
    goes({operation_kind::dense, "x", 2098, 2048, weight_precision::f32}, side::divided, 14, "over 2 back ends", around(false, 2));
}

TEST_CASE("without a device everything is the host's, and says why") {
    for (int k = 0; k <= static_cast<int>(operation_kind::temporal_integration); ++k)
        goes(of(static_cast<operation_kind>(k)), side::host, 0, "no int4 device", around(false));
}

TEST_CASE("every operation meets a rule, and together they use all fourteen") {
    std::set<int> rules;
    for (int k = 0; k <= static_cast<int>(operation_kind::temporal_integration); ++k)
        for (const auto precision : {weight_precision::int4, weight_precision::f32})
            for (const std::uint32_t outputs : {10u, 5000u})
                for (const std::uint32_t back_ends : {1u, 4u})
                    rules.insert(route(operation{static_cast<operation_kind>(k), "x", 5, outputs, precision}, around(true, back_ends)).rule);
    CHECK(rules == std::set<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
}

TEST_CASE("weights are 4-bit weights when 4 bits bear them") {
    std::mt19937 g(1);
    std::vector<float> exact(7 * 20), wild(7 * 20);
    for (std::size_t k = 0; k < exact.size(); ++k) {
        exact[k] = 0.125f * static_cast<float>(static_cast<int>(g() % 15) - 7);
        wild[k] = 0.01f * static_cast<float>(g() % 100) / 100.0f;
    }
    for (std::size_t row = 0; row < 20; ++row) {
        exact[7 * row] = 0.875f;                             // the step is 1/8 then
        wild[7 * row] = 10.0f * static_cast<float>(row % 2); // one giant, and the others vanish beside it
        wild[7 * row + 1] = 0.6f;
    }
    CHECK(int4_error(exact, 7) < 1e-6);
    CHECK(precision_of(exact, 7, 0.0001) == weight_precision::int4);
    CHECK(precision_of(wild, 7, 0.01) == weight_precision::f32);
    CHECK(int4_error(std::vector<float>(10, 0.0f), 5) == 0.0);
    // Normal weights, 178 a row: max about 2.8 sigma, step 0.4 sigma, error step / sqrt(12) = 0.12 sigma.
    std::normal_distribution<float> normal;
    std::vector<float> drawn(178 * 100);
    for (auto& w : drawn)
        w = normal(g);
    CHECK(int4_error(drawn, 178) == Approx(0.117).epsilon(0.15));
}
