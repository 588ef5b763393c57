// SPDX-License-Identifier: AGPL-3.0-only
// A campaign whose conductor runs on the int4 simulator, by the real program.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::test;

namespace {

campaign_file from(const std::string& kind) {
    campaign_file c;
    c.chains = 6;
    c.points = 6;
    c.steps = 4;
    c.thermalise = 5;
    c.measure = 225;
    c.start = "kind = \"" + kind + "\"";
    return c;
}

/// Two tiny runs and a model of them, in folders that outlive the campaigns.
struct trained {
    scenario hot{from("hot")}, cold{from("cold")};
    std::string file = (hot.scratch() / "a.model").string();
    trained() {
        hot.finish();
        cold.finish();
        const auto r =
            run_forge({"npu", "train", hot.folder().string(), cold.folder().string(), "-o", file, "--units", "24", "--reservoirs", "2", "--int4-weights", "--json"});
        INFO(r.err);
        REQUIRE(r.exit_code == 0);
    }
};

campaign_file pairs(const trained& model, const std::string& mode, const std::string& device) {
    campaign_file c;
    c.chains = 4;
    c.points = 4;
    c.thermalise = 120;
    c.measure = 60;
    c.start = "kind = \"both\"";
    c.conductor = "mode = \"" + mode + "\"\nmodel = \"" + model.file + "\"\ndevice = \"" + device + "\"\n";
    return c;
}

nlohmann::json device_of(const scenario& s) {
    return data_of(run_forge({"status", "--run", s.folder().string(), "--json"})).at("conductor").at("device");
}

const trained& runs_and_model() {
    static const trained once;
    return once;
}

} // namespace

TEST_CASE("a conductor on the int4 simulator decides the same twice, and says what is model and what was measured", "[conductor]") {
    const auto& model = runs_and_model();
    const auto c = pairs(model, "act", "sim-akd1000");
    scenario s(c), again(c);
    const auto hash = s.finish();
    CHECK(again.finish() == hash);
    const auto d = device_of(s);
    CHECK(d.at("name") == "sim-akd1000");
    CHECK(d.at("simulated") == true);
    CHECK(d.at("clamped") == 0);                         // the range is that of the features
    CHECK(d.at("passes").get<std::uint64_t>() % 2 == 0); // two reservoirs
    CHECK(d.at("passes").get<std::uint64_t>() > 2 * 4 * 60);
    CHECK(d.at("model_s_per_pass").get<double>() > 650e-6); // its link alone
    CHECK(d.at("measured_s_per_pass").get<double>() > 0.0);
    CHECK(d.at("note").is_null());
    const auto text = run_forge({"status", "--run", s.folder().string()}).out;
    CHECK(text.find("reservoirs on sim-akd1000 (sim)") != std::string::npos);
    CHECK(text.find("(device, model)") != std::string::npos);
    // Other arithmetic is other physics; a board for which the simulator stands in is the same one.
    s.write(pairs(model, "act", "software"));
    const auto refused = s.run();
    CHECK(refused.exit_code == 4);
    CHECK(refused.err.find("conductor.device") != std::string::npos);
    s.write(pairs(model, "act", "akida"));
    const auto goes_on = s.run();
    CHECK(goes_on.exit_code == 0);
    CHECK(data_of(goes_on).at("ledger_hash") == hash);
    CHECK(device_of(s).at("name") == "sim-akd1000");
    CHECK(device_of(s).at("note").get<std::string>().find("sim-akd1000") != std::string::npos);
}

TEST_CASE("on a device or not, advice changes no bit; a device without a model is refused", "[conductor]") {
    const auto& model = runs_and_model();
    scenario software(pairs(model, "advise", "software")), sim(pairs(model, "advise", "sim-akd1000"));
    CHECK(software.finish() == sim.finish());
    CHECK(device_of(software).at("name") == "software-f32");
    CHECK(device_of(software).at("passes").is_null());
    // Readouts of other weights than the device holds: it runs, and says so.
    const auto plain = (model.hot.scratch() / "plain.model").string();
    REQUIRE(run_forge({"npu", "train", model.hot.folder().string(), model.cold.folder().string(), "-o", plain, "--units", "24", "--no-validation"}).exit_code == 0);
    auto other = pairs(model, "advise", "sim-akd1000");
    other.conductor = "mode = \"advise\"\nmodel = \"" + plain + "\"\ndevice = \"sim-akd1000\"\n";
    scenario warned(other);
    (void)warned.finish();
    CHECK(device_of(warned).at("note").get<std::string>().find("--int4-weights") != std::string::npos);
    auto none = pairs(model, "act", "sim-akd1000");
    none.conductor = "mode = \"act\"\ndevice = \"sim-akd1000\"\n";
    const auto r = scenario(none).run();
    CHECK(r.exit_code == 2);
    CHECK(r.err.find("there is none") != std::string::npos);
    none.conductor = "device = \"gpu\"\n";
    CHECK(scenario(none).run().exit_code == 2);
}

TEST_CASE("the same held-out chains are answered in f32, in int4 and in both, beside what a constant reaches", "[conductor]") {
    const auto& model = runs_and_model();
    std::vector<std::string> command{"npu", "compare", model.hot.folder().string(), model.cold.folder().string(), "--units", "16", "--json"};
    const auto one = run_forge(command);
    INFO(one.err);
    REQUIRE(one.exit_code == 0);
    const auto r = data_of(one).at("results").at(0);
    constexpr std::uint64_t rows = 230 - 25 - 10 + 1; // that a chain has targets for
    CHECK(r.at("held_out_rows") == 4 * rows);         // two of six partnerships
    CHECK(r.at("folds").at(0).at("training_rows") == 6 * rows);
    CHECK(r.at("constant").get<double>() == Approx(std::max(r.at("base_rate").get<double>(), 1.0 - r.at("base_rate").get<double>())));
    REQUIRE(r.at("modes").size() == 9); // those of compare_modes, and what campaigns do
    for (const auto& m : r.at("modes")) {
        CAPTURE(m.dump());
        CHECK(m.at("n") == r.at("held_out_rows"));
        CHECK(m.at("groups") == 2);
        CHECK(m.at("f32_minus_it").get<double>() ==
              Approx(r.at("modes")[0].at("accuracy").get<double>() - m.at("accuracy").get<double>()).margin(1e-12));
    }
    CHECK(run_forge(command).out.find("hybrid (threshold override)") != std::string::npos);
    command.push_back("--all-folds");
    const auto all = data_of(run_forge(command)).at("results").at(0);
    CHECK(all.at("held_out_rows") == 12 * rows); // every chain once
    CHECK(all.at("modes")[3].at("groups") == 6);
    // 4^4 does not deconfine: there is no phase to ask for.
    command = {"npu", "compare", model.hot.folder().string(), "--head", "phase"};
    const auto none = run_forge(command);
    CHECK(none.exit_code != 0);
    CHECK(none.err.find("phase has no target") != std::string::npos);
}
