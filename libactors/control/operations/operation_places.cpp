// SPDX-License-Identifier: AGPL-3.0-only
// Devices and nodes as places for chains (operation_desk, second half).
#include "libactors/control/operations/operation_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

std::vector<chain_id> operation_desk::chains_on(std::size_t slot) const {
    std::vector<chain_id> out;
    for (const auto& [c, e] : chains_)
        if ((e.moving ? e.going_to : e.slot) == slot && !e.finished && !e.stopped)
            out.push_back(c);
    return out;
}

std::size_t operation_desk::load_of(std::size_t slot) const { return chains_on(slot).size(); }

bool operation_desk::usable(std::size_t slot) const {
    const auto& d = devices_[slot];
    return d.online && !d.draining && d.fp64 && !disabled_.contains(d.id) && (d.memory_bytes == 0 || d.memory_bytes >= chain_bytes_);
}

std::size_t operation_desk::device_came(const desk_device& came) {
    auto device = came;
    device.draining = device.draining || drained_.contains(device.id.substr(0, device.id.find('/')));
    for (std::size_t s = 0; s < devices_.size(); ++s)
        if (devices_[s].id == device.id) {
            devices_[s] = device;
            return s;
        }
    devices_.push_back(device);
    return devices_.size() - 1;
}

void operation_desk::device_went(const std::string& id) {
    for (auto& d : devices_)
        if (d.id == id)
            d.online = false;
}

std::string operation_desk::own_id(const char* why, double now_s) {
    std::string id; // the clock starts again with the machine, and the count with the process
    do
        id = fmt::format("{}-{}-{}", why, static_cast<std::uint64_t>(now_s * 1e3), ++spread_);
    while (find(id) != nullptr);
    return id;
}

std::vector<desk_command> operation_desk::drain(const std::string& node, double now_s) {
    std::vector<desk_command> out;
    for (auto& d : devices_) // all of them first: no chain moves from one to another
        d.draining = d.draining || d.id.starts_with(node + "/");
    for (std::size_t s = 0; s < devices_.size(); ++s) {
        if (!devices_[s].id.starts_with(node + "/"))
            continue;
        for (const auto& [c, e] : chains_) {
            if (e.slot != s || e.finished || e.stopped)
                continue;
            const auto begun = on_request({own_id("drain", now_s), operation_verb::migrate, to_text(c), "", false}, now_s);
            out.insert(out.end(), begun.commands.begin(), begun.commands.end());
        }
    }
    return out;
}

bool operation_desk::find_place(chain_id c) {
    auto& e = chains_.at(c);
    if (devices_[e.slot].online) // a disabled device keeps what it has
        return true;
    std::optional<std::size_t> chosen;
    for (std::size_t s = 0; s < devices_.size(); ++s)
        if (usable(s) && (!chosen || load_of(s) < load_of(*chosen)))
            chosen = s;
    if (chosen)
        e.slot = *chosen;
    return chosen.has_value();
}

std::vector<desk_command> operation_desk::spread(double now_s) {
    std::vector<desk_command> out;
    for (std::size_t idle = 0; idle < devices_.size(); ++idle) {
        if (!usable(idle) || load_of(idle) > 0)
            continue;
        std::optional<chain_id> mover; // from the fullest device, its last chain that can move
        for (const auto& [c, e] : chains_) {
            if (e.finished || e.stopped || e.paused || !e.open.empty() || load_of(e.slot) < 2)
                continue;
            if (!mover || load_of(e.slot) >= load_of(chains_.at(*mover).slot))
                mover = c;
        }
        if (!mover)
            continue;
        const auto begun = on_request({own_id("spread", now_s), operation_verb::migrate, to_text(*mover), devices_[idle].id, false}, now_s);
        out.insert(out.end(), begun.commands.begin(), begun.commands.end());
    }
    return out;
}

std::string operation_desk::alternatives(std::size_t except) const {
    std::string text;
    for (std::size_t s = 0; s < devices_.size(); ++s)
        if (s != except && usable(s))
            text += (text.empty() ? "possible: " : ", ") + devices_[s].id;
    return text.empty() ? "no other device would do" : text;
}

void operation_desk::on_migrate(const operation_request& r, chain_id c, double now_s, answer& out) {
    auto& e = chains_.at(c);
    auto& report = out.report;
    std::optional<std::size_t> chosen;
    for (std::size_t s = 0; s < devices_.size(); ++s) {
        const auto& d = devices_[s];
        if (!r.target.empty() ? d.id != r.target : s == e.slot || !usable(s))
            continue;
        if (!chosen || load_of(s) < load_of(*chosen))
            chosen = s;
    }
    const auto refuse = [&](const std::string& why) { report.text = fmt::format("{} is not moved: {}; {}", to_text(c), why, alternatives(e.slot)); };
    if (!chosen)
        return refuse(r.target.empty() ? "there is no other device" : "this campaign has no device " + r.target);
    const auto& d = devices_[*chosen];
    report.target = d.id;
    if (!d.online)
        return refuse("the node of " + d.id + " is away");
    if (*chosen == e.slot) {
        report.state = operation_state::done;
        report.text = to_text(c) + " is on " + d.id + " already";
        return;
    }
    if (d.draining)
        return refuse(fmt::format("the node of {} drains (forge node undrain {})", d.id, d.id.substr(0, d.id.find('/'))));
    if (disabled_.contains(d.id))
        return refuse(d.id + " is disabled (forge device enable " + d.id + ")");
    if (!d.fp64)
        return refuse(d.id + " has no fp64");
    if (d.memory_bytes > 0 && d.memory_bytes < chain_bytes_)
        return refuse(fmt::format("{} has {:.1f} MB of memory, a chain needs {:.1f} MB", d.id, 1e-6 * static_cast<double>(d.memory_bytes), 1e-6 * static_cast<double>(chain_bytes_)));
    if (e.stopped) {
        report.state = operation_state::done;
        report.text = fmt::format("{} is stopped; when it is resumed it runs on {}", to_text(c), d.id);
        e.slot = r.dry_run ? e.slot : *chosen;
        return;
    }
    report.state = operation_state::running;
    report.text = fmt::format("{} goes from {} to {}: it finishes its trajectory, is sealed, and goes on there", to_text(c), devices_[e.slot].id, d.id);
    out.commands.push_back(stop_chain_command{c});
    if (!r.dry_run) {
        e.open = r.id;
        e.moving = true;
        e.going_to = *chosen;
        e.begun_s = now_s;
    }
}

void operation_desk::on_device_verb(const operation_request& r, answer& out) {
    auto& report = out.report;
    const auto known = std::find_if(devices_.begin(), devices_.end(), [&r](const auto& d) { return d.id == r.object; });
    if (known == devices_.end()) {
        std::string all;
        for (const auto& d : devices_)
            all += (all.empty() ? "" : ", ") + d.id;
        report.text = "this campaign has no device " + r.object + "; it has " + all;
        return;
    }
    const auto slot = static_cast<std::size_t>(known - devices_.begin());
    report.state = operation_state::done;
    if (r.verb == operation_verb::enable) {
        report.text = r.object + (disabled_.contains(r.object) ? " takes chains again" : " was enabled already");
        if (!r.dry_run)
            disabled_.erase(r.object);
        return;
    }
    std::string here;
    for (const auto& [c, e] : chains_)
        if (e.slot == slot && !e.finished && !e.stopped)
            here += (here.empty() ? "" : ", ") + to_text(c);
    report.text = r.object + (disabled_.contains(r.object) ? " was disabled already" : " takes no more chains") +
                  (here.empty() ? "" : "; still there: " + here + " (forge chain migrate moves them)");
    if (!r.dry_run)
        disabled_.insert(r.object);
}

void operation_desk::on_node_verb(const operation_request& r, double now_s, answer& out) {
    auto& report = out.report;
    std::string moving;
    bool known = false;
    for (std::size_t s = 0; s < devices_.size(); ++s) {
        if (!devices_[s].id.starts_with(r.object + "/"))
            continue;
        known = true;
        for (const auto c : chains_on(s))
            moving += (moving.empty() ? "" : ", ") + to_text(c);
        if (r.verb == operation_verb::undrain && !r.dry_run)
            devices_[s].draining = false;
    }
    if (r.verb == operation_verb::drain && !r.dry_run)
        out.commands = drain(r.object, now_s);
    if (known && !r.dry_run && r.verb == operation_verb::drain)
        drained_.insert(r.object);
    if (known && !r.dry_run && r.verb == operation_verb::undrain)
        drained_.erase(r.object);
    if (!known) {
        report.text = "this campaign has no node " + r.object + " (forge node list); the coordinator's own devices are disabled one by one";
        return;
    }
    report.state = operation_state::done;
    report.text = r.verb == operation_verb::undrain ? r.object + " takes chains again"
                                                    : r.object + " takes no more chains" + (moving.empty() ? "" : "; moved away as far as there are places: " + moving);
}

} // namespace forge
