// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/supervisor.hpp"

#include <cmath>

namespace forge {

blame blame_of(errc code, bool own_device, bool same_worker) {
    if (own_device)
        return blame::chain;
    if (!same_worker)
        return blame::past;
    return code == errc::device_unavailable ? blame::node : blame::chain;
}

chain_verdict supervisor::on_failure(chain_id chain, const error& reason, double now_s) {
    auto& times = failures_[chain];
    while (!times.empty() && now_s - times.front() > restart_window_s)
        times.pop_front();
    chain_verdict v;
    v.restarts_in_window = times.size();
    if (times.size() >= restarts_max || reaction_of(reason.code) == reaction::stop) {
        ended_[chain] = false;
        given_up_[chain] = reason;
        return v;
    }
    v.restart = true;
    v.after_s = first_backoff_s * std::exp2(static_cast<double>(times.size()));
    times.push_back(now_s);
    return v;
}

void supervisor::on_done(chain_id chain, bool finished) { ended_[chain] = finished; }

bool supervisor::all_finished() const {
    if (!over())
        return false;
    for (const auto& [chain, finished] : ended_)
        if (!finished)
            return false;
    return true;
}

} // namespace forge
