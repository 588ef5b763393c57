// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/node_core.hpp"

#include <algorithm>

namespace forge::migration {

namespace {
void append(node_commands& out, node_commands more) {
    for (auto& c : more)
        out.push_back(std::move(c));
}
}

node_core::node_core(node_name self, std::uint64_t incarnation, std::map<chain_id, std::vector<checkpoint_ref>> files, node_settings settings)
    : self_(std::move(self)), incarnation_(incarnation), settings_(settings) {
    for (const auto& [chain, refs] : files) {
        std::vector<local_file> found;
        for (const auto& ref : refs)
            found.push_back({ref, epoch_no{0}});
        seats_.emplace(chain, chain_seat{chain_adopter(chain, self_, incarnation_, std::move(found), settings_.flaw), std::nullopt});
    }
}

chain_seat& node_core::seat(chain_id chain) {
    const auto at = seats_.find(chain);
    if (at != seats_.end())
        return at->second;
    return seats_.emplace(chain, chain_seat{chain_adopter(chain, self_, incarnation_, {}, settings_.flaw), std::nullopt}).first->second;
}

node_commands node_core::on_renew_due(double now_s) {
    if (!welcomed_) {
        node_hello m{incarnation_, now_s, {}};
        for (const auto& [chain, s] : seats_)
            m.holds.push_back({chain, s.adopter.file_names()});
        return {send_to_coordinator{std::move(m)}};
    }
    renew_lease m{incarnation_, now_s, {}};
    for (const auto& [chain, s] : seats_)
        if (s.owns())
            m.seats.push_back({chain, s.owner->view().epoch});
    return {send_to_coordinator{std::move(m)}};
}

node_commands node_core::on_message(const to_node& message) {
    // Until the coordinator has heard of this process, what arrives was meant for an earlier one: a grant of its epoch
    // would let two processes commit under one epoch, because the earlier one's commits may still be under way.
    if (!welcomed_ && !std::holds_alternative<lease_renewed>(message))
        return {};
    return std::visit([this](const auto& m) { return handle(m); }, message);
}

node_commands node_core::handle(const lease_renewed& m) {
    node_commands out;
    if (m.incarnation != incarnation_)
        return out; // meant for an earlier process of this name
    welcomed_ = true;
    lease_until_s_ = std::max(lease_until_s_, m.asked_at_s + settings_.lease.ttl_s);
    for (auto& [chain, s] : seats_)
        if (s.owns())
            s.owner->on_lease(lease_until_s_);
    for (const auto& told : m.seats)
        if (const auto at = seats_.find(told.chain); at != seats_.end() && at->second.owns())
            append(out, at->second.owner->on_seat(told));
    return out;
}

node_commands node_core::handle(const drain_chain& m) {
    auto& s = seat(m.chain);
    return s.owns() ? s.owner->on_drain(m) : node_commands{}; // not started yet: the next one will find it
}

node_commands node_core::handle(const prepare_copy& m) { return seat(m.chain).adopter.on_prepare(m); }

node_commands node_core::handle(const chain_granted& m) {
    auto& s = seat(m.chain);
    return s.owns() ? s.owner->on_granted(m) : s.adopter.on_granted(m);
}

node_commands node_core::handle(const row_told& m) {
    auto& s = seat(m.chain);
    if (!s.owns())
        return s.adopter.on_row(m.row);
    bool reload = false;
    auto out = s.owner->on_row(m.row, reload);
    if (reload) {
        s.owner.reset();
        append(out, s.adopter.on_granted({m.chain, m.row.epoch}));
    }
    return out;
}

node_commands node_core::handle(const commit_judged& m) {
    auto& s = seat(m.chain);
    return s.owns() ? s.owner->on_commit_judged(m) : node_commands{};
}

node_commands node_core::handle(const seal_judged& m) {
    auto& s = seat(m.chain);
    return s.owns() ? s.owner->on_seal_judged(m) : node_commands{};
}

node_commands node_core::handle(const drop_copy& m) { return seat(m.chain).adopter.on_drop(m); }

node_commands node_core::on_resend_due() {
    node_commands out;
    for (auto& [chain, s] : seats_) {
        append(out, s.adopter.on_resend_due());
        if (s.owns())
            append(out, s.owner->on_resend_due());
    }
    return out;
}

bool node_core::may_start(chain_id chain, double now_s) const {
    const auto at = seats_.find(chain);
    return at != seats_.end() && at->second.owns() && at->second.owner->may_start(now_s);
}

void node_core::on_started(chain_id chain) {
    expects(seat(chain).owns(), "a chain is started where it is owned");
    seat(chain).owner->on_started();
}

node_commands node_core::on_finished(chain_id chain, const position& at) {
    auto& s = seat(chain);
    return s.owns() ? s.owner->on_finished(at) : node_commands{};
}

node_commands node_core::on_seal_due(chain_id chain) {
    auto& s = seat(chain);
    return s.owns() ? s.owner->on_seal_due() : node_commands{};
}

node_commands node_core::on_written(chain_id chain, const checkpoint_ref& ref) {
    auto& s = seat(chain);
    if (!s.owns() || !s.owner->view().saving)
        return s.adopter.holds(ref.file) ? node_commands{} : node_commands{delete_copy{chain, ref.file}}; // its owner has retired since
    if (settings_.flaw.is(protocol_flaw::kind::directory_not_synced))
        s.adopter.on_own_file(ref, s.owner->view().epoch);
    return s.owner->on_written(ref);
}

node_commands node_core::on_write_failed(chain_id chain, const std::string& why) {
    auto& s = seat(chain);
    return s.owns() ? s.owner->on_write_failed(why) : node_commands{};
}

node_commands node_core::on_pulled(chain_id chain, const digest& file, bool ok) { return seat(chain).adopter.on_pulled(file, ok); }

node_commands node_core::on_verified(chain_id chain, const digest& file, bool ok) { return seat(chain).adopter.on_verified(file, ok); }

node_commands node_core::on_durable(chain_id chain, const digest& file, bool ok) {
    auto& s = seat(chain);
    if (!s.owns() || !s.owner->view().saving || s.owner->view().saving->ref.file != file)
        return s.adopter.on_durable(file, ok);
    if (!ok)
        return s.owner->on_write_failed("the folder could not be made durable");
    s.adopter.on_own_file(s.owner->view().saving->ref, s.owner->view().epoch);
    return s.owner->on_durable(file);
}

node_commands node_core::on_loaded(chain_id chain, bool ok) {
    auto& s = seat(chain);
    node_commands out;
    if (const auto start = s.adopter.on_loaded(ok, out))
        s.owner.emplace(chain, start->where, start->epoch, start->at, start->from, settings_.lease, settings_.ahead_max, lease_until_s_, settings_.flaw);
    return out;
}

} // namespace forge::migration
