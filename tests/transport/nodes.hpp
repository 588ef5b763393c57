// SPDX-License-Identifier: AGPL-3.0-only
// Nodes of a test cluster: real hubs on loopback, ports that remember, a log that can be read.
#pragma once

#include "libactors/transport/hub.hpp"
#include "tests/support/process.hpp"
#include "tests/transport/folder.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <string>
#include <vector>

namespace forge::testing {

using namespace std::chrono_literals;
using forge::test::eventually;

inline const calendar_time now = std::chrono::system_clock::now();
inline const validity year = validity::of_days(now, 365);

/// One cluster's paper work.
struct test_cluster {
    std::string id = "lab";
    authority ca = make_authority("lab", year).or_throw();
    node_identity alpha = make_identity(ca, "alpha", year).or_throw();
    node_identity beta = make_identity(ca, "beta", year).or_throw();
    allow_list nodes = allow_list().with(alpha.fingerprint, "alpha").or_throw().with(beta.fingerprint, "beta").or_throw();
};

class memory_port : public link_port {
public:
    std::size_t on_data(std::span<const char> bytes) override {
        const std::lock_guard lock(mutex_);
        received_.append(bytes.begin(), bytes.end());
        return backlog;
    }
    void on_close(const std::string& why) override {
        const std::lock_guard lock(mutex_);
        why_ = why;
        closed_ = true;
    }
    [[nodiscard]] std::string received() const {
        const std::lock_guard lock(mutex_);
        return received_;
    }
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return received_.size();
    }
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] std::string why() const {
        const std::lock_guard lock(mutex_);
        return why_;
    }
    std::atomic<std::size_t> backlog{0};

private:
    mutable std::mutex mutex_;
    std::string received_, why_;
    std::atomic<bool> closed_{false};
};

struct up_link {
    std::shared_ptr<link> wire;
    std::shared_ptr<memory_port> port;
    void say(const std::string& text) const {
        std::vector<char> bytes(text.begin(), text.end());
        wire->send(bytes);
    }
};

/// A hub whose every link gets a memory_port.
class test_node {
public:
    test_node(const test_cluster& c, const node_identity& who, const link_limits& limits = {}, version_range versions = spoken_versions,
              const std::string& cluster_id = "lab") {
        hub_options o;
        o.identity = who;
        o.cluster = cluster_id;
        o.limits = limits;
        o.versions = versions;
        o.log = std::make_shared<run_log>(run_log::open(folder_.path / "log").or_throw());
        hub_events e;
        e.on_up = [this](std::shared_ptr<link> wire) {
            const auto sink = std::make_shared<memory_port>();
            wire->bind(sink);
            const std::lock_guard lock(mutex_);
            links_.push_back({std::move(wire), sink});
        };
        e.on_down = [this](const link_peer&, const std::string& why) {
            const std::lock_guard lock(mutex_);
            downs_.push_back(why);
        };
        e.on_dial_failed = [this](dial_id, const error& why) {
            const std::lock_guard lock(mutex_);
            failures_.push_back(why);
        };
        net = hub::start(std::move(o), c.nodes, std::move(e)).or_throw();
        port = net->listen("127.0.0.1", 0).or_throw();
    }
    ~test_node() { net.reset(); }

    [[nodiscard]] std::vector<up_link> links() const {
        const std::lock_guard lock(mutex_);
        return links_;
    }
    [[nodiscard]] up_link last() const { return links().back(); }
    [[nodiscard]] std::vector<std::string> downs() const {
        const std::lock_guard lock(mutex_);
        return downs_;
    }
    [[nodiscard]] std::vector<error> failures() const {
        const std::lock_guard lock(mutex_);
        return failures_;
    }
    [[nodiscard]] std::string log() const { return text_of(folder_.path / "log"); }
    [[nodiscard]] std::size_t lines(const std::string& words) const {
        const std::string text = log();
        std::size_t n = 0;
        for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
            ++n;
        return n;
    }
    [[nodiscard]] node_address address(std::uint16_t through = 0) const {
        return {"127.0.0.1", through != 0 ? through : port, net->options().identity.name};
    }

    std::unique_ptr<hub> net;
    std::uint16_t port = 0;

private:
    folder folder_;
    mutable std::mutex mutex_;
    std::vector<up_link> links_;
    std::vector<std::string> downs_;
    std::vector<error> failures_;
};

inline bool wait_for_links(const test_node& n, std::size_t count, double seconds = 5.0) {
    return eventually(seconds, [&] { return n.links().size() >= count; });
}

/// Limits that make tests quick; ratios as in the product.
inline link_limits quick_limits() {
    link_limits l;
    l.beat = 100ms;
    l.dead = 500ms;
    return l;
}

} // namespace forge::testing
