// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/pipeline_builder.hpp"

namespace forge {

pipeline_builder& pipeline_builder::stage(std::string id, std::string kind, std::string device, stage_config config) {
    t_.stages.push_back({std::move(id), std::move(kind), std::move(device), {}, config});
    return *this;
}

pipeline_builder& pipeline_builder::needs(capability_kind kind, std::uint32_t size) {
    expects(!t_.stages.empty(), "a need belongs to a stage");
    t_.stages.back().needs.push_back({kind, size});
    return *this;
}

pipeline_builder& pipeline_builder::edge(std::string from, std::string to, channel via) {
    t_.edges.push_back({std::move(from), std::move(to), std::move(via)});
    return *this;
}

pipeline_builder& pipeline_builder::add(const topology& other) {
    for (const auto& s : other.stages)
        if (t_.find_stage(s.id) == nullptr)
            t_.stages.push_back(s);
    t_.edges.insert(t_.edges.end(), other.edges.begin(), other.edges.end());
    return *this;
}

result<topology> pipeline_builder::build(const node_view& node) const {
    if (auto valid = validate(t_, node); !valid)
        return valid.reason();
    return t_;
}

topology chain(const std::vector<stage>& stages, const channel& via) {
    topology t{stages, {}};
    for (std::size_t i = 0; i + 1 < stages.size(); ++i)
        t.edges.push_back({stages[i].id, stages[i + 1].id, via});
    return t;
}

topology fan_in(const std::vector<stage>& producers, const stage& consumer, const channel& via) {
    topology t{producers, {}};
    t.stages.push_back(consumer);
    for (const auto& p : producers)
        t.edges.push_back({p.id, consumer.id, via});
    return t;
}

topology fan_out(const stage& producer, const std::vector<stage>& consumers, const channel& via) {
    topology t{{producer}, {}};
    for (const auto& c : consumers) {
        t.stages.push_back(c);
        t.edges.push_back({producer.id, c.id, via});
    }
    return t;
}

topology graph(std::vector<stage> stages, std::vector<edge> edges) { return {std::move(stages), std::move(edges)}; }

} // namespace forge
