// SPDX-License-Identifier: AGPL-3.0-only
// Joules with the name of what measured them, and the port that says them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forge {

/// Where joules come from. Names are written into records; append only.
enum class energy_source : std::uint8_t {
    none,  ///< nothing says it
    model, ///< watts that somebody configured, times seconds
    hwmon, ///< a sensor of the board
    rapl,  ///< the processor's own counters
    nvml,  ///< the accelerator's own counter
};

/// "none", "model", "hwmon", "rapl", "nvml".
[[nodiscard]] std::string_view name_of(energy_source s) noexcept;
[[nodiscard]] std::optional<energy_source> energy_source_from(std::string_view name) noexcept;
/// Somebody's sensor said it, not somebody's table.
[[nodiscard]] constexpr bool is_measured(energy_source s) noexcept { return s >= energy_source::hwmon; }

/// Joules since a meter was made.
struct energy_reading {
    std::optional<double> joules; ///< unset: unknown, never 0 in its place
    energy_source source = energy_source::none;
    std::string note;             ///< what it covers; or why there is none and what to do about it, one line
    friend bool operator==(const energy_reading&, const energy_reading&) = default;
};

/// What counts the joules of one place (a package, a board, a device).
class energy_meter {
public:
    energy_meter() = default;
    energy_meter(const energy_meter&) = delete;
    energy_meter& operator=(const energy_meter&) = delete;
    virtual ~energy_meter() = default;
    /// Joules since the meter was made. Counters that wrap are followed, so it must be called at least once in a wrap
    /// (minutes at hundreds of watts) and once a second where power is sampled.
    /// @param now_s  seconds on any steady clock, the same at every call.
    [[nodiscard]] virtual energy_reading read(double now_s) = 0;
};

} // namespace forge
