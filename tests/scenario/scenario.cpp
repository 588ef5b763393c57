// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace forge::test {

std::string campaign_file::text() const {
    const auto number = [](const char* key, int value) { return std::string(key) + " = " + std::to_string(value) + "\n"; };
    const auto table = [](const char* name, const std::string& lines) { return "[" + std::string(name) + "]\n" + lines + "\n"; };
    return "name = \"small\"\n" + (seed ? "seed = \"" + *seed + "\"\n" : std::string()) + number("chains", chains) +
           table("lattice", "extents = " + extents) +
           table("scan", (points > 1 ? "beta_min = 5.5\nbeta_max = 5.9\n" : "beta_min = 5.7\n") + number("points", points) + scan) +
           table("hmc", number("steps", steps)) + table("thermalisation", number("trajectories", thermalise)) +
           table("measurement", number("trajectories", measure) + measurement) + table("start", start) +
           table("devices", devices) + table("flow", flow) + table("checkpoint", checkpoint) + table("ledger", ledger) + table("conductor", conductor);
}

void scenario::write_text(const std::string& text) const { std::ofstream(file(), std::ios::trunc) << text; }

std::vector<std::string> scenario::command(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"run", file().string(), "--out", folder_.string(), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return forge_command(arguments);
}

std::string scenario::finish() const {
    const auto r = process(command()).wait(300.0); // longer than usual: some campaigns are made to be killed 60 times
    if (r.exit_code != 0 || !data_of(r).at("finished").get<bool>())
        throw std::runtime_error("the run did not finish, exit code " + std::to_string(r.exit_code) + "\n" + r.err + r.out);
    return data_of(r).at("ledger_hash");
}

std::uint64_t scenario::committed(std::uint32_t chain) const {
    auto book = ledger::open_read_only(folder_ / "ledger.sqlite");
    if (!book)
        return 0;
    const auto n = book->count(chain_id{chain});
    return n ? *n : 0;
}

std::vector<std::filesystem::path> scenario::checkpoints(std::uint32_t chain) const {
    std::vector<std::filesystem::path> files;
    auto book = open();
    for (const auto& row : book.checkpoints(chain_id{chain}).or_throw())
        files.push_back(folder_ / row.file);
    return files;
}

nlohmann::json data_of(const process_result& r) {
    try {
        return nlohmann::json::parse(r.out).at("data");
    } catch (const nlohmann::json::exception& e) {
        throw std::runtime_error(std::string("no envelope on stdout: ") + e.what() + "\n" + r.out + r.err);
    }
}

std::string undisturbed_hash(const campaign_file& c) {
    static std::map<std::string, std::string> known;
    auto& hash = known[c.text()];
    if (hash.empty())
        hash = scenario(c).finish();
    return hash;
}

void check_one_live_record_each(ledger& book, const campaign_file& c) {
    for (std::uint32_t chain = 0; chain < static_cast<std::uint32_t>(c.chains); ++chain) {
        std::uint64_t expected = 1;
        bool in_order = true;
        const auto records = book.records(chain_id{chain}, true).or_throw();
        for (const auto& r : records)
            in_order = in_order && r.live && r.record.trajectory == expected++;
        CHECK(in_order);
        CHECK(records.size() == static_cast<std::size_t>((c.thermalise + c.measure) * c.points / c.chains));
    }
}

void check_whole(const scenario& s, const campaign_file& c) {
    CHECK(s.finish() == undisturbed_hash(c));
    const auto checked = s.check_ledger();
    INFO(checked.out);
    CHECK(checked.exit_code == 0);
    const auto summary = data_of(checked); // named: a range-for keeps no temporary behind a reference alive
    for (const auto& chain : summary.at("chains"))
        CHECK(chain.at("superseded") == 0);
    auto book = s.open();
    check_one_live_record_each(book, c);
}

void flip(const std::filesystem::path& file, std::int64_t offset) {
    std::fstream f(file, std::ios::binary | std::ios::in | std::ios::out);
    const auto place = offset >= 0 ? offset : static_cast<std::int64_t>(std::filesystem::file_size(file)) + offset;
    f.seekg(place);
    const int byte = f.get();
    f.seekp(place);
    f.put(static_cast<char>(byte ^ 0x10));
    if (!f.flush())
        throw std::runtime_error("cannot flip a bit in " + file.string());
}

} // namespace forge::test
