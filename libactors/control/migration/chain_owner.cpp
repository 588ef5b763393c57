// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/chain_owner.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

std::string_view name_of(owner_phase p) {
    switch (p) {
    case owner_phase::running: return "running";
    case owner_phase::draining: return "draining";
    case owner_phase::frozen: return "frozen";
    case owner_phase::retired: return "retired";
    }
    return "retired";
}

chain_owner::chain_owner(chain_id chain, place self, epoch_no epoch, position at, std::optional<checkpoint_ref> sealed, lease_terms lease,
                         std::size_t ahead_max, double lease_until_s, protocol_flaw flaw)
    : lease_(lease), ahead_max_(ahead_max), flaw_(flaw) {
    data_.chain = chain;
    data_.self = std::move(self);
    data_.epoch = epoch;
    data_.committed = at;
    data_.sealed = std::move(sealed);
    data_.lease_until_s = lease_until_s;
}

position chain_owner::computed() const {
    return data_.pending.empty() ? data_.committed : position{data_.pending.back().trajectory, data_.pending.back().hash};
}

bool chain_owner::may_start(double now_s) const {
    return data_.phase == owner_phase::running && !data_.computing && !data_.asking && data_.pending.size() < ahead_max_ &&
           now_s < data_.lease_until_s - lease_.margin_s;
}

node_commands chain_owner::on_finished(const position& at) {
    expects(data_.computing && at.trajectory == computed().trajectory + 1, "the trajectory that was started has finished");
    data_.computing = false;
    node_commands out;
    if (data_.phase == owner_phase::retired)
        return out;
    data_.pending.push_back({data_.epoch, at.trajectory, computed().head, at.head});
    out.push_back(send_to_coordinator{commit_chain{data_.chain, data_.pending.back()}});
    proceed(out);
    return out;
}

node_commands chain_owner::on_seal_due() {
    node_commands out;
    data_.seal_due = true;
    proceed(out);
    return out;
}

void chain_owner::ask(node_commands& out) {
    if (!data_.asking) // once; on_resend_due asks again
        out.push_back(send_to_coordinator{ask_row{data_.chain}});
    data_.asking = true;
}

void chain_owner::save(node_commands& out) {
    data_.seal_due = false;
    data_.saving = snapshot{checkpoint_ref{computed(), {}, 0}};
    out.push_back(write_snapshot{data_.chain, computed()});
}

/// The ledger lists a checkpoint only of what it has committed.
void chain_owner::claim_seal(node_commands& out) {
    if (!data_.saving || !data_.saving->durable || data_.saving->claimed || data_.saving->ref.at.trajectory > data_.committed.trajectory)
        return;
    data_.saving->claimed = true;
    out.push_back(send_to_coordinator{seal_claim{data_.chain, data_.epoch, data_.saving->ref}});
}

void chain_owner::proceed(node_commands& out) {
    if (data_.asking)
        return; // the row decides; until it comes, every claim might be refused again
    claim_seal(out);
    if (data_.computing || data_.phase == owner_phase::retired)
        return;
    const bool covered = computed().trajectory == 0 || (data_.sealed && data_.sealed->at == computed());
    if (data_.phase == owner_phase::running && data_.seal_due && !data_.saving) {
        if (covered)
            data_.seal_due = false;
        else
            save(out);
    }
    if (data_.phase != owner_phase::draining || !data_.pending.empty())
        return;
    if (covered) {
        data_.phase = owner_phase::frozen;
        const auto ref = computed().trajectory == 0 ? checkpoint_ref{data_.committed, {}, 0} : *data_.sealed;
        out.push_back(send_to_coordinator{chain_offered{data_.op, data_.chain, data_.epoch, ref}});
    } else if (!data_.saving) {
        save(out);
    }
}

node_commands chain_owner::on_written(const checkpoint_ref& ref) {
    node_commands out;
    if (!data_.saving || data_.saving->written || data_.saving->ref.at != ref.at)
        return out;
    data_.saving->ref = ref;
    data_.saving->written = true;
    if (flaw_.is(protocol_flaw::kind::directory_not_synced))
        return on_durable(ref.file);
    out.push_back(sync_copy{data_.chain, ref.file});
    return out;
}

node_commands chain_owner::on_write_failed(const std::string& why) {
    node_commands out;
    data_.saving.reset();
    out.push_back(node_notice{data_.chain, "no checkpoint: " + why});
    // It stays where it is: the coordinator gives the migration up, and its ledger write makes the chain run again.
    if (data_.phase == owner_phase::draining)
        out.push_back(send_to_coordinator{unable{data_.op, data_.chain, data_.epoch, why}});
    return out;
}

node_commands chain_owner::on_durable(const digest& file) {
    node_commands out;
    if (data_.saving && data_.saving->written && data_.saving->ref.file == file) {
        data_.saving->durable = true;
        proceed(out);
    }
    return out;
}

node_commands chain_owner::on_drain(const drain_chain& m) {
    node_commands out;
    if (m.epoch != data_.epoch || data_.phase == owner_phase::retired)
        return out;
    if (data_.phase == owner_phase::frozen && data_.op == m.op) {
        const auto ref = data_.committed.trajectory == 0 ? checkpoint_ref{data_.committed, {}, 0} : *data_.sealed;
        out.push_back(send_to_coordinator{chain_offered{m.op, data_.chain, data_.epoch, ref}});
        return out;
    }
    if (data_.phase == owner_phase::running) {
        data_.phase = owner_phase::draining;
        data_.op = m.op;
    }
    proceed(out);
    return out;
}

node_commands chain_owner::on_granted(const chain_granted& m) {
    node_commands out;
    if (m.epoch > data_.epoch)
        ask(out);
    else if (m.epoch == data_.epoch && data_.phase == owner_phase::running)
        out.push_back(send_to_coordinator{chain_activated{data_.chain, data_.epoch}});
    return out;
}

node_commands chain_owner::on_seat(const lease_renewed::seat& seat) {
    node_commands out;
    if (seat.epoch > data_.epoch && data_.phase != owner_phase::retired)
        ask(out);
    return out;
}

/// @return false when the cursor is nowhere in memory.
bool chain_owner::adopt_cursor(const position& cursor) {
    if (cursor == data_.committed)
        return true;
    const auto at = std::find_if(data_.pending.begin(), data_.pending.end(), [&](const auto& c) { return position{c.trajectory, c.hash} == cursor; });
    if (at == data_.pending.end())
        return false;
    data_.pending.erase(data_.pending.begin(), at + 1);
    data_.committed = cursor;
    return true;
}

node_commands chain_owner::on_row(const chain_ownership& row, bool& reload) {
    node_commands out;
    reload = false;
    if (row.epoch < data_.epoch || !row.owner || data_.phase == owner_phase::retired)
        return out; // read before our grant, or nothing to decide any more
    const bool mine = row.owner->node == data_.self.node;
    if (!mine) {
        data_.asking = false;
        data_.phase = owner_phase::retired;
        data_.moved_to = chain_moved{data_.chain, row.epoch, row.owner->node};
        const auto lost = computed().trajectory - data_.committed.trajectory;
        out.push_back(stop_chain{data_.chain, fmt::format("epoch {} is over: {} owns {} with epoch {}; {} trajectories that were not committed are discarded",
                                                          data_.epoch.value, row.owner->node.value, to_text(data_.chain), row.epoch.value, lost)});
        data_.pending.clear();
        data_.saving.reset();
        return out;
    }
    // A row of our own epoch may be older than answers that we had since; then it says nothing new.
    if (row.epoch == data_.epoch && row.cursor.trajectory < data_.committed.trajectory)
        return out;
    data_.asking = false;
    if (!adopt_cursor(row.cursor)) {
        reload = true;
        out.push_back(stop_chain{data_.chain, fmt::format("the ledger stands at trajectory {}, which is not in memory", row.cursor.trajectory)});
        return out;
    }
    if (row.epoch > data_.epoch) {
        data_.epoch = row.epoch;
        data_.self = *row.owner;
        data_.phase = owner_phase::running;
        data_.op = {};
        for (auto& c : data_.pending)
            c.epoch = data_.epoch;
        if (data_.saving)
            data_.saving->claimed = false;
        out.push_back(resume_chain{data_.chain, data_.self, data_.epoch});
        out.push_back(send_to_coordinator{chain_activated{data_.chain, data_.epoch}});
    }
    for (const auto& c : data_.pending)
        out.push_back(send_to_coordinator{commit_chain{data_.chain, c}});
    proceed(out);
    return out;
}

node_commands chain_owner::on_commit_judged(const commit_judged& m) {
    node_commands out;
    if (m.claim.epoch != data_.epoch || data_.phase == owner_phase::retired)
        return out;
    if (!m.accepted) {
        // An old answer to a claim that has been accepted since needs nothing.
        if (m.claim.trajectory > data_.committed.trajectory || m.reason == errc::stale_epoch)
            ask(out);
        return out;
    }
    if (m.claim.trajectory > data_.committed.trajectory)
        static_cast<void>(adopt_cursor({m.claim.trajectory, m.claim.hash}));
    proceed(out);
    return out;
}

node_commands chain_owner::on_seal_judged(const seal_judged& m) {
    node_commands out;
    if (m.epoch != data_.epoch || !data_.saving || data_.saving->ref.file != m.file || data_.phase == owner_phase::retired)
        return out;
    if (!m.accepted && m.reason == errc::stale_epoch) {
        data_.saving->claimed = false; // the file is good; it may be claimed under the next epoch
        ask(out);
        return out;
    }
    if (m.accepted)
        data_.sealed = data_.saving->ref;
    else
        ask(out);
    data_.saving.reset();
    proceed(out);
    return out;
}

node_commands chain_owner::on_resend_due() {
    node_commands out;
    if (data_.phase == owner_phase::retired)
        return out;
    if (data_.asking)
        out.push_back(send_to_coordinator{ask_row{data_.chain}});
    for (const auto& c : data_.pending)
        out.push_back(send_to_coordinator{commit_chain{data_.chain, c}});
    if (data_.saving && data_.saving->claimed)
        out.push_back(send_to_coordinator{seal_claim{data_.chain, data_.epoch, data_.saving->ref}});
    if (data_.phase == owner_phase::frozen)
        for (auto& c : on_drain({data_.op, data_.chain, data_.epoch}))
            out.push_back(std::move(c));
    else
        proceed(out);
    return out;
}

std::optional<chain_moved> chain_owner::redirect(std::uint32_t hops) const {
    return data_.phase == owner_phase::retired && hops == 0 ? data_.moved_to : std::nullopt;
}

} // namespace forge::migration
