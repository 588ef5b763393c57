// SPDX-License-Identifier: AGPL-3.0-only
// Killed at a named step of a protocol between two machines, node and coordinator go on to the undisturbed ledger.
#include "tests/cluster/cluster.hpp"
#include "tests/support/failpoints.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace forge::test;

namespace {

enum class place { node, coordinator };

struct kill_point {
    std::string name;
    place where;
    int hit;
};

std::string to_text(const kill_point& k) {
    return k.name + ":kill@" + std::to_string(k.hit) + (k.where == place::node ? " on the node" : " on the coordinator");
}

/// Four segments of two chains, about as long as the node takes to join and to be visited a few times.
campaign_file short_trip() {
    auto c = travelling_campaign();
    c.measure = 250;
    c.checkpoint = "interval_s = 0.05";
    return c;
}

bool begins(const std::string& name, const words& parts) {
    return std::any_of(parts.begin(), parts.end(), [&](const auto& p) { return name.starts_with(p); });
}

/// Steps that this cluster does not pass: key files are written by `forge cluster`, and nobody keeps a mirror here.
bool elsewhere(const std::string& name) {
    return begins(name, {"identity.", "transport.sink_write", "mirror.", "keeper.", "recovery.", "ledger.before_copy", "ledger.before_take_changes",
                         "ledger.before_apply"});
}

/// Steps that a clustered run of this campaign passes once or twice in the life of a process. A node shakes hands once, with its coordinator, which in
/// turn does so with whoever joins and for every transfer.
bool seldom(const std::string& name, place where) {
    return begins(name, {"ledger.before_create", "ledger.after_create", "ledger.before_finish", "ledger.after_finish", "transport.link_up", "chain.before_done"}) ||
           (where == place::node && begins(name, {"transport.after_tls", "transport.after_hello"}));
}

std::vector<kill_point> every_kill_point() {
    std::vector<kill_point> all;
    for (const auto& name : failpoint_names()) {
        if (elsewhere(name))
            continue;
        for (const auto where : {place::node, place::coordinator}) {
            const bool both = name.starts_with("transport.");
            if (!both && (where == place::node) != name.starts_with("node."))
                continue;
            all.push_back({name, where, 1});
            if (!seldom(name, where))
                all.push_back({name, where, 3});
        }
    }
    return all;
}

/// A coordinator and one node, one of them armed.
class drill {
public:
    explicit drill(const kill_point& k) : lab_(short_trip()), node_(lab_.stranger("lab2")), victim_(k.where == place::node ? node_ : lab_.coordinator()) {
        victim_.failpoint = k.name + ":kill@" + std::to_string(k.hit);
        lab_.launch();
    }

    /// Chains go onto the node and off it until somebody dies. @return whether it was the victim, of its failpoint
    bool strike() {
        int trips = 0;
        while (both_live()) {
            if (!listens())
                (void)eventually(20.0, [&] { return listens() || !both_live(); });
            else if (!node_.program)
                lab_.admit(node_);
            else if (offers() == 0)
                (void)eventually(20.0, [&] { return offers() > 0 || !both_live(); });
            else
                send_chains(trips++ % 2 == 0 ? "lab2/opencl:0." : "opencl:0.");
        }
        const auto end = victim_.program->wait(0.0);
        INFO(end.err);
        CHECK_FALSE(end.timed_out); // it was the other one that ended
        struck_ = !end.timed_out && end.signal == SIGKILL;
        return struck_;
    }

    /// What died starts again, unarmed; the chains visit the node once more, and the campaign ends.
    void recover() {
        victim_.failpoint.clear();
        if (struck_ && &victim_ != &node_)
            lab_.launch();
        REQUIRE(eventually(30.0, [&] { return listens() || over(); }));
        const int before = offers(); // 0 of a new process
        if (!over() && (!node_.program || !node_.program->running()))
            lab_.admit(node_);
        {
            INFO(lab_.coordinator().program->err() << (node_.program ? node_.program->err() : ""));
            REQUIRE(eventually(30.0, [&] { return offers() > (&victim_ == &node_ ? before : 0) || over(); }));
        }
        if (!over())
            send_chains("lab2/opencl:0.");
        lab_.must_end_undisturbed();
    }

private:
    bool over() { return !lab_.coordinator().program->running(); }
    bool listens() { return lab_.coordinator().said("nodes reach this campaign at port") > 0; }
    bool both_live() { return !over() && (!node_.program || node_.program->running()); }
    int offers() { return lab_.coordinator().said("node lab2 offers"); }
    void send_chains(const std::string& device) {
        for (const char* c : {"c0", "c1"})
            (void)run_forge({"chain", "migrate", c, device + c[1], "--run", lab_.run().folder().string(), "--no-wait"});
        (void)eventually(0.3, [&] { return !both_live(); });
    }

    cluster lab_;
    machine node_;
    machine& victim_;
    bool struck_ = false;
};

/// @return whether it was hit, and everything was well afterwards as far as REQUIRE knows
bool kill_and_go_on(const kill_point& k) {
    drill d(k);
    const bool hit = d.strike();
    d.recover();
    return hit;
}

void kill_at_each(const std::vector<kill_point>& points) {
    int killed = 0;
    for (const auto& k : points) {
        const auto rule = to_text(k);
        CAPTURE(rule);
        const bool hit = kill_and_go_on(k);
        CHECK(hit);
        killed += hit ? 1 : 0;
    }
    WARN("killed and recovered: " << killed << " of " << points.size());
}

} // namespace

TEST_CASE("a node or its coordinator, killed at a step between them, changes nothing", "[kill]") {
    if (!failpoints_compiled_in())
        return;
    using enum place;
    kill_at_each({{"transport.after_hello", node, 1}, {"node.fetched", node, 1}, {"node.job_done", node, 5}, {"node.before_push", node, 2},
                  {"transport.stream_middle_chunk", node, 2}, {"node.pushed", node, 1}, {"remote.loaded", coordinator, 2},
                  {"remote.snapshot_done", coordinator, 1}, {"transport.stream_compared", coordinator, 2},
                  {"supervisor.before_start", coordinator, 1}, {"recorder.stored", coordinator, 3}, {"ledger.in_open_segment", coordinator, 3}});
}

TEST_CASE("killed at the first and the third hit of any step of a clustered run, node and coordinator go on to the same hash", "[kill][soak]") {
    kill_at_each(every_kill_point());
}
