// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/roles.hpp"

namespace forge {

namespace {

struct steerer_data {
    static inline const char* name = "steerer";
    std::optional<steerer> core;
    std::optional<stage_meter> meter;
    std::shared_ptr<status_board> board;
};

caf::behavior steerer_behavior(caf::stateful_actor<steerer_data>* self, std::shared_ptr<const runtime_parts> parts,
                               const std::vector<double>& taken, std::shared_ptr<status_board> board) {
    self->state.core.emplace(parts->plan, taken, parts->precision);
    self->state.meter.emplace("steerer", steady_now_s());
    self->state.board = std::move(board);
    self->state.board->update(self->state.meter->snapshot(steady_now_s()));
    return {
        [self](const ask_decision& m) -> decision_made {
            auto& d = self->state;
            const double start = steady_now_s();
            d.meter->set(stage_activity::busy, start);
            decision_made answer{d.core->decide(m.chain, m.ordinal)};
            const double end = steady_now_s();
            d.meter->set(stage_activity::idle, end);
            d.meter->item(end - start);
            d.board->update(d.meter->snapshot(end));
            return answer;
        },
        [self](publish_due) { self->state.board->update(self->state.meter->snapshot(steady_now_s())); },
    };
}

} // namespace

caf::actor spawn_steerer(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::vector<double> taken, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::monitored>(steerer_behavior, std::move(parts), std::move(taken), std::move(board));
}

} // namespace forge
