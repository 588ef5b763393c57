// SPDX-License-Identifier: AGPL-3.0-only
// The sums of ridge regression by CLBlast: minutes on a cold cache, hence [slow] as a whole.
#include "libactors/engine/opencl/clblast_gram.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/learn/echo_state_network.hpp"
#include "tests/learn/gram_contract.hpp"

#include <array>

using namespace forge;
using namespace forge::testing;

namespace {

/// The first device with fp64; none where there is none, said aloud.
std::optional<std::string> device_with_fp64() {
    if (const auto system = opencl_system::discover())
        for (const auto& d : system->devices())
            if (d.fp64)
                return d.id;
    WARN("SKIPPED: no OpenCL device with fp64");
    return std::nullopt;
}

constexpr double rows = 6000.0;

/// All rows of a block at once, in long double, rounded at the end: what the others differ from by rounding.
class exact_gram final : public gram_engine {
public:
    [[nodiscard]] std::string name() const override { return "long double"; }
    [[nodiscard]] std::size_t tile_rows() const override { return 1u << 20; }
    [[nodiscard]] result<void> accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) override {
        const auto n = judge_gram_rows(x, y, sums, name());
        if (!n)
            return n.reason();
        const std::size_t p = sums.columns, m = sums.targets;
        std::vector<long double> all(p * (p + m), 0.0L);
        for (std::size_t r = 0; r < *n; ++r)
            for (std::size_t i = 0; i < p; ++i)
                for (std::size_t j = 0; j < p + m; ++j)
                    all[i * (p + m) + j] += static_cast<long double>(x[r * p + i]) * (j < p ? x[r * p + j] : y[r * m + j - p]);
        for (std::size_t i = 0; i < p; ++i)
            for (std::size_t j = 0; j < p + m; ++j)
                (j < p ? sums.xx[i * p + j] : sums.xy[i * m + j - p]) += static_cast<double>(all[i * (p + m) + j]);
        sums.rows += *n;
        return {};
    }
};

/// |x - y| / |x|
double apart(std::span<const double> x, std::span<const double> y) {
    double difference = 0.0, size = 0.0;
    for (std::size_t k = 0; k < x.size(); ++k) {
        difference += (x[k] - y[k]) * (x[k] - y[k]);
        size += x[k] * x[k];
    }
    return std::sqrt(difference / size);
}

/// Sequences that a reservoir must remember: y(t) = u(t-2), and the class u(t-1) > 0.
void teach(network_trainer& t) {
    std::mt19937 g(12);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (std::uint64_t group = 0; group < 12; ++group) {
        t.begin(group);
        float one = 0.0f, two = 0.0f;
        for (int k = 0; k < 500; ++k) {
            const std::array u{uniform(g), 1.0f};
            t.step(u).or_throw();
            t.teach_all(std::array{double{two}, one > 0.0f ? 1.0 : 0.0}).or_throw();
            two = one;
            one = u[0];
        }
    }
}

} // namespace

TEST_CASE("contract of a gram engine: CLBlast", "[slow]") {
    if (const auto id = device_with_fp64())
        check_gram_contract([&] { return make_clblast_gram(*id).or_throw(); });
}

TEST_CASE("a model that is trained on a device says what one says that is trained on the host", "[slow]") {
    const auto id = device_with_fp64();
    if (!id)
        return;
    network_shape shape;
    shape.reservoir.inputs = 2;
    shape.reservoir.units = 128;
    shape.reservoirs = 2;
    shape.heads = {{"memory", 1, head_activation::linear}, {"sign", 1, head_activation::sigmoid}};
    const auto fresh = echo_state_network::make(shape).or_throw();
    const auto device = make_clblast_gram(*id).or_throw();
    exact_gram exactly;
    const auto trained_by = [&fresh](gram_engine* engine, std::span<const double> penalties) {
        network_trainer t(fresh, engine);
        teach(t);
        return t.solve(penalties).or_throw();
    };
    // Relative, the largest over reservoirs and heads. The states stay within 1, so that |X^T X| <= rows (units + 1).
    struct distance {
        double weights = 0.0, answers = 0.0, condition = 0.0;
    };
    const auto between = [&](const echo_state_network& a, const echo_state_network& b) {
        distance d;
        for (std::size_t r = 0; r < 2; ++r)
            for (const std::string head : {"memory", "sign"}) {
                const auto &x = *a.readout(r, head, 0), &y = *b.readout(r, head, 0);
                CHECK(x.lambda() == y.lambda());
                CHECK(static_cast<double>(x.rows()) == rows);
                CHECK(static_cast<double>(y.rows()) == rows);
                d.weights = std::max(d.weights, apart(x.weights(), y.weights()));
                double inverse = 0.0;
                for (const double v : x.to_parts().inverse)
                    inverse += v * v;
                d.condition = std::max(d.condition, (rows * 129.0 + x.lambda()) * std::sqrt(inverse));
            }
        auto state = fresh.rest();
        std::vector<double> says_a, says_b;
        for (int k = 0; k < 50; ++k) {
            fresh.advance(std::array{std::sin(0.7f * static_cast<float>(k)), 1.0f}, state).or_throw();
            for (const std::string head : {"memory", "sign"}) {
                says_a.push_back(a.read(head, state).or_throw()[0].readout);
                says_b.push_back(b.read(head, state).or_throw()[0].readout);
            }
        }
        d.answers = apart(says_a, says_b);
        return d;
    };
    const std::array firm{1.0};
    for (const auto& [penalties, bound] : {std::pair{std::span<const double>(firm), 1e-10}, std::pair{usual_penalties(), 1e-6}}) {
        const auto host = trained_by(nullptr, penalties), on_device = trained_by(device.get(), penalties), exact = trained_by(&exactly, penalties);
        const auto d = between(host, on_device), of_host = between(exact, host), of_device = between(exact, on_device);
        CAPTURE(d.condition, d.weights, d.answers, of_host.weights, of_host.answers, of_device.weights, of_device.answers);
        CHECK(d.weights < bound);
        CHECK(d.answers < bound);
        CHECK(of_device.weights < d.condition * rows * 0x1p-53);
        CHECK(of_device.weights < 10.0 * of_host.weights); // no worse than what the host's own rounding does
    }
}

TEST_CASE("a device that is not there, or has no fp64, is one clear error", "[slow]") {
    const auto none = make_clblast_gram("opencl:99");
    REQUIRE_FALSE(none.ok());
    CHECK(none.reason().code == errc::device_unavailable);
    CHECK_THAT(none.reason().what, Catch::Contains("opencl:99"));
    CHECK(judge_gram_device("opencl:3", true).ok());
    const auto single = judge_gram_device("opencl:3", false);
    REQUIRE_FALSE(single.ok());
    CHECK(single.reason().code == errc::unsupported);
    CHECK_THAT(single.reason().what, Catch::Contains("opencl:3") && Catch::Contains("fp64"));
}
