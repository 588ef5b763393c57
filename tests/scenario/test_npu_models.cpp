// SPDX-License-Identifier: AGPL-3.0-only
// forge npu train, eval, export, import by the real program.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace forge::test;

namespace {

using json = nlohmann::json;

/// Weights as an earlier program wrote them: no bias, no names.
json old_weights(std::size_t outputs) {
    constexpr std::size_t inputs = 3;
    constexpr std::size_t units = 4;
    json j{{"input_size", inputs}, {"reservoir_size", units}, {"output_size", outputs}, {"leak_rate", 0.3}, {"activation", "Tanh"}};
    for (const auto& [name, n] : {std::pair{"w_in", units * inputs}, std::pair{"w_res", units * units}, std::pair{"w_out", outputs * units}}) {
        j[name] = json::array();
        for (std::size_t k = 0; k < n; ++k)
            j[name].push_back(0.125 * static_cast<double>(k % 7) - 0.25);
    }
    return j;
}

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

} // namespace

TEST_CASE("nine-head weights become eleven heads, the last two of them zero and not trained") {
    const scratch_folder scratch;
    const auto old = old_weights(9);
    write(scratch.path() / "old.json", old.dump());
    const auto model = (scratch.path() / "old.model").string();
    const auto imported = run_forge({"npu", "import", (scratch.path() / "old.json").string(), "-o", model});
    INFO(imported.err);
    REQUIRE(imported.exit_code == 0);
    CHECK(imported.out.find("not trained: quenched_length, quenched_thermalisation") != std::string::npos);
    const auto exported = run_forge({"npu", "export", model, "--json"});
    REQUIRE(exported.exit_code == 0);
    const auto j = json::parse(exported.out);
    CHECK(j.at("output_size") == 11);
    CHECK(j.at("w_in") == old.at("w_in"));
    CHECK(j.at("w_res") == old.at("w_res"));
    CHECK(j.at("leak_rate") == 0.3);
    CHECK(j.at("activation") == "Tanh");
    REQUIRE(j.at("w_out").size() == 44);
    for (std::size_t k = 0; k < 44; ++k)
        CHECK(j.at("w_out")[k].get<double>() == (k < 36 ? old.at("w_out")[k].get<double>() : 0.0));
    CHECK(j.at("heads")[3].at("name") == "rejection");
    CHECK(j.at("heads")[3].at("trained") == true);
    CHECK(j.at("heads")[10].at("trained") == false);
    // What was exported comes back the same.
    write(scratch.path() / "new.json", exported.out);
    const auto again = (scratch.path() / "new.model").string();
    REQUIRE(run_forge({"npu", "import", (scratch.path() / "new.json").string(), "-o", again}).exit_code == 0);
    CHECK(json::parse(run_forge({"npu", "export", again, "--json"}).out) == j);
}

TEST_CASE("bad weights are refused, each with the field it is about") {
    const scratch_folder scratch;
    const auto file = scratch.path() / "bad.json";
    const auto refused = [&](const json& j, int exit_code, const std::string& mentions) {
        write(file, j.is_string() ? j.get<std::string>() : j.dump());
        const auto r = run_forge({"npu", "import", file.string(), "-o", (scratch.path() / "m").string()});
        CAPTURE(mentions, r.err);
        CHECK(r.exit_code == exit_code);
        CHECK(r.err.find(mentions) != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(scratch.path() / "m"));
    };
    auto j = old_weights(9);
    j["w_res"].erase(0);
    refused(j, 6, "w_res");
    j = old_weights(9);
    j["w_out"][3] = "x";
    refused(j, 6, "w_out");
    j = old_weights(9);
    j["activation"] = "ReluTanhApprox";
    refused(j, 6, "activation");
    j = old_weights(10);
    refused(j, 6, "output_size");
    j = old_weights(9);
    j["reservoir_size"] = 1000000;
    refused(j, 6, "reservoir_size");
    j = old_weights(9);
    j["schema_version"] = 99;
    refused(j, 6, "schema_version");
    j = old_weights(9);
    j["feature_version"] = 1;
    refused(j, 4, "feature_version");
    refused(json("{ no"), 6, "no JSON");
    refused(json("[1, 2]"), 6, "no JSON object");
}

TEST_CASE("a device to train on that is not there is said before anything is read") {
    const scratch_folder scratch;
    const auto model = (scratch.path() / "m").string(), no_run = (scratch.path() / "none").string();
    const auto nowhere = run_forge({"npu", "train", no_run, "-o", model, "--device", "opencl:99"});
    CHECK(nowhere.exit_code == 3);
    CHECK(nowhere.err.find("there is no device opencl:99") != std::string::npos);
    CHECK(nowhere.err.find("forge device list") != std::string::npos);
    const auto word = run_forge({"npu", "train", no_run, "-o", model, "--device", "gpu"});
    CHECK(word.exit_code == 2);
    CHECK(word.err.find("\"gpu\"") != std::string::npos);
    CHECK(word.err.find("forge device list") != std::string::npos);
    const auto host = run_forge({"npu", "train", no_run, "-o", model, "--device", "host"});
    CHECK(host.exit_code != 0);
    CHECK(host.err.find(no_run) != std::string::npos); // it goes on to the runs
    CHECK_FALSE(std::filesystem::exists(model));
}

TEST_CASE("a model file of 5 GiB is refused in one sentence that names it") {
    const scratch_folder scratch;
    const auto file = scratch.path() / "large.model";
    write(file, "x");
    std::filesystem::resize_file(file, std::uintmax_t{5} << 30); // sparse
    const auto r = run_forge({"npu", "export", file.string()});
    INFO(r.err);
    CHECK(r.exit_code == 6);
    CHECK(r.out.empty());
    CHECK(r.err.find(file.string()) != std::string::npos);
    CHECK(r.err.find("5368709120") != std::string::npos);
}

TEST_CASE("a model is trained on runs, judged on others, and refuses to judge itself; a damaged file is refused") {
    campaign_file c;
    c.chains = 6;
    c.points = 6;
    c.steps = 4;
    c.thermalise = 5;
    c.measure = 225;
    c.start = "kind = \"hot\"";
    const scenario hot(c);
    hot.finish();
    c.start = "kind = \"cold\"";
    const scenario cold(c);
    cold.finish();
    c.seed = "another";
    const scenario other(c);
    other.finish();
    const auto model = (hot.scratch() / "a.model").string();
    const auto trained = run_forge({"npu", "train", hot.folder().string(), cold.folder().string(), "-o", model, "--units", "20", "--reservoirs", "1", "--json"});
    INFO(trained.err);
    REQUIRE(trained.exit_code == 0);
    const auto d = data_of(trained);
    CHECK(d.at("chains") == 12);
    CHECK(d.at("device") == "host");
    CHECK(d.at("rows") == 12 * (230 - 25 - 10 + 1));
    CHECK(d.at("heads").size() == 14);
    for (const auto& h : d.at("heads"))
        if (h.at("head") == "cg_estimate" || h.at("head") == "transport_d" || h.at("head") == "transport_eta") {
            CHECK(h.at("trained") == false);
            CHECK(h.at("score").is_null()); // n/a, never 0
            CHECK(h.at("verdict").get<std::string>().find("not applicable") == 0);
        }
    const auto judged = run_forge({"npu", "eval", model, other.folder().string(), "--json"});
    INFO(judged.err);
    REQUIRE(judged.exit_code == 0);
    CHECK(data_of(judged).at("results")[0].at("heads").size() > 10);
    const auto itself = run_forge({"npu", "eval", model, hot.folder().string()});
    CHECK(itself.exit_code == 4);
    CHECK(itself.err.find("judge itself") != std::string::npos);
    CHECK(run_forge({"npu", "train", hot.folder().string(), hot.folder().string(), "-o", model}).err.find("twice") != std::string::npos);
    // A study of runs that others teach: their chains alone are judged.
    const auto study = [&](const std::string& name, const scenario& judge) {
        return run_forge({"npu", "eval", "--study", name, "--units", "20", hot.folder().string(), cold.folder().string(), "--judge", judge.folder().string(), "--json"});
    };
    const auto fresh = study("rejection", other);
    INFO(fresh.err);
    REQUIRE(fresh.exit_code == 0);
    CHECK(data_of(fresh).at("results")[0].at("chains") == 6);
    CHECK(data_of(fresh).at("results")[0].at("rows") == 6 * (230 - 25 - 100));
    CHECK(study("rejection", hot).err.find("twice") != std::string::npos);
    CHECK(study("heads", other).exit_code == 2);
    flip(model, 5000);
    CHECK(run_forge({"npu", "export", model, "--json"}).exit_code == 6);
    const auto none = run_forge({"npu", "export", (hot.scratch() / "none").string(), "--json"});
    CHECK(none.exit_code == 3);
    CHECK(none.err.find("forge npu train") != std::string::npos);
}
