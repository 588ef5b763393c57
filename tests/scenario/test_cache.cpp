// SPDX-License-Identifier: AGPL-3.0-only
// The kernel cache between processes, and group sizes tuned by command.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <set>

using namespace forge::test;

namespace {

std::vector<std::string> with_caches(const std::filesystem::path& folder, const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"env", "FORGE_CACHE_DIR=" + (folder / "forge").string(), "POCL_CACHE_DIR=" + (folder / "pocl").string()};
    const auto forge = forge_command(arguments);
    command.insert(command.end(), forge.begin(), forge.end());
    return command;
}

} // namespace

TEST_CASE("processes that fill one kernel cache at the same time agree, and leave whole files only") {
    const scratch_folder folder;
    std::filesystem::create_directories(folder.path() / "pocl");
    std::vector<std::unique_ptr<process>> started;
    for (int i = 0; i < 3; ++i)
        started.push_back(std::make_unique<process>(with_caches(folder.path(), {"device", "list", "--bits", "--json"})));
    std::set<std::string> classes;
    for (auto& p : started) {
        const auto r = p->wait(200.0);
        INFO(r.err);
        REQUIRE(r.exit_code == 0);
        const auto row = nlohmann::json::parse(r.out)["data"][0];
        classes.insert(row["bits_class"].get<std::string>());
    }
    CHECK(classes.size() == 1);
    int binaries = 0;
    for (const auto& f : std::filesystem::recursive_directory_iterator(folder.path() / "forge"))
        if (f.is_regular_file()) {
            INFO(f.path().string());
            CHECK(f.path().extension() == ".bin"); // no temporary stays
            ++binaries;
        }
    CHECK(binaries >= 1);
    const auto again = process(with_caches(folder.path(), {"device", "list", "--bits", "--json"})).wait(120.0);
    REQUIRE(again.exit_code == 0);
    CHECK(nlohmann::json::parse(again.out)["data"][0]["bits_class"].get<std::string>() == *classes.begin());
}

TEST_CASE("forge device tune asks for a lattice, and refuses a device that is not there") {
    const auto without = run_forge({"device", "tune"});
    CHECK(without.exit_code == 2);
    CHECK(without.err.find("--lattice") != std::string::npos);
    const auto unknown = run_forge({"device", "tune", "opencl:77", "--lattice", "4", "4", "4", "4"});
    CHECK(unknown.exit_code != 0);
    CHECK(unknown.err.find("opencl:77") != std::string::npos);
}
