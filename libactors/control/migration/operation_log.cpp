// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/operation_log.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <array>

namespace forge::migration {

namespace {
constexpr std::array<std::string_view, 12> names{"requested", "draining", "offered",  "preparing", "prepared", "committed",
                                                 "granted",   "unknown",  "released", "refused",   "aborted",  "overtaken"};
}

std::string_view name_of(operation_phase p) { return names.at(static_cast<std::size_t>(p)); }

std::optional<operation_phase> operation_phase_from(std::string_view name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end())
        return std::nullopt;
    return static_cast<operation_phase>(at - names.begin());
}

operation_log::operation_log(std::size_t capacity) : capacity_(capacity) { expects(capacity >= 1, "an operation log holds one"); }

void operation_log::restore(const std::vector<operation>& rows) {
    rows_.clear();
    for (const auto& row : rows)
        rows_[row.id] = row;
}

const operation* operation_log::find(const operation_id& id) const {
    const auto at = rows_.find(id);
    return at == rows_.end() ? nullptr : &at->second;
}

std::vector<operation_id> operation_log::put(const operation& row) {
    if (const auto at = rows_.find(row.id); at != rows_.end()) {
        expects(!is_final(at->second.phase) || at->second == row, "the answer of an operation is given once");
        at->second = row;
        return {};
    }
    rows_.emplace(row.id, row);
    std::vector<operation_id> gone;
    while (rows_.size() > capacity_) {
        auto oldest = rows_.end();
        for (auto at = rows_.begin(); at != rows_.end(); ++at)
            if (is_final(at->second.phase) && at->first != row.id && (oldest == rows_.end() || at->second.begun_s < oldest->second.begun_s))
                oldest = at;
        if (oldest == rows_.end())
            break; // all others are open
        gone.push_back(oldest->first);
        rows_.erase(oldest);
    }
    return gone;
}

std::vector<operation> operation_log::all() const {
    std::vector<operation> out;
    for (const auto& [id, row] : rows_)
        out.push_back(row);
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.begun_s < b.begun_s; });
    return out;
}

} // namespace forge::migration
