// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/clblast_dense.hpp"

#include "libactors/engine/opencl/cl_handle.hpp"

#include <clblast_c.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

namespace forge {

using namespace opencl;

namespace {

constexpr std::size_t tile_rows = 64; ///< of every product: one size, one kernel, one order of the sums
constexpr auto rectify_source = "__kernel void rectify(__global float* x, float top) { const size_t i = get_global_id(0); x[i] = fmin(fmax(x[i], 0.0f), top); }";

struct matrix_on_device {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    bool rectified = false;
    float top = 0.0f; ///< infinity without a bound
    memory_handle weights; ///< rows x columns
};

struct named_rows {
    std::string name;
    std::size_t matrix = 0; ///< of layers
    std::size_t first = 0;
    std::uint32_t rows = 0;
};

class clblast_engine final : public dense_engine {
public:
    explicit clblast_engine(const std::string& id) : id_(id), device_(device_of(id)) {
        cl_int status = CL_SUCCESS;
        context_ = context_handle(clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &status));
        check(status, "clCreateContext on " + id);
        queue_ = queue_handle(clCreateCommandQueue(context_.get(), device_, 0, &status));
        check(status, "clCreateCommandQueue on " + id);
    }
    ~clblast_engine() override { clFinish(queue_.get()); }

    [[nodiscard]] dense_about about() const override { return {"clblast-f32 on " + id_, false, 32, 32}; }
    [[nodiscard]] dense_cost cost() const override { return cost_; }
    void unmap(program_id id) override { programs_.erase(id); }
    [[nodiscard]] result<program_id> map(const dense_program& program, std::span<const float> examples) override;
    [[nodiscard]] result<std::vector<dense_answer>> run(program_id id, std::span<const float> inputs) override;
    [[nodiscard]] result<void> set_variable(program_id id, const std::string& layer, std::span<const float> weights) override;

private:
    struct mapped {
        std::string where;
        std::vector<matrix_on_device> layers; ///< trunk, then all heads as one matrix, if there are any
        std::vector<named_rows> names;
        memory_handle activations[2];
    };
    /// Work, with its time as the cost and its failure as an error.
    template <class Work>
    auto timed(Work&& work) -> decltype(work()) {
        const auto start = std::chrono::steady_clock::now();
        try {
            auto done = work();
            cost_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            return done;
        } catch (const failure& f) {
            return f.reason();
        }
    }
    memory_handle buffer(std::size_t floats) {
        cl_int status = CL_SUCCESS;
        memory_handle m(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, floats * sizeof(float), nullptr, &status));
        check(status, fmt::format("clCreateBuffer of {} floats on {}", floats, id_));
        return m;
    }
    void write(const memory_handle& to, std::size_t at, std::span<const float> from) {
        check(clEnqueueWriteBuffer(queue_.get(), to.get(), CL_TRUE, at * sizeof(float), from.size_bytes(), from.data(), 0, nullptr, nullptr),
              "clEnqueueWriteBuffer on " + id_);
    }
    void rectify(const memory_handle& x, float top, std::size_t n);
    void multiply(const matrix_on_device& m, const memory_handle& from, const memory_handle& to);

    std::string id_;
    cl_device_id device_;
    context_handle context_;
    queue_handle queue_;
    program_handle program_; ///< of rectify; built when first wanted
    kernel_handle rectify_;
    std::map<program_id, mapped> programs_;
    program_id next_ = 1;
    dense_cost cost_;
};

void clblast_engine::rectify(const memory_handle& x, float top, std::size_t n) {
    if (!rectify_) {
        cl_int status = CL_SUCCESS;
        const char* text = rectify_source;
        program_ = program_handle(clCreateProgramWithSource(context_.get(), 1, &text, nullptr, &status));
        check(status, "clCreateProgramWithSource of rectify");
        check(clBuildProgram(program_.get(), 1, &device_, "-cl-std=CL1.2", nullptr, nullptr), "clBuildProgram of rectify on " + id_);
        rectify_ = kernel_handle(clCreateKernel(program_.get(), "rectify", &status));
        check(status, "clCreateKernel of rectify");
    }
    const cl_mem raw = x.get();
    check(clSetKernelArg(rectify_.get(), 0, sizeof raw, static_cast<const void*>(&raw)), "clSetKernelArg of rectify");
    check(clSetKernelArg(rectify_.get(), 1, sizeof top, &top), "clSetKernelArg of rectify");
    check(clEnqueueNDRangeKernel(queue_.get(), rectify_.get(), 1, nullptr, &n, nullptr, 0, nullptr, nullptr), "clEnqueueNDRangeKernel of rectify");
}

/// to = from W^T, tile_rows rows.
void clblast_engine::multiply(const matrix_on_device& m, const memory_handle& from, const memory_handle& to) {
    cl_command_queue queue = queue_.get();
    const auto status = CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, tile_rows, m.rows, m.columns, 1.0f, from.get(),
                                     0, m.columns, m.weights.get(), 0, m.columns, 0.0f, to.get(), 0, m.rows, &queue, nullptr);
    if (status != CLBlastSuccess)
        throw failure(error{errc::device_failed,
                            fmt::format("CLBlastSgemm {} x {} x {}: status {}", tile_rows, m.rows, m.columns, static_cast<int>(status)), id_,
                            "the software engine"});
    if (m.rectified)
        rectify(to, m.top, tile_rows * m.rows);
}

result<program_id> clblast_engine::map(const dense_program& program, std::span<const float>) {
    if (auto sound = validate(program); !sound)
        return sound.reason();
    return timed([&]() -> result<program_id> {
        mapped m;
        m.where = about().name + ", program " + program.name;
        std::size_t widest = program.trunk.front().inputs;
        for (const auto& l : program.trunk) {
            m.names.push_back({l.name, m.layers.size(), 0, l.outputs});
            m.layers.push_back({l.outputs, l.inputs, l.rectified, l.bound > 0.0f ? l.bound : std::numeric_limits<float>::infinity(), buffer(l.weights.size())});
            write(m.layers.back().weights, 0, l.weights);
            widest = std::max<std::size_t>(widest, l.outputs);
        }
        if (!program.heads.empty()) {
            std::vector<float> all;
            std::uint32_t rows = 0;
            for (const auto& h : program.heads) {
                m.names.push_back({h.name, m.layers.size(), rows, h.outputs});
                all.insert(all.end(), h.weights.begin(), h.weights.end());
                rows += h.outputs;
            }
            m.layers.push_back({rows, program.trunk.back().outputs, false, 0.0f, buffer(all.size())});
            write(m.layers.back().weights, 0, all);
            widest = std::max<std::size_t>(widest, rows);
        }
        for (auto& a : m.activations)
            a = buffer(tile_rows * widest);
        const auto id = next_++;
        programs_.emplace(id, std::move(m));
        return id;
    });
}

result<std::vector<dense_answer>> clblast_engine::run(program_id id, std::span<const float> inputs) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program(about().name);
    auto& m = at->second;
    const std::size_t width = m.layers.front().columns, outputs = m.layers.back().rows;
    if (auto rows = judge_rows(inputs, width, m.where); !rows)
        return rows.reason();
    return timed([&]() -> result<std::vector<dense_answer>> {
        std::vector<dense_answer> answers;
        std::vector<float> tile(tile_rows * std::max(width, outputs), 0.0f);
        for (std::size_t first = 0; first < inputs.size() / width; first += tile_rows) {
            const std::size_t rows = std::min(tile_rows, inputs.size() / width - first);
            std::fill(tile.begin(), tile.end(), 0.0f); // what a short tile has beyond its rows is computed and dropped
            std::copy_n(inputs.begin() + static_cast<std::ptrdiff_t>(first * width), rows * width, tile.begin());
            write(m.activations[0], 0, std::span(tile).first(tile_rows * width));
            std::size_t now = 0;
            for (const auto& l : m.layers) {
                multiply(l, m.activations[now], m.activations[1 - now]);
                now = 1 - now;
            }
            check(clEnqueueReadBuffer(queue_.get(), m.activations[now].get(), CL_TRUE, 0, tile_rows * outputs * sizeof(float), tile.data(), 0,
                                      nullptr, nullptr),
                  "clEnqueueReadBuffer on " + id_);
            for (std::size_t r = 0; r < rows; ++r)
                answers.emplace_back(tile.begin() + static_cast<std::ptrdiff_t>(r * outputs),
                                     tile.begin() + static_cast<std::ptrdiff_t>((r + 1) * outputs));
        }
        return answers;
    });
}

result<void> clblast_engine::set_variable(program_id id, const std::string& layer, std::span<const float> weights) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program(about().name);
    auto& m = at->second;
    const auto named = std::find_if(m.names.begin(), m.names.end(), [&layer](const auto& n) { return n.name == layer; });
    if (named == m.names.end())
        return no_such_layer(layer, m.where);
    auto& l = m.layers[named->matrix];
    if (auto fits = judge_weights(weights, l.columns, named->rows, layer); !fits)
        return fits;
    return timed([&]() -> result<void> {
        write(l.weights, named->first * l.columns, weights);
        return {};
    });
}

} // namespace

result<std::unique_ptr<dense_engine>> make_clblast_engine(const std::string& device_id) {
    try {
        return std::unique_ptr<dense_engine>(std::make_unique<clblast_engine>(device_id));
    } catch (const failure& f) {
        return f.reason();
    }
}

} // namespace forge
