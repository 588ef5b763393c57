// SPDX-License-Identifier: AGPL-3.0-only
// NVML's functions as far as the meter uses them: two devices, the first with a counter, the second with power only.
#include <stdlib.h>

static unsigned long long number(const char* name) {
    const char* text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

int nvmlInit_v2(void) { return getenv("STAND_IN_NVML_DEAD") ? 9 : 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned* n) {
    *n = 2;
    return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned k, void** device) {
    static char devices[2];
    *device = &devices[k];
    devices[k] = (char)k;
    return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* mj) {
    if (*(char*)device == 1)
        return 3; // not supported
    *mj = number("STAND_IN_NVML_MJ");
    return getenv("STAND_IN_NVML_LOST") ? 15 : 0;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* mw) {
    (void)device;
    *mw = (unsigned)number("STAND_IN_NVML_MW");
    return 0;
}
const char* nvmlErrorString(int status) { return status == 15 ? "GPU is lost" : "not well"; }
