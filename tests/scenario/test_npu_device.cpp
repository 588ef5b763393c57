// SPDX-License-Identifier: AGPL-3.0-only
// forge npu info, deploy, search, bench: what they print, and what they refuse.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

namespace {

using json = nlohmann::json;

json data_of(const std::vector<std::string>& arguments, const std::string& schema) {
    const auto r = run_forge(arguments);
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    const auto j = json::parse(r.out);
    CHECK(j.at("schema") == schema);
    return j.at("data");
}

void refused(const std::vector<std::string>& arguments, int exit_code, const std::string& what) {
    const auto r = run_forge(arguments);
    CAPTURE(arguments.back(), r.err);
    CHECK(r.exit_code == exit_code);
    CHECK_THAT(r.err, Catch::Contains(what));
    CHECK(r.out.empty());
}

} // namespace

TEST_CASE("forge npu info says what runs, whose figures are models, and where the units end") {
    const auto d = data_of({"npu", "info", "--json"}, "forge.npu.info/1");
    CHECK(d.at("simulated") == true);
    CHECK(d.at("back_end") == "sim-akd1000");
    CHECK_THAT(d.at("runs").get<std::string>(), Catch::Contains("sim-akd1000"));
    for (const auto& f : d.at("figures"))
        CHECK(f.at("source").get<std::string>().starts_with("model"));
    CHECK(d.at("scaling").at(10).at("units") == 311);
    CHECK(d.at("scaling").at(67).at("fits") == true);
    CHECK(d.at("scaling").at(68).at("fits") == false);
    CHECK(d.at("scaling").at(68).at("left").is_null());
}

TEST_CASE("a program is saved, deployed from its file, and refused when its bytes have changed") {
    const scratch_folder scratch;
    const auto file = (scratch.path() / "p.npu").string();
    const std::vector<std::string> save{"npu",    "deploy", "--heads", "thermalization:1:sigmoid", "phase:2:softmax", "--dims", "6", "40",
                                        "--save", file,     "--json"};
    const auto made = data_of(save, "forge.npu.deploy/1");
    CHECK(made.at("sha256").is_null());
    CHECK(made.at("mode") == "hybrid");
    CHECK(made.at("device_units") == 179);
    refused(save, 4, "already_exists");
    const auto back = data_of({"npu", "deploy", file, "--activation", "relu", "--readouts", "device", "--json"}, "forge.npu.deploy/1");
    CHECK(back.at("mode") == "device-native");
    CHECK(back.at("device_units") == 179 + 12 * 3);
    CHECK(back.at("sha256").get<std::string>().size() == 64);
    CHECK_THAT(back.at("model").at("source").get<std::string>(), Catch::StartsWith("model"));
    {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(-3, std::ios::end);
        bytes.put('x');
    }
    refused({"npu", "deploy", file}, 6, "checksum_mismatch");
    std::ofstream(file) << "group,label,x\n";
    refused({"npu", "deploy", file}, 6, "malformed");
    refused({"npu", "deploy", (scratch.path() / "none").string()}, 3, "not_found");
}

TEST_CASE("heads that make no program are one clear error") {
    refused({"npu", "deploy"}, 2, "a program file or --heads");
    refused({"npu", "deploy", "--heads", "phase"}, 2, "a head is name:components:activation");
    refused({"npu", "deploy", "--heads", "phase:x:softmax"}, 2, "\"x\" is no number");
    refused({"npu", "deploy", "--heads", "phase:2:gelu"}, 2, "no activation \"gelu\"");
    refused({"npu", "deploy", "--heads", "phase:1:softmax"}, 2, "head phase has 1 components");
    std::vector<std::string> many{"npu", "deploy", "--heads"};
    for (int k = 0; k < 69; ++k)
        many.push_back("h" + std::to_string(k) + ":1:linear");
    const auto r = run_forge(many);
    CHECK(r.exit_code != 0);
    CHECK_THAT(r.err, Catch::Contains("179 + 12 * 69 = 1007 of 1000 units"));
}

TEST_CASE("a search over a CSV splits whole groups and compares the modes on held-out rows") {
    const scratch_folder scratch;
    const auto file = scratch.path() / "s.csv";
    {
        std::ofstream csv(file);
        csv << "group,label,a,b\n";
        unsigned x = 1;
        for (int group = 0; group < 40; ++group)
            for (int t = 0; t < 20; ++t) {
                x = x * 1664525u + 1013904223u;
                const double a = static_cast<double>(x >> 8) / (1 << 24) - 0.5;
                csv << group << "," << (t < 5 ? "" : a > 0 ? "1" : "0") << "," << a << "," << 0.1 * group << "\n";
            }
    }
    const std::vector<std::string> command{"npu", "search",  "--sequences", file.string(), "--candidates", "3",     "--deployed",
                                           "1",   "--units", "24",          "--compare",   "--attack",     "--json"};
    const auto d = data_of(command, "forge.npu.search/1");
    REQUIRE(d.at("candidates").size() == 3);
    CHECK(d.at("candidates").at(0).at("test_tuned").get<double>() > 0.8);
    CHECK(d.at("candidates").at(1).at("test_tuned").is_null());
    REQUIRE(d.at("modes").size() == 7);
    CHECK(d.at("modes").at(0).at("n").get<int>() % 15 == 0); // whole groups
    CHECK(d.at("attacks").size() == 5);
    CHECK(data_of(command, "forge.npu.search/1") == d);
    const auto line = [&](const std::string& text, const std::string& what) {
        std::ofstream(file) << text;
        refused({"npu", "search", "--sequences", file.string()}, 6, what);
    };
    line("a,b\n1,2\n", "the header does not begin with group,label");
    line("group,label,a\n0,1\n", "2 cells where the header has 3");
    line("group,label,a\n0,1,x\n", "\"x\" is no finite number");
    line("group,label,a\n0,2,1\n", "\"2\" is no label");
    line("group,label,a\n-1,1,1\n", "\"-1\" is no group");
    line("group,label,a\n", "there are no rows");
}

TEST_CASE("forge npu bench prints times of this machine, and the device's beside them as a model") {
    const auto rows = data_of({"npu", "bench", "--repeats", "1", "--json"}, "forge.npu.bench/1");
    REQUIRE(rows.size() == 10);
    for (const auto& r : rows) {
        CHECK(r.at("minimum_s").get<double>() > 0.0);
        CHECK(r.at("minimum_s").get<double>() <= r.at("p50_s").get<double>());
        CHECK(r.at("p50_s").get<double>() <= r.at("p99_s").get<double>());
        CHECK(r.at("n") == 200);
        CHECK(r.at("model_s").is_null() == r.at("what").get<std::string>().starts_with("software"));
    }
}
