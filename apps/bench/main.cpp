// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
    using namespace forge;
    using namespace forge::bench;
    CLI::App root{"metalforge benchmarks: every figure beside the machine's limit measured in the same run", "bench"};
    options o;
    bool json = false;
    root.add_option("--repeats", o.repeats, "Repetitions; minimum and median are printed")->check(CLI::Range(3, 1000));
    root.add_option("--sizes", o.sizes, "L of the L^4 lattices")->check(CLI::Range(2u, 64u));
    root.add_option("--width", o.width, "Sites per work-item (0: automatic)")->check(CLI::IsMember({0, 1, 2, 4, 8}));
    root.add_flag("--json", json, "JSON on standard output instead of tables");
    root.add_option("--largest", o.largest, "L of the largest lattice of scaling")->check(CLI::Range(4u, 64u));
    std::string device;
    root.add_option("--device", device, "Only this device (opencl:1, or opencl:0.0 for one core)");
    root.add_option("--block", o.block, "Layout: vectors per block (0 planes, 1 CPU, 32 GPU; default: the device's own)")->check(CLI::IsMember({0, 1, 8, 32}));
    root.add_flag("--slow", o.slow, "npu: CLBlast on the first OpenCL device, too (compiles for a minute first)");
    bool hybrid = false;
    root.add_flag("--hybrid", hybrid, "kernels in double-float arithmetic (precision \"hybrid\")");
    std::vector<std::string> what;
    const std::vector<std::string> all{"limits", "kernels", "trajectory", "precision", "pair", "ledger", "memory"};
    auto known = all;
    known.insert(known.end(), {"scaling", "edges", "npu"});
    root.add_option("what", what, "limits kernels trajectory precision pair ledger memory (default: all of these), scaling edges npu")->check(CLI::IsMember(known));
    root.footer("kernels, trajectory and scaling run on one core (a sub-device) and on the whole device. scaling takes minutes.");
    CLI11_PARSE(root, argc, argv);
    if (what.empty())
        what = all;
    setenv("POCL_AFFINITY", "1", 0); // sub-devices on cores of their own
    try {
        const auto whole = opencl_system::discover(0).or_throw();
        const auto units = whole.devices().front().is_cpu ? whole.devices().front().compute_units : 1;
        const auto parts = opencl_system::discover(units).or_throw();
        std::vector<bench_device> devices;
        if (units > 1)
            devices.push_back({"1 core", parts.devices().front().id, &parts, {}, 1});
        devices.push_back({whole.devices().front().is_cpu ? std::to_string(units) + " cores" : "device", whole.devices().front().id, &whole, {}, whole.devices().front().compute_units});
        if (hybrid)
            o.precision.strategy = precision_strategy::hybrid;
        if (!device.empty()) {
            devices.clear();
            for (const auto* system : {&whole, &parts})
                for (const auto& d : system->devices())
                    if (d.id == device && devices.empty())
                        devices.push_back({d.id, d.id, system, {}, d.is_cpu ? d.compute_units : 1});
            if (devices.empty())
                throw failure(error{errc::device_unavailable, "there is no device " + device, "--device", "forge device list"});
        }
        nlohmann::ordered_json out{{"schema", "forge.bench/1"}, {"device", whole.devices().front().name}, {"driver", whole.devices().front().driver}};
        for (auto& d : devices)
            d.limits = d.system->measure_limits(d.id, o.repeats).or_throw();
        for (const auto& w : what) {
            if (w == "limits")
                out[w] = bench_limits(devices, json);
            else if (w == "kernels")
                out[w] = bench_kernels(devices, o, json);
            else if (w == "trajectory")
                out[w] = bench_trajectory(devices, o, json);
            else if (w == "precision")
                out[w] = bench_precision(devices, o, json);
            else if (w == "pair")
                out[w] = bench_pair(parts, o, json);
            else if (w == "ledger")
                out[w] = bench_ledger(o, json);
            else if (w == "scaling")
                out[w] = bench_scaling(devices, o, json);
            else if (w == "npu")
                out[w] = bench_npu(o, json);
            else if (w == "edges")
                out[w] = bench_edges(devices, o, json);
            else
                out[w] = bench_memory((std::filesystem::read_symlink("/proc/self/exe").parent_path() / "forge").string(), json);
        }
        if (json)
            std::cout << out.dump(2) << "\n";
    } catch (const failure& f) {
        std::cerr << f.what() << "\n";
        return exit_code_of(f.reason().code);
    } catch (const std::exception& e) {
        std::cerr << "error[internal]: " << e.what() << "\n";
        return 1;
    }
    return 0;
}
