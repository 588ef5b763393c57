// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/status_file.hpp"

#include "apps/forge/cli.hpp"
#include "apps/forge/operation_json.hpp"

#include <chrono>
#include <fstream>

#include <unistd.h>

namespace forge::app {

namespace {
/// The clock of run_status::mirror.
double steady_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
} // namespace

nlohmann::json status_json(const campaign& plan, const run_status& status) {
    nlohmann::json chains = nlohmann::json::array();
    for (const auto& c : status.chains)
        chains.push_back({{"chain", to_text(c.chain)}, {"device", c.device}, {"phase", c.phase}, {"epoch", c.epoch},
                          {"segment_ordinal", or_null(c.ordinal)}, {"segments_total", c.segments_total > 0 ? nlohmann::json(c.segments_total) : nlohmann::json(nullptr)},
                          {"beta", or_null(c.beta)}, {"trajectory", or_null(c.trajectory)}, {"sealed", or_null(c.sealed)},
                          {"done_in_segment", c.done_in_segment}, {"n_thermalise", c.n_thermalise}, {"n_measure", c.n_measure},
                          {"plaquette", or_null(c.plaquette)}, {"plaquette_error", or_null(c.plaquette_error)},
                          {"acceptance", or_null(c.acceptance)}, {"trajectories_per_s", or_null(c.trajectories_per_s)},
                          {"eta_s", or_null(c.eta_s)}, {"restarts", c.restarts}, {"reason", c.reason}});
    nlohmann::json stages = nlohmann::json::array();
    for (const auto& s : status.stages)
        stages.push_back({{"stage", s.stage}, {"items", s.items}, {"throughput_per_s", s.throughput_per_s},
                          {"latency_p50_s", or_null(s.latency_p50_s)}, {"latency_p99_s", or_null(s.latency_p99_s)},
                          {"busy", s.busy}, {"idle", s.idle}, {"back_pressured", s.back_pressured},
                          {"queue_depth", s.queue_depth}, {"queue_depth_max", s.queue_depth_max}, {"capacity", s.capacity},
                          {"power_w", or_null(s.watts)}, {"power_source", s.power_source}});
    nlohmann::json devices = nlohmann::json::array();
    for (const auto& d : status.devices) {
        auto here = nlohmann::json::array();
        for (const auto c : d.chains)
            here.push_back(to_text(c));
        devices.push_back({{"device", d.id}, {"name", d.name.empty() ? nlohmann::json(nullptr) : nlohmann::json(d.name)}, {"online", d.online}, {"disabled", d.disabled},
                           {"draining", d.draining}, {"chains", here}});
    }
    nlohmann::json operations = nlohmann::json::array();
    for (const auto& r : status.operations)
        operations.push_back(to_json(r));
    const auto& m = status.mirror;
    nlohmann::json mirror;
    if (!m.wanted.empty()) {
        nlohmann::json sealed = nlohmann::json::object();
        for (const auto& [c, t] : m.sealed)
            sealed[to_text(c)] = t;
        mirror = {{"wanted", m.wanted}, {"node", m.node.empty() ? nlohmann::json(nullptr) : nlohmann::json(m.node)}, {"state", m.state}, {"rounds", m.rounds},
                  {"age_s", m.current_s ? nlohmann::json(steady_now() - *m.current_s) : nlohmann::json(nullptr)}, {"sealed", sealed},
                  {"problem", m.problem.empty() ? nlohmann::json(nullptr) : nlohmann::json(m.problem)}};
    }
    const auto& c = status.conductor;
    nlohmann::json conducting;
    if (!c.mode.empty()) {
        auto heads = nlohmann::json::array();
        for (const auto& h : c.heads)
            heads.push_back({{"head", h.name}, {"score", or_null(h.score)}, {"trusted", h.trusted}});
        auto pairs = nlohmann::json::array();
        for (const auto& p : c.thermalised)
            pairs.push_back({{"chains", {to_text(chain_id{p.first_chain}), to_text(chain_id{p.first_chain + 1})}}, {"segment_ordinal", p.ordinal}, {"after", or_null(p.after)}});
        auto says = nlohmann::json::array();
        for (const auto& chain : c.says) {
            auto answers = nlohmann::json::array();
            for (const auto& a : chain.heads)
                answers.push_back({{"head", a.head}, {"value", a.value}, {"uncertainty", or_null(a.uncertainty)}, {"source", a.source}});
            says.push_back({{"chain", to_text(chain.chain)}, {"answers", answers}});
        }
        const auto& d = c.device;
        const auto a_pass = [&d](const std::optional<double>& s) { return d && s && d->passes > 0 ? nlohmann::json(*s / static_cast<double>(d->passes)) : nlohmann::json(nullptr); };
        const nlohmann::json device{{"name", d ? d->name : "software-f32"}, {"simulated", d && d->simulated}, {"passes", d ? nlohmann::json(d->passes) : nlohmann::json(nullptr)},
                                    {"model_s_per_pass", a_pass(d ? d->model_s : std::nullopt)}, {"measured_s_per_pass", a_pass(d ? d->measured_s : std::nullopt)},
                                    {"clamped", d ? nlohmann::json(d->clamped) : nlohmann::json(nullptr)}, {"note", d && !d->note.empty() ? nlohmann::json(d->note) : nlohmann::json(nullptr)}};
        nlohmann::json middle; // null: nobody looks half-way
        if (const auto& seen = c.middle)
            middle = {{"judged", seen->judged}, {"rejected", seen->rejected}, {"foreseen", seen->advised}, {"foreseen_and_rejected", seen->right},
                      {"balanced_accuracy", or_null(seen->balanced_accuracy())}, {"score", or_null(seen->score)}, {"trusted", seen->trusted}};
        conducting = {{"says", says}, {"mid_trajectory", middle}, {"mode", c.mode}, {"device", c.model.empty() ? nlohmann::json(nullptr) : device}, {"model", c.model.empty() ? nlohmann::json(nullptr) : nlohmann::json(c.model)}, {"requests", c.requests},
                      {"batches", c.batches}, {"trajectories", c.watched}, {"points_proposed", c.proposed}, {"points_known", c.points}, {"learnt_rows", c.learnt_rows},
                      {"chains_waiting", c.waiting}, {"predictions_early", c.early}, {"predictions_late", c.late}, {"heads", heads}, {"thermalised", pairs}};
    }
    nlohmann::json validating; // null: nobody validates
    if (const auto& v = status.validation; !v.device.empty()) {
        auto edges = nlohmann::json::array();
        for (const auto& [chain, e] : v.edges)
            edges.push_back({{"chain", to_text(chain)}, {"sent", e.sent}, {"dropped", e.dropped}, {"filtered", e.filtered}, {"lost", e.lost}, {"held", e.held},
                             {"fill", e.fill}, {"fill_max", e.fill_max}, {"capacity", plan.validation.capacity}, {"credits", e.credits}});
        validating = {{"device", v.device}, {"when", plan.validation.when}, {"droppable", plan.validation.droppable}, {"passed", v.passed}, {"failed", v.failed},
                      {"df64_delta_h_max", or_null(v.df64_delta_h_max)}, {"edges", edges}};
    }
    return {{"campaign", plan.name}, {"pid", ::getpid()}, {"state", status.over ? (status.all_finished ? "finished" : "stopped") : status.stopping ? "stopping" : "running"},
            {"at", utc_now()}, {"chains", chains}, {"stages", stages}, {"notices", status.notices}, {"operations", operations}, {"devices", devices}, {"mirror", mirror}, {"conductor", conducting}, {"validation", validating}};
}

void write_status_file(const run_folder& folder, const campaign& plan, const run_status& status) {
    const auto temporary = folder.status().string() + ".tmp";
    {
        std::ofstream out(temporary, std::ios::trunc);
        out << status_json(plan, status).dump(1) << "\n";
        if (!out.flush())
            return;
    }
    std::error_code ignored;
    std::filesystem::rename(temporary, folder.status(), ignored);
}

} // namespace forge::app
