// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/energy/meters.hpp"
#include "libactors/energy/sensor_file.hpp"

#include <fmt/format.h>

namespace forge::energy {

namespace {

/// One zone's counter, unwrapped.
struct package {
    std::filesystem::path file;
    std::uint64_t range_uj = 0;
    std::uint64_t last_uj = 0;
    std::uint64_t sum_uj = 0;
};

class rapl final : public energy_meter {
public:
    explicit rapl(const std::filesystem::path& root) {
        for (const auto& zone : entries(root)) {
            // intel-rapl:0 is a package, intel-rapl:0:1 something in it; AMD's driver uses the same names.
            const auto name = read_sensor(zone / "name");
            if (!zone.filename().string().starts_with("intel-rapl:") || !name || !name->starts_with("package"))
                continue;
            package p{zone / "energy_uj", 0, 0, 0};
            const auto range = read_count(zone / "max_energy_range_uj");
            const auto now = read_count(p.file);
            if (!range || !now) {
                give_up(!now ? now.reason() : range.reason(), root);
                return;
            }
            p.range_uj = *range;
            p.last_uj = *now;
            packages_.push_back(std::move(p));
        }
        if (packages_.empty())
            broken_ = fmt::format("no RAPL package under {}", root.string());
        root_ = root;
    }

    energy_reading read(double now_s) override {
        for (auto& p : packages_) {
            if (broken_)
                break;
            const auto now = read_count(p.file);
            if (!now) {
                give_up(now.reason(), root_);
                break;
            }
            const double lasts_s = static_cast<double>(p.range_uj) * 1e-6 / highest_watts;
            if (last_s_ && now_s - *last_s_ > lasts_s)
                broken_ = fmt::format("{} was not read for {:.0f} s: it may have wrapped more than once", p.file.string(), now_s - *last_s_);
            else if (*now > p.range_uj)
                broken_ = fmt::format("{} is beyond its own range", p.file.string());
            else
                p.sum_uj += *now >= p.last_uj ? *now - p.last_uj : *now + p.range_uj - p.last_uj;
            p.last_uj = *now;
        }
        last_s_ = now_s;
        if (broken_)
            return {std::nullopt, energy_source::none, *broken_};
        std::uint64_t sum = 0;
        for (const auto& p : packages_)
            sum += p.sum_uj;
        return {static_cast<double>(sum) * 1e-6, energy_source::rapl, fmt::format("{} processor package{}", packages_.size(), packages_.size() == 1 ? "" : "s")};
    }

private:
    void give_up(const error& why, const std::filesystem::path& root) {
        broken_ = why.code == errc::permission_denied
                      ? fmt::format("{} is for root only; try: sudo chmod a+r {}/intel-rapl:*/energy_uj (until the next boot)", why.where, root.string())
                      : fmt::format("{}: {}", why.where, why.what);
    }
    std::filesystem::path root_;
    std::vector<package> packages_;
    std::optional<double> last_s_;
    std::optional<std::string> broken_; ///< for good: joules that were missed do not come back
};

} // namespace

std::unique_ptr<energy_meter> rapl_meter(const std::filesystem::path& root) {
    return std::make_unique<rapl>(root);
}

} // namespace forge::energy
