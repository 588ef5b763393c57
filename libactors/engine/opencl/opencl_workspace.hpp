// SPDX-License-Identifier: AGPL-3.0-only
// Fields of one chain on one OpenCL device. Private header.
#pragma once

#include "libactors/engine/opencl/block_layout.hpp"
#include "libactors/engine/opencl/opencl_engine.hpp"

namespace forge::opencl {

class opencl_workspace final : public gauge_workspace {
public:
    opencl_workspace(std::shared_ptr<device_context> context, block_layout layout);
    ~opencl_workspace() override;

    const extents& shape() const override { return layout_.lattice; }
    void upload(const gauge_field& links) override;
    gauge_field download() override;
    void upload_momenta(const momentum_field& momenta) override;
    momentum_field download_momenta() override;
    void refresh_momenta(const noise_id& noise) override;
    void kick(double beta, double step) override;
    void drift(double step) override;
    double kinetic_energy() override;
    plaquette_sums plaquette() override;
    complex polyakov_loop() override;
    void reunitarise() override;
    state_hash fingerprint() override;
    void save_links() override;
    void restore_links() override;
    std::vector<operation_time> take_profile() override;

private:
    struct named_kernel {
        std::string name;
        kernel_handle kernel;
        std::vector<event_handle> events; ///< only when profiling
        std::uint64_t launches = 0;
    };
    [[nodiscard]] memory_handle buffer(std::size_t bytes, const char* what) const;
    [[nodiscard]] named_kernel make_kernel(const char* name) const;
    template <class... Args>
    void launch(named_kernel& k, std::size_t items, const Args&... args);
    void read(cl_mem from, void* to, std::size_t bytes) const;
    void copy(cl_mem from, cl_mem to, std::size_t bytes) const;
    void import_field(std::span<const double> canonical, cl_mem field, int n_components);
    void export_field(std::span<double> canonical, cl_mem field, int n_components);
    /// Tree sums of `n_quantities` consecutive partial arrays of n terms each.
    [[nodiscard]] std::vector<double> reduce(int n, int n_quantities);

    std::shared_ptr<device_context> context_;
    block_layout layout_;
    cl_uint4 lane_stride_{};
    std::size_t n_blocks_ = 0;
    memory_handle links_, saved_, momenta_, rank0_, neighbours_, partial_, chunks_, sums_;
    named_kernel kick_, drift_, reunitarise_, refresh_, kinetic_, plaquette_, polyakov_, fingerprint_, reduce_, import_,
        export_;
};

} // namespace forge::opencl
