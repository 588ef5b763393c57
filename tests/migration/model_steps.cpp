// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/model_steps.hpp"

namespace forge::model {

namespace {

std::string text_of(const message& m) {
    static constexpr const char* names[] = {"load", "run", "snapshot", "unload", "loaded", "done", "links"};
    return std::string(names[static_cast<int>(m.what)]) + " " + to_text(m.chain) + " trajectory " + std::to_string(m.trajectory) + " epoch " +
           std::to_string(m.epoch.value);
}

std::string text_of(const event& e) {
    static constexpr const char* names[] = {"started", "done", "failed", "sealed", "node came", "worker down", "node drains"};
    return std::string(names[static_cast<int>(e.what)]) + (e.what < event::kind::node_came ? " " + to_text(e.chain) : " " + device_of(e.slot)) +
           (e.what == event::kind::failed ? " " + std::string(name_of(e.code)) : "");
}

std::string text_of(const record_item& r) {
    static constexpr const char* names[] = {"commit", "prepare", "find segment", "open segment", "finish segment", "seal", "log"};
    std::string text = names[static_cast<int>(r.what)];
    if (r.request)
        text += " " + to_text(r.chain) + " " + std::to_string(r.request->record.trajectory) + " epoch " + std::to_string(r.epoch.value);
    if (r.report)
        text += " " + r.report->id + " " + std::string(name_of(r.report->state));
    return text;
}

void collect_coordinator(const world& w, bool troubled, std::vector<action>& out) {
    const auto& b = *w.boss;
    const auto add = [&out](act what, std::size_t index = 0) { out.push_back({what, static_cast<std::uint8_t>(index), 0, crash_kind::process}); };
    if (!b.inbox.empty()) {
        add(act::record);
        if (troubled) {
            const auto what = b.inbox.front().what;
            using k = record_item::kind;
            if (what == k::commit ? b.batch.empty() : !b.batch.empty())
                add(act::flush_refused);
            if (what == k::prepare || what == k::seal || what == k::open_segment)
                add(act::work_refused);
            if (what == k::prepare || what == k::seal)
                add(act::row_refused);
        }
    }
    if (!b.batch.empty())
        add(act::flush_again);
    if (b.over) // only the recorder is left
        return;
    if (!b.events.empty())
        add(act::supervise);
    for (std::size_t c = 0; c < b.seats.size(); ++c) {
        const auto& seat = b.seats[c];
        const auto& a = seat.actor;
        if (a.lost_worker)
            add(act::lose_worker, c);
        if (seat.restart_at)
            add(act::restart, c);
        if (a.retry_seal)
            add(act::retry_seal, c);
        if (a.prepare_again)
            add(act::prepare_again, c);
        if (a.ask_again)
            add(act::ask_again, c);
        if (a.core && !seal_is_due(*a.core) && a.core->sealed() != a.core->trajectory() && !a.lost_worker)
            add(act::seal_due, c);
    }
}

} // namespace

void collect(const world& w, bool troubled, std::vector<action>& out) {
    out.clear();
    const auto add = [&out](act what, std::size_t index = 0) { out.push_back({what, static_cast<std::uint8_t>(index), 0, crash_kind::process}); };
    if (w.boss)
        collect_coordinator(w, troubled, out);
    else
        add(act::start_coordinator);
    const bool campaign = w.boss && !w.boss->over;
    for (std::size_t k = 0; k < w.nodes.size(); ++k) {
        const auto& n = w.nodes[k];
        const auto& l = w.wires[k];
        if (!n.alive)
            add(act::start_node, k);
        if (n.linked && l.connection == 0)
            add(act::node_notices, k);
        if (n.linked && l.connection != 0 && !l.down.empty())
            add(act::node_works, k);
        if (campaign && !l.up.empty())
            add(act::answer, k);
        if (campaign && l.connection != 0 && !n.linked)
            add(act::node_missed, k);
        if (campaign && n.alive && !n.linked)
            add(act::join, k);
        if (!troubled)
            continue;
        if (n.alive)
            add(act::crash_node, k);
        if (campaign && n.linked && l.connection != 0) {
            add(act::cut, k);
            if ((!l.down.empty() && l.down.front().what == message::kind::run) || (!l.up.empty() && l.up.front().what == message::kind::done))
                add(act::cut_late, k);
        }
    }
    if (campaign)
        for (std::size_t i = 0; i < w.late.size(); ++i)
            add(act::late_answer, i);
    if (!troubled || !w.boss)
        return;
    add(act::crash_coordinator);
    bool unsynced = false;
    for (const auto& f : w.files->names())
        unsynced = unsynced || f.now != f.durable;
    if (unsynced)
        for (const auto kind : {crash_kind::names_lost, crash_kind::data_torn})
            out.push_back({act::crash_coordinator, 0, 0, kind});
}

unsigned apply(world& w, const action& a, double now_s, const operation_request* asked) {
    control_plane p(w, now_s, a.fuse);
    const std::size_t k = a.index;
    const chain_id c{a.index};
    try {
        switch (a.what) {
        case act::node_works: p.node_works(k); break;
        case act::answer: p.answer_arrives(k); break;
        case act::late_answer: p.late_answer_arrives(k); break;
        case act::supervise: p.supervise(); break;
        case act::record: p.record(trouble::none); break;
        case act::flush_refused: p.record(trouble::flush); break;
        case act::work_refused: p.record(trouble::work); break;
        case act::row_refused: p.record(trouble::row); break;
        case act::flush_again: p.flush_again(trouble::none); break;
        case act::flush_again_refused: p.flush_again(trouble::flush); break;
        case act::lose_worker: p.lose_worker(c); break;
        case act::restart: p.restart(c); break;
        case act::retry_seal: p.retry_seal(c); break;
        case act::prepare_again: p.prepare_again(c); break;
        case act::ask_again: p.ask_again(c); break;
        case act::seal_due: p.seal_due(c); break;
        case act::node_missed: p.cut(k, false); break;
        case act::cut: p.cut(k, false); break;
        case act::cut_late: p.cut(k, true); break;
        case act::node_notices: p.node_notices(k); break;
        case act::node_drains: p.node_drains(k); break;
        case act::join: p.join(k); break;
        case act::start_node: p.start_node(k); break;
        case act::start_coordinator: p.start_coordinator(); break;
        case act::crash_node: p.crash_node(k); break;
        case act::crash_coordinator: p.crash_coordinator(a.kind); break;
        case act::request: static_cast<void>(p.request(*asked, asked->id)); break;
        case act::request_again: {
            auto again = *asked;
            if (w.given->planted == flaw::resend_without_id)
                again.id += "~";
            static_cast<void>(p.request(again, asked->id));
            break;
        }
        }
    } catch (const died&) {
        p.crash_coordinator(a.kind);
    }
    return p.stores();
}

std::string words(const world& w, const action& a) {
    const auto node = std::string(1, static_cast<char>('a' + a.index));
    const auto chain = to_text(chain_id{a.index});
    const auto tail = a.fuse > 0 ? " (the coordinator dies after write " + std::to_string(a.fuse) + ")" : std::string();
    switch (a.what) {
    case act::node_works: return node + " gets " + text_of(w.wires[a.index].down.front());
    case act::answer: return node + " answered " + text_of(w.wires[a.index].up.front());
    case act::late_answer: return "LATE " + text_of(w.late[a.index]);
    case act::supervise: return "supervisor: " + text_of(w.boss->events.front());
    case act::record: return "recorder: " + text_of(w.boss->inbox.front()) + tail;
    case act::flush_refused: return "STORAGE REFUSES the commits; recorder: " + text_of(w.boss->inbox.front()) + tail;
    case act::work_refused: return "STORAGE REFUSES; recorder: " + text_of(w.boss->inbox.front());
    case act::row_refused: return "STORAGE REFUSES the row; recorder: " + text_of(w.boss->inbox.front());
    case act::flush_again: return "recorder: commits again" + tail;
    case act::flush_again_refused: return "STORAGE REFUSES the commits again";
    case act::lose_worker: return chain + " finds its worker gone";
    case act::restart: return chain + " restarts";
    case act::retry_seal: return chain + " tries the seal again";
    case act::prepare_again: return chain + " tries to prepare again";
    case act::ask_again: return chain + " asks for its segment again";
    case act::seal_due: return chain + " seal due";
    case act::node_missed: return "coordinator misses " + node;
    case act::node_notices: return node + " notices that the coordinator is gone";
    case act::join: return node + " joins";
    case act::start_node: return "START " + node;
    case act::start_coordinator: return "START coordinator";
    case act::request: return "REQUEST";
    case act::request_again: return "REQUEST REPEATED";
    case act::cut: return "CUT " + node;
    case act::cut_late: return "CUT " + node + ", its result will be late";
    case act::node_drains: return node + " is about to leave";
    case act::crash_node: return "CRASH " + node;
    case act::crash_coordinator: return std::string("CRASH coordinator") + (a.kind == crash_kind::process ? "" : ", power cut");
    }
    return {};
}

world begun(const settings& s) {
    world w;
    w.given = &s;
    for (std::uint32_t c = 0; c < s.chains; ++c) {
        chain_book b;
        b.row.chain = chain_id{c};
        b.genesis = genesis_hash("seed", chain_id{c});
        w.books.emplace_back(std::move(b));
    }
    w.operations = shared(operation_book{});
    w.files = shared(folder{});
    w.nodes.resize(s.nodes);
    w.wires.resize(s.nodes);
    control_plane p(w);
    p.start_coordinator();
    for (std::size_t k = 0; k < s.nodes; ++k) {
        p.start_node(k);
        p.join(k);
        p.supervise();
    }
    return w;
}

} // namespace forge::model
