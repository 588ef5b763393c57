// SPDX-License-Identifier: AGPL-3.0-only
// Commands that only read, and the JSON that they print.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <regex>

using namespace forge::test;

namespace {

using json = nlohmann::json;

/// The envelope of a command that must succeed.
json envelope(const std::vector<std::string>& arguments, const std::string& schema, int exit_code = 0) {
    const auto r = run_forge(arguments);
    INFO(r.err);
    REQUIRE(r.exit_code == exit_code);
    const auto j = json::parse(r.out);
    CHECK(j.at("schema") == schema);
    CHECK(std::regex_match(j.at("at").get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
    CHECK(j.contains("data"));
    CHECK(j.at("warnings").is_array());
    CHECK(j.size() == 4);
    return j;
}

void check_stages(const json& status, unsigned capacity) {
    std::size_t chains = 0;
    for (const auto& stage : status.at("stages")) {
        const auto name = stage.at("stage").get<std::string>();
        CAPTURE(name);
        CHECK(stage.at("busy").get<double>() + stage.at("idle").get<double>() + stage.at("back_pressured").get<double>() ==
              Approx(1.0).epsilon(0).margin(1e-9));
        CHECK(stage.at("busy").get<double>() >= 0.0);
        CHECK((stage.at("power_w").is_null() || stage.at("power_source") != "none"));
        if (name.starts_with("chain.")) {
            ++chains;
            CHECK(stage.at("capacity") == capacity);
            CHECK(stage.at("queue_depth_max").get<unsigned>() <= capacity);
            CHECK(stage.at("queue_depth_max").get<unsigned>() > 0);
        }
    }
    CHECK(chains == 2);
}

} // namespace

TEST_CASE("status of a finished run: fractions add to 1, queues stay within their capacity", "[json]") {
    campaign_file c;
    const unsigned capacity = GENERATE(1u, 5u);
    c.flow = "capacity = " + std::to_string(capacity);
    const scenario s(c);
    s.finish();
    const auto j = envelope({"status", "--run", s.folder().string(), "--json"}, "forge.status/1");
    const auto& d = j.at("data");
    CHECK(d.at("state") == "finished");
    check_stages(d, capacity);
    for (const auto& chain : d.at("chains")) {
        CHECK(chain.at("phase") == "done");
        CHECK(chain.at("trajectory") == 240);
        CHECK(chain.at("sealed") == 240);
    }
    const auto text = run_forge({"status", "--run", s.folder().string()});
    CHECK(text.exit_code == 0);
    CHECK(text.out.find("finished") != std::string::npos);
    CHECK(text.out.find("chain.c1") != std::string::npos);
}

TEST_CASE("status while a run goes on is running, after kill -9 it is dead", "[json]") {
    campaign_file c;
    c.measure = 20000;
    const scenario s(c);
    process p(s.command());
    const auto published = [&s] {
        const auto status = json::parse(read_all(s.folder() / "status.json"), nullptr, false);
        return !status.is_discarded() && status.value("pid", 0) > 0 && s.committed(0) > 0;
    };
    REQUIRE(eventually(30.0, published));
    const auto alive = envelope({"status", "--run", s.folder().string(), "--json"}, "forge.status/1");
    CHECK(alive.at("data").at("state") == "running");
    CHECK(alive.at("data").at("pid") == p.pid());
    CHECK(alive.at("warnings").empty());
    CHECK(run_forge({"report", "--run", s.folder().string(), "--json"}).exit_code == 0); // beside the writer
    p.stop(SIGKILL);
    const auto dead = envelope({"status", "--run", s.folder().string(), "--json"}, "forge.status/1");
    CHECK(dead.at("data").at("state") == "dead");
    CHECK(dead.at("warnings").size() == 1);
    auto snapshot = json::parse(read_all(s.folder() / "status.json"));
    snapshot["state"] = "stopping"; // killed between Ctrl-C and its last seal
    std::ofstream(s.folder() / "status.json", std::ios::trunc) << snapshot.dump();
    const auto impatient = envelope({"status", "--run", s.folder().string(), "--json"}, "forge.status/1");
    CHECK(impatient.at("data").at("state") == "dead");
}

TEST_CASE("an adaptive run has an unknown number of segments: null in JSON, n/a for people", "[json]") {
    campaign_file c;
    c.scan = "steering = \"adaptive\"\n";
    const scenario s(c);
    s.finish();
    const auto j = envelope({"status", "--run", s.folder().string(), "--json"}, "forge.status/1");
    for (const auto& chain : j.at("data").at("chains")) {
        CHECK(chain.at("segments_total").is_null());
        CHECK(chain.at("eta_s").is_null());
    }
    CHECK(run_forge({"status", "--run", s.folder().string()}).out.find("n/a") != std::string::npos);
}

TEST_CASE("a short run reports its mean, but no autocorrelation time", "[json]") {
    campaign_file c;
    c.measure = 20;
    const scenario s(c);
    s.finish();
    const auto j = envelope({"report", "--run", s.folder().string(), "--json"}, "forge.report/1");
    CHECK(j.at("data").at("ledger_hash") == data_of(s.check_ledger()).at("ledger_hash"));
    REQUIRE(j.at("data").at("rows").size() == 4);
    double last_beta = 0.0;
    for (const auto& row : j.at("data").at("rows")) {
        CHECK(row.at("n_measured") == 20);
        CHECK(row.at("beta").get<double>() > last_beta);
        last_beta = row.at("beta");
        CHECK(row.at("reliable") == false);
        CHECK(row.at("plaquette").at("tau_int").is_null());
        CHECK(row.at("plaquette").at("mean").get<double>() > 0.4);
        CHECK(row.at("plaquette").at("mean").get<double>() < 0.7);
    }
    const auto text = run_forge({"report", "--run", s.folder().string()});
    CHECK(text.out.find("n/a") != std::string::npos);
    const auto table = read_all(s.folder() / "report" / "results.csv");
    CHECK(std::count(table.begin(), table.end(), '\n') == 5);
    CHECK(table.find("nan") == std::string::npos);
    CHECK(std::filesystem::exists(s.folder() / "report" / "report.md"));
}

TEST_CASE("a long run reports autocorrelation times and errors", "[json]") {
    campaign_file c;
    c.points = 2;
    c.measure = 2000;
    const scenario s(c);
    s.finish();
    const auto j = envelope({"report", "--run", s.folder().string(), "--json"}, "forge.report/1");
    for (const auto& row : j.at("data").at("rows")) {
        CHECK(row.at("plaquette").at("tau_int").get<double>() > 0.4);
        CHECK(row.at("plaquette").at("error").get<double>() > 0.0);
        const auto& e = row.at("exp_minus_delta_h"); // <exp(-dH)> = 1
        CHECK(std::abs(e.at("mean").get<double>() - 1.0) < 5.0 * e.at("error").get<double>());
    }
}

TEST_CASE("device list names every device, with null for the bits class that was not asked for", "[json]") {
    const auto plain = envelope({"device", "list", "--json"}, "forge.device.list/1");
    REQUIRE_FALSE(plain.at("data").empty());
    for (const auto& d : plain.at("data")) {
        CHECK(d.at("bits_class").is_null());
        CHECK(d.at("compute_units").get<int>() >= 1);
    }
    const auto split = envelope({"device", "list", "--json", "--split-cpu", "2", "--bits"}, "forge.device.list/1");
    std::map<std::string, std::string> classes;
    for (const auto& d : split.at("data"))
        if (d.at("fp64").get<bool>())
            classes[d.at("device")] = d.at("bits_class");
    REQUIRE(classes.size() >= 2);
    CHECK(classes.count("opencl:0.0") == 1);
    CHECK(classes.count("opencl:0.1") == 1);
    CHECK(classes["opencl:0.0"] == classes["opencl:0.1"]);
}

TEST_CASE("gauge check and checkpoint check print envelopes, refused files included", "[json]") {
    const scenario s;
    s.finish();
    const auto files = s.checkpoints(0);
    const auto good = envelope({"checkpoint", "check", files.at(0).string(), "--json"}, "forge.checkpoint.check/1");
    CHECK(good.at("data").at(0).at("ok") == true);
    CHECK(good.at("data").at(0).at("trajectory") == 240);
    CHECK(good.at("data").at(0).at("unitarity").get<double>() < 1e-12);
    flip(files.at(0), 4000);
    const auto mixed = envelope({"checkpoint", "check", files.at(0).string(), files.at(1).string(), "--json"}, "forge.checkpoint.check/1", 6);
    CHECK(mixed.at("data").at(0).at("ok") == false);
    CHECK_FALSE(mixed.at("data").at(0).at("what").get<std::string>().empty());
    CHECK(mixed.at("data").at(1).at("ok") == true);
    const auto no_gauge_file = run_forge({"gauge", "check", files.at(1).string(), "--json"});
    CHECK(no_gauge_file.exit_code != 0);
    CHECK(json::parse(no_gauge_file.out).at("data").at("files").at(0).at("accepted") == false);
    const char* folder = std::getenv("FORGE_TEST_DATA");
    if (folder == nullptr) {
        WARN("SKIPPED: FORGE_TEST_DATA is not set, no foreign configurations here");
        return;
    }
    const auto foreign = envelope({"gauge", "check", std::string(folder) + "/configs/cl2qcd_conf.00200", "--json"}, "forge.gauge.check/1");
    CHECK(foreign.at("data").at("files").at(0).at("accepted") == true);
    CHECK(foreign.at("data").at("files").at(0).at("recomputed").at("plaquette").get<double>() == Approx(0.571077111695).epsilon(1e-11));
}
