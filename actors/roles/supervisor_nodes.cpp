// SPDX-License-Identifier: AGPL-3.0-only
// Other machines: their devices, what they computed too late, the copy of the run.
#include "actors/roles/supervisor_state.hpp"

#include <fmt/format.h>

namespace forge::supervision {

namespace {

constexpr std::chrono::seconds last_copy_within{30}; ///< after the end of a campaign

} // namespace

void device_is_away(supervisor_ptr self, std::size_t slot) {
    auto& d = self->state;
    if (auto gone = std::exchange(d.workers[slot], nullptr)) {
        self->demonitor(gone);
        self->send_exit(gone, caf::exit_reason::user_shutdown);
    }
    d.desk->device_went(d.desk->devices()[slot].id);
}

void on_node(supervisor_ptr self, const node_came& m) {
    auto& d = self->state;
    if (d.stopping || d.ending)
        return;
    std::string text;
    for (const auto& device : m.devices) {
        const auto id = m.peer.name + "/" + device.id;
        const auto slot = d.desk->device_came({id, device.fp64, device.memory_bytes, true});
        d.workers.resize(std::max(d.workers.size(), slot + 1));
        if (d.workers[slot]) { // an older incarnation that nobody has missed yet
            self->demonitor(d.workers[slot]);
            self->send_exit(d.workers[slot], caf::exit_reason::user_shutdown);
        }
        d.workers[slot] = spawn_remote_worker(self, {id, device.id, m.gate, m.peer, d.parts->cluster}, d.board);
        d.names[id] = device.name;
        text += (text.empty() ? "" : ", ") + id;
    }
    d.board->notice(fmt::format("node {} offers {}", m.peer.name, text));
    if (d.mirror)
        self->send(d.mirror, m);
    for (const auto c : std::exchange(d.homeless, {}))
        start_chain(self, c);
    perform(self, d.desk->spread(steady_now_s()));
    publish_devices(self);
}

caf::typed_response_promise<remote_late_refused> judge_late(supervisor_ptr self, const remote_late& m) {
    auto& d = self->state;
    auto answer = self->make_response_promise<remote_late_refused>();
    const late_result late{chain_id{m.chain}, epoch_no{m.epoch}, m.trajectory};
    if (m.chain >= d.parts->plan.n_chains) {
        answer.deliver(remote_late_refused{to_remote(error{errc::not_found, "the campaign has no chain " + to_text(late.chain), "", ""})});
        return answer;
    }
    self->request(d.recorder, recorder_timeout, ask_fate{late})
        .then(
            [self, answer, late](const fate_told& f) mutable {
                auto& s = self->state;
                const auto why = f.committed ? std::nullopt : forge::judge_late(late, f.current, s.desk->devices()[s.desk->slot_of(late.chain)].id);
                if (why)
                    s.board->notice(why->what);
                answer.deliver(remote_late_refused{to_remote(why)});
            },
            [answer](const caf::error&) mutable { answer.deliver(remote_late_refused{}); });
    return answer;
}

bool mirror_goes_on(supervisor_ptr self) {
    auto& d = self->state;
    if (!d.mirror)
        return false;
    if (!std::exchange(d.mirroring, true)) {
        self->send(d.mirror, finish_mirror{});
        self->delayed_send(self, last_copy_within, mirror_settled{});
    }
    return true;
}

void on_mirror_settled(supervisor_ptr self) {
    auto& d = self->state;
    if (!d.mirroring || !d.mirror)
        return;
    self->demonitor(d.mirror);
    self->send_exit(d.mirror, caf::exit_reason::user_shutdown);
    d.mirror = nullptr;
    end_if_over(self);
}

} // namespace forge::supervision
