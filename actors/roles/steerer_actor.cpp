// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/messages/conductor_messages.hpp"
#include "actors/roles/roles.hpp"

#include <deque>

namespace forge {

namespace {

/// Below the chains' own patience with the steerer.
constexpr std::chrono::seconds conductor_timeout{20};

struct steerer_data {
    static inline const char* name = "steerer";
    std::optional<steerer> core;
    std::optional<stage_meter> meter;
    std::shared_ptr<status_board> board;
    caf::actor conductor; ///< may be empty
    struct question {
        caf::typed_response_promise<decision_made> answer;
        ask_decision asked;
    };
    std::deque<question> questions; ///< to the conductor, the first is under way
};

using steerer_ptr = caf::stateful_actor<steerer_data>*;

/// Decides as busy time.
decision_made decide(steerer_ptr self, const ask_decision& m) {
    auto& d = self->state;
    const double start = steady_now_s();
    d.meter->set(stage_activity::busy, start);
    decision_made answer{d.core->decide(m.chain, m.ordinal)};
    const double end = steady_now_s();
    d.meter->set(stage_activity::idle, end);
    d.meter->item(end - start);
    d.board->update(d.meter->snapshot(end));
    return answer;
}

/// One question at a time: the next must know the point that this one adds.
void ask_conductor(steerer_ptr self) {
    auto& d = self->state;
    while (!d.questions.empty() && !d.core->wants_suggestion(d.questions.front().asked.chain, d.questions.front().asked.ordinal)) {
        auto& q = d.questions.front(); // its partner asked first, or no point is left to add
        q.answer.deliver(decide(self, q.asked));
        d.questions.pop_front();
    }
    if (d.questions.empty())
        return;
    const auto next = [self](const point_suggestion* point) {
        auto& s = self->state;
        const auto q = std::move(s.questions.front());
        s.questions.pop_front();
        if (point)
            s.core->insert(q.asked.chain, q.asked.ordinal, *point);
        auto answer = q.answer;
        answer.deliver(decide(self, q.asked));
        ask_conductor(self);
    };
    self->request(d.conductor, conductor_timeout, steer_adaptive{d.core->points()})
        .then(
            [self, next](const adaptive_steered& says) {
                if (!says.point)
                    self->state.board->notice("no point is added: " + says.reason);
                next(says.point ? &*says.point : nullptr);
            },
            [next](const caf::error&) { next(nullptr); }); // the scan ends as planned
}

caf::behavior steerer_behavior(steerer_ptr self, std::shared_ptr<const runtime_parts> parts, const std::vector<taken_point>& taken,
                               caf::actor conductor, std::shared_ptr<status_board> board) {
    self->state.core.emplace(parts->plan, taken, parts->precision);
    self->state.meter.emplace("steerer", steady_now_s());
    self->state.board = std::move(board);
    self->state.conductor = std::move(conductor);
    self->state.board->update(self->state.meter->snapshot(steady_now_s()));
    return {
        [self](const ask_decision& m) -> caf::result<decision_made> {
            auto& d = self->state;
            if (!d.conductor || !d.core->wants_suggestion(m.chain, m.ordinal))
                return decide(self, m);
            d.questions.push_back({self->make_response_promise<decision_made>(), m});
            auto answer = d.questions.back().answer;
            if (d.questions.size() == 1)
                ask_conductor(self);
            return answer;
        },
        [self](publish_due) { self->state.board->update(self->state.meter->snapshot(steady_now_s())); },
    };
}

} // namespace

caf::actor spawn_steerer(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::vector<taken_point> taken, caf::actor conductor,
                         std::shared_ptr<status_board> board) {
    return parent->spawn<caf::monitored>(steerer_behavior, std::move(parts), std::move(taken), std::move(conductor), std::move(board));
}

} // namespace forge
