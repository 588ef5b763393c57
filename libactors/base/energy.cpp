// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/energy.hpp"

#include <array>

namespace forge {

namespace {
constexpr std::array<std::string_view, 5> names{"none", "model", "hwmon", "rapl", "nvml"};
}

std::string_view name_of(energy_source s) noexcept {
    return names[static_cast<std::size_t>(s)];
}

std::optional<energy_source> energy_source_from(std::string_view name) noexcept {
    for (std::size_t k = 0; k < names.size(); ++k)
        if (names[k] == name)
            return static_cast<energy_source>(k);
    return std::nullopt;
}

} // namespace forge
