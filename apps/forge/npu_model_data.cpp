// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_model_data.hpp"

#include "apps/forge/campaign_files.hpp"
#include "libactors/engine/npu/int4.hpp"
#include "libactors/ledger/ledger.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace forge::app {

namespace {

/// The run's name without its start, so that "4x4-hot-3" and "4x4-cold-3" are the same.
std::string without_start(std::string name) {
    for (const std::string_view start : {"hot", "cold"})
        if (const auto at = name.find(start); at != std::string::npos)
            name.erase(at, start.size());
    return name;
}

result<void> read_run(const std::string& where, training_data& into) {
    auto folder = find_run(where);
    if (!folder)
        return folder.reason();
    auto plan = campaign_of(*folder);
    if (!plan)
        return plan.reason();
    auto book = ledger::open_read_only(folder->ledger());
    if (!book)
        return book.reason();
    // Names repeat ("campaign"); with its seed and its physics a run is itself.
    const auto identity = plan->name + "#" + to_hex(genesis_hash(book->identity().campaign_seed, chain_id{0})).substr(0, 6) +
                          to_hex(book->identity().config_hash).substr(0, 6);
    into.runs.push_back(identity);
    if (plan->start == start_kind::file) {
        into.skipped.push_back(plan->name + ": starts from a file, which is neither hot nor cold");
        return {};
    }
    for (std::uint32_t c = 0; c < book->identity().n_chains; ++c) {
        const auto segments = book->segments(chain_id{c});
        if (!segments)
            return segments.reason();
        if (segments->empty())
            continue;
        if (segments->size() > 1)
            into.skipped.push_back(fmt::format("{} {}: {} later segments, which do not begin hot or cold", plan->name, to_text(chain_id{c}), segments->size() - 1));
        const auto& segment = segments->front();
        const auto last = segments->size() > 1 ? (*segments)[1].first_trajectory - 1 : UINT64_MAX;
        std::vector<physics_record> records;
        const auto read = book->each_record(chain_id{c}, true, segment.first_trajectory, last, [&records](const record_row& r) {
            records.push_back(r.record);
            return true;
        });
        if (!read)
            return read.reason();
        auto h = history_of(records, segment.params, plan->lattice, plan->starts_hot(chain_id{c}),
                            book->identity().campaign_seed);
        if (!h)
            return h.reason();
        constexpr std::size_t shortest = 100;
        if (h->samples.size() < shortest) {
            into.skipped.push_back(fmt::format("{} {}: only {} trajectories", plan->name, to_text(chain_id{c}), h->samples.size()));
            continue;
        }
        h->run = identity;
        h->partner = fmt::format("{} {:.12g} {}", without_start(plan->name), h->beta, to_text(chain_id{plan->start == start_kind::both ? c - c % 2 : c}));
        into.chains.push_back(std::move(*h));
    }
    return {};
}

template <class Key>
std::vector<std::uint32_t> ranks(const chain_view& chains, Key key) {
    std::map<decltype(key(*chains.front())), std::uint32_t> rank;
    for (const auto* h : chains)
        rank.emplace(key(*h), 0);
    std::uint32_t next = 0;
    for (auto& [unused, r] : rank)
        r = next++;
    std::vector<std::uint32_t> all;
    for (const auto* h : chains)
        all.push_back(rank.at(key(*h)));
    return all;
}

} // namespace

std::vector<extents> training_data::lattices() const {
    std::vector<extents> all;
    for (const auto& h : chains)
        if (std::find(all.begin(), all.end(), h.lattice) == all.end())
            all.push_back(h.lattice);
    return all;
}

chain_view training_data::of(const extents& lattice) const {
    chain_view all;
    for (const auto& h : chains)
        if (h.lattice == lattice)
            all.push_back(&h);
    return all;
}

result<training_data> read_runs(const std::vector<std::string>& runs, const std::function<void(std::size_t, std::size_t)>& progress) {
    training_data data;
    std::set<std::string> seen;
    for (std::size_t k = 0; k < runs.size(); ++k) {
        std::error_code ignored;
        auto canonical = std::filesystem::weakly_canonical(runs[k], ignored).string();
        if (!seen.insert(canonical).second)
            return error{errc::invalid_argument, "the run is given twice: its chains would train and judge each other", runs[k], "name each run once"};
        if (auto done = read_run(runs[k], data); !done)
            return done.reason();
        progress(k + 1, runs.size());
    }
    if (data.chains.empty())
        return error{errc::invalid_argument, "there is no chain of 100 trajectories from a hot or cold start in these runs", "", "scripts/make-dataset makes some"};
    return data;
}

std::vector<std::uint32_t> partnerships(const chain_view& chains) {
    return ranks(chains, [](const chain_history& h) { return h.partner; });
}

std::vector<std::size_t> folds_by_chain(const chain_view& chains, std::size_t folds) {
    const auto beta = ranks(chains, [](const chain_history& h) { return h.beta; });
    std::map<std::uint32_t, std::map<std::string, std::size_t>> order; // of the partners at each beta
    for (std::size_t k = 0; k < chains.size(); ++k)
        order[beta[k]].emplace(chains[k]->partner, 0);
    for (auto& [b, partners] : order) {
        std::size_t next = b; // another fold begins at each beta
        for (auto& [unused, fold] : partners)
            fold = next++ % folds;
    }
    std::vector<std::size_t> all;
    for (std::size_t k = 0; k < chains.size(); ++k)
        all.push_back(order.at(beta[k]).at(chains[k]->partner));
    return all;
}

std::vector<std::size_t> folds_by_beta(const chain_view& chains, std::size_t folds) {
    const auto beta = ranks(chains, [](const chain_history& h) { return h.beta; });
    std::vector<std::size_t> all;
    for (const auto b : beta)
        all.push_back(b % folds);
    return all;
}

fold_split split_of(const chain_view& chains, const std::vector<std::size_t>& fold, std::size_t held_out) {
    fold_split s;
    for (std::size_t k = 0; k < chains.size(); ++k)
        (fold[k] == held_out ? s.test : s.train).push_back(chains[k]);
    return s;
}

network_shape conductor_shape(std::uint32_t units, std::uint32_t reservoirs, std::uint64_t seed) {
    network_shape s;
    s.reservoir.inputs = feature_count;
    s.reservoir.units = units;
    s.reservoir.seed = seed;
    s.reservoir.input_scale = 0.3; // docs/notes/echo_state.md: at 0.5 rejection loses 0.01 of AUC, at 0.2 thermalisation loses as much of R^2
    s.reservoirs = reservoirs;
    s.heads = trainable_heads();
    s.feature_version = feature_version;
    return s;
}

result<echo_state_network> with_int4_weights(const echo_state_network& network) {
    std::vector<reservoir> all;
    for (const auto& r : network.reservoirs()) {
        const std::size_t n = r.units();
        const std::size_t m = r.inputs();
        std::vector<float> w_in(r.w_in().begin(), r.w_in().end());
        auto w_res = r.w_res();
        for (std::size_t row = 0; row < n; ++row) {
            std::vector<float> channel(w_in.begin() + static_cast<std::ptrdiff_t>(row * m), w_in.begin() + static_cast<std::ptrdiff_t>((row + 1) * m));
            channel.insert(channel.end(), w_res.begin() + static_cast<std::ptrdiff_t>(row * n), w_res.begin() + static_cast<std::ptrdiff_t>((row + 1) * n));
            const auto q = quantise_channel(channel);
            for (std::size_t k = 0; k < m + n; ++k)
                (k < m ? w_in[row * m + k] : w_res[row * n + k - m]) = static_cast<float>(q.q[k]) * q.scale;
        }
        auto one = reservoir::from_weights(r.shape(), w_in, w_res);
        if (!one)
            return one.reason();
        all.push_back(std::move(*one));
    }
    return echo_state_network::from_reservoirs(network.shape(), std::move(all));
}

result<echo_state_network> train_network(const echo_state_network& untrained, const chain_view& chains,
                                         const std::function<const equilibrium_table&(const chain_history&)>& equilibrium, std::size_t stride,
                                         gram_engine* gram) {
    network_trainer trainer(untrained, gram);
    const auto group = partnerships(chains);
    result<void> state;
    for (std::size_t k = 0; k < chains.size() && state; ++k) {
        trainer.begin(group[k]);
        each_row(*chains[k], equilibrium(*chains[k]), [&](const feature_vector& v, const training_row* row) {
            if (state)
                state = trainer.step(v);
            if (state && row != nullptr && row->t % stride == 0)
                state = trainer.teach_all(row->targets);
        });
    }
    if (!state)
        return state.reason();
    return trainer.solve(usual_penalties());
}

result<echo_state_network> train_network(const echo_state_network& untrained, const chain_view& chains, const equilibrium_table& equilibrium, std::size_t stride,
                                         gram_engine* gram) {
    return train_network(untrained, chains, [&equilibrium](const chain_history&) -> const equilibrium_table& { return equilibrium; }, stride, gram);
}

result<std::vector<target_row>> predict_chain(const echo_state_network& network, const chain_history& h) {
    std::vector<target_row> all;
    feature_builder features(h.lattice);
    auto state = network.rest();
    const auto heads = trainable_heads();
    for (const auto& sample : h.samples) {
        target_row y;
        y.fill(std::numeric_limits<double>::quiet_NaN());
        const auto v = features.next(sample);
        if (!v)
            return error{errc::invalid_argument, "a trajectory is not a number", h.run + " " + to_text(h.chain), "forge ledger check"};
        if (auto moved = network.advance(*v, state); !moved)
            return moved.reason();
        std::size_t column = 0;
        for (const auto& head : heads) {
            for (std::uint32_t c = 0; c < head.dim; ++c, ++column) {
                const auto* first = network.readout(0, head.name, c);
                if (first == nullptr)
                    continue;
                double z = 0.0; // without the variance, which costs far more than the answer
                for (std::size_t r = 0; r < network.reservoirs().size(); ++r)
                    z += network.readout(r, head.name, c)->predict(state.of[r]) / static_cast<double>(network.reservoirs().size());
                y[column] = head.activation == head_activation::sigmoid ? 1.0 / (1.0 + std::exp(-z)) : head.activation == head_activation::relu ? std::max(0.0, z) : z;
            }
        }
        all.push_back(y);
    }
    return all;
}

} // namespace forge::app
