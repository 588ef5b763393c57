// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/chain_core.hpp"

#include "libactors/numerics/statistics.hpp"

namespace forge {

namespace {
constexpr std::size_t look_every = 50; ///< measured trajectories between two looks at the target error
}

std::string_view name_of(chain_phase p) {
    switch (p) {
    case chain_phase::starting: return "starting";
    case chain_phase::thermalising: return "thermalising";
    case chain_phase::measuring: return "measuring";
    case chain_phase::waiting_for_decision: return "waiting";
    case chain_phase::paused: return "paused";
    case chain_phase::stopping: return "stopping";
    case chain_phase::done: return "done";
    }
    return "starting";
}

chain_core::chain_core(chain_start start, std::uint32_t edge_capacity, std::uint32_t check_every)
    : chain_(start.chain), trajectory_(start.trajectory), head_(start.head), state_(start.state),
      segment_(std::move(start.segment)), next_ordinal_(start.next_ordinal), measured_(std::move(start.measured)),
      credit_(edge_capacity), sealed_(start.trajectory), check_every_(check_every), cut_(start.thermalised_after) {}

std::uint32_t chain_core::done_in_segment() const {
    return segment_ && trajectory_ >= segment_->first_trajectory
               ? static_cast<std::uint32_t>(trajectory_ - segment_->first_trajectory + 1)
               : 0;
}

bool chain_core::segment_complete() const {
    const auto& p = segment_->params;
    if (measured_.size() >= p.n_measure)
        return true;
    if (!p.target_error || measured_.empty() || measured_.size() % look_every != 0)
        return false;
    const auto g = gamma_method(measured_);
    return g.reliable && g.error && *g.error <= *p.target_error;
}

chain_phase chain_core::phase() const {
    if (done_)
        return chain_phase::done;
    if (storage_failed_ || held_by_user_)
        return chain_phase::paused;
    if (stopping_)
        return chain_phase::stopping;
    if (asking_)
        return chain_phase::waiting_for_decision;
    if (!segment_)
        return chain_phase::starting;
    return done_in_segment() < thermalisation() ? chain_phase::thermalising : chain_phase::measuring;
}

void chain_core::seal(std::vector<chain_command>& out) {
    if (sealing_ || sealed_ == trajectory_ || !segment_)
        return;
    sealing_ = trajectory_;
    seal_due_ = false;
    out.push_back(seal_command{trajectory_, head_, state_, *segment_});
}

std::vector<chain_command> chain_core::begin() { return next(); }

std::vector<chain_command> chain_core::next() {
    std::vector<chain_command> out;
    if (done_ || running_ || asking_ || held_ || storage_failed_)
        return out;
    if (stopping_ || out_of_work_) {
        seal(out);
        if (!sealing_ && sealed_ == trajectory_) {
            done_ = true;
            out.push_back(done_command{out_of_work_});
        }
        return out;
    }
    if (held_by_user_ || checking_) {
        if (seal_due_)
            seal(out); // standing still is the best moment
        return out;
    }
    if (!segment_ || segment_complete()) {
        if (segment_)
            seal(out);
        asking_ = true;
        out.push_back(ask_segment_command{next_ordinal_, trajectory_ + 1});
        return out;
    }
    if (const auto done = done_in_segment(); check_every_ > 0 && done > 0 && done % check_every_ == 0 && done < thermalisation() && checked_at_ != done) {
        checking_ = done;
        if (seal_due_)
            seal(out);
        out.push_back(check_command{segment_->ordinal, done});
        return out;
    }
    if (seal_due_)
        seal(out); // before the run: the worker takes the snapshot first
    running_ = true;
    out.push_back(run_command{trajectory_ + 1, segment_->number, segment_->params, done_in_segment() >= segment_->params.n_warmup});
    return out;
}

std::vector<chain_command> chain_core::on_trajectory(const trajectory_observables& o, const state_hash& state, double seconds) {
    expects(running_ && segment_, "a trajectory ends that was started");
    running_ = false;
    physics_record r;
    r.chain = chain_;
    r.segment = segment_->number;
    r.trajectory = trajectory_ + 1;
    r.previous = head_;
    r.state = state;
    r.measured = done_in_segment() >= thermalisation();
    r.observed = o;
    trajectory_ = r.trajectory;
    head_ = hash_of(r);
    state_ = state;
    if (r.measured)
        measured_.push_back(o.plaquette());
    if (!credit_.may_send()) {
        held_ = offer_command{r, seconds};
        return {};
    }
    credit_.sent();
    std::vector<chain_command> out{offer_command{r, seconds}};
    for (auto& c : next())
        out.push_back(std::move(c));
    return out;
}

std::vector<chain_command> chain_core::on_granted(std::uint32_t n) {
    credit_.granted(n);
    if (!held_)
        return {};
    credit_.sent();
    std::vector<chain_command> out{*held_};
    held_.reset();
    for (auto& c : next())
        out.push_back(std::move(c));
    return out;
}

std::vector<chain_command> chain_core::on_segment(std::optional<opened_segment> segment) {
    expects(asking_, "a segment arrives that was asked for");
    asking_ = false;
    if (!segment) {
        out_of_work_ = true;
        std::vector<chain_command> out;
        if (segment_)
            out.push_back(finish_segment_command{segment_->number});
        for (auto& c : next())
            out.push_back(std::move(c));
        return out;
    }
    expects(segment->first_trajectory == trajectory_ + 1, "a segment starts where the chain stands");
    segment_ = std::move(segment);
    next_ordinal_ = segment_->ordinal + 1;
    measured_.clear();
    cut_.reset();
    checked_at_.reset();
    return next();
}

std::vector<chain_command> chain_core::on_checked(std::uint32_t done, bool thermalised) {
    if (checking_ != done)
        return {};
    checking_.reset();
    checked_at_ = done;
    if (thermalised)
        cut_ = done;
    return next();
}

std::vector<chain_command> chain_core::on_sealed(std::uint64_t trajectory) {
    sealed_ = std::max(sealed_, trajectory);
    sealing_.reset();
    const bool was_paused = storage_failed_;
    storage_failed_ = false;
    // Standing still, it may owe a newer seal: one that became due while this one was under way.
    return (was_paused || stopping_ || out_of_work_ || held_by_user_) ? next() : std::vector<chain_command>{};
}

std::vector<chain_command> chain_core::on_seal_failed(const std::string& reason) {
    sealing_.reset();
    storage_failed_ = true;
    pause_reason_ = reason;
    return {};
}

std::vector<chain_command> chain_core::on_retry() {
    std::vector<chain_command> out;
    if (storage_failed_ && !sealing_ && !running_ && !held_) {
        if (sealed_ == trajectory_) // an older seal failed, and a newer one has covered it since
            return on_sealed(trajectory_);
        seal(out);
    }
    return out;
}

std::vector<chain_command> chain_core::on_seal_now() {
    seal_due_ = true;
    std::vector<chain_command> out;
    if (!done_ && !running_ && !held_ && !storage_failed_)
        seal(out);
    return out;
}

std::vector<chain_command> chain_core::on_stop() {
    stopping_ = true;
    checking_.reset(); // a chain that goes on later asks again at the same place
    return next();
}

std::vector<chain_command> chain_core::on_pause(const std::string& reason) {
    held_by_user_ = true;
    pause_reason_ = reason;
    return {};
}

std::vector<chain_command> chain_core::on_resume() {
    held_by_user_ = false;
    return next();
}

} // namespace forge
