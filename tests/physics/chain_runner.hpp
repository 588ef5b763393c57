// SPDX-License-Identifier: AGPL-3.0-only
// Runs plain HMC chains on all devices at once, for tests that compare with literature.
#pragma once

#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/hmc/segment_summary.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <functional>
#include <string>
#include <vector>

namespace forge::testing {

/// One chain: what to run and what to compare with.
struct physics_job {
    extents lattice;
    segment_params params; ///< n_thermalise and n_measure included
    double reference = 0.0;
    double reference_error = 0.0;
    bool measure_force = false; ///< also the virial: <sum F^2> per link against 8 beta P, every 10th configuration
};

struct physics_outcome {
    physics_job job;
    segment_summary summary;
    gamma_estimate virial; ///< sum_a F_a^2 per link - 8 beta P of the same configuration: zero on average
    std::vector<double> delta_h;
};

/// Runs the jobs, longest first, one thread per device (sub-devices of the CPU). Seeds are the job's position: fixed.
[[nodiscard]] std::vector<physics_outcome> run_jobs(const std::vector<physics_job>& jobs);

/// Upper tail of the chi-squared distribution with n degrees of freedom.
[[nodiscard]] double chi_squared_tail(double chi2, std::size_t n);

} // namespace forge::testing
