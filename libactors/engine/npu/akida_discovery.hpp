// SPDX-License-Identifier: AGPL-3.0-only
// Is there an Akida board in this machine, and can it be spoken to?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace forge {

struct akida_board {
    std::string model;  ///< "AKD1000", "AKD1500", or "unknown (device a123)"
    std::string pci;    ///< "0000:03:00.0"
    std::string driver; ///< kernel driver that is bound to it; empty: none
};

struct akida_discovery {
    std::vector<akida_board> boards;                 ///< on PCI, by address
    std::vector<std::filesystem::path> device_files; ///< /dev/akida*, by name
};

/// Looks at /sys/bus/pci/devices (vendor 1e7c; bca1 is an AKD1000, a500 an AKD1500) and /dev/akida*. Only reads; never fails: what
/// cannot be read is not there. @param root  "/" but in tests.
[[nodiscard]] akida_discovery find_akida(const std::filesystem::path& root = "/");

/// One sentence: what was found, and what runs programs instead. This program speaks to no board yet: everything that maps a program
/// on "the device" uses "sim-akd1000", and says so.
[[nodiscard]] std::string what_runs(const akida_discovery& found);

} // namespace forge
