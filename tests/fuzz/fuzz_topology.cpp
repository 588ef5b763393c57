// SPDX-License-Identifier: AGPL-3.0-only
// A topology file: refused in words, or read, drawn, and read again from what is written of it.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/control/topology_file.hpp"
#include "libactors/flow/reconfigure.hpp"
#include "libactors/flow/render.hpp"

#include <string>

FORGE_FUZZ(bytes) {
    auto f = forge::parse_topology(std::string(forge::text_of(bytes)), "topology.toml");
    if (!f) {
        forge::require(!f.reason().what.empty());
        return;
    }
    forge::require(!forge::picture(f->graph).empty() && !forge::to_dot(f->graph).empty());
    forge::require(forge::reconfiguration_plan(f->graph, f->graph).empty());
    const auto from_nothing = forge::reconfiguration_plan({}, f->graph);
    forge::require(from_nothing.size() >= f->graph.stages.size());
    f->name = "again"; // names may be any text
    const auto again = forge::parse_topology(forge::topology_toml(*f), "topology.toml");
    if (f->graph.stages.size() + f->graph.edges.size() < 60) // more are more brackets than a file may have
        forge::require(again.ok() && *again == *f && forge::hash_of(again->graph) == forge::hash_of(f->graph));
}
