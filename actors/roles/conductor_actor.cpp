// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/messages/conductor_messages.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/control/conductor/online_learning.hpp"

#include <fmt/format.h>

namespace forge {

namespace {

constexpr std::size_t chains_shown = 64;
constexpr std::size_t window_requests = 64; // a full window does not wait

struct waiting_batch {
    caf::typed_response_promise<trajectories_classified> answer;
    watched_batch batch;
};
struct waiting_check {
    caf::typed_response_promise<therm_checked> answer;
    quenched_therm_check asked;
};

struct conductor_data {
    static inline const char* name = "conductor";
    std::shared_ptr<conductor> core;
    std::shared_ptr<reservoir_stepper> device; ///< also the core's; empty: software
    std::shared_ptr<status_board> board;
    std::optional<stage_meter> meter;
    std::vector<waiting_batch> window;
    std::vector<waiting_check> checks; ///< whose partner has not come as far
    bool timer_set = false;
    double published = 0.0;
    conductor_status shown;
    std::size_t stops_told = 0;
    std::optional<conductor_model> learnt; ///< a copy that learns; answers come from the model as it was given
    std::function<result<void>(const conductor_model&)> save;
};

using conductor_ptr = caf::stateful_actor<conductor_data>*;

void publish(conductor_ptr self, bool force) {
    auto& d = self->state;
    const double now = steady_now_s();
    if (!force && now - d.published < 0.25)
        return;
    d.published = now;
    d.meter->queue(static_cast<std::uint32_t>(d.window.size() + d.checks.size()), static_cast<std::uint32_t>(window_requests));
    d.shown.mode = name_of(d.core->plan().conductor.mode);
    d.shown.points = d.core->points().size();
    d.shown.waiting = d.checks.size();
    d.shown.middle = d.core->mid_trajectory();
    if (d.device)
        d.shown.device = d.device->report();
    d.shown.heads.clear();
    for (const auto& h : d.core->standing())
        d.shown.heads.push_back({h.head, h.score, h.trusted});
    d.shown.says.clear();
    for (const auto chain : d.core->watched()) {
        if (d.shown.says.size() >= chains_shown)
            break;
        conductor_status::chain_says c{chain, {}};
        for (const auto& h : d.core->says(chain).heads)
            if (h.value)
                c.heads.push_back({h.head, *h.value, h.uncertainty, std::string(name_of(h.source))});
        d.shown.says.push_back(std::move(c));
    }
    d.board->update(d.shown);
    d.board->update(d.meter->snapshot(now));
}

/// What is new about pairs, for people.
void tell_stops(conductor_ptr self) {
    auto& d = self->state;
    const auto& stops = d.core->stops();
    if (stops.size() == d.stops_told)
        return;
    d.stops_told = stops.size();
    d.shown.thermalised.clear();
    for (const auto& [pair, stop] : stops)
        d.shown.thermalised.push_back({2 * pair.first, pair.second, stop.by == stop_reason::limit ? std::nullopt : std::optional(stop.after)});
}

/// Everything in the window in one go, then the checks that it makes answerable.
void work_off(conductor_ptr self) {
    auto& d = self->state;
    d.meter->set(stage_activity::busy, steady_now_s());
    if (!d.window.empty())
        ++d.shown.batches;
    for (auto& w : d.window) {
        const double begun = steady_now_s();
        d.shown.watched += w.batch.trajectories.size();
        ++d.shown.requests;
        w.answer.deliver(trajectories_classified{d.core->watch(w.batch)});
        d.meter->item(steady_now_s() - begun);
    }
    d.window.clear();
    std::erase_if(d.checks, [&](waiting_check& c) {
        const auto says = d.core->check(c.asked.chain, c.asked.ordinal, c.asked.done);
        if (says)
            c.answer.deliver(therm_checked{*says});
        return says.has_value();
    });
    tell_stops(self);
    d.meter->set(stage_activity::idle, steady_now_s());
    publish(self, false);
}

/// With what earlier processes of this campaign left in the ledger. On the caller's thread: the ledger has one user at a time, and from
/// the moment that there is a recorder it is the recorder.
std::shared_ptr<conductor> recalled(const runtime_parts& parts, status_board& board) {
    auto core = std::make_shared<conductor>(parts.plan, parts.seed, parts.model, parts.model_device);
    const auto without = [&board](const error& e) { board.notice("the conductor starts without history: " + to_text(e)); };
    for (std::uint32_t c = 0; c < parts.plan.n_chains; ++c) {
        const auto segments = parts.book->segments(chain_id{c});
        if (!segments) {
            without(segments.reason());
            return core;
        }
        for (std::size_t k = 0; k < segments->size(); ++k) {
            const auto& s = (*segments)[k];
            const bool last = k + 1 == segments->size();
            watched_batch b{chain_id{c}, s.ordinal, s.number, s.first_trajectory, 1, s.params, {}};
            const auto to = last ? UINT64_MAX : (*segments)[k + 1].first_trajectory - 1;
            const auto rows = parts.book->records(chain_id{c}, true, s.first_trajectory, to);
            if (!rows) {
                without(rows.reason());
                return core;
            }
            for (const auto& row : *rows)
                b.trajectories.push_back({row.record.observed, row.record.measured});
            (void)core->watch(b, last || s.ordinal == 0); // first segments may still be judged together with a partner's
            if (!last || s.finished)
                core->on_segment_over(chain_id{c}, s.ordinal);
        }
    }
    return core;
}

/// After every point: what was learnt must survive whatever comes next.
void learn(conductor_ptr self, const segment_is_over& m) {
    auto& d = self->state;
    const auto history = d.core->history(m.chain, m.ordinal);
    if (!history || !d.learnt || !d.save)
        return;
    d.meter->set(stage_activity::busy, steady_now_s());
    auto done = [&]() -> result<std::size_t> {
        try {
            auto rows = learn_segment(*d.learnt, *history, 32, d.device.get());
            if (rows)
                if (auto saved = d.save(*d.learnt); !saved)
                    return saved.reason();
            return rows;
        } catch (...) { // the campaign does not depend on it
            return current_exception_as_error();
        }
    }();
    if (done)
        d.shown.learnt_rows += *done;
    else
        d.board->notice("the conductor does not learn: " + to_text(done.reason()));
    d.meter->set(stage_activity::idle, steady_now_s());
}

caf::behavior conductor_behavior(conductor_ptr self, std::shared_ptr<conductor> core, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.board = std::move(board);
    d.meter.emplace("conductor", steady_now_s());
    d.core = std::move(core);
    d.device = parts->model_device;
    if (d.device && !d.device->report().note.empty())
        d.board->notice("conductor: " + d.device->report().note);
    d.shown.model = parts->model_name;
    if (parts->model && parts->save_model) {
        d.learnt = *parts->model;
        d.save = parts->save_model;
    }
    tell_stops(self);
    publish(self, true);
    const auto window = std::chrono::microseconds(static_cast<std::int64_t>(parts->plan.conductor.window_s * 1e6));
    return {
        [self, window](classify& m) {
            auto& s = self->state;
            s.window.push_back({self->make_response_promise<trajectories_classified>(), std::move(m.batch)});
            auto answer = s.window.back().answer;
            if (s.window.size() >= window_requests || window.count() == 0) {
                work_off(self);
            } else if (!std::exchange(s.timer_set, true)) {
                self->delayed_send(self, window, window_over{});
            }
            return answer;
        },
        [self](window_over) {
            self->state.timer_set = false;
            work_off(self);
        },
        [self](const quenched_therm_check& m) {
            auto& s = self->state;
            ++s.shown.requests;
            s.checks.push_back({self->make_response_promise<therm_checked>(), m});
            auto answer = s.checks.back().answer;
            work_off(self); // a chain stands still until it is answered: no window for it
            return answer;
        },
        [self](const therm_check& m) {
            ++self->state.shown.requests;
            return therm_checked{self->state.core->check_alone(m.plaquette, m.polyakov)};
        },
        [self](const predict_quenched_length& m) {
            ++self->state.shown.requests;
            return quenched_length_predicted{self->state.core->predict_length(m.beta)};
        },
        [self](const suggest_params& m) {
            ++self->state.shown.requests;
            return params_suggested{self->state.core->suggest_parameters(m.params)};
        },
        [self](const predict_cg_iterations&) {
            ++self->state.shown.requests;
            return cg_iterations_predicted{std::nullopt, "not applicable: pure gauge theory solves no linear system"};
        },
        [self](const steer_adaptive& m) {
            auto& s = self->state;
            ++s.shown.requests;
            work_off(self);
            const auto says = s.core->steer(m.planned);
            if (!says)
                return adaptive_steered{std::nullopt, to_text(says.reason())};
            if (!says->beta)
                return adaptive_steered{std::nullopt, says->reason};
            ++s.shown.proposed;
            return adaptive_steered{point_suggestion{*says->beta, says->reason}, says->reason};
        },
        [self](const segment_is_over& m) {
            work_off(self);
            self->state.core->on_segment_over(m.chain, m.ordinal);
            learn(self, m);
            publish(self, true);
        },
        [self](const chain_is_gone& m) {
            m.gone ? self->state.core->on_gone(m.chain) : self->state.core->on_back(m.chain);
            work_off(self);
        },
        [self](const predictions_collected& m) {
            self->state.shown.early += m.early;
            self->state.shown.late += m.late;
        },
        [self](publish_due) { publish(self, true); },
    };
}

} // namespace

caf::actor spawn_conductor(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    auto core = recalled(*parts, *board);
    return parent->spawn<caf::detached + caf::monitored>(conductor_behavior, std::move(core), std::move(parts), std::move(board));
}

} // namespace forge
