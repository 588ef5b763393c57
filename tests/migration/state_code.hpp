// SPDX-License-Identifier: AGPL-3.0-only
// A cluster's state as a 128-bit number, for the set of states that were seen.
#pragma once

#include "tests/migration/cluster.hpp"

#include <string_view>

namespace forge::migration::testing {

struct state_code {
    std::uint64_t a = 0x243f6a8885a308d3u, b = 0x13198a2e03707344u;
    std::uint64_t incarnation = 0; ///< newest of the node that is written: only the distance from it matters
    friend bool operator==(const state_code&, const state_code&) = default;

    void word(std::uint64_t v) {
        a = mix(a, v);
        b = mix(b ^ v, a);
    }
    void put(std::uint64_t v) { word(v); }
    void put(bool v) { word(v); }
    void put(const digest& d) { word(number_of(d)); }
    void put(std::string_view s) {
        word(s.size());
        for (const char c : s)
            word(static_cast<unsigned char>(c));
    }
    template <class Tag, class Rep>
    void put(const strong_id<Tag, Rep>& id) { put(id.value); }
    void put(std::uint32_t v) { word(v); }
    void put(const std::string& s) { put(std::string_view(s)); }
    template <class T>
    void put(const std::optional<T>& o) {
        word(o.has_value());
        if (o)
            put(*o);
    }
    template <class C>
        requires requires(const C& c) { c.begin(); c.end(); c.size(); } && (!std::convertible_to<C, std::string_view>)
    void put(const C& c) {
        word(c.size());
        for (const auto& x : c)
            put(x);
    }
    template <class A, class B>
    void put(const std::pair<A, B>& p) { put(p.first), put(p.second); }
    template <class E>
        requires std::is_enum_v<E>
    void put(E v) { word(static_cast<std::uint64_t>(v)); }

    void put(const place& p) { put(p.node), put(p.device); }
    void put(const position& p) { put(p.trajectory), put(p.head); }
    void put(const checkpoint_ref& r) { put(r.at), put(r.file); }
    void put(const held_checkpoint& h) { put(h.ref), put(h.copies); }
    void put(const chain_ownership& r) {
        put(r.owner), put(r.epoch), put(r.cursor), put(r.last), put(r.sealed), put(r.checkpoints), put(r.open), put(r.parked);
    }
    void put(const chain_row& c) { put(c.row); }
    void put(const operation& o) { put(o.id), put(o.from), put(o.to), put(o.epoch), put(o.phase); }
    void put(const commit_claim& c) { put(c.epoch), put(c.trajectory), put(c.previous), put(c.hash); }

    void put(const drain_chain& m) { put(m.op), put(m.chain), put(m.epoch); }
    void put(const prepare_copy& m) { put(m.op), put(m.chain), put(m.epoch), put(m.ref), put(m.from); }
    void put(const chain_granted& m) { put(m.chain), put(m.epoch); }
    void put(const row_told& m) { put(m.chain), put(m.row); }
    void put(const commit_judged& m) { put(m.chain), put(m.claim), put(m.accepted), put(m.reason); }
    void put(const seal_judged& m) { put(m.chain), put(m.epoch), put(m.file), put(m.accepted); }
    void put(const drop_copy& m) { put(m.chain), put(m.file), put(incarnation - m.incarnation), put(m.before); }
    void put(const lease_renewed::seat& s) { put(s.chain), put(s.epoch), put(s.owner); }
    void put(const lease_renewed& m) { put(incarnation - m.incarnation), put(m.seats); }
    void put(const held_files& h) { put(h.chain), put(h.files); }
    void put(const node_hello& m) { put(incarnation - m.incarnation), put(m.holds); }
    void put(const renew_lease::running& r) { put(r.chain), put(r.epoch); }
    void put(const renew_lease& m) { put(incarnation - m.incarnation), put(m.seats); }
    void put(const commit_chain& m) { put(m.chain), put(m.claim); }
    void put(const seal_claim& m) { put(m.chain), put(m.epoch), put(m.ref); }
    void put(const chain_offered& m) { put(m.op), put(m.chain), put(m.epoch), put(m.ref); }
    void put(const copy_prepared& m) { put(m.op), put(m.chain), put(m.epoch), put(m.file), put(incarnation - m.incarnation); }
    void put(const unable& m) { put(m.op), put(m.chain), put(m.epoch); }
    void put(const ask_row& m) { put(m.chain); }
    void put(const chain_activated& m) { put(m.chain), put(m.epoch); }
    void put(const cannot_start& m) { put(m.chain), put(m.epoch), put(m.files); }
    template <class... M>
    void put(const std::variant<M...>& v) {
        word(v.index());
        std::visit([this](const auto& m) { put(m); }, v);
    }

    void put(const chain_owner::snapshot& s) { put(s.ref), put(s.written), put(s.durable), put(s.claimed); }
    void put(const chain_moved& m) { put(m.epoch), put(m.node); }
    void put(const chain_owner::data& d) {
        put(d.self), put(d.epoch), put(d.committed), put(d.pending), put(d.computing), put(d.seal_due), put(d.asking), put(d.phase);
        put(d.op), put(d.saving), put(d.sealed), put(d.moved_to);
    }
    void put(const local_file& f) { put(f.ref), put(f.written_in); }
    void put(const chain_adopter::start& s) { put(s.where), put(s.epoch), put(s.at), put(s.from); }
    void put(const chain_adopter::data& d) { put(d.files), put(d.phase), put(d.fetching), put(d.asked), put(d.loading); }
    void put(const chain_seat& s) {
        put(s.adopter.view());
        word(s.owner.has_value());
        if (s.owner)
            put(s.owner->view());
    }
    void put(const stored& s) { put(s.ref), put(s.durable), put(s.good); }
    void put(const job& j) { put(j.what), put(std::uint64_t(j.node)), put(j.chain), put(j.ref), put(std::uint64_t(j.source)); }
};

[[nodiscard]] inline state_code code_of(const envelope& e, const cluster& w) {
    state_code c;
    c.incarnation = w.nodes[e.node].incarnation;
    c.put(e.up), c.put(std::uint64_t(e.node));
    e.up ? c.put(e.question) : c.put(e.answer);
    return c;
}

/// Two clusters with equal codes behave alike from here on. Messages are a queue per link and direction, jobs a multiset.
[[nodiscard]] inline state_code code_of(const cluster& w) {
    state_code c;
    std::uint64_t under_way_a = w.jobs.size(), under_way_b = 0;
    for (const bool up : {false, true})
        for (std::size_t k = 0; k < w.nodes.size(); ++k) {
            c.word(0xc0de);
            for (const auto& e : w.net)
                if (e.up == up && e.node == k)
                    c.word(code_of(e, w).a);
        }
    for (const auto& j : w.jobs) {
        state_code one;
        one.put(j);
        under_way_a += one.a;
        under_way_b += one.b;
    }
    c.word(under_way_a), c.word(under_way_b);
    c.put(w.rows), c.put(w.live), c.put(w.operations);
    for (const auto& n : w.nodes) {
        const auto known = w.known_nodes.find(cluster::name_of(static_cast<std::size_t>(&n - w.nodes.data())));
        c.put(n.incarnation - (known == w.known_nodes.end() ? 0 : known->second.incarnation)), c.put(n.files), c.put(n.fetched);
        c.word(n.core.has_value());
        if (n.core)
            c.put(n.core->welcomed()), c.put(n.core->seats());
    }
    c.word(w.boss.has_value());
    if (w.boss)
        c.put(w.boss->policy().live_nodes()), c.put(w.boss->orphans()), c.put(w.boss->operations().all());
    return c;
}

} // namespace forge::migration::testing
