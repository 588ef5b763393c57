// SPDX-License-Identifier: AGPL-3.0-only
// The contract over the engines of the host; tests/opencl has the device's.
#include "libactors/engine/dense/blocked_matrix.hpp"
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/integer_matrix.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "tests/npu/dense_contract.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("contract of a dense engine: software-f32") {
    check_dense_contract([] { return std::make_unique<software_engine>(); }, 1e-6);
}

TEST_CASE("contract of a dense engine: sim-akd1000") {
    check_dense_contract([] { return std::make_unique<sim_akd1000>(); }, 0.25);
}

TEST_CASE("software products have the bits of the plain loop") {
    std::mt19937 g(3);
    for (int trial = 0; trial < 40; ++trial) {
        const std::size_t rows = 1 + g() % 100, columns = 1 + g() % 200;
        const auto w = normals(g, rows * columns), x = normals(g, columns);
        blocked_matrix m(rows, columns);
        m.set_rows(0, w);
        std::vector<float> y(m.padded_rows(), -1.0f);
        m.multiply(x.data(), y.data());
        for (std::size_t r = 0; r < rows; ++r) {
            volatile float sum = 0.0f; // each step rounded to float, and no compiler's opinion
            for (std::size_t c = 0; c < columns; ++c) {
                const volatile float product = w[r * columns + c] * x[c];
                sum = sum + product;
            }
            REQUIRE(y[r] == sum);
        }
        for (std::size_t r = rows; r < y.size(); ++r)
            REQUIRE(y[r] == 0.0f);
    }
}

TEST_CASE("a rectified layer of the software engine has no upper bound") {
    software_engine engine;
    dense_program p{"p", {{"t", 1, 1, {1.0f}, true}}, {}};
    const auto id = engine.map(p, {}).or_throw();
    const auto at = [&](float x) { return engine.run(id, std::span(&x, 1)).or_throw().front().front(); };
    CHECK(at(1e6f) == 1e6f);
    CHECK(at(-1e6f) == 0.0f);
}

TEST_CASE("integer products are exact, and saturate addition by addition where 32 bits do not hold them") {
    std::mt19937 g(4);
    for (int trial = 0; trial < 40; ++trial) {
        const std::size_t rows = 1 + g() % 60, columns = 1 + g() % 300;
        integer_matrix m(rows, columns);
        std::vector<std::vector<std::int8_t>> w(rows, std::vector<std::int8_t>(columns));
        std::vector<std::int16_t> x(integer_matrix::padded(columns), 0);
        for (std::size_t c = 0; c < columns; ++c)
            x[c] = static_cast<std::int16_t>(static_cast<int>(g() % 255) - 127);
        for (std::size_t r = 0; r < rows; ++r) {
            for (auto& q : w[r])
                q = static_cast<std::int8_t>(static_cast<int>(g() % 15) - 7);
            m.set_row(r, w[r]);
        }
        std::vector<std::int32_t> y(rows);
        m.multiply(x.data(), y.data());
        for (std::size_t r = 0; r < rows; ++r) {
            long sum = 0;
            for (std::size_t c = 0; c < columns; ++c)
                sum += long{w[r][c]} * x[c];
            REQUIRE(y[r] == sum);
        }
    }
    // Beyond 2^31: up to the top, and down again from there.
    const std::size_t columns = 3'000'000;
    integer_matrix m(1, columns);
    std::vector<std::int8_t> w(columns, 7);
    std::fill(w.end() - 10, w.end(), std::int8_t{-7});
    m.set_row(0, w);
    const std::vector<std::int16_t> x(integer_matrix::padded(columns), 127);
    std::int32_t y = 0;
    m.multiply(x.data(), &y);
    CHECK(y == 2147483647 - 10 * 7 * 127);
}

TEST_CASE("the simulator counts what its ranges cut") {
    sim_akd1000 sim;
    dense_program p{"p", {{"t", 2, 2, {1.0f, 0.5f, 0.0f, 0.0f}, false}}, {}};
    const auto id = sim.map(p, std::vector<float>{1.0f, -1.0f}).or_throw();
    (void)sim.run(id, std::vector<float>{1.0f, 1.0f, 2.0f, 0.0f, -3.0f, 5.0f}).or_throw();
    CHECK(sim.cost().clamped == 3);
    sim.set_variable(id, "t", std::vector<float>{2.0f, 1.0f, 0.0f, 0.3f}).or_throw();
    CHECK(sim.cost().clamped == 2); // 2 is beyond 1, and a channel that was all zero has no range
    (void)sim.run(id, std::vector<float>{1.0f, 1.0f}).or_throw();
    CHECK(sim.cost().clamped == 0);
}
