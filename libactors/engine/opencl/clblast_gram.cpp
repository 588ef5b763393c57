// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/clblast_gram.hpp"

#include "libactors/engine/opencl/cl_handle.hpp"

#include <clblast_c.h>
#include <fmt/format.h>

#include <algorithm>

namespace forge {

using namespace opencl;

namespace {

class clblast_gram final : public gram_engine {
public:
    explicit clblast_gram(const std::string& id) : id_(id) {
        cl_device_id device = device_of(id);
        if (auto fit = judge_gram_device(id, device_value<cl_device_fp_config>(device, CL_DEVICE_DOUBLE_FP_CONFIG) != 0); !fit)
            throw failure(fit.reason());
        cl_int status = CL_SUCCESS;
        context_ = context_handle(clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status));
        check(status, "clCreateContext on " + id);
        queue_ = queue_handle(clCreateCommandQueue(context_.get(), device, 0, &status));
        check(status, "clCreateCommandQueue on " + id);
    }
    ~clblast_gram() override { clFinish(queue_.get()); }

    [[nodiscard]] std::string name() const override { return "clblast-f64 on " + id_; }
    [[nodiscard]] std::size_t tile_rows() const override { return 2048; }
    [[nodiscard]] result<void> accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) override;

private:
    /// Room for tiles of [X, Y] and their products, on both sides.
    void prepare(std::size_t columns, std::size_t targets);
    void multiply_tile(std::size_t columns, std::size_t width);
    memory_handle buffer(std::size_t doubles) {
        cl_int status = CL_SUCCESS;
        memory_handle m(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, doubles * sizeof(double), nullptr, &status));
        check(status, fmt::format("clCreateBuffer of {} doubles on {}", doubles, id_));
        return m;
    }

    std::string id_;
    context_handle context_;
    queue_handle queue_;
    memory_handle tile_, product_;
    std::vector<double> host_tile_, host_product_; ///< tile_rows x (columns + targets); columns x (columns + targets)
    std::size_t columns_ = 0, targets_ = 0;        ///< that there is room for; 0: none yet
};

void clblast_gram::prepare(std::size_t columns, std::size_t targets) {
    if (columns == columns_ && targets == targets_)
        return;
    columns_ = 0; // until all of it is there
    const std::size_t width = columns + targets;
    tile_ = memory_handle();
    product_ = memory_handle();
    tile_ = buffer(tile_rows() * width);
    product_ = buffer(columns * width);
    host_tile_.assign(tile_rows() * width, 0.0);
    host_product_.assign(columns * width, 0.0);
    columns_ = columns;
    targets_ = targets;
}

/// host_product = X^T [X, Y] of host_tile: X are its first columns.
void clblast_gram::multiply_tile(std::size_t columns, std::size_t width) {
    cl_command_queue queue = queue_.get();
    check(clEnqueueWriteBuffer(queue, tile_.get(), CL_TRUE, 0, host_tile_.size() * sizeof(double), host_tile_.data(), 0, nullptr, nullptr),
          "clEnqueueWriteBuffer on " + id_);
    const auto status = CLBlastDgemm(CLBlastLayoutRowMajor, CLBlastTransposeYes, CLBlastTransposeNo, columns, width, tile_rows(), 1.0, tile_.get(), 0,
                                     width, tile_.get(), 0, width, 0.0, product_.get(), 0, width, &queue, nullptr);
    if (status != CLBlastSuccess)
        throw failure(error{errc::device_failed,
                            fmt::format("CLBlastDgemm {} x {} x {}: status {}", columns, width, tile_rows(), static_cast<int>(status)), id_,
                            "form the sums on the host"});
    check(clEnqueueReadBuffer(queue, product_.get(), CL_TRUE, 0, host_product_.size() * sizeof(double), host_product_.data(), 0, nullptr, nullptr),
          "clEnqueueReadBuffer on " + id_);
}

result<void> clblast_gram::accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) {
    const auto rows = judge_gram_rows(x, y, sums, name());
    if (!rows)
        return rows.reason();
    if (*rows == 0)
        return {};
    const std::size_t p = sums.columns, m = sums.targets, width = p + m;
    try {
        prepare(p, m);
        for (std::size_t first = 0; first < *rows; first += tile_rows()) {
            const std::size_t n = std::min(tile_rows(), *rows - first);
            for (std::size_t r = 0; r < n; ++r) {
                double* row = host_tile_.data() + r * width;
                std::copy_n(x.data() + (first + r) * p, p, row);
                std::copy_n(y.data() + (first + r) * m, m, row + p);
            }
            std::fill(host_tile_.begin() + static_cast<std::ptrdiff_t>(n * width), host_tile_.end(), 0.0); // add nothing
            multiply_tile(p, width);
            for (std::size_t r = 0; r < p; ++r) {
                const double* row = host_product_.data() + r * width;
                std::transform(row, row + p, sums.xx.data() + r * p, sums.xx.data() + r * p, std::plus<>());
                std::transform(row + p, row + width, sums.xy.data() + r * m, sums.xy.data() + r * m, std::plus<>());
            }
            sums.rows += n;
        }
        return {};
    } catch (const failure& f) {
        return f.reason();
    }
}

} // namespace

result<void> judge_gram_device(const std::string& device_id, bool fp64) {
    if (fp64)
        return {};
    return error{errc::unsupported, "device " + device_id + " has no fp64, and in float the sums would cost the readouts their accuracy", device_id,
                 "another device (forge device list), or the host"};
}

result<std::unique_ptr<gram_engine>> make_clblast_gram(const std::string& device_id) {
    try {
        return std::unique_ptr<gram_engine>(std::make_unique<clblast_gram>(device_id));
    } catch (const failure& f) {
        return f.reason();
    }
}

} // namespace forge
