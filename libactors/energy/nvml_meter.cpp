// SPDX-License-Identifier: AGPL-3.0-only
// The few functions of NVML that say joules, found at run time: nothing of NVIDIA's is needed to build or to start.
#include "libactors/energy/sampled_power.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace forge::energy {

namespace {

// As in nvml.h (NVML API reference, "Device Queries"): 0 is success; handles are opaque.
using nvml_device = void*;
constexpr int nvml_success = 0;

struct library {
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    int (*count)(unsigned*) = nullptr;
    int (*handle)(unsigned, nvml_device*) = nullptr;
    int (*energy)(nvml_device, unsigned long long*) = nullptr; ///< millijoules since the driver was loaded; null before Volta's drivers
    int (*power)(nvml_device, unsigned*) = nullptr;            ///< milliwatts
    const char* (*text)(int) = nullptr;
    void* object = nullptr;
    library() = default;
    library(const library&) = delete;
    library& operator=(const library&) = delete;
    ~library() {
        if (object && shutdown)
            shutdown();
        // The object stays: the driver's threads may still be in it.
    }
    template <class F>
    bool find(F*& f, const char* name) {
        f = reinterpret_cast<F*>(::dlsym(object, name));
        return f != nullptr;
    }
};

class nvml final : public energy_meter {
public:
    nvml(std::shared_ptr<library> lib, nvml_device device, unsigned index) : lib_(std::move(lib)), device_(device), index_(index) {
        unsigned long long now = 0;
        if (lib_->energy && lib_->energy(device_, &now) == nvml_success)
            first_mj_ = last_mj_ = now;
    }

    energy_reading read(double now_s) override {
        if (!broken_ && first_mj_) {
            unsigned long long now = 0;
            const int status = lib_->energy(device_, &now);
            if (status != nvml_success)
                broken_ = fmt::format("accelerator {}: its energy counter says {}", index_, said(status));
            else if (now < last_mj_)
                broken_ = fmt::format("accelerator {}: its energy counter went back (the driver was loaded anew?)", index_);
            else
                last_mj_ = now;
        } else if (!broken_) {
            unsigned now = 0;
            const int status = lib_->power(device_, &now);
            if (status != nvml_success)
                broken_ = fmt::format("accelerator {}: its power sensor says {}", index_, said(status));
            else
                power_.add(now * 1e-3, now_s);
            if (!broken_ && !power_.joules())
                broken_ = fmt::format("accelerator {} was not asked for {:.0f} s: its power in between is unknown", index_, sample_gap_max_s);
        }
        if (broken_)
            return {std::nullopt, energy_source::none, *broken_};
        if (first_mj_)
            return {static_cast<double>(last_mj_ - *first_mj_) * 1e-3, energy_source::nvml, fmt::format("accelerator {}, its counter", index_)};
        return {power_.joules(), energy_source::nvml, fmt::format("accelerator {}, its power sampled", index_)};
    }

private:
    [[nodiscard]] std::string said(int status) const { return lib_->text ? lib_->text(status) : fmt::format("error {}", status); }
    std::shared_ptr<library> lib_;
    nvml_device device_;
    unsigned index_;
    std::optional<unsigned long long> first_mj_;
    unsigned long long last_mj_ = 0;
    sampled_power power_;
    std::optional<std::string> broken_;
};

} // namespace

nvml_meters find_nvml(const std::string& name) {
    nvml_meters found;
    auto lib = std::make_shared<library>();
    lib->object = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!lib->object) {
        found.note = fmt::format("no NVML on this machine ({})", name);
        return found;
    }
    if (!lib->find(lib->init, "nvmlInit_v2") || !lib->find(lib->count, "nvmlDeviceGetCount_v2") || !lib->find(lib->handle, "nvmlDeviceGetHandleByIndex_v2") ||
        !lib->find(lib->power, "nvmlDeviceGetPowerUsage")) {
        found.note = fmt::format("{} lacks functions that are needed", name);
        return found;
    }
    static_cast<void>(lib->find(lib->energy, "nvmlDeviceGetTotalEnergyConsumption"));
    static_cast<void>(lib->find(lib->text, "nvmlErrorString"));
    unsigned n = 0;
    if (const int status = lib->init(); status != nvml_success) {
        found.note = fmt::format("NVML does not start: {}", lib->text ? lib->text(status) : std::to_string(status));
        return found;
    }
    static_cast<void>(lib->find(lib->shutdown, "nvmlShutdown")); // from here on there is something to shut down
    if (lib->count(&n) != nvml_success || n == 0) {
        found.note = "NVML knows no accelerator";
        return found;
    }
    for (unsigned k = 0; k < n; ++k)
        if (nvml_device device = nullptr; lib->handle(k, &device) == nvml_success)
            found.meters.push_back(std::make_unique<nvml>(lib, device, k));
        else
            found.note = fmt::format("accelerator {} does not answer", k);
    return found;
}

} // namespace forge::energy
