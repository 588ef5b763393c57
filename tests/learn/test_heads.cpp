// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/heads.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <set>

using namespace forge;

TEST_CASE("the table of heads: names once, columns without gaps, reasons where there is no producer") {
    std::set<std::string_view> names;
    std::size_t next = 0;
    for (std::size_t k = 0; k < head_total; ++k) {
        const auto& h = all_heads()[k];
        CHECK(static_cast<std::size_t>(h.id) == k);
        CHECK(names.insert(h.name).second);
        CHECK(head_from(h.name) == h.id);
        CHECK(about(h.id).name == h.name);
        if (h.applicable()) {
            CHECK(column_of(h.id) == next);
            next += h.dim;
        } else {
            CHECK_FALSE(column_of(h.id));
        }
        CHECK((h.kind == head_kind::classification) == (h.activation == head_activation::sigmoid));
    }
    CHECK(next == target_columns);
    CHECK_FALSE(head_from("prophecy"));
    for (const auto id : {head_id::cg_estimate, head_id::transport_d, head_id::transport_eta})
        CHECK_FALSE(about(id).applicable());
    CHECK(trainable_heads().size() == 11);
    CHECK(every_head().size() == head_total);
    CHECK(about(head_id::quenched_thermalisation).id == static_cast<head_id>(legacy_heads - 1));
}

TEST_CASE("heads taught together answer as heads taught one by one; a head with a missing target stays untrained") {
    network_shape shape;
    shape.reservoir.units = 40;
    shape.reservoirs = 2;
    shape.heads = {{"value", 2, head_activation::linear}, {"class", 1, head_activation::sigmoid}, {"never", 1, head_activation::linear}};
    const auto n = echo_state_network::make(shape).or_throw();
    network_trainer one(n);
    network_trainer all(n);
    std::mt19937 random(1);
    std::uniform_real_distribution<float> any(-1.0f, 1.0f);
    for (unsigned g = 0; g < 10; ++g) {
        one.begin(g);
        all.begin(g);
        for (int t = 0; t < 60; ++t) {
            const float u = any(random);
            one.step({&u, 1}).or_throw();
            all.step({&u, 1}).or_throw();
            const std::array<double, 2> y{u, -2.0 * u + 0.5};
            const double c = u > 0.2f ? 1.0 : 0.0;
            one.teach("value", y).or_throw();
            one.teach("class", {&c, 1}).or_throw();
            all.teach_all(std::array{y[0], y[1], c, g == 3 ? std::nan("") : 1.0}).or_throw();
        }
    }
    const auto a = one.solve(usual_penalties()).or_throw();
    const auto b = all.solve(usual_penalties()).or_throw();
    CHECK_FALSE(b.trained("never"));
    auto state = n.rest();
    const float u = 0.4f;
    n.advance({&u, 1}, state).or_throw();
    for (const std::string head : {"value", "class"}) {
        const auto x = a.read(head, state).or_throw();
        const auto y = b.read(head, state).or_throw();
        for (std::size_t k = 0; k < x.size(); ++k) {
            CHECK(y[k].value == Approx(x[k].value).epsilon(1e-6));
            CHECK(y[k].variance == Approx(x[k].variance).epsilon(1e-4));
        }
    }
    CHECK(all.teach_all(std::array{1.0}).reason().code == errc::invalid_argument);
}

TEST_CASE("a hidden input changes nothing") {
    network_shape shape;
    shape.reservoir.inputs = 3;
    shape.heads = {{"x", 1, head_activation::linear}};
    shape.inputs_hidden = 0b010;
    const auto n = echo_state_network::make(shape).or_throw();
    auto a = n.rest();
    auto b = n.rest();
    auto c = n.rest();
    n.advance(std::array{0.1f, 0.2f, 0.3f}, a).or_throw();
    n.advance(std::array{0.1f, -0.9f, 0.3f}, b).or_throw();
    n.advance(std::array{0.1f, 0.2f, 0.4f}, c).or_throw();
    CHECK(a.of == b.of);
    CHECK(a.of != c.of);
}
