// SPDX-License-Identifier: AGPL-3.0-only
// How the studies print.
#include "apps/forge/npu_model_study.hpp"

#include <fmt/format.h>

namespace forge::app {

nlohmann::json to_json(const std::optional<interval>& i) { return i ? nlohmann::json{{"value", i->value}, {"low", i->low}, {"high", i->high}} : nlohmann::json(nullptr); }

std::string text_of(const std::optional<interval>& i, int digits) {
    return i ? fmt::format("{0:.{3}f} [{1:.{3}f}, {2:.{3}f}]", i->value, i->low, i->high, digits) : "n/a";
}

std::string markdown(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
    const auto line = [](const std::vector<std::string>& cells) {
        std::string t = "|";
        for (const auto& c : cells) {
            t += " ";
            for (const char letter : c)
                t += letter == '|' ? std::string("\\|") : std::string(1, letter); // |L| must not end a cell
            t += " |";
        }
        return t + "\n";
    };
    std::string t = line(header) + "|";
    for (std::size_t k = 0; k < header.size(); ++k)
        t += "---|";
    t += "\n";
    for (const auto& r : rows)
        t += line(r);
    return t;
}

} // namespace forge::app
