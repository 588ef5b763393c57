// SPDX-License-Identifier: AGPL-3.0-only
// A campaign that several processes compute: a coordinator and nodes on loopback, each with a cluster folder of its own.
#pragma once

#include "tests/scenario/scenario.hpp"

#include <memory>

namespace forge::test {

/// Two chains of two points each, long enough to act on; every test has the same, so its undisturbed hash is computed once.
[[nodiscard]] campaign_file travelling_campaign();
/// A TCP port of loopback that is free now.
[[nodiscard]] std::uint16_t free_port();

/// A machine: its cluster folder and the process that runs there, if any.
struct machine {
    std::string name;
    std::filesystem::path folder;
    std::unique_ptr<process> program;
    std::string failpoint{}; ///< FORGE_FAILPOINT of the next start, where there is one
    /// How often a text is in what the program said so far.
    [[nodiscard]] int said(const std::string& text) const;
};

class cluster {
public:
    explicit cluster(const campaign_file& c = travelling_campaign());

    [[nodiscard]] const scenario& run() const { return run_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] machine& coordinator() { return coordinator_; }

    /// Starts the campaign (again) and waits until nodes can reach it.
    void start(const std::vector<std::string>& more = {});
    /// Starts it and does not wait: it may be armed with a failpoint.
    void launch(const std::vector<std::string>& more = {});
    /// The code of a fresh invite.
    [[nodiscard]] std::string invite(const std::string& ttl = "1h") const;
    /// A node that has joined; waits until the campaign has its devices.
    [[nodiscard]] machine join(const std::string& name, const std::vector<std::string>& more = {});
    /// Starts a node that belongs to the cluster already; does not wait.
    void start_node(machine& m, const std::vector<std::string>& more = {}) const;
    /// Starts a node that belongs to the cluster already, or joins with a new invite; does not wait.
    void admit(machine& m) const;
    [[nodiscard]] machine stranger(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> join_command(const machine& m, const std::string& code) const;

    /// An operation as `forge NOUN VERB ... --run R --json`. @return its data.
    [[nodiscard]] nlohmann::json operate(std::vector<std::string> arguments, int expected_exit = 0) const;
    /// The row of a chain while the campaign runs; null when it does not answer.
    [[nodiscard]] nlohmann::json chain(const std::string& name) const;
    /// The chain computes on this device: its trajectory grew there.
    [[nodiscard]] bool computes_on(const std::string& name, const std::string& device_prefix, double seconds = 30.0) const;
    /// Moves it and looks that it computes there.
    void migrate(const std::string& name, const std::string& device) const;
    /// The end of the campaign, held against the undisturbed run: same hash, one live record per index, a sound ledger.
    void must_end_undisturbed(double seconds = 300.0);

private:
    campaign_file file_;
    scenario run_;
    std::uint16_t port_ = free_port();
    machine coordinator_;
};

} // namespace forge::test
