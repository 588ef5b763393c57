// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/conductor_line.hpp"

#include "actors/messages/messages.hpp"

#include <fmt/format.h>

#include <utility>

namespace forge {

namespace {

constexpr std::chrono::seconds answer_timeout{60};
/// A partner may be slow, paused or far behind; a chain that waits for it costs nothing, and a stop ends the wait.
constexpr std::chrono::seconds partner_timeout{24 * 3600};

} // namespace

conductor_line::conductor_line(caf::event_based_actor* self, caf::actor conductor, caf::actor recorder, chain_id chain)
    : self_(self), conductor_(std::move(conductor)), recorder_(std::move(recorder)), chain_(chain), gatherer_(chain) {}

void conductor_line::log(const char* kind, std::uint64_t trajectory, std::string text) {
    event_row row;
    row.kind = kind;
    row.chain = chain_;
    row.trajectory = trajectory;
    row.text = std::move(text);
    self_->send(recorder_, log_event{std::move(row)});
}

void conductor_line::predict(const std::optional<segment_params>& params) {
    if (!conductor_)
        return;
    const auto beta = params ? std::optional(params->beta) : std::nullopt;
    const auto note = [this](std::string text) {
        ++answered_;
        if (!collected_)
            predictions_ += (predictions_.empty() ? "" : "; ") + std::move(text);
    };
    const auto ignore = [](const caf::error&) {};
    asked_ = 3;
    self_->request(conductor_, answer_timeout, predict_quenched_length{beta}).then([note](const quenched_length_predicted& m) {
        note(m.says.trajectories ? fmt::format("thermalisation {} ({}: {})", *m.says.trajectories, name_of(m.says.source), m.says.reason)
                                 : "thermalisation n/a: " + m.says.reason);
    }, ignore);
    self_->request(conductor_, answer_timeout, suggest_params{params}).then([note](const params_suggested& m) {
        note(m.says.n_steps ? fmt::format("steps {} ({}: {})", *m.says.n_steps, name_of(m.says.source), m.says.reason) : "steps n/a: " + m.says.reason);
    }, ignore);
    self_->request(conductor_, answer_timeout, predict_cg_iterations{beta}).then([note](const cg_iterations_predicted& m) {
        note("solver iterations n/a: " + m.reason);
    }, ignore);
}

void conductor_line::collect(std::uint64_t trajectory) {
    if (!conductor_ || collected_)
        return;
    collected_ = true;
    self_->send(conductor_, predictions_collected{answered_, asked_ - answered_});
    self_->send(conductor_, chain_is_gone{chain_, false});
    if (!predictions_.empty())
        log("predicted", trajectory, predictions_);
}

void conductor_line::send(std::optional<watched_batch> batch) {
    if (!batch || !conductor_)
        return;
    self_->request(conductor_, answer_timeout, classify{std::move(*batch)})
        .then([this](const trajectories_classified&) { send(gatherer_.on_answered()); }, [this](const caf::error&) { conductor_ = nullptr; });
}

/// Advice, for a chain without a partner has nobody to compare with.
void conductor_line::check_drift(trajectory_gatherer::drift_question asked, std::uint64_t trajectory) {
    self_->request(conductor_, answer_timeout, therm_check{std::move(asked.plaquette), std::move(asked.polyakov)})
        .then([this, trajectory](const therm_checked& m) { log("drift_checked", trajectory, m.says.reason); }, [](const caf::error&) {});
}

void conductor_line::on_trajectory(const opened_segment& segment, std::uint32_t done, const watched_trajectory& t) {
    if (!conductor_)
        return;
    auto out = gatherer_.on_trajectory(segment, done, t);
    for (auto& batch : out.send)
        send(std::move(batch));
    if (out.drift)
        check_drift(std::move(*out.drift), segment.first_trajectory + done - 2);
}

void conductor_line::on_segment_over(const opened_segment& segment) {
    if (!conductor_)
        return;
    send(gatherer_.flush()); // the order of messages is what counts
    self_->send(conductor_, segment_is_over{chain_, segment.ordinal});
}

void conductor_line::check(const opened_segment& segment, std::uint32_t done, std::function<void(const thermalisation_answer&)> use) {
    if (!conductor_)
        return use({false, "the conductor is not there: the campaign's number of trajectories stands"});
    send(gatherer_.flush());
    self_->request(conductor_, partner_timeout, quenched_therm_check{chain_, segment.ordinal, done})
        .then([this, use, done, trajectory = segment.first_trajectory - 1 + done, planned = segment.params.n_thermalise](const therm_checked& m) {
                  if (m.says.thermalised)
                      log("thermalised", trajectory, fmt::format("after {} of {} trajectories: {}", done, planned, m.says.reason));
                  use(m.says);
              },
              [use, this](const caf::error& e) {
                  conductor_ = nullptr;
                  use({false, "the conductor does not answer (" + self_->system().render(e) + "): the campaign's number of trajectories stands"});
              });
}

void conductor_line::on_gone(bool gone) {
    if (conductor_)
        self_->send(conductor_, chain_is_gone{chain_, gone});
}

} // namespace forge
