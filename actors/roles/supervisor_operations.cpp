// SPDX-License-Identifier: AGPL-3.0-only
// Operations, carried out.
#include "actors/roles/supervisor_state.hpp"

#include "libactors/base/failpoint.hpp"

namespace forge::supervision {

namespace {

/// Makes a report durable and visible.
void note(supervisor_ptr self, const operation_report& report) {
    auto& d = self->state;
    d.board->update(report);
    event_row row;
    row.kind = "operation";
    row.chain = chain_from_text(report.object);
    row.text = report.id + " " + std::string(name_of(report.verb)) + " " + std::string(name_of(report.state)) + ": " + report.text;
    if (d.parts->encode_operation)
        row.json = d.parts->encode_operation(report);
    self->send(d.recorder, log_event{row});
}

template <class Message>
void tell(supervisor_ptr self, chain_id c, Message m) {
    const auto& chains = self->state.chains;
    if (const auto at = chains.find(c); at != chains.end())
        self->send(at->second, std::move(m));
}

void execute(supervisor_ptr self, const pause_chain_command& m) { tell(self, m.chain, pause_chain{m.reason}); }
void execute(supervisor_ptr self, const resume_chain_command& m) { tell(self, m.chain, resume_chain{}); }
void execute(supervisor_ptr self, const seal_chain_command& m) { tell(self, m.chain, seal_now{}); }
void execute(supervisor_ptr self, const stop_chain_command& m) {
    auto& d = self->state;
    const auto to = d.desk->going_to(m.chain);
    if (to && d.workers[*to])
        tell(self, m.chain, hand_over{d.workers[*to]});
    else
        tell(self, m.chain, stop_campaign{});
}
void execute(supervisor_ptr self, const report_command& m) {
    FORGE_FAILPOINT("supervisor.before_report");
    note(self, m.report);
    FORGE_FAILPOINT("supervisor.after_report");
}
void execute(supervisor_ptr self, const start_chain_command& m) {
    FORGE_FAILPOINT("supervisor.before_start");
    self->state.core->on_started(m.chain);
    start_chain(self, m.chain);
    FORGE_FAILPOINT("supervisor.after_start");
}

} // namespace

void perform(supervisor_ptr self, const std::vector<desk_command>& commands) {
    for (const auto& command : commands)
        std::visit([self](const auto& c) { execute(self, c); }, command);
}

operation_report on_request(supervisor_ptr self, const operation_request& r) {
    auto& d = self->state;
    if (d.stopping || d.ending)
        return {r.id, r.verb, r.object, r.target, operation_state::refused, "the campaign is stopping", 0.0};
    FORGE_FAILPOINT("supervisor.asked");
    auto answer = d.desk->on_request(r, steady_now_s());
    perform(self, answer.commands);
    publish_devices(self);
    return answer.report;
}

} // namespace forge::supervision
