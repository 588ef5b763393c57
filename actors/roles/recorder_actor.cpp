// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/roles.hpp"

#include "actors/roles/recorder_core.hpp"

namespace forge {

namespace {

constexpr std::chrono::milliseconds group_window{20};
constexpr std::size_t group_size = 256;
constexpr std::chrono::seconds storage_retry{1};

struct waiting_item {
    caf::actor producer;
    double arrived;
};

struct recorder_data {
    static inline const char* name = "recorder";
    std::optional<recorder_core> core;
    std::shared_ptr<status_board> board;
    std::optional<stage_meter> meter;
    std::vector<commit_request> batch;
    std::vector<waiting_item> waiting; ///< same order as batch
    std::uint64_t generation = 0;      ///< of the flush timer; an older timer is ignored
    bool timer_set = false;
    bool storage_failing = false;
    double published = 0.0;
};

using recorder_ptr = caf::stateful_actor<recorder_data>*;

void publish(recorder_ptr self, bool force) {
    auto& d = self->state;
    const double now = steady_now_s();
    d.meter->queue(static_cast<std::uint32_t>(d.batch.size()), static_cast<std::uint32_t>(group_size));
    if (force || now - d.published > 0.25) {
        d.board->update(d.meter->snapshot(now));
        d.published = now;
    }
}

void set_timer(recorder_ptr self, std::chrono::milliseconds delay) {
    auto& d = self->state;
    d.timer_set = true;
    self->delayed_send(self, delay, flush_due{++d.generation});
}

/// Commits what is waiting. On a storage error everything stays, credits stay with the ledger, and a retry is set.
bool flush(recorder_ptr self) {
    auto& d = self->state;
    d.timer_set = false;
    if (d.batch.empty())
        return true;
    auto outcome = d.core->commit(d.batch);
    if (!outcome) {
        if (!d.storage_failing)
            d.board->notice("ledger: " + to_text(outcome.reason()) + "\n  chains wait; this is tried again every second");
        d.storage_failing = true;
        set_timer(self, storage_retry);
        return false;
    }
    if (d.storage_failing)
        d.board->notice("ledger: writing works again");
    d.storage_failing = false;
    const double now = steady_now_s();
    std::map<caf::actor, std::uint32_t> granted;
    for (std::size_t k = 0; k < d.batch.size(); ++k) {
        const auto& item = outcome->items[k];
        const auto& record = d.batch[k].record;
        if (item.kind == commit_kind::refused) {
            self->send(d.waiting[k].producer, commit_refused{*item.reason});
            continue;
        }
        if (item.kind == commit_kind::superseded_older)
            d.board->notice(to_text(record.chain) + ": trajectory " + std::to_string(record.trajectory) +
                            " came out with other bits than before; " + std::to_string(item.superseded) + " records are superseded");
        ++granted[d.waiting[k].producer];
        d.meter->item(now - d.waiting[k].arrived);
    }
    for (const auto& [producer, n] : granted)
        self->send(producer, credit_granted{n});
    d.batch.clear();
    d.waiting.clear();
    return true;
}

/// Commits that storage refused are still waiting: what the ledger says of the chain now is not what it will say, and other bits
/// among them would supersede a segment that was handed out meanwhile.
std::optional<error> behind(const recorder_data& d, const char* consequence) {
    if (d.batch.empty())
        return std::nullopt;
    return error{errc::no_space, std::string("the ledger cannot be written, so ") + consequence, "", "free space on its disk"};
}

segment_answer answer_of(const result<segment_row>& row) {
    if (!row)
        return {std::nullopt, row.reason()};
    return {opened_segment{row->number, row->ordinal, row->first_trajectory, row->params}, std::nullopt};
}

/// Runs `work` as busy time, with everything that was sent before committed first.
template <class Work>
auto after_flush(recorder_ptr self, Work work) {
    auto& d = self->state;
    d.meter->set(stage_activity::busy, steady_now_s());
    flush(self);
    struct finally {
        recorder_ptr self;
        ~finally() {
            self->state.meter->set(stage_activity::idle, steady_now_s());
            publish(self, false);
        }
    } const closing{self};
    return work(*d.core);
}

caf::behavior recorder(recorder_ptr self, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.board = board;
    d.core.emplace(std::move(parts), [board](const std::string& text) { board->notice(text); });
    d.meter.emplace("recorder", steady_now_s());
    publish(self, true);
    self->set_exit_handler([self](caf::exit_msg& m) {
        flush(self); // records of a chain that was given up may still wait
        self->quit(m.reason);
    });
    return {
        [self](const commit_item& m) {
            auto& s = self->state;
            s.batch.push_back(m.request);
            s.waiting.push_back({caf::actor_cast<caf::actor>(self->current_sender()), steady_now_s()});
            s.meter->queue(static_cast<std::uint32_t>(s.batch.size()), static_cast<std::uint32_t>(group_size));
            // A producer without credit waits for this commit: the window would only cost time.
            if (!s.storage_failing && (m.last_credit || s.batch.size() >= group_size)) {
                s.meter->set(stage_activity::busy, steady_now_s());
                flush(self);
                s.meter->set(stage_activity::idle, steady_now_s());
            } else if (!s.timer_set) {
                set_timer(self, group_window);
            }
            publish(self, false);
        },
        [self](const flush_due& m) {
            auto& s = self->state;
            if (m.generation != s.generation)
                return;
            s.meter->set(stage_activity::busy, steady_now_s());
            flush(self);
            s.meter->set(stage_activity::idle, steady_now_s());
            publish(self, false);
        },
        [self](const prepare_chain& m) {
            return after_flush(self, [&](recorder_core& core) { return core.prepare(m.chain); });
        },
        [self](const find_segment& m) {
            return after_flush(self, [&](recorder_core& core) -> segment_answer {
                if (auto wait = behind(self->state, "no segment can be looked up"))
                    return {std::nullopt, std::move(wait)};
                return core.find_segment(m.chain, m.first_trajectory);
            });
        },
        [self](const open_segment& m) {
            return after_flush(self, [&](recorder_core& core) -> segment_answer {
                if (auto wait = behind(self->state, "no segment can be opened"))
                    return {std::nullopt, std::move(wait)};
                return answer_of(core.open_segment(m.chain, m.epoch, m.first_trajectory, m.decision));
            });
        },
        [self](const finish_segment& m) {
            after_flush(self, [&](recorder_core& core) { return core.finish_segment(m.chain, m.epoch, m.number); });
        },
        [self](const seal_chain& m) {
            const auto producer = caf::actor_cast<caf::actor>(self->current_sender());
            auto sealed = after_flush(self, [&](recorder_core& core) -> result<void> {
                if (auto wait = behind(self->state, "nothing can be sealed"))
                    return *wait;
                return core.seal(*m.state, m.epoch);
            });
            if (sealed)
                self->send(producer, chain_sealed{m.state->trajectory});
            else
                self->send(producer, seal_failed{sealed.reason()});
        },
        [self](const log_event& m) {
            after_flush(self, [&](recorder_core& core) { return core.log(m.row); });
        },
        [self](const ask_fate& m) {
            return after_flush(self, [&](recorder_core& core) { return core.fate_of(m.late); });
        },
        [self](describe_run) {
            return after_flush(self, [](recorder_core& core) { return core.describe(); });
        },
        [self](const take_changes& m) {
            return after_flush(self, [&](recorder_core& core) { return core.take_changes(m.whole); });
        },
        [self](publish_due) { publish(self, true); },
    };
}

} // namespace

caf::actor spawn_recorder(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::detached + caf::monitored>(recorder, std::move(parts), std::move(board));
}

} // namespace forge
