// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/conductor_model_codec.hpp"

#include "libactors/checkpoint/mapped_file.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/resource.h>
#include <unistd.h>

using namespace forge;

namespace {

conductor_model small_model() {
    network_shape shape;
    shape.reservoir.inputs = feature_count;
    shape.reservoir.units = 20;
    shape.reservoirs = 2;
    shape.heads = {{"thermalisation", 2, head_activation::linear}, {"rejection", 1, head_activation::sigmoid}, {"cg_estimate", 1, head_activation::relu}};
    shape.feature_version = feature_version;
    shape.inputs_hidden = 0b1000;
    const auto n = echo_state_network::make(shape).or_throw();
    network_trainer t(n);
    std::mt19937 random(4);
    std::normal_distribution<float> normal;
    for (unsigned g = 0; g < 8; ++g) {
        t.begin(g);
        for (int k = 0; k < 40; ++k) {
            feature_vector v{};
            for (auto& x : v)
                x = normal(random);
            t.step(v).or_throw();
            t.teach_all(std::array{double{v[0]}, double{v[1]} - 1.0, v[2] > 0.0f ? 1.0 : 0.0, std::nan("")}).or_throw();
        }
    }
    conductor_model m;
    m.network = t.solve(usual_penalties()).or_throw();
    m.heads = {{"thermalisation", true, 0.6, 0.4, 0.5}, {"rejection", false, 0.85, std::nullopt, 0.2}, {"cg_estimate", false, std::nullopt, std::nullopt, 0.5}};
    thermalisation_settings s;
    s.rule = thermalisation_rule::network;
    s.near_plaquette = 0.123;
    m.thermalisation = {{extents{{8, 8, 8, 4}}, s}};
    m.equilibrium = {equilibrium_table::from_points(extents{{8, 8, 8, 4}}, {{5.6, 4, 0.53, 0.01, 0.002, 0.06, 0.03, 0.01, 3.0, 0.2},
                                                                           {5.7, 6, 0.55, 0.01, 0.002, 0.12, 0.06, 0.03, 30.0, 1.4},
                                                                           {5.8, 4, 0.57, 0.01, 0.002, 0.24, 0.04, 0.01, 6.0, 0.4}})
                         .or_throw()};
    m.runs = {"a", "b"};
    m.chains = 8;
    m.rows = 320;
    m.provenance = "a test";
    return m;
}

} // namespace

TEST_CASE("a model comes back as it was: answers, variances, learning, standing, tables") {
    const auto m = small_model();
    const auto bytes = encode_model(m).or_throw();
    CHECK(bytes == encode_model(m).or_throw());
    auto back = decode_model(bytes).or_throw();
    CHECK(encode_model(back).or_throw() == bytes);
    CHECK(back.network.shape() == m.network.shape());
    CHECK(back.heads == m.heads);
    CHECK(back.thermalisation == m.thermalisation);
    CHECK(back.settings_for(extents{{8, 8, 8, 4}}).near_plaquette == 0.123);
    CHECK(back.settings_for(extents{{4, 4, 4, 4}}) == thermalisation_settings{});
    CHECK(back.runs == m.runs);
    CHECK(back.chains == 8);
    CHECK(back.rows == 320);
    CHECK(back.provenance == "a test");
    REQUIRE(back.equilibrium.size() == 1);
    CHECK(std::equal(back.equilibrium[0].points().begin(), back.equilibrium[0].points().end(), m.equilibrium[0].points().begin()));
    CHECK(back.equilibrium[0].chi_peak()->beta == m.equilibrium[0].chi_peak()->beta);
    CHECK_FALSE(back.network.trained("cg_estimate"));

    auto first = m.network;
    auto a = first.rest();
    auto b = back.network.rest();
    feature_vector v{};
    v.fill(0.3f);
    for (int k = 0; k < 5; ++k) {
        first.advance(v, a).or_throw();
        back.network.advance(v, b).or_throw();
    }
    CHECK(a.of == b.of);
    for (int round = 0; round < 2; ++round) { // before and after both learn the same
        for (const std::string head : {"thermalisation", "rejection"}) {
            const auto x = first.read(head, a).or_throw();
            const auto y = back.network.read(head, b).or_throw();
            for (std::size_t k = 0; k < x.size(); ++k) {
                CHECK(x[k].value == y[k].value);
                CHECK(x[k].variance == y[k].variance);
            }
        }
        first.learn("thermalisation", a, std::array{1.0, 2.0}).or_throw();
        back.network.learn("thermalisation", b, std::array{1.0, 2.0}).or_throw();
    }
}

TEST_CASE("every flipped bit of a model is seen, and every cut") {
    const auto bytes = encode_model(small_model()).or_throw();
    std::mt19937_64 random(1);
    for (int k = 0; k < 300; ++k) {
        auto bad = bytes;
        const auto at = k < 200 ? static_cast<std::size_t>(k) : random() % bad.size();
        bad[at] ^= static_cast<std::byte>(1u << (random() % 8));
        CHECK_FALSE(decode_model(bad));
    }
    for (int k = 0; k < 64; ++k) {
        auto bad = bytes;
        bad[bad.size() - 1 - static_cast<std::size_t>(k)] ^= std::byte{1};
        CHECK_FALSE(decode_model(bad));
    }
    for (const std::size_t n : {std::size_t{0}, std::size_t{10}, bytes.size() / 2, bytes.size() - 1})
        CHECK(decode_model(std::span(bytes).first(n)).reason().code == errc::malformed);
    auto longer = bytes;
    longer.push_back(std::byte{0});
    CHECK(decode_model(longer).reason().code == errc::malformed);
}

TEST_CASE("a model of other features is refused, saying which; weights from elsewhere are not") {
    auto m = small_model();
    const auto bytes = encode_model(m).or_throw();
    const auto refused = decode_model(bytes, feature_version + 1);
    REQUIRE_FALSE(refused);
    CHECK(refused.reason().code == errc::conflict);
    CHECK(refused.reason().what.find(std::to_string(feature_version + 1)) != std::string::npos);

    network_shape shape;
    shape.reservoir.inputs = 2;
    shape.reservoir.units = 3;
    shape.reservoir.connectivity = 1.0;
    shape.reservoirs = 1;
    shape.heads = {{"old", 1, head_activation::linear}};
    conductor_model foreign;
    foreign.network = echo_state_network::make(shape).or_throw();
    foreign.network.set_readouts("old", {{ridge_readout::from_weights({0.0, 1.0, 2.0, 3.0}).or_throw()}}).or_throw();
    const auto back = decode_model(encode_model(foreign).or_throw()).or_throw();
    auto state = back.network.rest();
    CHECK(std::isnan(back.network.read("old", state).or_throw()[0].variance));
    auto copy = back.network;
    CHECK(copy.learn("old", state, std::array{1.0}).reason().code == errc::unsupported);
    REQUIRE(back.heads.size() == 1);
    CHECK_FALSE(back.heads[0].trusted);
}

TEST_CASE("a model of nothing but many untrained heads can be read: what is fetched stays within what a reader may meet") {
    network_shape shape;
    shape.reservoir.inputs = 1;
    shape.reservoir.units = 2;
    shape.reservoir.connectivity = 1.0;
    shape.reservoirs = 1;
    for (int k = 0; k < 1000; ++k)
        shape.heads.push_back({std::to_string(k), 1, head_activation::relu});
    conductor_model m;
    m.network = echo_state_network::make(shape).or_throw();
    m.runs.assign(1000, "r");
    const auto bytes = encode_model(m).or_throw();
    const auto back = decode_model(bytes);
    INFO((back ? "" : back.reason().what));
    REQUIRE(back);
    CHECK(back->network.shape() == shape);
    CHECK(encode_model(*back).or_throw() == bytes);
    m.provenance.assign(65537, 'p');
    CHECK(encode_model(m).reason().code == errc::unsupported);
}

TEST_CASE("a file that is larger than any model is refused by its size: nothing of it is read, no memory taken") {
    const auto file = std::filesystem::temp_directory_path() / ("forge_large_model_" + std::to_string(::getpid()));
    struct remover {
        const std::filesystem::path& file;
        ~remover() { std::filesystem::remove(file); }
    } const cleaner{file};
    const auto begins_as_a_model = encode_model(small_model()).or_throw();
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(begins_as_a_model.data()), static_cast<std::streamsize>(begins_as_a_model.size()));
    const auto peak_kib = [] {
        struct rusage used {};
        REQUIRE(::getrusage(RUSAGE_SELF, &used) == 0);
        return used.ru_maxrss; // pages of the mapping that were touched count, too
    };
    for (const std::uint64_t bytes : {conductor_model_bytes_max + 1, conductor_model_memory_max + 1, std::uint64_t{64} << 30}) {
        std::filesystem::resize_file(file, bytes); // sparse: the disk holds the model alone
        const auto before = peak_kib();
        const auto mapped = mapped_file::open(file).or_throw();
        REQUIRE(mapped.bytes().size() == bytes);
        const auto refused = decode_model(mapped.bytes());
        REQUIRE_FALSE(refused);
        CHECK(refused.reason().code == errc::unsupported);
        CHECK_THAT(refused.reason().what, Catch::Contains(std::to_string(bytes)));
        CHECK_FALSE(refused.reason().hint.empty());
        CHECK(peak_kib() - before < 16 * 1024);
    }
}
