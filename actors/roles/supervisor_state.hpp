// SPDX-License-Identifier: AGPL-3.0-only
// What the supervisor's files share. Private to the supervisor.
#pragma once

#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/control/operations/operation_desk.hpp"
#include "libactors/control/supervisor.hpp"

#include <set>

namespace forge::supervision {

struct supervisor_data {
    static inline const char* name = "supervisor";
    std::shared_ptr<const runtime_parts> parts;
    std::shared_ptr<status_board> board;
    std::optional<supervisor> core;
    std::optional<operation_desk> desk; ///< knows where every chain runs
    std::optional<supervisor> worker_core; ///< the same budget for workers, by slot
    caf::actor recorder, steerer;
    caf::actor conductor; ///< none when the campaign has none; what it cannot say is decided without it
    caf::actor validator; ///< none when the campaign has none, or it died too often
    std::uint32_t validators_lost = 0;
    caf::actor mirror; ///< none when the campaign wants no copy, or no node can keep one
    std::vector<caf::actor> workers;     ///< by slot; none while a node is away
    std::set<chain_id> homeless;         ///< no device can run them now
    std::map<std::string, std::string> names; ///< of devices, as their vendors say
    std::map<chain_id, caf::actor> chains;
    std::map<chain_id, caf::actor> given; ///< the worker that a chain was started with
    std::map<chain_id, std::size_t> restarts;
    std::map<chain_id, std::string> last_failure;
    std::vector<taken_point> taken;
    bool stopping = false;
    bool ending = false;
    bool mirroring = false; ///< the campaign is over; the copy takes in its end
};

using supervisor_ptr = caf::stateful_actor<supervisor_data>*;

/// As far as people and devices see it.
void show(supervisor_ptr self, chain_id c, const char* phase);
void publish_devices(supervisor_ptr self);
void start_chain(supervisor_ptr self, chain_id c);
void end_if_over(supervisor_ptr self);
/// A new validator, where the campaign wants one and its device is there.
void start_validator(supervisor_ptr self);

// supervisor_operations.cpp
void perform(supervisor_ptr self, const std::vector<desk_command>& commands);
[[nodiscard]] operation_report on_request(supervisor_ptr self, const operation_request& r);

// supervisor_nodes.cpp
/// Until its node introduces itself again.
void device_is_away(supervisor_ptr self, std::size_t slot);
/// A node's devices become slots; chains without a place and crowded ones go there.
void on_node(supervisor_ptr self, const node_came& m);
/// A node that was lost says what it computed meanwhile: the ledger has the last word on it.
[[nodiscard]] caf::typed_response_promise<remote_late_refused> judge_late(supervisor_ptr self, const remote_late& m);
/// The copy takes in the end of the campaign, too, if that does not take long. @return true when it is worth waiting.
[[nodiscard]] bool mirror_goes_on(supervisor_ptr self);
void on_mirror_settled(supervisor_ptr self);

} // namespace forge::supervision
