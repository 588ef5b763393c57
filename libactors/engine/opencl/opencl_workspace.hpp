// SPDX-License-Identifier: AGPL-3.0-only
// Fields of one chain on one OpenCL device. Private header.
#pragma once

#include "libactors/engine/opencl/block_layout.hpp"
#include "libactors/engine/opencl/huge_pages.hpp"
#include "libactors/engine/opencl/local_sizes.hpp"
#include "libactors/engine/opencl/opencl_engine.hpp"

namespace forge::opencl {

class opencl_workspace final : public gauge_workspace {
public:
    /// @param sizes  work-items per group by kernel, where they were tuned
    opencl_workspace(std::shared_ptr<device_context> context, block_layout layout, local_sizes sizes);
    ~opencl_workspace() override;

    const extents& shape() const override { return layout_.lattice; }
    void set_arithmetic(const arithmetic& a) override;
    void upload(const gauge_field& links) override;
    gauge_field download() override;
    void upload_momenta(const momentum_field& momenta) override;
    momentum_field download_momenta() override;
    void refresh_momenta(const noise_id& noise) override;
    void kick(double beta, double step) override;
    void drift(double step) override;
    void kick_and_drift(double beta, double kick_step, double drift_step) override;
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
        std::size_t local = 1; ///< work-items per group
        std::vector<event_handle> events; ///< only when profiling
        std::uint64_t launches = 0;
    };
    [[nodiscard]] memory_handle buffer(std::size_t bytes, const char* what) const;
    /// As buffer; on CPU devices in 2 MiB pages, whose fewer table look-ups a stencil over a large field feels.
    [[nodiscard]] memory_handle field_buffer(std::size_t bytes, const char* what);
    [[nodiscard]] named_kernel make_kernel(const char* name) const;
    template <class... Args>
    void launch(named_kernel& k, std::size_t items, const Args&... args);
    /// As launch, on a queue of choice, after `after` (may be null), handing out its event when `done` is not null.
    template <class... Args>
    void launch_on(cl_command_queue queue, const event_handle* after, event_handle* done, named_kernel& k, std::size_t items,
                   const Args&... args);
    void kick_native(std::size_t first, std::size_t n, double coefficient);
    void kick_concurrent(double coefficient);
    /// The float halves of the links, renewed when the links have changed.
    void split_links();
    void links_changed() { split_valid_ = false; }
    /// A save that was asked for is done as late as possible: a step into the other field makes the copy needless.
    void settle_save();
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
    local_sizes sizes_;
    std::vector<huge_pages> pages_; ///< behind the field buffers of CPU devices; released after them
    arithmetic arithmetic_;
    bool split_valid_ = false;
    memory_handle split_; ///< float halves of the links; allocated when df64 is first asked for
    bool save_pending_ = false; ///< the saved links are those in links_
    memory_handle links_, saved_, next_, momenta_, rank0_, neighbours_, partial_, chunks_, sums_;
    named_kernel kick_, step_, drift_, reunitarise_, refresh_, kinetic_, plaquette_, polyakov_, fingerprint_, reduce_,
        import_, export_, split_kernel_, kick_df64_, plaquette_df64_, kinetic_df64_;
};

} // namespace forge::opencl
