// SPDX-License-Identifier: AGPL-3.0-only
// The contract over CLBlast: minutes on a cold cache, hence [slow] as a whole.
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/opencl/clblast_dense.hpp"
#include "tests/npu/dense_contract.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("contract of a dense engine: CLBlast", "[slow]") {
    check_dense_contract([] { return make_clblast_engine("opencl:0").or_throw(); }, 1e-5);
}

TEST_CASE("CLBlast and the host agree on a large program and a batch of several tiles", "[slow]") {
    std::mt19937 g(41);
    const auto p = drawn_program(g, "large", 300, 500, 2, 11);
    const auto device = make_clblast_engine("opencl:0").or_throw();
    software_engine host;
    const auto on_device = device->map(p, {}).or_throw(), on_host = host.map(p, {}).or_throw();
    const auto rows = normals(g, 150 * 300, 0.1f); // 64 + 64 + 22
    const auto a = device->run(on_device, rows).or_throw(), b = host.run(on_host, rows).or_throw();
    REQUIRE(a.size() == 150);
    double wrong = 0.0, size = 0.0;
    for (std::size_t r = 0; r < 150; ++r)
        for (std::size_t k = 0; k < b[r].size(); ++k) {
            wrong += std::pow(static_cast<double>(a[r][k] - b[r][k]), 2);
            size += std::pow(static_cast<double>(b[r][k]), 2);
        }
    CHECK(std::sqrt(wrong / size) < 1e-5);
    CHECK(device->cost().source == "measured");
}

TEST_CASE("a device that is not there is one clear error", "[slow]") {
    const auto none = make_clblast_engine("opencl:99");
    REQUIRE_FALSE(none.ok());
    CHECK(none.reason().code == errc::device_unavailable);
    CHECK_THAT(none.reason().what, Catch::Contains("opencl:99"));
}
