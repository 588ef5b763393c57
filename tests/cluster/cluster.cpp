// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/cluster/cluster.hpp"

#include "tests/support/failpoints.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace forge::test {

namespace {

constexpr double patience_s = 30.0;

void need(bool held, const std::string& what, const machine& m) {
    INFO(m.name << " said:\n" << (m.program ? m.program->err() : std::string("nothing, it does not run")));
    INFO(what);
    REQUIRE(held);
}

void set_off(machine& m, const std::vector<std::string>& command) {
    m.program = std::make_unique<process>(m.failpoint.empty() ? command : with_failpoint(m.failpoint, command));
}

} // namespace

campaign_file travelling_campaign() {
    campaign_file c;
    c.steps = 20;
    c.measure = 1000;
    c.checkpoint = "interval_s = 0.2";
    return c;
}

std::uint16_t free_port() {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    const bool known = ::bind(s, reinterpret_cast<sockaddr*>(&a), size) == 0 && ::getsockname(s, reinterpret_cast<sockaddr*>(&a), &size) == 0;
    ::close(s);
    if (!known)
        throw std::runtime_error("no free port");
    return ntohs(a.sin_port);
}

int machine::said(const std::string& text) const {
    const auto all = program ? program->err() : std::string();
    int n = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + text.size()))
        ++n;
    return n;
}

cluster::cluster(const campaign_file& c) : file_(c), run_(c), coordinator_(stranger("lab1")) {
    const auto r = run_forge({"cluster", "init", coordinator_.folder.string(), "--name", "lab1", "--id", "c1"});
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
}

machine cluster::stranger(const std::string& name) const { return {name, run_.scratch() / name, nullptr, {}}; }

void cluster::launch(const std::vector<std::string>& more) {
    std::vector<std::string> options{"--cluster", coordinator_.folder.string(), "--listen", address()};
    options.insert(options.end(), more.begin(), more.end());
    set_off(coordinator_, run_.command(options));
}

void cluster::start(const std::vector<std::string>& more) {
    launch(more);
    need(eventually(patience_s, [this] { return coordinator_.said("nodes reach this campaign at port") > 0 || !coordinator_.program->running(); }) &&
             coordinator_.program->running(), "the coordinator listens", coordinator_);
}

std::string cluster::invite(const std::string& ttl) const {
    const auto r = run_forge({"cluster", "invite", "--cluster", coordinator_.folder.string(), "--address", address(), "--ttl", ttl, "--json"});
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    return data_of(r).at("code");
}

std::vector<std::string> cluster::join_command(const machine& m, const std::string& code) const {
    return forge_command({"node", "start", "--join", address(), "--code", code, "--cluster", m.folder.string(), "--name", m.name, "--split-cpu", "2"});
}

machine cluster::join(const std::string& name, const std::vector<std::string>& more) {
    auto m = stranger(name);
    auto command = join_command(m, invite());
    command.insert(command.end(), more.begin(), more.end());
    set_off(m, command);
    need(eventually(patience_s, [&] { return coordinator_.said("node " + name + " offers") > 0; }), name + " joins", m);
    return m;
}

void cluster::start_node(machine& m, const std::vector<std::string>& more) const {
    auto command = forge_command({"node", "start", "--cluster", m.folder.string(), "--split-cpu", "2"});
    command.insert(command.end(), more.begin(), more.end());
    set_off(m, command);
}

void cluster::admit(machine& m) const {
    if (std::filesystem::exists(m.folder / "cluster"))
        start_node(m);
    else
        set_off(m, join_command(m, invite()));
}

nlohmann::json cluster::operate(std::vector<std::string> arguments, int expected_exit) const {
    arguments.insert(arguments.end(), {"--run", run_.folder().string(), "--json"});
    const auto r = run_forge(arguments);
    INFO(r.out << r.err);
    CHECK(r.exit_code == expected_exit);
    const auto j = nlohmann::json::parse(r.out, nullptr, false);
    return j.is_object() ? j["data"] : nlohmann::json();
}

nlohmann::json cluster::chain(const std::string& name) const {
    const auto r = run_forge({"chain", "show", name, "--run", run_.folder().string(), "--json"});
    const auto j = nlohmann::json::parse(r.out, nullptr, false);
    return j.is_object() && j["warnings"].empty() ? j["data"] : nlohmann::json();
}

bool cluster::computes_on(const std::string& name, const std::string& device_prefix, double seconds) const {
    double first = -1.0;
    return eventually(seconds, [&] {
        const auto row = chain(name);
        if (row.is_null() || !row.value("device", std::string()).starts_with(device_prefix) || !row["trajectory"].is_number())
            return false;
        const double now = row["trajectory"];
        if (first < 0.0)
            first = now;
        return now > first;
    });
}

void cluster::migrate(const std::string& name, const std::string& device) const {
    const auto moved = operate({"chain", "migrate", name, device});
    CAPTURE(name, device, moved.dump());
    CHECK(moved["state"] == "done");
    CHECK(computes_on(name, device));
}

void cluster::must_end_undisturbed(double seconds) {
    const auto end = coordinator_.program->wait(seconds);
    INFO(end.err);
    REQUIRE_FALSE(end.timed_out);
    REQUIRE(end.exit_code == 0);
    REQUIRE(data_of(end).at("finished") == true);
    CHECK(data_of(end).at("ledger_hash") == undisturbed_hash(file_));
    const auto checked = run_.check_ledger();
    INFO(checked.out);
    CHECK(checked.exit_code == 0);
    auto book = run_.open();
    check_one_live_record_each(book, file_);
}

} // namespace forge::test
