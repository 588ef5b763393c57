// SPDX-License-Identifier: AGPL-3.0-only
// Topologies written down in C++.
#pragma once

#include "libactors/flow/topology.hpp"

#include <initializer_list>

namespace forge {

/// pipeline_builder().stage("hmc", "hmc_producer", "opencl:0").stage("rec", "recorder").edge("hmc", "rec", channel::bounded(4)).build()
class pipeline_builder {
public:
    pipeline_builder& stage(std::string id, std::string kind, std::string device = {}, stage_config config = {});
    /// Adds a need to the stage that was added last. Precondition: there is one.
    pipeline_builder& needs(capability_kind kind, std::uint32_t size = 0);
    pipeline_builder& edge(std::string from, std::string to, channel via);
    /// Every edge of the other topology and every stage that is not here yet.
    pipeline_builder& add(const topology& other);
    /// What was built, when it is valid on the node; else every problem.
    [[nodiscard]] result<topology> build(const node_view& node = {}) const;

private:
    topology t_;
};

/// Stages one after the other: s0 -> s1 -> ... with the same channel.
[[nodiscard]] topology chain(const std::vector<stage>& stages, const channel& via);
/// All producers into one consumer.
[[nodiscard]] topology fan_in(const std::vector<stage>& producers, const stage& consumer, const channel& via);
/// One producer to all consumers: each gets every item.
[[nodiscard]] topology fan_out(const stage& producer, const std::vector<stage>& consumers, const channel& via);
/// Any graph.
[[nodiscard]] topology graph(std::vector<stage> stages, std::vector<edge> edges);

} // namespace forge
