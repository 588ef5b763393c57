// SPDX-License-Identifier: AGPL-3.0-only
// What a substrate can do, what a workload needs, and who is chosen.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// The twelve of seed 000, and df64.
enum class capability_kind : std::uint8_t {
    f64_compute,
    f32_compute,
    quantised_inference, ///< size: bits of the weights
    batch_inference,     ///< size: largest batch
    weight_mutation,
    scalar_reduce,
    sparse_spmv,
    eigensolve,
    conjugate_gradient,
    shader_dispatch,
    simd_vector,
    timestamp_query,
    df64_compute,
};

struct capability {
    capability_kind kind = capability_kind::f64_compute;
    std::uint32_t size = 0; ///< bits or batch; 0 for all others
    friend bool operator==(const capability&, const capability&) = default;
    friend auto operator<=>(const capability&, const capability&) = default;
};

/// "f64_compute", "quantised_inference(4)".
[[nodiscard]] std::string to_text(const capability& c);
/// Inverse of to_text. @return errc::invalid_argument with a suggestion.
[[nodiscard]] result<capability> capability_from(std::string_view text);

enum class substrate_kind : std::uint8_t { gpu, npu, cpu }; ///< in order of preference where a workload has none
[[nodiscard]] const char* name_of(substrate_kind k);

/// A device with what it can do. What is not known of it is unset.
struct substrate {
    std::string id; ///< "opencl:0.1", "npu:0", "host"
    substrate_kind kind = substrate_kind::cpu;
    std::vector<capability> capabilities;
    std::optional<std::uint32_t> power_mw; ///< most that it draws
    friend bool operator==(const substrate&, const substrate&) = default;
};

/// What of `needed` the substrate lacks. Weights need their own number of bits, a batch at least its size.
[[nodiscard]] std::vector<capability> lacking(const substrate& s, const std::vector<capability>& needed);

/// What a kind of device has in any case, and what it has with fp64 (seed 000; pocl's CPU devices count as cpu).
[[nodiscard]] std::vector<capability> usual_capabilities(substrate_kind kind, bool fp64, bool df64);

struct workload {
    std::string name;
    std::vector<capability> needs;
    std::optional<substrate_kind> prefers;
    friend bool operator==(const workload&, const workload&) = default;
};

/// The seven profiles of seed 000 (md_force, hfb_eigensolve, lattice_cg, esn_npu_inference, cpu_validation, spectral_spmv,
/// hetero_npu_phase_classifier) and ours (hmc_native, hmc_hybrid, conductor_heads, precision_check).
[[nodiscard]] const std::vector<workload>& workload_profiles();

/// Who can run it and why; `chosen` is an index into the substrates.
struct route_answer {
    struct candidate {
        std::string id;
        std::vector<capability> lacks; ///< empty: it can
        friend bool operator==(const candidate&, const candidate&) = default;
    };
    std::optional<std::size_t> chosen;
    bool preferred = false; ///< the chosen one is of the kind that the workload prefers
    std::vector<candidate> candidates;
};

/// The first capable substrate of the preferred kind; else the first capable gpu, npu, cpu; else none.
[[nodiscard]] route_answer route(const workload& w, const std::vector<substrate>& substrates);

} // namespace forge
