// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/operations/operation_desk.hpp"

#include "libactors/base/contract.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

namespace {

constexpr std::size_t reports_max = 1000; ///< a repeated id is recognised this long

} // namespace

operation_desk::operation_desk(std::uint32_t n_chains, std::vector<desk_device> devices, std::uint64_t chain_bytes)
    : devices_(std::move(devices)), chain_bytes_(chain_bytes) {
    expects(!devices_.empty(), "a desk has devices");
    for (std::uint32_t c = 0; c < n_chains; ++c)
        chains_[chain_id{c}].slot = c % devices_.size();
}

void operation_desk::put(const operation_report& report) {
    if (auto* known = find(report.id)) {
        *known = report;
        return;
    }
    reports_.push_back(report);
    if (reports_.size() > reports_max) { // the oldest that is over; an open one stays
        const auto over = std::find_if(reports_.begin(), reports_.end(), [](const auto& r) { return r.state != operation_state::running; });
        reports_.erase(over);
    }
}

operation_report* operation_desk::find(const std::string& id) {
    const auto at = std::find_if(reports_.begin(), reports_.end(), [&id](const auto& r) { return r.id == id; });
    return at == reports_.end() ? nullptr : &*at;
}

void operation_desk::replay(const operation_report& report) {
    put(report);
    if (report.state != operation_state::done)
        return;
    if (report.verb == operation_verb::disable)
        disabled_.insert(report.object);
    if (report.verb == operation_verb::enable)
        disabled_.erase(report.object);
    if (report.verb == operation_verb::drain)
        drained_.insert(report.object);
    if (report.verb == operation_verb::undrain)
        drained_.erase(report.object);
    const auto c = chain_from_text(report.object);
    if (!c || !chains_.contains(*c))
        return;
    auto& e = chains_[*c];
    if (report.verb == operation_verb::pause)
        e.paused = true;
    if (report.verb == operation_verb::resume)
        e.paused = false;
    if (report.verb == operation_verb::migrate)
        for (std::size_t slot = 0; slot < devices_.size(); ++slot)
            if (devices_[slot].id == report.target) // a device that has gone: the plan's place
                e.slot = slot;
}

std::vector<desk_command> operation_desk::close_replayed() {
    std::vector<desk_command> out;
    for (auto& r : reports_)
        if (r.state == operation_state::running) {
            r.state = operation_state::failed;
            r.text = "the campaign's process ended before this was done; the chain goes on from its last seal where it was";
            out.push_back(report_command{r});
        }
    return out;
}

operation_desk::answer operation_desk::on_request(const operation_request& r, double now_s) {
    answer out;
    if (const auto* known = find(r.id)) {
        out.report = *known;
        return out;
    }
    out.report = {r.id, r.verb, r.object, r.target, operation_state::refused, "", 0.0};
    if (r.verb == operation_verb::disable || r.verb == operation_verb::enable) {
        on_device_verb(r, out);
    } else if (r.verb == operation_verb::drain || r.verb == operation_verb::undrain) {
        on_node_verb(r, now_s, out);
    } else if (const auto c = chain_from_text(r.object); c && chains_.contains(*c)) {
        out.report.object = to_text(*c);
        on_chain_verb(r, *c, now_s, out);
    } else {
        out.report.text = fmt::format("there is no chain {}; the campaign has c0 ... c{}", r.object, chains_.size() - 1);
    }
    if (r.dry_run) {
        out.commands.clear();
        return out;
    }
    put(out.report);
    if (out.report.state != operation_state::refused)
        out.commands.push_back(report_command{out.report});
    return out;
}

void operation_desk::on_chain_verb(const operation_request& r, chain_id c, double now_s, answer& out) {
    auto& e = chains_.at(c);
    auto& report = out.report;
    const auto text = to_text(c);
    if (!e.open.empty()) {
        report.text = fmt::format("{} has an operation under way: {} (forge op show {})", text, name_of(find(e.open)->verb), e.open);
        return;
    }
    if (e.finished && r.verb != operation_verb::resume) {
        report.text = text + " has finished: there is nothing left to " + std::string(name_of(r.verb));
        return;
    }
    if (r.verb == operation_verb::migrate)
        return on_migrate(r, c, now_s, out);
    const auto done = [&](const std::string& what) {
        report.state = operation_state::done;
        report.text = what;
    };
    const auto begin = [&](const std::string& what) {
        report.state = operation_state::running;
        report.text = what;
        if (!r.dry_run) {
            e.open = r.id;
            e.begun_s = now_s;
        }
    };
    switch (r.verb) {
    case operation_verb::pause:
        if (e.stopped)
            report.text = text + " is stopped already";
        else if (e.paused)
            done(text + " was paused already");
        else {
            done(text + " finishes its trajectory and starts no other until it is resumed");
            out.commands.push_back(pause_chain_command{c, "paused by the operator"});
            e.paused = e.paused || !r.dry_run;
        }
        return;
    case operation_verb::resume:
        if (e.finished)
            report.text = text + " has finished";
        else if (e.stopped) {
            begin(text + " starts again from its seal on " + devices_[e.slot].id);
            out.commands.push_back(start_chain_command{c, e.slot});
            if (!r.dry_run) {
                e.going_to = e.slot;
                e.stopped = e.paused = false;
            }
        } else if (e.paused) {
            done(text + " goes on");
            out.commands.push_back(resume_chain_command{c});
            e.paused = e.paused && r.dry_run;
        } else
            done(text + " was running already");
        return;
    case operation_verb::checkpoint:
        if (e.stopped)
            return done(text + " is stopped and sealed");
        begin(text + " is sealed at the end of its trajectory");
        out.commands.push_back(seal_chain_command{c});
        return;
    case operation_verb::stop:
        if (e.stopped)
            return done(text + " was stopped already");
        begin(text + " finishes its trajectory, is sealed and ends");
        out.commands.push_back(stop_chain_command{c});
        return;
    default:
        report.text = "not an operation on a chain";
    }
}

std::vector<desk_command> operation_desk::close(chain_entry& e, operation_state state, const std::string& text, double seconds) {
    auto* report = find(e.open);
    e.open.clear();
    e.moving = e.left = false;
    if (report == nullptr)
        return {};
    report->state = state;
    report->text = text;
    report->seconds = seconds;
    return {report_command{*report}};
}

std::vector<desk_command> operation_desk::on_sealed(chain_id c, std::uint64_t trajectory, double now_s) {
    auto& e = chains_.at(c);
    const auto* open = e.open.empty() ? nullptr : find(e.open);
    if (open == nullptr || open->verb != operation_verb::checkpoint)
        return {};
    return close(e, operation_state::done, fmt::format("{} is sealed at trajectory {}", to_text(c), trajectory), now_s - e.begun_s);
}

std::vector<desk_command> operation_desk::on_stopped(chain_id c, std::uint64_t trajectory, bool finished, double now_s,
                                                     const migration_times& leaving) {
    auto& e = chains_.at(c);
    e.finished = finished;
    const auto* open = e.open.empty() ? nullptr : find(e.open);
    if (open == nullptr)
        return {};
    if (finished && open->verb != operation_verb::checkpoint)
        return close(e, operation_state::done, fmt::format("{} finished at trajectory {} before that was needed", to_text(c), trajectory), now_s - e.begun_s);
    switch (open->verb) {
    case operation_verb::migrate:
        e.slot = e.going_to;
        e.left = true;
        e.stopped_s = now_s;
        e.times = leaving;
        return {start_chain_command{c, e.slot}};
    case operation_verb::stop:
        e.stopped = true;
        return close(e, operation_state::done, fmt::format("{} is stopped and sealed at trajectory {}; forge chain resume {} goes on", to_text(c), trajectory, to_text(c)),
                     now_s - e.begun_s);
    default: // an end seals
        return close(e, operation_state::done, fmt::format("{} ended, sealed at trajectory {}", to_text(c), trajectory), now_s - e.begun_s);
    }
}

std::vector<desk_command> operation_desk::on_started(chain_id c, std::uint64_t epoch, double now_s, const migration_times& arriving) {
    auto& e = chains_.at(c);
    std::vector<desk_command> out;
    if (e.paused) // before the restart, or before this process
        out.push_back(pause_chain_command{c, "paused by the operator"});
    const auto* open = e.open.empty() ? nullptr : find(e.open);
    if (open == nullptr)
        return out;
    const auto place = fmt::format("{} runs on {} (epoch {})", to_text(c), devices_[e.slot].id, epoch);
    std::vector<desk_command> more;
    switch (open->verb) {
    case operation_verb::migrate:
        if (e.slot == e.going_to)
            more = arrived(c, place, now_s, arriving);
        else if (e.left)
            more = close(e, operation_state::failed, fmt::format("{}: {} went away before it could start there", place, devices_[e.going_to].id), now_s - e.begun_s);
        else // asked while the chain was down: nobody heard it
            more.push_back(stop_chain_command{c});
        break;
    case operation_verb::stop: more.push_back(stop_chain_command{c}); break;
    case operation_verb::checkpoint: more.push_back(seal_chain_command{c}); break;
    case operation_verb::resume: more = close(e, operation_state::done, place, now_s - e.begun_s); break;
    default: break;
    }
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

std::vector<desk_command> operation_desk::arrived(chain_id c, const std::string& place, double now_s, const migration_times& arriving) {
    auto& e = chains_.at(c);
    if (!e.left) // it was down when it was asked to move, and starts there from its last seal
        return close(e, operation_state::done, fmt::format("{}; it stood still for {:.3f} s", place, now_s - e.begun_s), now_s - e.begun_s);
    auto t = e.times;
    t.grant_s = arriving.grant_s;
    t.copy_in_s = arriving.copy_in_s;
    t.upload_s = arriving.upload_s;
    const double pause = t.snapshot_s + t.copy_out_s + t.seal_s + now_s - e.stopped_s;
    find(e.open)->times = t;
    return close(e, operation_state::done,
                 fmt::format("{}; it stood still for {:.3f} s (snapshot {:.3f}, copy {:.3f}, seal {:.3f}, grant {:.3f}, copy {:.3f}, upload {:.3f}) after {:.3f} s of draining", place, pause,
                             t.snapshot_s, t.copy_out_s, t.seal_s, t.grant_s, t.copy_in_s, t.upload_s, t.drain_s),
                 pause);
}

std::vector<desk_command> operation_desk::on_failed(chain_id c, const std::string& why, bool restarts, double now_s) {
    auto& e = chains_.at(c);
    e.stopped = e.stopped || !restarts; // nobody would answer for it; resume starts it again
    if (e.open.empty())
        return {};
    return close(e, operation_state::failed, fmt::format("{} failed meanwhile: {}; {} (device {})", to_text(c), why,
                 restarts ? "it restarts from its last seal" : "it was given up", devices_[e.slot].id), now_s - e.begun_s);
}

} // namespace forge
