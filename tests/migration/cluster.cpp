// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/cluster.hpp"

#include <algorithm>
#include <cstring>

namespace forge::migration::testing {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x7f4a7c15u;
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

digest number_digest(std::uint64_t v) {
    digest d{};
    std::memcpy(d.data(), &v, sizeof v);
    return d;
}

std::uint64_t number_of(const digest& d) {
    std::uint64_t v = 0;
    std::memcpy(&v, d.data(), sizeof v);
    return v;
}

namespace {
digest file_of(const digest& head) { return number_digest(mix(number_of(head), 0xf11e)); }
}

node_name cluster::name_of(std::size_t node) { return node_name{std::string(1, static_cast<char>('A' + node))}; }

std::optional<std::size_t> cluster::index_of(const node_name& name) const {
    const auto k = static_cast<std::size_t>(name.value.at(0) - 'A');
    return k < nodes.size() ? std::optional<std::size_t>(k) : std::nullopt;
}

cluster::cluster(const cluster_settings& s) : settings(&s), nodes(s.nodes) {
    for (std::uint32_t c = 0; c < s.chains; ++c)
        rows[chain_id{c}] = fresh_chain(chain_id{c}, number_digest(mix(c, 0x9e)));
}

void cluster::wrong(const std::string& what) {
    if (broken.empty())
        broken = what;
}

std::optional<digest> cluster::live_at(chain_id chain, std::uint64_t trajectory) const {
    const auto at = live.find(chain);
    if (at == live.end() || trajectory == 0 || trajectory > at->second.size())
        return std::nullopt;
    return at->second[trajectory - 1];
}

// ---- the coordinator --------------------------------------------------------------------------------------------

void cluster::on_coordinator(const std::function<coordinator_commands(coordinator&)>& event, std::size_t crash_after) {
    if (!boss)
        return;
    crash_after_stores = crash_after;
    perform(event(*boss));
    crash_after_stores = 0;
}

void cluster::perform(const coordinator_commands& commands) {
    std::size_t done = 0;
    for (const auto& command : commands) {
        if (const auto* s = std::get_if<store_rows>(&command))
            store(*s), ++done;
        else if (const auto* r = std::get_if<store_record>(&command))
            store(*r), ++done;
        else if (const auto* m = std::get_if<send_to_node>(&command)) {
            if (const auto k = index_of(m->to))
                net.push_back({false, *k, {}, m->message, 0.0});
        } else if (const auto* n = std::get_if<coordinator_notice>(&command)) {
            if (tell)
                tell("  notice: " + n->text);
        } else if (const auto* a = std::get_if<answer_operation>(&command)) {
            if (tell)
                tell("  " + a->op.id.value + " " + std::string(migration::name_of(a->op.phase)) + ": " + a->op.answer);
        }
        if (crash_after_stores > 0 && done == crash_after_stores)
            return crash_coordinator();
    }
}

void cluster::check_row(const chain_row& before, const chain_row& after) {
    const auto c = to_text(after.chain);
    if (after.row.epoch < before.row.epoch)
        wrong(c + ": the epoch fell");
    if (after.row.owner != before.row.owner && after.row.epoch == before.row.epoch)
        wrong(c + ": another owner with the same epoch");
    if (after.row.sealed.trajectory < before.row.sealed.trajectory)
        wrong(c + ": the sealed position moved back");
    if (after.row.cursor.trajectory < after.row.sealed.trajectory || after.row.last < after.row.cursor.trajectory)
        wrong(c + ": cursor outside of sealed .. last");
    if (after.row.cursor.trajectory > 0 && live_at(after.chain, after.row.cursor.trajectory) != after.row.cursor.head)
        wrong(c + ": the cursor is not on the live history");
    if (before.row.sealed.trajectory > 0 && live_at(after.chain, before.row.sealed.trajectory) != before.row.sealed.head)
        wrong(c + ": sealed history was changed");
    if (calm && (after.row.cursor.trajectory < before.row.cursor.trajectory || after.row.last < before.row.last))
        wrong(c + ": committed trajectories were lost without a crash");
    for (const auto& h : after.row.checkpoints)
        if (live_at(after.chain, h.ref.at.trajectory) != h.ref.at.head)
            wrong(c + ": a checkpoint of another history is listed");
}

void cluster::store(const store_rows& s) {
    ++stores;
    if (s.chain) {
        check_row(rows.at(s.chain->chain), *s.chain);
        rows[s.chain->chain] = *s.chain;
    }
    if (s.op) {
        const auto at = operations.find(s.op->id);
        if (at != operations.end() && is_final(at->second.phase) && at->second != *s.op)
            wrong("operation " + s.op->id.value + " got a second answer");
        if (s.op->phase == operation_phase::granted && ++moves[s.op->id] > 1)
            wrong("operation " + s.op->id.value + " moved the chain twice");
        operations[s.op->id] = *s.op;
    }
    if (s.node)
        known_nodes[s.node->node] = *s.node;
    for (const auto& id : s.forget)
        operations.erase(id);
}

void cluster::store(const store_record& s) {
    ++stores;
    auto& records = live[s.chain.chain];
    const auto i = s.claim.trajectory;
    const auto& before = rows.at(s.chain.chain);
    if (!before.row.owner || committing_ != before.row.owner->node)
        wrong(to_text(s.chain.chain) + ": a commit of " + (committing_ ? committing_->value : std::string("nobody")) + ", which is not the owner, was taken");
    if (i == 0 || i > records.size() + 1 || (i > 1 && records[i - 2] != s.claim.previous))
        wrong(to_text(s.chain.chain) + ": a record does not follow the one before");
    if (s.judgement == commit_judgement::superseded_older) {
        superseded += records.size() - (i - 1);
        records.resize(i - 1);
    }
    if (i == records.size() + 1)
        records.push_back(s.claim.hash);
    else if (records[i - 1] == s.claim.hash)
        ++validated;
    else
        wrong(to_text(s.chain.chain) + ": two live records at " + std::to_string(i));
    check_row(before, s.chain);
    rows[s.chain.chain] = s.chain;
}

void cluster::crash_coordinator() {
    boss.reset();
    if (!settings->links_outlive_processes)
        std::erase_if(net, [](const envelope& e) { return e.up; });
    calm = false;
}

void cluster::restart_coordinator(double now_s) {
    durable_rows d;
    for (const auto& [chain, row] : rows)
        d.chains.push_back(row);
    for (const auto& [id, op] : operations)
        d.operations.push_back(op);
    for (const auto& [name, row] : known_nodes)
        d.nodes.push_back(row);
    boss.emplace(settings->coordinator, d);
    perform(boss->begin(now_s));
}

// ---- nodes ------------------------------------------------------------------------------------------------------

void cluster::perform(std::size_t node, const node_commands& commands) {
    auto& slot = nodes[node];
    for (const auto& command : commands) {
        if (!slot.core)
            return;
        if (const auto* m = std::get_if<send_to_coordinator>(&command)) {
            net.push_back({true, node, m->message, {}, 0.0});
        } else if (const auto* w = std::get_if<write_snapshot>(&command)) {
            jobs.push_back({job::kind::write, node, w->chain, {w->at, file_of(w->at.head), 1}, 0, 0.0});
        } else if (const auto* p = std::get_if<start_pull>(&command)) {
            jobs.push_back({job::kind::pull, node, p->chain, p->ref, *index_of(p->from), 0.0});
        } else if (const auto* a = std::get_if<abandon_pull>(&command)) {
            std::erase_if(jobs, [&](const job& j) { return j.node == node && j.what == job::kind::pull && j.chain == a->chain && j.ref.file == a->file; });
            slot.fetched.erase({a->chain, a->file});
        } else if (const auto* v = std::get_if<verify_copy>(&command)) {
            const auto at = slot.fetched.find({v->chain, v->file});
            const bool ok = at != slot.fetched.end() && at->second.good;
            if (ok)
                slot.files.emplace(at->first, stored{at->second.ref, false, true});
            if (at != slot.fetched.end())
                slot.fetched.erase(at);
            perform(node, slot.core->on_verified(v->chain, v->file, ok));
        } else if (const auto* s = std::get_if<sync_copy>(&command)) {
            jobs.push_back({job::kind::sync, node, s->chain, {{}, s->file, 0}, 0, 0.0});
        } else if (const auto* d = std::get_if<delete_copy>(&command)) {
            slot.files.erase({d->chain, d->file});
        } else if (const auto* l = std::get_if<load_state>(&command)) {
            bool ok = true;
            if (l->file) {
                const auto at = slot.files.find({l->chain, *l->file});
                ok = at != slot.files.end() && at->second.good && at->second.ref.at == l->at;
            }
            perform(node, slot.core->on_loaded(l->chain, ok));
        } else if (const auto* stop = std::get_if<stop_chain>(&command)) {
            std::erase_if(jobs, [&](const job& j) { return j.node == node && j.what == job::kind::trajectory && j.chain == stop->chain; });
            if (tell)
                tell("  " + name_of(node).value + " stops: " + stop->why);
        }
    }
}

void cluster::deliver(const envelope& e, double now_s) {
    if (!e.up) {
        auto& slot = nodes[e.node];
        if (slot.core)
            perform(e.node, slot.core->on_message(e.answer));
        return;
    }
    if (!boss)
        return;
    const auto key = coordinator::record_needed(e.question);
    committing_ = name_of(e.node);
    if (const auto* hello = std::get_if<node_hello>(&e.question); hello && nodes[e.node].core && hello->incarnation == nodes[e.node].incarnation)
        nodes[e.node].disk_lost = false;
    perform(boss->on_message(name_of(e.node), e.question, key ? live_at(key->chain, key->trajectory) : std::nullopt, now_s));
    committing_.reset();
}

bool cluster::start_trajectory(std::size_t node, chain_id chain, double now_s) {
    auto& slot = nodes[node];
    if (!slot.core || !slot.core->may_start(chain, now_s))
        return false;
    const auto at = slot.core->seats().at(chain).owner->computed();
    if (at.trajectory >= settings->trajectories_max)
        return false;
    slot.core->on_started(chain);
    const position next{at.trajectory + 1, number_digest(mix(number_of(at.head), settings->bits(node, slot.core->seats().at(chain).owner->view().epoch)))};
    jobs.push_back({job::kind::trajectory, node, chain, {next, {}, 0}, 0, 0.0});
    return true;
}

void cluster::finish(const job& j, double, bool corrupt) {
    auto& slot = nodes[j.node];
    if (!slot.core)
        return;
    auto& core = *slot.core;
    const std::pair key{j.chain, j.ref.file};
    switch (j.what) {
    case job::kind::trajectory: return perform(j.node, core.on_finished(j.chain, j.ref.at));
    case job::kind::write:
        slot.files.emplace(key, stored{j.ref, false, true});
        return perform(j.node, core.on_written(j.chain, j.ref));
    case job::kind::pull: {
        const auto& there = nodes[j.source];
        const auto at = there.files.find(key);
        const bool ok = there.core && at != there.files.end();
        if (ok)
            slot.fetched[key] = {j.ref, false, at->second.good && !corrupt};
        return perform(j.node, core.on_pulled(j.chain, j.ref.file, ok));
    }
    case job::kind::sync: {
        const auto at = slot.files.find(key);
        if (at != slot.files.end())
            at->second.durable = true;
        return perform(j.node, core.on_durable(j.chain, j.ref.file, at != slot.files.end()));
    }
    }
}

void cluster::renew(std::size_t node, double now_s) {
    if (nodes[node].core)
        perform(node, nodes[node].core->on_renew_due(now_s));
}
void cluster::resend(std::size_t node) {
    if (nodes[node].core)
        perform(node, nodes[node].core->on_resend_due());
}
void cluster::seal_due(std::size_t node, chain_id chain) {
    if (nodes[node].core)
        perform(node, nodes[node].core->on_seal_due(chain));
}

void cluster::crash(std::size_t node) {
    auto& slot = nodes[node];
    slot.core.reset();
    slot.fetched.clear();
    std::erase_if(slot.files, [](const auto& f) { return !f.second.durable; });
    std::erase_if(jobs, [&](const job& j) { return j.node == node; });
    if (!settings->links_outlive_processes) // what it sent may still arrive
        std::erase_if(net, [&](const envelope& e) { return !e.up && e.node == node; });
    calm = false;
}

void cluster::restart(std::size_t node, double now_s) {
    auto& slot = nodes[node];
    ++slot.incarnation;
    std::map<chain_id, std::vector<checkpoint_ref>> found;
    for (const auto& [key, file] : slot.files)
        if (file.good)
            found[key.first].push_back(file.ref);
    slot.core.emplace(name_of(node), slot.incarnation, std::move(found), settings->node);
    renew(node, now_s);
}

void cluster::lose_disk(std::size_t node) {
    crash(node);
    nodes[node].files.clear();
    nodes[node].disk_lost = true;
}

// ---- invariants -------------------------------------------------------------------------------------------------

std::string cluster::violation() const {
    if (!broken.empty())
        return broken;
    for (const auto& [chain, entry] : rows) {
        const auto& row = entry.row;
        const auto c = to_text(chain);
        std::size_t owners = 0;
        for (std::size_t k = 0; k < nodes.size(); ++k) {
            if (!nodes[k].core || !nodes[k].core->seats().contains(chain))
                continue;
            const auto& seat = nodes[k].core->seats().at(chain);
            if (!seat.owns() || seat.owner->view().epoch != row.epoch)
                continue;
            ++owners;
            const auto& v = seat.owner->view();
            if (!row.owner || row.owner->node != name_of(k))
                return c + ": " + name_of(k).value + " holds the current epoch and is not the owner";
            const bool met = v.committed == row.cursor || std::any_of(v.pending.begin(), v.pending.end(), [&](const auto& p) {
                                 return position{p.trajectory, p.hash} == row.cursor;
                             });
            if (!met)
                return c + ": what the owner has in memory is not the ledger's history";
        }
        if (owners > 1)
            return c + ": two owners with the current epoch";
        bool covered = row.sealed.trajectory == 0;
        for (const auto& h : row.checkpoints)
            for (const auto& name : h.copies) {
                const auto& slot = nodes[*index_of(name)];
                const auto at = slot.files.find({chain, h.ref.file});
                const bool there = at != slot.files.end() && at->second.durable && at->second.good;
                if (!there && !slot.disk_lost)
                    return c + ": the ledger counts a copy on " + name.value + " that is not durable and verified there";
                covered = covered || (there && h.ref.at.trajectory >= row.sealed.trajectory);
            }
        if (!covered)
            return c + ": no verified durable copy of the sealed state";
    }
    return {};
}

bool cluster::runs(chain_id chain) const {
    const auto& row = rows.at(chain).row;
    if (!row.owner)
        return false;
    const auto& slot = nodes[*index_of(row.owner->node)];
    if (!slot.core || !slot.core->seats().contains(chain))
        return false;
    const auto& seat = slot.core->seats().at(chain);
    return seat.owns() && seat.owner->view().phase == owner_phase::running && seat.owner->view().epoch == row.epoch;
}

} // namespace forge::migration::testing
