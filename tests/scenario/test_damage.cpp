// SPDX-License-Identifier: AGPL-3.0-only
// Damaged files are found, named and survived.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace forge::test;
using forge::chain_id;

namespace {

campaign_file stopped_campaign() {
    campaign_file c;
    c.measure = 1000;
    c.checkpoint = "interval_s = 0.1";
    return c;
}

/// A run of at least two generations per chain that was stopped before its end.
void run_partly(const scenario& s) {
    process p(s.command({"--quiet"}));
    REQUIRE(eventually(30.0, [&s] {
        if (s.committed(0) == 0)
            return false;
        auto book = s.open();
        for (std::uint32_t chain = 0; chain < 2; ++chain) {
            const auto rows = book.checkpoints(chain_id{chain});
            if (!rows || rows->size() < 2)
                return false;
        }
        return true;
    }));
    const auto r = p.stop(SIGTERM);
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    REQUIRE(data_of(r).at("finished") == false);
}

/// Changes the ledger behind forge's back, with another program's SQLite.
void sql(const std::filesystem::path& file, const std::string& statement) {
    const std::string program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); print(db.execute(sys.argv[2]).rowcount); db.commit()";
    const auto r = process({"python3", "-c", program, file.string(), statement}).wait();
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    REQUIRE(r.out == "1\n");
}

} // namespace

TEST_CASE("a damaged newest checkpoint is named, the older one is used, and the hash stays", "[damage]") {
    const auto c = stopped_campaign();
    scenario s(c);
    run_partly(s);
    const auto files = s.checkpoints(0);
    REQUIRE(files.size() == 2);
    const auto how = GENERATE(as<std::string>{}, "flipped", "cut", "gone");
    CAPTURE(how);
    if (how == "flipped")
        flip(files[0], -5000);
    else if (how == "cut")
        std::filesystem::resize_file(files[0], std::filesystem::file_size(files[0]) / 2);
    else
        std::filesystem::remove(files[0]);
    const auto verdict = run_forge({"checkpoint", "check", files[0].string()});
    CHECK(verdict.exit_code == (how == "gone" ? 3 : 6));
    CHECK(run_forge({"checkpoint", "check", files[1].string()}).exit_code == 0);
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == 0);
    CHECK(r.err.find(files[0].filename().string()) != std::string::npos);
    CHECK(r.err.find("is not used") != std::string::npos);
    CHECK(data_of(r).at("ledger_hash") == undisturbed_hash(c));
    CHECK(s.check_ledger().exit_code == 0);
}

TEST_CASE("with every checkpoint damaged a chain starts from its beginning and comes to the same hash", "[damage]") {
    const auto c = stopped_campaign();
    scenario s(c);
    run_partly(s);
    for (const auto& file : s.checkpoints(1))
        flip(file, 3000);
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == 0);
    CHECK(r.err.find("c1: goes on after trajectory 0") != std::string::npos);
    CHECK(data_of(r).at("ledger_hash") == undisturbed_hash(c));
    const auto checked = s.check_ledger();
    CHECK(checked.exit_code == 0);
    const auto summary = data_of(checked); // named: a range-for keeps no temporary behind a reference alive
    for (const auto& chain : summary.at("chains"))
        CHECK(chain.at("superseded") == 0); // computed again with the same bits
}

TEST_CASE("two verified generations stay from the moment that two exist, and older ones go", "[checkpoint]") {
    campaign_file c = stopped_campaign();
    c.checkpoint = "interval_s = 0.02";
    scenario s(c);
    process p(s.command({"--quiet"}));
    std::set<std::string> seen;
    bool two_existed = false;
    std::size_t looks = 0;
    std::size_t fewer_than_two = 0;
    std::size_t most = 0;
    while (p.running()) {
        // Files on the disk, not rows: what is left after a crash at this moment.
        std::set<std::string> now;
        std::error_code ignored;
        for (const auto& e : std::filesystem::directory_iterator(s.folder() / "checkpoints", ignored))
            if (const auto name = e.path().filename().string(); name.starts_with("c0-") && name.ends_with(".ckpt"))
                now.insert(name);
        two_existed = two_existed || now.size() >= 2;
        fewer_than_two += two_existed && now.size() < 2 ? 1 : 0;
        most = std::max(most, now.size());
        seen.insert(now.begin(), now.end());
        ++looks;
    }
    REQUIRE(p.wait().exit_code == 0);
    CHECK(looks > 10);
    CHECK(two_existed);
    CHECK(fewer_than_two == 0);
    CHECK(most <= 4); // two, the new one, and a name met while the folder was being read
    CHECK(seen.size() > 5);
    for (std::uint32_t chain = 0; chain < 2; ++chain) {
        const auto files = s.checkpoints(chain);
        CHECK(files.size() == 2);
        for (const auto& f : files)
            CHECK(run_forge({"checkpoint", "check", f.string()}).exit_code == 0);
    }
    CHECK(std::distance(std::filesystem::directory_iterator(s.folder() / "checkpoints"), {}) == 4);
}

TEST_CASE("one changed value in a ledger is found and named by chain and trajectory", "[damage]") {
    campaign_file c;
    scenario s(c);
    const auto hash = s.finish();
    const auto book = s.folder() / "ledger.sqlite";
    const auto column = GENERATE(as<std::string>{}, "plaquette = plaquette + 1e-12", "accepted = 1 - accepted",
                                 "bytes = CAST(substr(bytes, 1, 100) || x'00ff' || substr(bytes, 103) AS BLOB)",
                                 "hash = zeroblob(32)");
    CAPTURE(column);
    sql(book, "UPDATE records SET " + column + " WHERE chain = 1 AND trajectory = 77");
    const auto checked = s.check_ledger();
    INFO(checked.out + checked.err);
    CHECK(checked.exit_code == 6);
    const auto data = data_of(checked);
    CHECK(data.at("ok") == false);
    REQUIRE_FALSE(data.at("problems").empty());
    CHECK(data.at("problems").at(0).at("chain") == "c1");
    CHECK(data.at("problems").at(0).at("trajectory") == 77);
    const auto text = run_forge({"ledger", "check", s.folder().string()});
    CHECK(text.exit_code == 6);
    CHECK(text.out.find("c1 trajectory 77") != std::string::npos);
    CHECK(run_forge({"ledger", "check", s.folder().string(), "--chain", "c0"}).exit_code == 0);
    CHECK(hash.size() == 64);
}

TEST_CASE("a folder with a file that is no ledger is refused, and the file stays as it is", "[damage]") {
    scenario s;
    std::filesystem::create_directories(s.folder());
    std::ofstream(s.folder() / "ledger.sqlite") << "these are my notes, not a data base";
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code != 0);
    CHECK(r.exit_code != 1);
    CHECK(r.err.find("ledger.sqlite") != std::string::npos);
    CHECK(read_all(s.folder() / "ledger.sqlite") == "these are my notes, not a data base");
}

TEST_CASE("a run that cannot go on with its ledger does not end like one that was stopped", "[damage]") {
    scenario s(stopped_campaign());
    run_partly(s);
    const std::string program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('DROP TABLE segments'); db.commit()";
    REQUIRE(process({"python3", "-c", program, (s.folder() / "ledger.sqlite").string()}).wait().exit_code == 0);
    const auto quiet = s.run({"--quiet"});
    INFO(quiet.err);
    CHECK(quiet.exit_code == 9);
    CHECK(data_of(quiet).at("finished") == false);
    CHECK(quiet.err.find("ended without being finished") != std::string::npos);
    CHECK(quiet.err.find("stopped and sealed") == std::string::npos);
    CHECK(quiet.err.find("forge ledger check") != std::string::npos);
    const auto talking = s.run();
    CHECK(talking.exit_code == 9);
    CHECK(talking.err.find("the campaign cannot start") != std::string::npos);
    CHECK(talking.err.find("no such table: segments") != std::string::npos);
}
