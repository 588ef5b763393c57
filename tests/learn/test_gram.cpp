// SPDX-License-Identifier: AGPL-3.0-only
// The sums of ridge regression: the contract over the host's engine (tests/opencl has the device's), and training by any engine.
#include "libactors/learn/echo_state_network.hpp"
#include "libactors/learn/host_gram.hpp"
#include "tests/learn/gram_contract.hpp"

#include <array>

using namespace forge;
using namespace forge::testing;

namespace {

/// Tiles of seven rows, plain loops; ends after some tiles when told to.
class plain_gram final : public gram_engine {
public:
    explicit plain_gram(std::size_t tiles_left = std::numeric_limits<std::size_t>::max()) : tiles_left_(tiles_left) {}
    [[nodiscard]] std::string name() const override { return "plain"; }
    [[nodiscard]] std::size_t tile_rows() const override { return 7; }
    [[nodiscard]] result<void> accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) override {
        const auto rows = judge_gram_rows(x, y, sums, name());
        if (!rows)
            return rows.reason();
        calls.push_back(*rows);
        for (std::size_t r = 0; r < *rows; ++r) {
            if (r % tile_rows() == 0 && tiles_left_-- == 0)
                return error{errc::device_failed, "the device went away", name(), ""};
            for (std::size_t i = 0; i < sums.columns; ++i) {
                for (std::size_t j = 0; j < sums.columns; ++j)
                    sums.xx[i * sums.columns + j] += x[r * sums.columns + i] * x[r * sums.columns + j];
                for (std::size_t j = 0; j < sums.targets; ++j)
                    sums.xy[i * sums.targets + j] += x[r * sums.columns + i] * y[r * sums.targets + j];
            }
            ++sums.rows;
        }
        return {};
    }
    std::vector<std::size_t> calls; ///< rows of each

private:
    std::size_t tiles_left_;
};

constexpr std::array penalties{1e-4, 1e-2, 1.0};

/// Four groups of 25 rows of three features and two targets.
result<std::vector<ridge_block>> blocks_by(gram_engine* engine) {
    std::mt19937 g(5);
    std::normal_distribution<float> normal;
    std::vector<ridge_block> blocks(4, ridge_block(3, 2, engine));
    for (std::size_t row = 0; row < 100; ++row) {
        const std::array x{normal(g), normal(g), normal(g)};
        const std::array y{double{x[0]} - 2.0 * double{x[2]} + 0.1 * double{normal(g)}, 0.5 + double{x[1]}};
        if (auto added = blocks[row % 4].add(x, y); !added)
            return added.reason();
    }
    return blocks;
}

} // namespace

TEST_CASE("contract of a gram engine: the host") {
    check_gram_contract([] { return std::make_unique<host_gram>(); });
}

TEST_CASE("contract of a gram engine: plain loops") {
    check_gram_contract([] { return std::make_unique<plain_gram>(); });
}

TEST_CASE("a block hands whole tiles to its engine, and the readouts are those of the host") {
    plain_gram engine;
    const auto blocks = blocks_by(&engine).or_throw();
    CHECK(engine.calls == std::vector<std::size_t>(12, 7)); // 3 x 7 of the 25 rows of each; 4 wait
    const auto fits = ridge_readout::cross_validate(std::span<const ridge_block>(blocks), penalties).or_throw();
    CHECK(engine.calls.size() == 16);
    CHECK(engine.calls.back() == 4);
    const auto on_host = blocks_by(nullptr).or_throw();
    const auto expected = ridge_readout::cross_validate(std::span<const ridge_block>(on_host), penalties).or_throw();
    REQUIRE(fits.size() == 2);
    for (std::size_t k = 0; k < fits.size(); ++k) {
        CHECK(fits[k].lambda() == expected[k].lambda());
        CHECK(fits[k].rows() == 100);
        for (std::size_t c = 0; c < 4; ++c)
            CHECK(fits[k].weights()[c] == Approx(expected[k].weights()[c]).epsilon(1e-12).margin(1e-13));
        CHECK(fits[k].residual_variance() == Approx(expected[k].residual_variance()).epsilon(1e-9).margin(1e-13));
    }
}

TEST_CASE("an engine that fails ends the training with its own error, while rows come and at the end") {
    plain_gram soon(5);
    CHECK(blocks_by(&soon).reason().code == errc::device_failed);
    plain_gram late(13); // the twelve whole tiles and one of the rests
    const auto blocks = blocks_by(&late).or_throw();
    const auto fits = ridge_readout::cross_validate(std::span<const ridge_block>(blocks), penalties);
    REQUIRE_FALSE(fits.ok());
    CHECK(fits.reason().code == errc::device_failed);
    CHECK(fits.reason().where == "plain");

    network_shape shape;
    shape.reservoir.inputs = 1;
    shape.reservoir.units = 8;
    shape.reservoirs = 2;
    shape.heads = {{"y", 1, head_activation::linear}};
    const auto network = echo_state_network::make(shape).or_throw();
    plain_gram never(0);
    network_trainer trainer(network, &never);
    trainer.begin(1);
    result<void> state;
    int rows = 0;
    for (; rows < 20 && state; ++rows) {
        const float u = 0.1f * static_cast<float>(rows);
        trainer.step({&u, 1}).or_throw();
        state = trainer.teach_all(std::array{double{u}});
    }
    REQUIRE_FALSE(state.ok());
    CHECK(state.reason().code == errc::device_failed);
    CHECK(rows == 7); // with the first tile
}

TEST_CASE("a feature that is not a number is refused when its tile goes in") {
    ridge_block block(1, 1);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const double y = 1.0;
    CHECK(block.add({&nan, 1}, {&y, 1}).ok()); // it waits
    const std::vector<ridge_block> blocks{block, block};
    CHECK(ridge_readout::cross_validate(std::span<const ridge_block>(blocks), penalties).reason().code == errc::invalid_argument);
}
