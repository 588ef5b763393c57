// SPDX-License-Identifier: AGPL-3.0-only
// What was asked for, under which id, and what became of it.
#pragma once

#include "libactors/control/migration/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge::migration {

enum class operation_kind : std::uint8_t { migrate, take_over }; ///< stored on disk by name

/// Phases of a migration; a take-over is `requested` and then final. Stored on disk by name.
enum class operation_phase : std::uint8_t {
    requested,
    draining,  ///< the source finishes, commits, seals
    offered,   ///< the source is frozen; a target is to be told (also: the target is this same node)
    preparing, ///< the target pulls, verifies, makes durable
    prepared,  ///< the copy is listed; the compare-and-set is next
    committed, ///< the ledger names the new owner: no way back
    granted,   ///< the new owner was told
    unknown,   ///< past the point of no return, and the new owner was not heard of in time; may still be released
    released,  ///< final: the new owner runs
    refused,   ///< final: nothing was begun
    aborted,   ///< final: begun, given up before the point of no return
    overtaken, ///< final: past the point of no return, but a take-over gave the chain on before the target ran
};
[[nodiscard]] std::string_view name_of(operation_phase p);
[[nodiscard]] std::optional<operation_phase> operation_phase_from(std::string_view name);
[[nodiscard]] constexpr bool is_final(operation_phase p) { return p >= operation_phase::released; }

/// One row of the operations table.
struct operation {
    operation_id id;
    operation_kind kind = operation_kind::migrate;
    chain_id chain;
    place from;       ///< of the owner when it was begun
    place to;
    epoch_no epoch;   ///< of the chain when it was begun
    operation_phase phase = operation_phase::requested;
    std::string answer; ///< one sentence, set once, when the phase becomes final
    double begun_s = 0.0;
    double ended_s = 0.0; ///< when final

    friend bool operator==(const operation&, const operation&) = default;
};

/// Bounded memory of operations. Finished ones go when there is no room, the oldest first; open ones never go.
///
/// While a row is here, a request with its id is answered from it. A client must not reuse an id; the bound is the
/// time for which a late duplicate is recognised.
class operation_log {
public:
    /// @param capacity  operations kept; more only while more are open. Precondition: >= 1.
    explicit operation_log(std::size_t capacity);
    /// Rows as persisted, in any order.
    void restore(const std::vector<operation>& rows);

    [[nodiscard]] const operation* find(const operation_id& id) const;
    /// Adds or replaces. A final row never changes again: an attempt is a programmer's mistake.
    /// @return ids that had to go; the caller deletes their rows.
    [[nodiscard]] std::vector<operation_id> put(const operation& row);
    /// Oldest first.
    [[nodiscard]] std::vector<operation> all() const;

private:
    std::size_t capacity_;
    std::map<operation_id, operation> rows_;
};

} // namespace forge::migration
