// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/validation_line.hpp"

#include "actors/roles/roles.hpp"

#include <fmt/format.h>

#include <utility>

namespace forge {

namespace {

constexpr std::chrono::seconds validation_timeout{24 * 3600}; // a full edge may be slow; its validator's death is heard at once

} // namespace

validation_line::validation_line(caf::event_based_actor* self, caf::actor validator, caf::actor worker, caf::actor recorder, std::shared_ptr<status_board> board,
                                 chain_id chain, const extents& lattice, std::uint64_t key, channel via, bool droppable)
    : self_(self), validator_(std::move(validator)), worker_(std::move(worker)), recorder_(std::move(recorder)), board_(std::move(board)), chain_(chain), key_(key),
      via_(std::move(via)), droppable_(droppable), edge_(via_, droppable_), running_(lattice) {
    if (validator_)
        condition_ = predicate::parse(via_.predicate, result_schema()).or_throw();
}

void validation_line::begin(const std::string& device, const std::string& bits_class, const std::optional<opened_segment>& segment, std::uint64_t trajectory,
                            const std::vector<trajectory_observables>& measured) {
    device_ = device;
    bits_class_ = bits_class;
    if (!condition_ || !segment)
        return;
    in_segment_ = true;
    segment_ = segment->number;
    running_.begin(chain_, segment->number, segment->params);
    for (const auto& o : measured)
        running_.add(trajectory, o, true, 0.0);
}

void validation_line::on_trajectory(const opened_segment& segment, const run_command& job, const job_done& done, bool measured) {
    if (!condition_)
        return;
    // What was copied before this trajectory ran now has its twin's answer.
    if (const auto before = waiting_.find(job.trajectory - 1); before != waiting_.end()) {
        auto& w = before->second;
        w.what.next = job;
        w.what.params = job.params;
        w.what.committed.next = done.observed;
        w.what.committed.next_state = done.state;
        w.complete = true;
        send_ready();
    }
    if (!std::exchange(in_segment_, true) || segment_ != segment.number) {
        segment_ = segment.number;
        running_.begin(chain_, segment.number, segment.params);
    }
    running_.add(job.trajectory, done.observed, measured, done.seconds);
    const bool passes = condition_->passes(running_.source());
    validate_configuration what{chain_, job.trajectory, key_, nullptr, job.params, device_, bits_class_, {done.state, done.observed, std::nullopt, std::nullopt}, std::nullopt};
    switch (edge_.offer({job.trajectory, 0}, passes)) {
    case offer_outcome::accepted:
        take_copy(std::move(what));
        break;
    case offer_outcome::would_block:
        held_ = std::move(what); // the chain stands: the device keeps this very configuration
        break;
    default:
        break;
    }
    publish();
}

void validation_line::take_copy(validate_configuration what) {
    const auto trajectory = what.trajectory;
    waiting_[trajectory] = {std::move(what), false};
    self_->request(worker_, worker_timeout, take_snapshot{chain_})
        .then(
            [this, trajectory, generation = generation_](const snapshot_taken& taken) {
                const auto at = waiting_.find(trajectory);
                if (generation != generation_ || at == waiting_.end())
                    return; // the edge was closed meanwhile
                if (taken.failed)
                    return close(generation);
                at->second.what.links = taken.links;
                send_ready();
            },
            [this, generation = generation_](const caf::error&) { close(generation); });
}

/// In order: a copy goes when it is there and its next trajectory has run, or will not.
void validation_line::send_ready() {
    while (!waiting_.empty() && waiting_.begin()->second.complete && waiting_.begin()->second.what.links) {
        auto what = std::move(waiting_.begin()->second.what);
        waiting_.erase(waiting_.begin());
        (void)edge_.take();
        self_->request(validator_, validation_timeout, std::move(what))
            .then([this, generation = generation_](const configuration_validated&) { on_answer(generation); },
                  [this, generation = generation_](const caf::error&) { close(generation); });
    }
}

void validation_line::on_answer(std::uint64_t generation) {
    if (generation != generation_ || !edge_.is_open())
        return;
    edge_.grant();
    if (held_ && edge_.offer({held_->trajectory, 0}) == offer_outcome::accepted) {
        take_copy(std::move(*held_));
        held_.reset();
        if (auto go = std::exchange(go_run_, nullptr))
            go();
    }
    publish();
    if (edge_.counters().fill == 0)
        if (auto go = std::exchange(go_done_, nullptr))
            go();
}

void validation_line::before_run(std::function<void()> go) {
    if (held_)
        go_run_ = std::move(go);
    else
        go();
}

void validation_line::before_done(std::function<void()> go) {
    if (!condition_)
        return go();
    if (held_) { // the last trajectory: nothing overwrites it before it is taken
        go_run_ = [this, go] { before_done(go); };
        return;
    }
    for (auto& [trajectory, w] : waiting_)
        w.complete = true; // no next trajectory will come
    send_ready();
    if (!edge_.is_open() || edge_.counters().fill == 0)
        return go();
    go_done_ = std::move(go);
}

void validation_line::close(std::uint64_t generation) {
    if (generation != generation_ || !edge_.is_open())
        return;
    const auto lost = edge_.close();
    waiting_.clear();
    held_.reset();
    if (!lost.empty()) {
        event_row row;
        row.kind = "validation_lost";
        row.chain = chain_;
        row.trajectory = lost.front().id;
        row.text = fmt::format("{} configuration{} on the way to a validator that died", lost.size(), lost.size() == 1 ? "" : "s");
        self_->send(recorder_, log_event{std::move(row)});
    }
    publish();
    if (auto go = std::exchange(go_run_, nullptr))
        go();
    if (auto go = std::exchange(go_done_, nullptr))
        go();
}

void validation_line::use(caf::actor validator) {
    if (!condition_)
        return;
    close(generation_);
    ++generation_;
    validator_ = std::move(validator);
    if (validator_)
        edge_ = edge_channel(via_, droppable_);
}

void validation_line::publish() { board_->update_edge(chain_, edge_.counters()); }

} // namespace forge
