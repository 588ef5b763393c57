// SPDX-License-Identifier: AGPL-3.0-only
// What travels between nodes: every type goes through CAF's binary form and comes back to the bit.
#include "actors/remote/remote_messages.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace forge;

namespace {

struct travel_config : caf::actor_system_config {
    travel_config() { register_remote_messages(*this); }
};

/// To bytes and back, as BASP does it.
template <class T>
T travelled(caf::actor_system& system, T value) {
    std::vector<char> bytes;
    caf::binary_serializer out(system, bytes);
    REQUIRE(!out(value));
    T back{};
    caf::binary_deserializer in(system, bytes);
    REQUIRE(!in(back));
    return back;
}

} // namespace

TEST_CASE("messages between nodes come back as they were") {
    travel_config config;
    caf::actor_system system(config);
    const auto load = travelled(system, remote_load{"opencl:0.1", 7, 5, 0xfedcba9876543210u, {8, 8, 8, 4}, 42, {1, 2, 3, 4}, {5, 6}});
    CHECK(load.expected == std::vector<std::uint64_t>{5, 6});
    CHECK(load.device == "opencl:0.1");
    CHECK(load.chain == 7);
    CHECK(load.epoch == 5);
    CHECK(load.key == 0xfedcba9876543210u);
    CHECK(load.extents == std::vector<std::uint32_t>{8, 8, 8, 4});
    CHECK(load.transfer == 42);
    CHECK(load.arithmetics == std::vector<std::uint64_t>{1, 2, 3, 4});
    const auto done = travelled(system, remote_done{{1, 2, 3}, 4, 5, 6, to_remote(error{errc::device_failed, "what", "where", "hint"})});
    CHECK(done.observed == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(done.state_a == 4);
    CHECK(done.middle.empty());
    CHECK(travelled(system, remote_done{{}, 4, 5, 6, {}, {7, 8, 9}}).middle == std::vector<std::uint64_t>{7, 8, 9});
    CHECK(from_remote(done.failed) == error{errc::device_failed, "what", "where", "hint"});
    const auto loaded = travelled(system, remote_loaded{1, 2, "class", "kernel", {}});
    CHECK(loaded.bits_class == "class");
    CHECK(!from_remote(loaded.failed));
    const auto job = travelled(system, remote_job{"d", 1, 1ull << 40, 3, false, {9}});
    CHECK(job.trajectory == 1ull << 40);
    CHECK(!job.test);
    CHECK(!job.look);
    CHECK(travelled(system, remote_job{"d", 1, 1, 3, false, {9}, true}).look);
    CHECK(travelled(system, remote_snapshot{"d", 2, 77}).transfer == 77);
    CHECK(travelled(system, remote_snapshot_sent{123, {}}).bytes == 123);
    CHECK(travelled(system, remote_unload{"d", 5}).chain == 5);
    const auto hi = travelled(system, remote_hi{nullptr, {{"opencl:0", "name", 1ull << 35, 2, true}}, true});
    REQUIRE(hi.devices.size() == 1);
    CHECK(hi.devices[0].memory_bytes == 1ull << 35);
    CHECK(hi.devices[0].fp64);
    CHECK(hi.keeps_mirror);
    CHECK(travelled(system, remote_late{1, 2, 1ull << 40}).trajectory == 1ull << 40);
    CHECK(from_remote(travelled(system, remote_late_refused{to_remote(error{errc::stale_epoch, "what", "", ""})}).why)->code == errc::stale_epoch);
}

TEST_CASE("messages about copies of a run come back as they were") {
    travel_config config;
    caf::actor_system system(config);
    const auto offer = travelled(system, remote_mirror_offer{"scan", "seed", "ab", 2, {"one", "two"}, {3, 1ull << 50}});
    CHECK(offer.lineage == std::vector<std::string>{"one", "two"});
    CHECK(offer.epochs == std::vector<std::uint64_t>{3, 1ull << 50});
    CHECK(offer.n_chains == 2);
    CHECK(travelled(system, remote_mirror_held{{"x", "y"}, {}}).files.size() == 2);
    const auto file = travelled(system, remote_mirror_file{"checkpoints/c0-1.ckpt", "cd", 1ull << 33, 9});
    CHECK(file.name == "checkpoints/c0-1.ckpt");
    CHECK(file.bytes == 1ull << 33);
    const auto rows = travelled(system, remote_mirror_ledger{false, "ef", 10, 11, "ab", {1, 2}, 12});
    CHECK_FALSE(rows.whole);
    CHECK(rows.after_epochs == std::vector<std::uint64_t>{1, 2});
    CHECK(rows.after_events == 12);
    const auto listing = travelled(system, remote_mirror_listing{{{"id", "seed", "hash", 100, {file}}}, {}});
    REQUIRE(listing.runs.size() == 1);
    CHECK(listing.runs[0].trajectories == 100);
    CHECK(listing.runs[0].files.at(0).bytes == 1ull << 33);
    CHECK(travelled(system, remote_mirror_send{"id", "name", 77}).transfer == 77);
    CHECK(from_remote(travelled(system, remote_mirror_kept{to_remote(error{errc::no_space, "full", "", ""})}).failed)->code == errc::no_space);
}

TEST_CASE("numbers that decide keep every bit: signed zero, denormals, the last digit") {
    trajectory_observables o;
    o.plaquette_spatial = -0.0;
    o.plaquette_temporal = std::numeric_limits<double>::denorm_min();
    o.delta_h = 0.1 + 0.2;
    o.polyakov_im = -std::numeric_limits<double>::max();
    o.accepted = true;
    trajectory_observables back;
    REQUIRE(read_observed(observed_words(o), back));
    CHECK(observed_words(back) == observed_words(o));
    CHECK(std::signbit(back.plaquette_spatial));
    segment_params p;
    p.beta = 5.7;
    p.n_steps = 12;
    p.integrator = integrator_kind::leapfrog;
    p.n_measure = 4000000000u;
    p.precision = {precision_strategy::concurrent, 0.25};
    p.target_error = 1e-4;
    segment_params again;
    REQUIRE(read_params(params_words(p), again));
    CHECK(again == p);
    arithmetic a;
    arithmetic b;
    REQUIRE(read_arithmetics(arithmetic_words({precision_strategy::hybrid, 0.0}, p.precision), a, b));
    CHECK(a.strategy == precision_strategy::hybrid);
    CHECK(b == p.precision);
}

TEST_CASE("words that make no sense are refused") {
    segment_params p;
    p.beta = 6.0;
    const auto good = params_words(p);
    segment_params out;
    for (const std::size_t size : {std::size_t{0}, good.size() - 1, good.size() + 1}) {
        auto bad = good;
        bad.resize(size);
        CHECK(!read_params(bad, out));
    }
    for (const auto& [at, value] : {std::pair<std::size_t, std::uint64_t>{2, 0}, {2, 1ull << 33}, {3, 9}, {7, 9}, {8, 0x7ff8000000000000u}, {1, 0}}) {
        auto bad = good;
        bad[at] = value;
        INFO("word " << at);
        CHECK(!read_params(bad, out));
    }
    trajectory_observables o;
    CHECK(!read_observed({1, 2, 3}, o));
    arithmetic a;
    arithmetic b;
    CHECK(!read_arithmetics({}, a, b));
    CHECK(!read_arithmetics({7, 0, 0, 0}, a, b));
    CHECK(from_remote(remote_error{9999, "x", "", ""})->code == errc::internal);
}

TEST_CASE("a look half-way comes back to the bit, or is refused") {
    const auto same = [](const std::optional<trajectory_probe>& a) {
        std::optional<trajectory_probe> b = trajectory_probe{1.0, 2.0, 3.0};
        REQUIRE(read_middle(middle_words(a), b));
        REQUIRE(a.has_value() == b.has_value());
        if (a) {
            CHECK(a->kinetic_start == b->kinetic_start);
            CHECK(a->minus_log_u == b->minus_log_u);
            CHECK(a->delta_h_middle == b->delta_h_middle);
        }
    };
    same(std::nullopt);
    same(trajectory_probe{1234.0625, 0.1, std::nullopt});
    same(trajectory_probe{1234.0625, 0.1, -0x1.123456789abcdp-7});
    std::optional<trajectory_probe> out;
    CHECK_FALSE(read_middle({1}, out));
    CHECK_FALSE(read_middle({1, 2, 3, 4}, out));
}
