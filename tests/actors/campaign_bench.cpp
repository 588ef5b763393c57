// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/actors/campaign_bench.hpp"

#include "libactors/control/campaign_topology.hpp"
#include "libactors/engine/reference/reference_engine.hpp"

#include <map>
#include <stdexcept>

namespace forge::test {

namespace {

/// Passes everything on; counts drifts.
class faulty_workspace final : public gauge_workspace {
public:
    faulty_workspace(std::unique_ptr<gauge_workspace> inner, std::shared_ptr<fault> f) : inner_(std::move(inner)), fault_(std::move(f)) {}
    const extents& shape() const override { return inner_->shape(); }
    void upload(const gauge_field& links) override { inner_->upload(links); }
    gauge_field download() override { return inner_->download(); }
    void upload_momenta(const momentum_field& momenta) override { inner_->upload_momenta(momenta); }
    momentum_field download_momenta() override { return inner_->download_momenta(); }
    void refresh_momenta(const noise_id& noise) override { inner_->refresh_momenta(noise); }
    void kick(double beta, double step) override { inner_->kick(beta, step); }
    void drift(double step) override {
        const auto n = ++fault_->drifts;
        if (fault_->on_drift)
            fault_->on_drift(n);
        inner_->drift(step);
    }
    double kinetic_energy() override { return inner_->kinetic_energy(); }
    plaquette_sums plaquette() override { return inner_->plaquette(); }
    complex polyakov_loop() override { return inner_->polyakov_loop(); }
    void reunitarise() override { inner_->reunitarise(); }
    state_hash fingerprint() override { return inner_->fingerprint(); }
    void save_links() override { inner_->save_links(); }
    void restore_links() override { inner_->restore_links(); }

private:
    std::unique_ptr<gauge_workspace> inner_;
    std::shared_ptr<fault> fault_;
};

class faulty_engine final : public lattice_engine {
public:
    explicit faulty_engine(std::shared_ptr<fault> f) : fault_(std::move(f)) {}
    const engine_capability& about() const override { return inner_.about(); }
    std::unique_ptr<gauge_workspace> allocate(const extents& l) override {
        // The engine's self-test runs on a lattice of its own; only the campaign's fields fail.
        return l == small_campaign().lattice ? std::make_unique<faulty_workspace>(inner_.allocate(l), fault_) : inner_.allocate(l);
    }

private:
    reference_engine inner_;
    std::shared_ptr<fault> fault_;
};

} // namespace

engine_factory faulty_reference(std::shared_ptr<fault> f) {
    return [f]() -> result<std::unique_ptr<lattice_engine>> { return std::unique_ptr<lattice_engine>(std::make_unique<faulty_engine>(f)); };
}

engine_factory sound_reference() { return faulty_reference(std::make_shared<fault>()); }

campaign small_campaign() {
    campaign c;
    c.name = "bench";
    c.n_chains = 2;
    c.lattice = extents{{2, 2, 2, 2}};
    c.beta_min = 5.5;
    c.beta_max = 5.9;
    c.beta_points = 4;
    c.hmc.n_steps = 4;
    c.hmc.n_thermalise = 5;
    c.hmc.n_warmup = 2;
    c.hmc.n_measure = 30;
    c.seal_interval_s = 0.02;
    return c;
}

runtime_parts bench::parts(const std::vector<engine_factory>& engines) const {
    runtime_parts p;
    p.plan = plan_;
    p.seed = plan_.seed.value_or("bench-seed");
    std::vector<std::string> ids;
    for (const auto& make : engines) {
        ids.push_back("reference:" + std::to_string(ids.size()));
        p.devices.push_back({ids.back(), make});
    }
    p.shape = campaign_topology(plan_, ids);
    const auto text = physics_text(plan_);
    p.book = std::make_shared<ledger>(
        ledger::create_or_open(folder_.path() / "ledger.sqlite", {p.seed, text, sha256_of(text), plan_.n_chains, "test"}).or_throw());
    p.store = std::make_shared<checkpoint_store>(checkpoint_store::open(folder_.path() / "checkpoints").or_throw());
    p.start_links = [l = plan_.lattice](chain_id) -> result<gauge_field> { return cold_start(l); };
    p.provenance = "test";
    return p;
}

std::uint64_t bench::trajectories_of(chain_id c) const {
    const std::uint64_t segments = (plan_.beta_points + plan_.n_chains - 1 - c.value) / plan_.n_chains;
    return segments * (plan_.hmc.n_thermalise + plan_.hmc.n_measure);
}

run_status run_to_end(campaign_runtime& runtime) {
    if (!eventually(60.0, [&runtime] { return runtime.status().over; }))
        throw std::runtime_error("the campaign is not over after 60 s");
    return runtime.status();
}

std::string undisturbed_hash(const campaign& plan) {
    static std::map<std::string, std::string> known;
    auto& hash = known[physics_text(plan)];
    if (hash.empty()) {
        const bench b(plan);
        {
            campaign_runtime runtime(b.parts({sound_reference()}));
            if (!run_to_end(runtime).all_finished)
                throw std::runtime_error("the undisturbed run did not finish");
        }
        hash = b.hash();
    }
    return hash;
}

} // namespace forge::test
