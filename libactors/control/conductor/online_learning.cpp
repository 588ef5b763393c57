// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/online_learning.hpp"

#include "libactors/control/conductor/chain_watch.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

result<std::size_t> learn_segment(conductor_model& m, const chain_history& history, std::size_t rows_max, reservoir_stepper* stepper) {
    if (m.equilibrium.empty())
        return error{errc::not_found, "the model knows no equilibrium", "online learning", "a model of forge npu train"};
    if (!(m.equilibrium.front().lattice() == history.lattice))
        return error{errc::invalid_argument,
                     "the model is of " + to_text(m.equilibrium.front().lattice()) + ", the chain of " + to_text(history.lattice), "online learning",
                     "one model for each lattice"};
    const auto stride = std::max<std::size_t>(1, history.samples.size() / std::max<std::size_t>(1, rows_max));
    auto state = m.network.rest();
    std::size_t taken = 0;
    std::optional<error> failed;
    each_row(history, m.equilibrium.front(), [&](const feature_vector& x, const training_row* row) {
        if (failed)
            return;
        if (auto stepped = stepper != nullptr ? stepper->advance(m.network, x, state) : m.network.advance(x, state); !stepped) {
            failed = stepped.reason();
            return;
        }
        if (row == nullptr || row->t % stride != 0 || taken >= rows_max)
            return;
        ++taken;
        for (const auto head : chain_watch::judged()) {
            const std::string name(about(head).name);
            const double target = row->targets[*column_of(head)];
            if (!std::isfinite(target) || !m.network.trained(name))
                continue;
            if (auto learnt = m.network.learn(name, state, std::span(&target, 1)); !learnt)
                failed = learnt.reason();
        }
    });
    if (failed)
        return *failed;
    m.rows += taken;
    m.chains += taken > 0 ? 1 : 0;
    return taken;
}

} // namespace forge
