// SPDX-License-Identifier: AGPL-3.0-only
// Runs as examples for the conductor's models: reading, splitting by chain, training, predicting.
#pragma once

#include "libactors/control/conductor/training_set.hpp"
#include "libactors/learn/echo_state_network.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace forge::app {

using chain_view = std::vector<const chain_history*>;

struct training_data {
    std::vector<chain_history> chains;
    std::vector<std::string> runs;    ///< NAME#DIGITS, in order: of the hashes of the campaign's seed and physics
    std::vector<std::string> skipped; ///< what was left out, and why
    [[nodiscard]] std::vector<extents> lattices() const;
    [[nodiscard]] chain_view of(const extents& lattice) const;
};

/// Reads the ledgers, which nobody needs to close. Only first segments from a hot or cold start are taken: what goes on from another
/// beta starts elsewhere. Hot and cold chains whose runs are called alike but for "hot" and "cold" are partners.
[[nodiscard]] result<training_data> read_runs(const std::vector<std::string>& runs, const std::function<void(std::size_t, std::size_t)>& progress);

/// Fold of every chain, 0 ... folds-1: partners together, each beta spread over the folds.
[[nodiscard]] std::vector<std::size_t> folds_by_chain(const chain_view& chains, std::size_t folds);
/// The same with whole betas: neighbours in different folds.
[[nodiscard]] std::vector<std::size_t> folds_by_beta(const chain_view& chains, std::size_t folds);
/// Number of each chain's partnership, counted from 0: what a bootstrap draws.
[[nodiscard]] std::vector<std::uint32_t> partnerships(const chain_view& chains);

struct fold_split {
    chain_view train, test;
};
[[nodiscard]] fold_split split_of(const chain_view& chains, const std::vector<std::size_t>& fold, std::size_t held_out);

/// 128 units that see the features and have the applicable heads.
[[nodiscard]] network_shape conductor_shape(std::uint32_t units, std::uint32_t reservoirs, std::uint64_t seed);
/// The same network with the weights of its reservoirs in four bits, as the device stores them: [W_in, W_res] by rows, one scale a unit.
[[nodiscard]] result<echo_state_network> with_int4_weights(const echo_state_network& network);

/// @param stride  every stride-th row teaches (all are shown). @param gram  as network_trainer.
[[nodiscard]] result<echo_state_network> train_network(const echo_state_network& untrained, const chain_view& chains,
                                                       const std::function<const equilibrium_table&(const chain_history&)>& equilibrium, std::size_t stride = 1,
                                                       gram_engine* gram = nullptr);
[[nodiscard]] result<echo_state_network> train_network(const echo_state_network& untrained, const chain_view& chains, const equilibrium_table& equilibrium,
                                                       std::size_t stride = 1, gram_engine* gram = nullptr);

/// What a network says along a chain: one row of columns (heads.hpp) after every trajectory; not a number where a head is not trained.
[[nodiscard]] result<std::vector<target_row>> predict_chain(const echo_state_network& network, const chain_history& h);

} // namespace forge::app
