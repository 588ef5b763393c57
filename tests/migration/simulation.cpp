// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/simulation.hpp"

#include "tests/migration/model_steps.hpp"

#include <algorithm>

namespace forge::model {

namespace {

constexpr std::size_t troubled_steps = 1500;
constexpr std::size_t healed_steps = 10000; ///< far more than a healthy campaign needs
constexpr std::size_t nodes = 3;
constexpr std::uint32_t chains = 3;

class simulation {
public:
    simulation(std::uint64_t seed, flaw planted, bool traced) : state_(mix(seed, 0x5eed)), traced_(traced) {
        given_.nodes = nodes;
        given_.chains = chains;
        given_.plan = {8, 6, 8, 6};
        given_.edge_capacity = 1 + static_cast<std::uint32_t>(seed % 3);
        given_.planted = planted;
        if (seed % 3 == 0) // devices of one bits class: what is computed again comes out the same
            given_.bits = [](std::size_t, epoch_no) { return std::uint64_t{1}; };
        if (seed % 3 == 1)
            given_.bits = [](std::size_t node, epoch_no) { return std::uint64_t{node}; };
        w_ = begun(given_);
    }

    simulation_result run();

private:
    [[nodiscard]] std::uint64_t draw(std::uint64_t below) {
        state_ = mix(state_, 0x9e37);
        return state_ % below;
    }
    [[nodiscard]] bool chance(std::uint64_t in_a_thousand) { return draw(1000) < in_a_thousand; }
    void step(bool troubled);
    [[nodiscard]] bool make_trouble();
    void operate();
    void take(action a, const operation_request* asked = nullptr);
    void go_on();
    void heal();
    [[nodiscard]] bool due(const action& a);
    [[nodiscard]] bool complete() const;

    settings given_;
    world w_;
    std::uint64_t state_;
    bool traced_;
    double now_ = 0.0;
    bool full_ = false; ///< the coordinator's disk
    std::vector<action> all_, ready_;
    std::vector<operation_request> asked_;
    simulation_result r_;
};

void simulation::take(action a, const operation_request* asked) {
    if (traced_)
        r_.trace.push_back(std::to_string(now_) + " " + words(w_, a) + (asked != nullptr ? " " + asked->id + " " + std::string(name_of(asked->verb)) + " " + asked->object : ""));
    static_cast<void>(apply(w_, a, now_, asked));
    ++r_.steps;
    if (r_.violation.empty())
        r_.violation = broken_invariant(w_);
}

/// A timer fires when it is due, a trajectory takes longer than a message, and a seal is wanted now and then.
bool simulation::due(const action& a) {
    switch (a.what) {
    case act::restart: return *w_.boss->seats[a.index].restart_at <= now_;
    case act::seal_due: return chance(20);
    case act::late_answer: return false; // make_trouble chooses its moment
    case act::node_works: return w_.wires[a.index].down.front().what != message::kind::run || chance(300);
    case act::retry_seal:
    case act::prepare_again:
    case act::ask_again:
    case act::flush_again: return chance(50);
    case act::start_node:
    case act::start_coordinator:
    case act::join: return chance(80);
    default: return true;
    }
}

void simulation::go_on() {
    now_ += 0.001 * static_cast<double>(1 + draw(60));
    collect(w_, false, all_);
    ready_.clear();
    for (const auto& a : all_)
        if (due(a))
            ready_.push_back(a);
    if (ready_.empty())
        return;
    auto a = ready_[draw(ready_.size())];
    if (full_ && a.what == act::record) {
        using k = record_item::kind;
        const auto what = w_.boss->inbox.front().what;
        if (what == k::commit || (!w_.boss->batch.empty() && what == k::log))
            a.what = act::flush_refused;
        else if (what == k::prepare || what == k::seal || what == k::open_segment)
            a.what = chance(200) ? act::row_refused : act::work_refused;
        if (a.what == act::row_refused && what == k::open_segment)
            a.what = act::work_refused;
        if (what == k::prepare && !w_.boss->batch.empty() && chance(300))
            a.what = act::flush_refused; // just then there is space again, for the smaller write
    } else if (full_ && a.what == act::flush_again) {
        a.what = act::flush_again_refused;
    }
    take(a);
}

void simulation::operate() {
    static constexpr std::array verbs{operation_verb::migrate, operation_verb::migrate, operation_verb::pause, operation_verb::resume, operation_verb::resume,
                                      operation_verb::checkpoint, operation_verb::stop, operation_verb::drain, operation_verb::undrain, operation_verb::disable,
                                      operation_verb::enable};
    action a;
    if (!asked_.empty() && chance(400)) {
        a.what = act::request_again;
        ++r_.repeated;
        const auto again = asked_[asked_.size() - 1 - draw(std::min<std::size_t>(asked_.size(), 5))];
        return take(a, &again);
    }
    operation_request q;
    q.id = "op" + std::to_string(asked_.size());
    q.verb = verbs[draw(verbs.size())];
    const auto device = device_of(draw(nodes));
    q.object = q.verb == operation_verb::drain || q.verb == operation_verb::undrain ? device.substr(0, 1)
               : q.verb == operation_verb::disable || q.verb == operation_verb::enable ? device : to_text(chain_id{static_cast<std::uint32_t>(draw(chains))});
    if (q.verb == operation_verb::migrate && chance(500))
        q.target = device_of(draw(nodes));
    asked_.push_back(q);
    ++r_.requests;
    a.what = act::request;
    take(a, &q);
}

bool simulation::make_trouble() {
    if (chance(10)) {
        full_ = !full_;
        r_.disk_full += full_;
        return false;
    }
    if (w_.boss && !w_.boss->over && chance(25)) {
        operate();
        return true;
    }
    if (w_.boss && !w_.boss->over)
        for (std::size_t i = 0; i < w_.late.size(); ++i) {
            const auto& a = w_.boss->seats[w_.late[i].chain.value].actor;
            const bool worst = a.job_out && !a.lost_worker && a.core->trajectory() + 1 == w_.late[i].trajectory; // just what the chain waits for
            if (!chance(worst ? 300 : 3))
                continue;
            take({act::late_answer, static_cast<std::uint8_t>(i), 0, crash_kind::process});
            return true;
        }
    if (const auto k = draw(nodes); chance(3) && w_.boss && !w_.boss->over && w_.nodes[k].linked && w_.wires[k].connection != 0) {
        take({act::node_drains, static_cast<std::uint8_t>(k), 0, crash_kind::process});
        return true;
    }
    if (!chance(25))
        return false;
    collect(w_, true, all_);
    std::erase_if(all_, [this](const action& a) {
        switch (a.what) {
        case act::cut: return chance(500);
        case act::cut_late: return false;
        case act::crash_node: return chance(500);
        case act::crash_coordinator: return chance(500);
        default: return true;
        }
    });
    if (all_.empty())
        return false;
    auto a = all_[draw(all_.size())];
    r_.cuts += a.what == act::cut || a.what == act::cut_late;
    if (a.what == act::crash_coordinator && !w_.boss->inbox.empty() && chance(500)) { // in the middle of what the recorder does
        a.what = act::record;
        a.fuse = static_cast<std::uint8_t>(1 + draw(3));
        a.kind = static_cast<crash_kind>(draw(3));
    }
    take(a);
    return true;
}

void simulation::step(bool troubled) {
    if (w_.boss && w_.boss->over && w_.boss->inbox.empty() && w_.boss->batch.empty() && !complete()) {
        take({act::crash_coordinator, 0, 0, crash_kind::process}); // every chain was stopped: the campaign is started again
        return;
    }
    if (!troubled || !make_trouble())
        go_on();
}

bool simulation::complete() const {
    std::size_t wanted = 0;
    for (const auto n : given_.plan)
        wanted += n;
    return std::all_of(w_.books.begin(), w_.books.end(), [&](const auto& b) { return b->live.size() == wanted && b->sealed.size() == wanted; });
}

/// Space on the disk, and nothing that an operator held back.
void simulation::heal() {
    full_ = false;
    for (std::size_t k = 0; k < 3000 && r_.violation.empty() && (!w_.boss || w_.boss->over || operation_open(*w_.boss->desk)); ++k) {
        if (complete() && w_.boss && w_.boss->over)
            return;
        step(false);
    }
    if (r_.violation.empty() && (!w_.boss || operation_open(*w_.boss->desk)))
        r_.violation = "an operation stays open";
    const auto ask = [this](operation_verb verb, const std::string& object) {
        if (!r_.violation.empty() || !w_.boss || w_.boss->over)
            return;
        const operation_request q{"heal-" + std::to_string(asked_.size()), verb, object, "", false};
        asked_.push_back(q);
        take({act::request, 0, 0, crash_kind::process}, &q);
    };
    for (std::size_t k = 0; k < nodes; ++k) {
        ask(operation_verb::undrain, device_of(k).substr(0, 1));
        ask(operation_verb::enable, device_of(k));
    }
    for (std::uint32_t c = 0; c < chains; ++c)
        ask(operation_verb::resume, to_text(chain_id{c}));
}

simulation_result simulation::run() {
    while (r_.steps < troubled_steps && now_ < 600.0 && r_.violation.empty() && !(complete() && w_.boss && w_.boss->over))
        step(true);
    heal();
    const auto limit = r_.steps + healed_steps;
    const auto ended = [this] { return complete() && w_.boss && w_.boss->over && well(w_); };
    while (r_.steps < limit && now_ < 5000.0 && r_.violation.empty() && !ended())
        step(false);
    if (r_.violation.empty() && !ended())
        r_.violation = "the campaign is not completed after the heal";
    r_.seen = w_.seen;
    r_.virtual_s = now_;
    return std::move(r_);
}

} // namespace

simulation_result simulate(std::uint64_t seed, flaw planted, bool traced) { return simulation(seed, planted, traced).run(); }

} // namespace forge::model
