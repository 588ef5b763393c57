// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/operations/operation.hpp"

#include <array>
#include <utility>

namespace forge {

namespace {

constexpr std::array<std::pair<operation_verb, std::string_view>, 9> verbs{{{operation_verb::pause, "pause"}, {operation_verb::resume, "resume"},
    {operation_verb::checkpoint, "checkpoint"}, {operation_verb::stop, "stop"}, {operation_verb::migrate, "migrate"},
    {operation_verb::disable, "disable"}, {operation_verb::enable, "enable"}, {operation_verb::drain, "drain"}, {operation_verb::undrain, "undrain"}}};
constexpr std::array<std::pair<operation_state, std::string_view>, 4> states{{{operation_state::running, "running"}, {operation_state::done, "done"},
    {operation_state::refused, "refused"}, {operation_state::failed, "failed"}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
    for (const auto& [v, name] : table)
        if (v == value)
            return name;
    return "?";
}

template <class Table>
auto value_in(const Table& table, std::string_view name) -> std::optional<std::remove_const_t<decltype(table[0].first)>> {
    for (const auto& [v, known] : table)
        if (known == name)
            return v;
    return std::nullopt;
}

} // namespace

std::string_view name_of(operation_verb v) { return name_in(verbs, v); }
std::optional<operation_verb> verb_from(std::string_view name) { return value_in(verbs, name); }
std::string_view name_of(operation_state s) { return name_in(states, s); }
std::optional<operation_state> operation_state_from(std::string_view name) { return value_in(states, name); }

} // namespace forge
