// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/akida_discovery.hpp"

#include <catch2/catch.hpp>

#include <fstream>

#include <unistd.h>

using namespace forge;
namespace fs = std::filesystem;

namespace {

struct pretended_machine {
    fs::path root = fs::temp_directory_path() / ("forge-akida-" + std::to_string(::getpid()));
    pretended_machine() { fs::create_directories(root / "dev"); }
    ~pretended_machine() { fs::remove_all(root); }
    pretended_machine(const pretended_machine&) = delete;
    pretended_machine& operator=(const pretended_machine&) = delete;
    void board(const std::string& address, const std::string& vendor, const std::string& device, const std::string& driver = "") const {
        const auto folder = root / "sys/bus/pci/devices" / address;
        fs::create_directories(folder);
        std::ofstream(folder / "vendor") << vendor << "\n";
        std::ofstream(folder / "device") << device << "\n";
        if (!driver.empty()) {
            fs::create_directories(root / "sys/bus/pci/drivers" / driver);
            fs::create_directory_symlink(root / "sys/bus/pci/drivers" / driver, folder / "driver");
        }
    }
};

} // namespace

TEST_CASE("a machine without a board, or without /sys, has none, and the simulator runs") {
    const pretended_machine m;
    CHECK(find_akida(m.root).boards.empty());
    CHECK(find_akida(m.root / "nowhere").device_files.empty());
    m.board("0000:00:02.0", "0x8086", "0xbca1"); // another vendor's
    const auto found = find_akida(m.root);
    CHECK(found.boards.empty());
    CHECK(what_runs(found) == "no Akida board in this machine: programs run on sim-akd1000");
}

TEST_CASE("boards are named by their PCI ids, with their driver or without") {
    const pretended_machine m;
    m.board("0000:04:00.0", "0x1e7c", "0xa500");
    m.board("0000:03:00.0", "0x1e7c", "0xbca1");
    m.board("0000:05:00.0", "0x1e7c", "0xbeef");
    const auto found = find_akida(m.root);
    REQUIRE(found.boards.size() == 3);
    CHECK(found.boards[0].model == "AKD1000");
    CHECK(found.boards[0].pci == "0000:03:00.0");
    CHECK(found.boards[0].driver.empty());
    CHECK(found.boards[1].model == "AKD1500");
    CHECK(found.boards[2].model == "unknown (device beef)");
    CHECK_THAT(what_runs(found),
               Catch::Contains("AKD1000 at 0000:03:00.0 without a driver") && Catch::Contains("no /dev/akida*") && Catch::Contains("sim-akd1000"));
}

TEST_CASE("a board with driver and device file is reported, and what runs is still the simulator") {
    const pretended_machine m;
    m.board("0000:03:00.0", "0x1e7c", "0xbca1", "akida-pcie");
    std::ofstream(m.root / "dev/akida0") << "";
    std::ofstream(m.root / "dev/null0") << "";
    const auto found = find_akida(m.root);
    REQUIRE(found.device_files.size() == 1);
    CHECK(found.device_files.front().filename() == "akida0");
    CHECK(found.boards.front().driver == "akida-pcie");
    CHECK_THAT(what_runs(found), Catch::Contains("(driver akida-pcie)") && Catch::Contains("akida0") && Catch::Contains("sim-akd1000"));
}
