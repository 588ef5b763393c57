// SPDX-License-Identifier: AGPL-3.0-only
// Plots of a report, by gnuplot.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/hmc/segment_summary.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace forge::app {

/// One segment of a report.
struct report_row {
    double beta = 0.0;
    chain_id chain;
    segment_no segment;
    bool finished = false;
    segment_summary summary;
    std::vector<physics_record> records;
    /// At least 50 autocorrelation times of P and of |L|.
    [[nodiscard]] bool reliable() const;
};

/// Writes NAME.svg and NAME.png for P, |L|, chi_L against beta and for the histories.
/// @return the names; errc::not_found when gnuplot is not installed, errc::io_failed with its message.
[[nodiscard]] result<std::vector<std::string>> write_plots(const std::filesystem::path& folder, const std::vector<report_row>& rows,
                                                           const extents& lattice);

} // namespace forge::app
