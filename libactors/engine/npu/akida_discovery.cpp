// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/akida_discovery.hpp"

#include <algorithm>
#include <fstream>

namespace forge {

namespace {

namespace fs = std::filesystem;

constexpr auto vendor_id = "0x1e7c";

std::string word_of(const fs::path& file) {
    std::ifstream in(file);
    std::string word;
    in >> word;
    return word;
}

std::string model_of(const std::string& device) {
    if (device == "0xbca1")
        return "AKD1000";
    if (device == "0xa500")
        return "AKD1500";
    return "unknown (device " + (device.starts_with("0x") ? device.substr(2) : device) + ")";
}

template <class Use>
void each_entry(const fs::path& folder, Use&& use) {
    std::error_code failed;
    for (fs::directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end; !failed && at != end; at.increment(failed))
        use(at->path());
}

} // namespace

akida_discovery find_akida(const fs::path& root) {
    akida_discovery found;
    each_entry(root / "sys/bus/pci/devices", [&](const fs::path& device) {
        if (word_of(device / "vendor") != vendor_id)
            return;
        std::error_code failed;
        const auto driver = fs::read_symlink(device / "driver", failed);
        found.boards.push_back({model_of(word_of(device / "device")), device.filename().string(), failed ? "" : driver.filename().string()});
    });
    each_entry(root / "dev", [&](const fs::path& file) {
        if (file.filename().string().starts_with("akida"))
            found.device_files.push_back(file);
    });
    std::sort(found.boards.begin(), found.boards.end(), [](const auto& a, const auto& b) { return a.pci < b.pci; });
    std::sort(found.device_files.begin(), found.device_files.end());
    return found;
}

std::string what_runs(const akida_discovery& found) {
    if (found.boards.empty() && found.device_files.empty())
        return "no Akida board in this machine: programs run on sim-akd1000";
    std::string text;
    for (const auto& b : found.boards)
        text += (text.empty() ? "" : ", ") + b.model + " at " + b.pci + (b.driver.empty() ? " without a driver" : " (driver " + b.driver + ")");
    for (const auto& f : found.device_files)
        text += (text.empty() ? "" : ", ") + f.string();
    const bool ready = !found.device_files.empty();
    return "found " + text + "; " + (ready ? "forge speaks to no board yet" : "its driver is not loaded (no /dev/akida*)") +
           ": programs run on sim-akd1000";
}

} // namespace forge
