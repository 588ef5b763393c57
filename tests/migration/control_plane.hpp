// SPDX-License-Identifier: AGPL-3.0-only
// The actors around the cores, one mailbox message at a time. What they decide is in the cores; what they merely pass on is
// written here a second time, next to the name of the function that it follows: a change there belongs here too.
#pragma once

#include "tests/migration/world.hpp"

namespace forge::model {

/// What storage refuses in one step of the recorder.
enum class trouble : std::uint8_t { none, flush, work, row };

/// The process ended in the middle of a step, after one of its durable writes.
struct died {};

/// One step of a world. @param fuse  durable writes after which the coordinator's process dies; 0: it lives.
class control_plane {
public:
    explicit control_plane(world& w, double now_s = 0.0, unsigned fuse = 0) : w_(w), now_s_(now_s), fuse_(fuse) {}

    // ---- processes and wires
    void start_coordinator();
    void crash_coordinator(crash_kind kind);
    void start_node(std::size_t k);
    void crash_node(std::size_t k);
    /// The coordinator gives up the connection. @param result_survives  what the node has computed may arrive later.
    void cut(std::size_t k, bool result_survives);
    void node_notices(std::size_t k);
    void join(std::size_t k);

    // ---- messages
    void node_works(std::size_t k);       ///< on the first message of its wire
    void answer_arrives(std::size_t k);   ///< the first one
    void late_answer_arrives(std::size_t i);
    operation_report request(const operation_request& r, const std::string& asked_for);
    void node_drains(std::size_t k);

    // ---- the coordinator's actors
    void supervise();            ///< the supervisor's next message
    void record(trouble t);      ///< the recorder's next message
    void flush_again(trouble t); ///< the recorder's timer
    void lose_worker(chain_id c);
    void restart(chain_id c);
    void retry_seal(chain_id c);
    void prepare_again(chain_id c);
    void ask_again(chain_id c);
    void seal_due(chain_id c);

    /// Durable writes so far.
    [[nodiscard]] unsigned stores() const { return stores_; }

private:
    coordinator& boss() { return *w_.boss; }
    chain_actor& actor(chain_id c) { return boss().seats[c.value].actor; }
    bookkeeper book() { return {w_.given->planted, w_.wrong}; }
    void wrong(const char* what) {
        if (w_.wrong.empty())
            w_.wrong = what;
    }
    void store() {
        if (++stores_ == fuse_)
            throw died{};
    }

    // supervisor_actor.cpp
    void start_chain(chain_id c);
    void perform(const std::vector<desk_command>& commands);
    void chain_is_down(chain_id c, errc code);
    [[nodiscard]] chain_verdict judge(chain_id c, errc code);
    void device_is_away(std::size_t slot);
    void on_node(const event& e);
    void end_if_over();

    // remote_worker.cpp
    void leave(std::size_t slot);

    // chain_actor.cpp
    void ask_worker(chain_actor& a, message::kind what, chain_id c, std::uint64_t trajectory, const state_hash& state);
    void take(const message& m);
    void begin(chain_id c, const chain_start& start);
    void on_loaded(chain_id c, const message& m);
    void perform(chain_id c, std::vector<chain_command> commands);
    void fail(chain_id c, errc code);
    void stop(chain_id c);
    void pause(chain_id c);
    void resume(chain_id c);
    void seal_now(chain_id c);
    void on_sealed(chain_id c, std::uint64_t trajectory);
    void on_seal_failed(chain_id c, errc code);

    // recorder_actor.cpp, recorder_core.cpp
    bool flush(trouble t);
    void prepare(const record_item& i, trouble t);
    void seal(const record_item& i, trouble t);
    [[nodiscard]] errc put_file(const sealed_state& s, trouble t);
    [[nodiscard]] errc add_row(const record_item& i, trouble t);
    void prune(chain_id c);
    void find_segment(const record_item& i, trouble t);
    void log(const record_item& i);
    [[nodiscard]] bool asks(const record_item& i) { return actor(i.chain).at != chain_actor::stage::none && actor(i.chain).number == i.actor; }

    world& w_;
    double now_s_;
    unsigned fuse_;
    unsigned stores_ = 0;
};

} // namespace forge::model
