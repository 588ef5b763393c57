// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/energy/sampled_power.hpp"
#include "libactors/energy/sensor_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace forge::energy {

namespace {

struct sensors {
    std::vector<std::filesystem::path> counters; ///< microjoules
    std::vector<std::filesystem::path> powers;   ///< microwatts
};

sensors sensors_of(const std::filesystem::path& device) {
    sensors s;
    std::set<std::string> measured; // "power1": its input is taken, its average is not
    const auto files = entries(device);
    for (const auto& file : files) {
        const auto name = file.filename().string();
        if (name.starts_with("energy") && name.ends_with("_input"))
            s.counters.push_back(file);
        if (name.starts_with("power") && name.ends_with("_input")) {
            s.powers.push_back(file);
            measured.insert(name.substr(0, name.find('_')));
        }
    }
    for (const auto& file : files) {
        const auto name = file.filename().string();
        if (name.starts_with("power") && name.ends_with("_average") && !measured.contains(name.substr(0, name.find('_'))))
            s.powers.push_back(file);
    }
    return s;
}

class hwmon final : public energy_meter {
public:
    hwmon(std::string device, const std::filesystem::path& root) : device_(std::move(device)) {
        for (const auto& folder : entries(root)) {
            const auto name = read_sensor(folder / "name");
            if (!name || *name != device_)
                continue;
            auto s = sensors_of(folder);
            if (!s.counters.empty())
                s.powers.clear(); // the same joules
            for (auto& file : s.counters) {
                const auto now = read_count(file);
                if (!now) {
                    give_up(now.reason());
                    return;
                }
                counters_.push_back({std::move(file), *now, *now});
            }
            for (auto& file : s.powers)
                powers_.push_back(std::move(file));
        }
        if (counters_.empty() && powers_.empty())
            broken_ = fmt::format("no power or energy sensor of \"{}\" under {}", device_, root.string());
    }

    energy_reading read(double now_s) override {
        double joules = 0.0, watts = 0.0;
        for (auto& c : counters_) {
            const auto now = read_count(c.file);
            if (!now)
                give_up(now.reason());
            else if (*now < c.last_uj)
                broken_ = fmt::format("{} went back", c.file.string());
            if (broken_)
                break;
            c.last_uj = *now;
            joules += static_cast<double>(c.last_uj - c.first_uj) * 1e-6;
        }
        for (const auto& file : powers_) {
            if (broken_)
                break;
            if (const auto now = read_count(file))
                watts += static_cast<double>(*now) * 1e-6;
            else
                give_up(now.reason());
        }
        if (!broken_ && !powers_.empty()) {
            power_.add(watts, now_s);
            if (const auto sampled = power_.joules())
                joules += *sampled;
            else
                broken_ = fmt::format("\"{}\" was not asked for {:.0f} s: its power in between is unknown", device_, sample_gap_max_s);
        }
        if (broken_)
            return {std::nullopt, energy_source::none, *broken_};
        return {joules, energy_source::hwmon, fmt::format("{}: {} counters, {} power sensors", device_, counters_.size(), powers_.size())};
    }

private:
    struct counter {
        std::filesystem::path file;
        std::uint64_t first_uj, last_uj;
    };
    void give_up(const error& why) {
        broken_ = why.code == errc::permission_denied ? fmt::format("{} may not be read; try: sudo chmod a+r {}", why.where, why.where)
                                                      : fmt::format("{}: {}", why.where, why.what);
    }
    std::string device_;
    std::vector<counter> counters_;
    std::vector<std::filesystem::path> powers_;
    sampled_power power_;
    std::optional<std::string> broken_;
};

} // namespace

std::vector<std::string> hwmon_devices(const std::filesystem::path& root) {
    std::set<std::string> names;
    for (const auto& folder : entries(root)) {
        const auto s = sensors_of(folder);
        if (const auto name = read_sensor(folder / "name"); name && (!s.counters.empty() || !s.powers.empty()))
            names.insert(*name);
    }
    return {names.begin(), names.end()};
}

std::unique_ptr<energy_meter> hwmon_meter(std::string device, const std::filesystem::path& root) {
    return std::make_unique<hwmon>(std::move(device), root);
}

} // namespace forge::energy
