// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/messages/validation_messages.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/hmc/start.hpp"

#include <fmt/format.h>

namespace forge {

namespace {

struct validator_data {
    static inline const char* name = "validator";
    device_slot slot;
    caf::actor recorder;
    std::shared_ptr<status_board> board;
    std::unique_ptr<lattice_engine> engine;
    std::unique_ptr<gauge_workspace> fields;
    std::map<std::string, std::string> bits_classes; ///< by arithmetic
    std::optional<stage_meter> meter;
    validation_status shown;
};

using validator_ptr = caf::stateful_actor<validator_data>*;

void log(validator_ptr self, const validate_configuration& m, const char* kind, std::string text) {
    event_row row;
    row.kind = kind;
    row.chain = m.chain;
    row.trajectory = m.trajectory;
    row.text = std::move(text);
    self->send(self->state.recorder, log_event{std::move(row)});
}

const std::string& bits_class(validator_data& d, const arithmetic& a) {
    auto& known = d.bits_classes[name_of(a.strategy) + std::to_string(a.df64_share)];
    if (known.empty())
        known = bits_class_of(*d.engine, a);
    return known;
}

/// The chain's own arithmetic against the record, then the other arithmetic against that.
std::pair<bool, std::string> judged(validator_data& d, const validate_configuration& m) {
    if (!d.engine)
        d.engine = d.slot.make().or_throw();
    const auto lattice = m.links->shape();
    if (!d.fields)
        d.fields = d.engine->allocate(lattice);
    const noise_id next = m.next ? noise_id{m.key, m.next->trajectory, m.next->segment.value} : noise_id{m.key, m.trajectory + 1, 0};
    const bool test = !m.next || m.next->test;
    const auto own = evaluate(*d.fields, *m.links, m.params, next, test);
    const bool same_class = bits_class(d, m.params.precision) == m.bits_class;
    const auto verdict = judge(m.committed, own, lattice, m.params.beta, same_class);
    std::string text = fmt::format("{} on {}: ", m.device, d.slot.id);
    text += verdict.passed ? (same_class ? "same bits" : "within bounds") : fmt::format("{}", fmt::join(verdict.problems, "; "));
    if (m.next)
        text += fmt::format(", twin dH {:+.1e}", own.twin.delta_h - m.committed.next->delta_h);
    bool passed = verdict.passed;
    const bool native = m.params.precision.strategy == precision_strategy::native;
    if (!native || d.engine->df64_bits()) {
        auto params = m.params;
        params.precision = native ? arithmetic{precision_strategy::hybrid, 0.0} : arithmetic{};
        const auto other = evaluate(*d.fields, *m.links, params, next, test);
        const auto apart = difference_of(own, other, lattice);
        const auto also = judge(apart, own, lattice, m.params.beta, false);
        passed = passed && also.passed;
        text += fmt::format("; {}: P {:.1e}, force {:.1e}, dH {:.1e}{}", native ? "df64" : "fp64", apart.plaquette, apart.force, apart.delta_h,
                            also.passed ? "" : fmt::format(" ({})", fmt::join(also.problems, "; ")));
        d.shown.df64_delta_h_max = std::max(d.shown.df64_delta_h_max.value_or(0.0), apart.delta_h);
    }
    return {passed, text};
}

caf::behavior validator_behavior(validator_ptr self, device_slot slot, caf::actor recorder, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.slot = std::move(slot);
    d.recorder = std::move(recorder);
    d.board = std::move(board);
    d.meter.emplace("validator." + d.slot.id, steady_now_s());
    d.shown = d.board->snapshot().validation; // what an earlier one has seen counts
    d.shown.device = d.slot.id;
    d.board->update(d.shown);
    return {
        [self](const validate_configuration& m) {
            auto& s = self->state;
            const double begun = steady_now_s();
            s.meter->set(stage_activity::busy, begun);
            try {
                const auto [passed, text] = judged(s, m);
                ++(passed ? s.shown.passed : s.shown.failed);
                log(self, m, passed ? "validated" : "validation_failed", text);
                if (!passed)
                    s.board->notice(fmt::format("{} trajectory {} does not validate: {}", to_text(m.chain), m.trajectory, text));
                s.meter->item(steady_now_s() - begun);
                s.meter->set(stage_activity::idle, steady_now_s());
                s.board->update(s.shown);
                s.board->update(s.meter->snapshot(steady_now_s()));
                return configuration_validated{passed};
            } catch (...) {
                const auto e = current_exception_as_error();
                log(self, m, "validation_failed", to_text(e));
                s.board->notice("the validator's device failed: " + to_text(e));
                throw; // the supervisor makes another one, with a fresh engine
            }
        },
        [self](publish_due) { self->state.board->update(self->state.meter->snapshot(steady_now_s())); },
    };
}

} // namespace

caf::actor spawn_validator(caf::local_actor* parent, device_slot slot, caf::actor recorder, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::detached + caf::monitored>(validator_behavior, std::move(slot), std::move(recorder), std::move(board));
}

} // namespace forge
