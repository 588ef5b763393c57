// SPDX-License-Identifier: AGPL-3.0-only
// Operations on chains and devices of a running campaign: the pure core behind forge chain and forge device.
#pragma once

#include "libactors/control/operations/operation.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace forge {

/// A device as far as placement looks at it.
struct desk_device {
    std::string id;
    bool fp64 = true;
    std::uint64_t memory_bytes = 0; ///< 0: unknown
    bool online = true;             ///< false: its node is away
    bool draining = false;          ///< its node is about to leave
};

// Commands: what the supervisor has to do.
struct pause_chain_command { chain_id chain; std::string reason; };
struct resume_chain_command { chain_id chain; };
struct seal_chain_command { chain_id chain; };                     ///< now; answer with on_sealed
struct stop_chain_command { chain_id chain; };                     ///< finish, seal, end; answer with on_stopped
struct start_chain_command { chain_id chain; std::size_t slot; };  ///< from its newest seal; answer with on_started
struct report_command { operation_report report; };                ///< make it durable: its state has changed
using desk_command = std::variant<pause_chain_command, resume_chain_command, seal_chain_command, stop_chain_command, start_chain_command, report_command>;

/// Knows where every chain runs, what is disabled, paused and stopped, and which operations are under way.
///
/// Every operation is idempotent by its id, and a chain has at most one operation under way: a second one is refused
/// and names the first. It is rebuilt from the reports of an earlier process (`replay`): where a chain was moved to, what
/// was paused or disabled stays so; a stopped chain starts again, since whoever starts the campaign wants it to run. An operation that was under way when the process died is reported
/// as failed; the chain is where the last finished operation left it.
class operation_desk {
public:
    /// Chain c starts on device c mod n, as the plan has it. @param chain_bytes  that a chain needs on a device.
    operation_desk(std::uint32_t n_chains, std::vector<desk_device> devices, std::uint64_t chain_bytes);

    void replay(const operation_report& report);
    /// Reports for what was under way when the earlier process ended. Call once, after the last replay.
    [[nodiscard]] std::vector<desk_command> close_replayed();

    struct answer {
        operation_report report;
        std::vector<desk_command> commands;
    };
    [[nodiscard]] answer on_request(const operation_request& r, double now_s);

    [[nodiscard]] std::vector<desk_command> on_sealed(chain_id c, std::uint64_t trajectory, double now_s);
    /// The chain finished its trajectory, is sealed and has ended. @param finished  it has no more work.
    [[nodiscard]] std::vector<desk_command> on_stopped(chain_id c, std::uint64_t trajectory, bool finished, double now_s,
                                                       const migration_times& leaving = {});
    /// The chain runs (again), with this epoch. What was asked of it while it was down is asked again.
    [[nodiscard]] std::vector<desk_command> on_started(chain_id c, std::uint64_t epoch, double now_s, const migration_times& arriving = {});
    /// The chain failed; `restarts` when the supervisor starts it again from its last seal.
    [[nodiscard]] std::vector<desk_command> on_failed(chain_id c, const std::string& why, bool restarts, double now_s);

    /// A device that came (back): known by its id, or new. @return its slot.
    std::size_t device_came(const desk_device& device);
    void device_went(const std::string& id);
    /// A node is about to leave: no chain goes to any of its devices, and those that are there move, as far as there are other places.
    [[nodiscard]] std::vector<desk_command> drain(const std::string& node, double now_s);
    /// Slots never go away; a device that has gone keeps its number.
    [[nodiscard]] const std::vector<desk_device>& devices() const { return devices_; }
    /// Moves a chain that stands still (failed, or not begun) to a device that can run it, unless its own can.
    /// @return false when no device can: wait for one.
    [[nodiscard]] bool find_place(chain_id c);
    /// Migrations that give work to devices without a chain while another one has two or more.
    [[nodiscard]] std::vector<desk_command> spread(double now_s);

    [[nodiscard]] std::size_t slot_of(chain_id c) const { return chains_.at(c).slot; }
    /// The slot that a chain under migration moves to.
    [[nodiscard]] std::optional<std::size_t> going_to(chain_id c) const {
        const auto& e = chains_.at(c);
        return e.moving ? std::optional(e.going_to) : std::nullopt;
    }
    [[nodiscard]] bool paused(chain_id c) const { return chains_.at(c).paused; }
    [[nodiscard]] bool stopped(chain_id c) const { return chains_.at(c).stopped; }
    /// Chains that are on a device or on their way to it, and not finished.
    [[nodiscard]] std::vector<chain_id> chains_on(std::size_t slot) const;
    [[nodiscard]] bool disabled(const std::string& device) const { return disabled_.contains(device); }
    /// Newest last; bounded.
    [[nodiscard]] const std::deque<operation_report>& reports() const { return reports_; }

private:
    friend struct model_peek; // the model check compares whole states
    struct chain_entry {
        std::size_t slot = 0;
        bool paused = false;
        bool stopped = false;  ///< by an operator, or given up; resume starts it again
        bool finished = false; ///< no more work
        std::string open;      ///< id of the operation under way
        bool moving = false;   ///< it is a migration
        bool left = false;     ///< whose chain has stopped
        std::size_t going_to = 0;
        double begun_s = 0.0;
        double stopped_s = 0.0; ///< when the chain had left, for the pause of a migration
        migration_times times;  ///< of its leaving
    };
    void put(const operation_report& report);
    [[nodiscard]] operation_report* find(const std::string& id);
    [[nodiscard]] std::vector<desk_command> close(chain_entry& e, operation_state state, const std::string& text, double seconds);
    /// A migration is done.
    [[nodiscard]] std::vector<desk_command> arrived(chain_id c, const std::string& place, double now_s, const migration_times& arriving);
    void on_chain_verb(const operation_request& r, chain_id c, double now_s, answer& out);
    void on_migrate(const operation_request& r, chain_id c, double now_s, answer& out);
    void on_device_verb(const operation_request& r, answer& out);
    void on_node_verb(const operation_request& r, double now_s, answer& out);
    [[nodiscard]] bool usable(std::size_t slot) const;
    [[nodiscard]] std::string alternatives(std::size_t except) const;
    /// An id of the desk's own that nobody has used, in this process or an earlier one.
    [[nodiscard]] std::string own_id(const char* why, double now_s);
    /// Chains that run there or are on their way.
    [[nodiscard]] std::size_t load_of(std::size_t slot) const;

    std::vector<desk_device> devices_;
    std::uint64_t chain_bytes_;
    std::map<chain_id, chain_entry> chains_;
    std::set<std::string> disabled_;
    std::set<std::string> drained_; ///< nodes that an operator wants empty, also when they come again
    std::deque<operation_report> reports_;
    std::uint64_t spread_ = 0; ///< migrations that `spread` and `drain` began
};

} // namespace forge
