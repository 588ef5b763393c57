// SPDX-License-Identifier: AGPL-3.0-only
// What every dense engine promises (dense_engine.hpp), as one function over any of them.
#pragma once

#include "libactors/engine/dense_engine.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>

namespace forge::testing {

inline std::vector<float> normals(std::mt19937& generator, std::size_t n, float spread = 1.0f) {
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> x(n);
    for (auto& v : x)
        v = normal(generator);
    return x;
}

/// A trunk of rectified layers and linear heads with 1, 2, 3, 1, ... outputs.
inline dense_program drawn_program(std::mt19937& g, const std::string& name, std::uint32_t inputs, std::uint32_t width, std::size_t depth,
                                   std::size_t heads) {
    dense_program p;
    p.name = name;
    std::uint32_t in = inputs;
    for (std::size_t k = 0; k < depth; ++k) {
        p.trunk.push_back({"t" + std::to_string(k), in, width, normals(g, std::size_t{in} * width), true});
        in = width;
    }
    for (std::size_t k = 0; k < heads; ++k) {
        const auto outputs = 1 + static_cast<std::uint32_t>(k % 3);
        p.heads.push_back({"h" + std::to_string(k), in, outputs, normals(g, std::size_t{in} * outputs), false});
    }
    return p;
}

/// The program in double, from the words of dense_engine.hpp alone.
inline std::vector<double> in_double(const dense_program& p, std::span<const float> x) {
    std::vector<double> at(x.begin(), x.end());
    const auto through = [](const dense_layer& l, const std::vector<double>& in) {
        std::vector<double> out(l.outputs, 0.0);
        for (std::size_t r = 0; r < l.outputs; ++r) {
            for (std::size_t c = 0; c < l.inputs; ++c)
                out[r] += static_cast<double>(l.weights[r * l.inputs + c]) * in[c];
            out[r] = l.rectified ? std::max(0.0, out[r]) : out[r];
        }
        return out;
    };
    for (const auto& l : p.trunk)
        at = through(l, at);
    if (p.heads.empty())
        return at;
    std::vector<double> all;
    for (const auto& h : p.heads) {
        const auto y = through(h, at);
        all.insert(all.end(), y.begin(), y.end());
    }
    return all;
}

/// @param tolerance  of an answer, relative to the root mean square of the program's answers.
inline void check_dense_contract(const std::function<std::unique_ptr<dense_engine>()>& make, double tolerance) {
    std::mt19937 g(20261121);
    const auto engine = make();
    REQUIRE_FALSE(engine->about().name.empty());
    CHECK((engine->about().simulated == engine->about().name.starts_with("sim-")));
    const auto a = drawn_program(g, "a", 12, 16, 2, 3);
    const auto b = drawn_program(g, "b", 5, 40, 1, 0);
    auto c = drawn_program(g, "c", 7, 9, 1, 0); // a bare linear layer
    c.trunk.front().rectified = false;
    const auto examples_a = normals(g, 12 * 40);
    const auto ia = engine->map(a, examples_a).or_throw();
    const auto ib = engine->map(b, normals(g, 5 * 40)).or_throw();
    const auto ic = engine->map(c, normals(g, 7 * 40)).or_throw();
    CHECK((ia != ib && ib != ic && ia != ic));

    SECTION("answers are W x, rectified in between, within what the bits allow") {
        for (const auto& [id, p] : std::map<program_id, const dense_program*>{{ia, &a}, {ib, &b}, {ic, &c}}) {
            CAPTURE(p->name);
            const auto width = p->trunk.front().inputs;
            const auto rows = normals(g, width * 64, 0.7f); // inside the examples' range
            const auto answers = engine->run(id, rows).or_throw();
            REQUIRE(answers.size() == 64);
            double wrong = 0.0, size = 0.0;
            for (std::size_t r = 0; r < 64; ++r) {
                const auto expected = in_double(*p, std::span(rows).subspan(r * width, width));
                REQUIRE(answers[r].size() == expected.size());
                for (std::size_t k = 0; k < expected.size(); ++k) {
                    wrong += std::pow(static_cast<double>(answers[r][k]) - expected[k], 2);
                    size += expected[k] * expected[k];
                }
            }
            CHECK(std::sqrt(wrong / size) < tolerance);
        }
    }
    SECTION("a bound ends a rectified layer, from where the examples go beyond it") {
        auto bounded = b;
        bounded.trunk.front().bound = 1.5f;
        const auto id = engine->map(bounded, normals(g, 5 * 40)).or_throw();
        const auto answers = engine->run(id, normals(g, 5 * 30, 3.0f)).or_throw();
        float top = 0.0f;
        for (const auto& y : answers)
            top = std::max(top, *std::max_element(y.begin(), y.end()));
        CHECK(top == Approx(1.5f).epsilon(1e-6));
        bounded.trunk.front().bound = -1.0f;
        CHECK_THAT(engine->map(bounded, normals(g, 5)).reason().what, Catch::Contains("has a bound of"));
        bounded.trunk.front().bound = 1.0f;
        bounded.trunk.front().rectified = false;
        CHECK_THAT(engine->map(bounded, normals(g, 5)).reason().what, Catch::Contains("only where it is rectified"));
    }
    SECTION("a batch is its rows one by one, to the bit, whoever computes in between") {
        const auto rows = normals(g, 12 * 9, 2.0f);
        const auto all = engine->run(ia, rows).or_throw();
        for (std::size_t r = 0; r < 9; ++r) {
            (void)engine->run(r % 2 == 0 ? ib : ic, normals(g, r % 2 == 0 ? 5 : 14)).or_throw();
            CHECK(engine->run(ia, std::span(rows).subspan(r * 12, 12)).or_throw().front() == all[r]);
        }
        CHECK(engine->cost().seconds > 0.0);
        CHECK((engine->about().simulated == engine->cost().source.starts_with("model")));
    }
    SECTION("set_variable changes its layer alone, and the other programs not at all") {
        const auto probe = normals(g, 12), other = normals(g, 5);
        const auto before = engine->run(ia, probe).or_throw().front();
        const auto aside = engine->run(ib, other).or_throw().front();
        engine->set_variable(ia, "h1", a.heads[1].weights).or_throw();
        CHECK(engine->run(ia, probe).or_throw().front() == before);
        auto negative = a.heads[1].weights;
        for (auto& w : negative)
            w = -w;
        engine->set_variable(ia, "h1", negative).or_throw();
        CHECK(engine->cost().clamped == 0);
        const auto after = engine->run(ia, probe).or_throw().front();
        REQUIRE(after.size() == before.size()); // h0: 1, h1: 2, h2: 3 outputs
        for (std::size_t k = 0; k < after.size(); ++k)
            CHECK(after[k] == (k == 1 || k == 2 ? -before[k] : before[k]));
        CHECK(engine->run(ib, other).or_throw().front() == aside);
        auto trunk = a.trunk[0].weights;
        std::fill(trunk.begin(), trunk.end(), 0.0f);
        engine->set_variable(ia, "t0", trunk).or_throw();
        const auto nothing = engine->run(ia, probe).or_throw();
        CHECK(nothing.front() == dense_answer(6, 0.0f));
    }
    SECTION("unmapping one leaves the others") {
        engine->unmap(ib);
        CHECK(engine->run(ib, normals(g, 5)).reason().code == errc::not_found);
        CHECK(engine->run(ia, normals(g, 12)).ok());
        engine->unmap(ib); // twice is nothing
        const auto again = engine->map(b, normals(g, 5 * 4)).or_throw();
        CHECK(again != ib); // an old number never means a new program
    }
    SECTION("every mistake has one clear error, the same words everywhere") {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const auto says = [](const auto& outcome, errc code, const std::string& what) {
            REQUIRE_FALSE(outcome.ok());
            CHECK(outcome.reason().code == code);
            CHECK_THAT(outcome.reason().what, Catch::Contains(what));
            CHECK_FALSE(outcome.reason().where.empty());
            CHECK_FALSE(outcome.reason().hint.empty());
        };
        says(engine->run(ia, normals(g, 13)), errc::invalid_argument, "13 values are no rows of 12 inputs");
        says(engine->run(ia, {}), errc::invalid_argument, "0 values are no rows of 12 inputs");
        std::vector<float> row(12, 1.0f);
        row[3] = nan;
        says(engine->run(ia, row), errc::invalid_argument, "an input is not a number");
        row[3] = std::numeric_limits<float>::infinity();
        says(engine->run(ia, row), errc::invalid_argument, "an input is not a number");
        says(engine->run(9999, row), errc::not_found, "no such program");
        says(engine->set_variable(9999, "h0", row), errc::not_found, "no such program");
        says(engine->set_variable(ia, "nobody", row), errc::not_found, "no layer nobody");
        says(engine->set_variable(ia, "h0", row), errc::invalid_argument, "12 weights for 1 x 16");
        std::vector<float> w(16, 1.0f);
        w[0] = nan;
        says(engine->set_variable(ia, "h0", w), errc::invalid_argument, "not a number");
        auto bad = a;
        bad.trunk[1].inputs = 5;
        says(engine->map(bad, examples_a), errc::invalid_argument, "is given 16");
        bad = a;
        bad.heads[0].weights[0] = nan;
        says(engine->map(bad, examples_a), errc::invalid_argument, "not a number");
        bad = a;
        bad.heads[1].name = "h0";
        says(engine->map(bad, examples_a), errc::invalid_argument, "there twice");
        bad = a;
        bad.trunk.clear();
        says(engine->map(bad, examples_a), errc::invalid_argument, "has a trunk");
        bad = a;
        bad.heads[2].rectified = true;
        says(engine->map(bad, examples_a), errc::invalid_argument, "is rectified");
        CHECK(engine->run(ia, normals(g, 12)).ok()); // and nothing broke
        if (engine->about().weight_bits < 32) {      // ranges come from examples
            says(engine->map(a, {}), errc::invalid_argument, "fixed by examples");
            says(engine->map(a, normals(g, 13)), errc::invalid_argument, "fixed by examples");
        } else {
            CHECK(engine->map(a, {}).ok());
        }
    }
}

} // namespace forge::testing
