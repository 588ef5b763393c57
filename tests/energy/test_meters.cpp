// SPDX-License-Identifier: AGPL-3.0-only
// Meters on sensor trees that the test writes and advances, and joules that add up.
#include "libactors/energy/meters.hpp"
#include "tests/support/process.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <unistd.h>

using namespace forge;
using namespace forge::energy;
using forge::test::scratch_folder;

namespace {

void put(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
}

constexpr std::uint64_t range_uj = 262143328850;

void zone(const std::filesystem::path& root, const std::string& id, const std::string& name, std::uint64_t uj) {
    put(root / id / "name", name);
    put(root / id / "max_energy_range_uj", std::to_string(range_uj));
    put(root / id / "energy_uj", std::to_string(uj));
}

double joules(energy_meter& m, double now) {
    const auto r = m.read(now);
    INFO(r.note);
    REQUIRE(r.joules);
    return *r.joules;
}

} // namespace

TEST_CASE("RAPL: two packages add up, what is inside them does not add again, and a wrap is followed") {
    const scratch_folder scratch;
    const auto root = scratch.path();
    zone(root, "intel-rapl:0", "package-0", 1'000'000);
    zone(root, "intel-rapl:1", "package-1", range_uj - 5'000'000);
    zone(root, "intel-rapl:0:0", "core", 500);
    zone(root, "intel-rapl:2", "psys", 700);
    auto meter = rapl_meter(root);
    CHECK(joules(*meter, 0.0) == 0.0);
    zone(root, "intel-rapl:0", "package-0", 31'000'000);
    zone(root, "intel-rapl:0:0", "core", 20'000'000);
    zone(root, "intel-rapl:2", "psys", 90'000'000);
    CHECK(joules(*meter, 1.0) == Approx(30.0));
    zone(root, "intel-rapl:1", "package-1", 2'000'000); // 5 J to the end, 2 J after it
    CHECK(joules(*meter, 2.0) == Approx(37.0));
    CHECK(meter->read(2.5).source == energy_source::rapl);
    CHECK(meter->read(2.5).note == "2 processor packages");
    // Ten more rounds: 64 bits do not wrap.
    for (int k = 0; k < 10; ++k) {
        zone(root, "intel-rapl:1", "package-1", range_uj - 1'000'000);
        static_cast<void>(meter->read(3.0 + 2 * k));
        zone(root, "intel-rapl:1", "package-1", 2'000'000);
        static_cast<void>(meter->read(4.0 + 2 * k));
    }
    CHECK(joules(*meter, 25.0) == Approx(37.0 + 10 * static_cast<double>(range_uj) * 1e-6));
}

TEST_CASE("RAPL: what cannot be known is unknown, with what to do about it") {
    const scratch_folder scratch;
    const auto root = scratch.path();
    const auto none = rapl_meter(root / "nowhere")->read(0.0);
    CHECK_FALSE(none.joules);
    CHECK(none.source == energy_source::none);
    CHECK(none.note.find("no RAPL package") != std::string::npos);

    zone(root, "intel-rapl:0", "package-0", 0);
    auto late = rapl_meter(root);
    CHECK(joules(*late, 0.0) == 0.0);
    CHECK(late->read(1000.0).note.find("wrapped more than once") != std::string::npos);
    CHECK_FALSE(late->read(1001.0).joules); // and it stays so

    zone(root, "intel-rapl:1", "package-1", 0);
    auto going = rapl_meter(root);
    CHECK(joules(*going, 0.0) == 0.0);
    std::filesystem::remove(root / "intel-rapl:1" / "energy_uj");
    CHECK_FALSE(going->read(1.0).joules); // one package alone is not the processor
    put(root / "intel-rapl:1" / "energy_uj", "plenty");
    CHECK(rapl_meter(root)->read(0.0).note.find("no number") != std::string::npos);

    zone(root, "intel-rapl:1", "package-1", 0);
    std::filesystem::permissions(root / "intel-rapl:1" / "energy_uj", std::filesystem::perms::none);
    // Root may read everything: it becomes somebody else for a moment.
    const auto self = ::geteuid();
    if (self == 0) {
        std::filesystem::permissions(root, std::filesystem::perms(0755));
        REQUIRE(::seteuid(65534) == 0);
    }
    const auto locked = rapl_meter(root)->read(0.0);
    REQUIRE(::seteuid(self) == 0);
    CHECK_FALSE(locked.joules);
    CHECK(locked.note.find("sudo chmod a+r") != std::string::npos);
}

TEST_CASE("hwmon: counters are differences, power is integrated, a device's average does not count twice") {
    const scratch_folder scratch;
    const auto root = scratch.path();
    put(root / "hwmon0" / "name", "amdgpu");
    put(root / "hwmon0" / "power1_average", "50000000");
    put(root / "hwmon1" / "name", "board");
    put(root / "hwmon1" / "energy1_input", "7000000");
    put(root / "hwmon1" / "energy2_input", "1000000");
    put(root / "hwmon1" / "power1_input", "99000000");
    put(root / "hwmon2" / "name", "nvme");
    put(root / "hwmon2" / "temp1_input", "40000");
    CHECK(hwmon_devices(root) == std::vector<std::string>{"amdgpu", "board"});

    auto board = hwmon_meter("board", root);
    CHECK(joules(*board, 0.0) == 0.0);
    put(root / "hwmon1" / "energy1_input", "9500000");
    put(root / "hwmon1" / "energy2_input", "1500000");
    CHECK(joules(*board, 100.0) == Approx(3.0));
    put(root / "hwmon1" / "energy2_input", "10");
    CHECK_FALSE(board->read(101.0).joules);

    auto gpu = hwmon_meter("amdgpu", root);
    CHECK(joules(*gpu, 10.0) == 0.0);
    put(root / "hwmon0" / "power1_average", "70000000");
    CHECK(joules(*gpu, 12.0) == Approx(120.0)); // a line from 50 W to 70 W in 2 s
    put(root / "hwmon0" / "power1_input", "70000000");
    auto both = hwmon_meter("amdgpu", root);
    CHECK(joules(*both, 0.0) == 0.0);
    CHECK(joules(*both, 1.0) == Approx(70.0));
    CHECK_FALSE(gpu->read(60.0).joules); // nobody looked for 48 s
    CHECK(hwmon_meter("toaster", root)->read(0.0).note.find("toaster") != std::string::npos);
}

TEST_CASE("NVML: absent is no error; a counter where there is one, else sampled power; a lost device says so") {
    const auto absent = find_nvml("libforge-has-no-such-library.so.1");
    CHECK(absent.meters.empty());
    CHECK(absent.note.find("no NVML") != std::string::npos);

    ::setenv("STAND_IN_NVML_MJ", "5000", 1);
    ::setenv("STAND_IN_NVML_MW", "100000", 1);
    auto found = find_nvml(FORGE_STAND_IN_NVML);
    REQUIRE(found.meters.size() == 2);
    CHECK(joules(*found.meters[0], 0.0) == 0.0);
    CHECK(joules(*found.meters[1], 0.0) == 0.0);
    ::setenv("STAND_IN_NVML_MJ", "12500", 1);
    ::setenv("STAND_IN_NVML_MW", "200000", 1);
    CHECK(joules(*found.meters[0], 100.0) == Approx(7.5));
    CHECK(joules(*found.meters[1], 2.0) == Approx(300.0));
    CHECK(found.meters[0]->read(101.0).source == energy_source::nvml);
    CHECK(found.meters[1]->read(3.0).note.find("sampled") != std::string::npos);
    ::setenv("STAND_IN_NVML_LOST", "1", 1);
    CHECK(found.meters[0]->read(102.0).note.find("GPU is lost") != std::string::npos);
    ::unsetenv("STAND_IN_NVML_LOST");
    CHECK_FALSE(found.meters[0]->read(103.0).joules);
    ::setenv("STAND_IN_NVML_DEAD", "1", 1);
    CHECK(find_nvml(FORGE_STAND_IN_NVML).note.find("does not start") != std::string::npos);
    ::unsetenv("STAND_IN_NVML_DEAD");
}

TEST_CASE("a model is watts times seconds and says that it is one; without watts it is nothing") {
    auto model = model_meter(65.0, "the host");
    CHECK(joules(*model, 5.0) == 0.0);
    CHECK(joules(*model, 15.0) == Approx(650.0));
    CHECK(model->read(15.0).source == energy_source::model);
    CHECK_FALSE(is_measured(energy_source::model));
    CHECK(is_measured(energy_source::hwmon));
    CHECK_FALSE(model_meter(std::nullopt, "the host")->read(1.0).joules);
    for (const auto s : {energy_source::none, energy_source::model, energy_source::hwmon, energy_source::rapl, energy_source::nvml})
        CHECK(energy_source_from(name_of(s)) == s);
    CHECK_FALSE(energy_source_from("sun"));
}

TEST_CASE("sums of places: unknown when one is, no better than the least of them") {
    const std::vector<energy_reading> both{{100.0, energy_source::rapl, "cpu"}, {50.0, energy_source::model, "gpu"}};
    CHECK(*sum_of(both).joules == 150.0);
    CHECK(sum_of(both).source == energy_source::model);
    const std::vector<energy_reading> half{{100.0, energy_source::rapl, "cpu"}, {{}, energy_source::none, "no sensor"}};
    CHECK_FALSE(sum_of(half).joules);
    CHECK(sum_of(half).note == "no sensor");
    CHECK_FALSE(sum_of({}).joules);
}

TEST_CASE("shares of stages add up to the node, idle power by occupied device-seconds") {
    const std::vector<stage_occupancy> stages{{"hmc", 90.0, 4000.0}, {"check", 30.0, {}}, {"score", 0.0, {}}, {"record", 7.0, 0.5}};
    const auto shares = attribute(10000.0, stages).or_throw();
    double sum = 0.0;
    for (const auto& s : shares)
        sum += s.joules;
    CHECK(sum == Approx(10000.0).epsilon(1e-13));
    const double idle = (10000.0 - 4000.5) / 127.0;
    CHECK(shares[0].joules == Approx(4000.0 + 90.0 * idle));
    CHECK(shares[1].joules == Approx(30.0 * idle));
    CHECK(shares[2].joules == 0.0);
    CHECK(attribute(100.0, stages).reason().code == errc::conflict);
    CHECK(attribute(100.0, std::vector<stage_occupancy>{{"hmc", 0.0, {}}}).reason().code == errc::invalid_argument);
    CHECK_FALSE(attribute(-1.0, stages));
}
