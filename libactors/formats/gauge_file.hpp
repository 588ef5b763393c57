// SPDX-License-Identifier: AGPL-3.0-only
// Gauge configurations of other codes: read, checked, reported (docs/formats/gauge_files.md).
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/lattice/gauge_field.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// Order of the bytes of a stored number.
enum class byte_order { big, little };
[[nodiscard]] std::string_view name_of(byte_order order) noexcept;

/// What the checksum in the file says about the bytes of the file.
enum class checksum_verdict { none_stored, match, mismatch };
/// "none stored", "match" or "mismatch".
[[nodiscard]] std::string_view name_of(checksum_verdict verdict) noexcept;

/// Everything a reader learns about a file; what it did not come to know stays empty.
struct gauge_file_report {
    std::string format; ///< "NERSC", "ILDG", "ILDG without ildg-format", "SciDAC", "MILC v5", "MILC v1-4"; or ""
    std::uint64_t file_bytes = 0;
    std::optional<extents> shape;
    std::optional<unsigned> precision_bits; ///< 32 or 64
    std::optional<byte_order> order;
    std::optional<unsigned> rows_stored;     ///< rows of each matrix: 2 or 3
    std::optional<double> stored_plaquette;  ///< as the file says it
    std::optional<double> stored_link_trace; ///< as the file says it
    std::optional<double> plaquette;         ///< <Re tr U_p>/3 over all 6V plaquettes
    std::optional<double> spatial_plaquette;
    std::optional<double> temporal_plaquette;
    std::optional<double> link_trace;            ///< <Re tr U>/3 over all 4V links
    std::optional<double> unitarity_deviation;   ///< max_ij |(U U^dag - 1)_ij| over all links
    std::optional<double> determinant_deviation; ///< max |det U - 1| over all links
    std::optional<checksum_verdict> checksum;    ///< empty when the links were not read to the end
    std::string stored_checksum;                 ///< hex, one or two words; empty when none is stored
    std::string computed_checksum;               ///< the same sum over the bytes that were read
    std::vector<std::string> notes;
};

/// Links that passed every check, and what was checked.
struct gauge_file {
    gauge_field links;
    gauge_file_report report;
};

/// What the caller knows and the file may not.
struct read_options {
    std::optional<extents> shape{}; ///< used only for files that carry no extents (bare ildg-binary-data)
};

/// Largest accepted volume in sites: more is a damaged header rather than a lattice.
inline constexpr std::uint64_t volume_max = std::uint64_t{1} << 31;

/// Largest max |U U^dag - 1| and |det U - 1| that counts as rounding of the stored precision.
[[nodiscard]] constexpr double group_tolerance(unsigned precision_bits) {
    return precision_bits == 32 ? 1e-5 : 1e-9;
}

/// Reads a gauge configuration; the format is recognised by its first bytes, never by the name of the file.
///
/// @param path     NERSC, ILDG, SciDAC, MILC v5 or MILC v1-4.
/// @param options  extents for files that carry none.
/// @return the links as [site][mu][row][col][re, im], or the reason why they are refused:
///         not_found, permission_denied, io_failed  the file cannot be read;
///         malformed           the bytes do not follow the format, or the file is cut short or too long;
///         unsupported         another gauge group, several fields, volfmt != 0, unknown format, unknown extents;
///         checksum_mismatch   the stored checksum does not fit the payload;
///         physics_mismatch    links not in SU(3), or not the stored plaquette (1e-5) or link trace (1e-6).
///         `where` names file, record and byte offset.
/// Cost  one walk over the file; memory is that of the links plus 1 MiB, allocated only after the sizes in the
///       header were found to fit the size of the file.
[[nodiscard]] result<gauge_file> read_gauge_file(const std::filesystem::path& path, const read_options& options = {});

/// A report, and the refusal if there is one.
struct gauge_inspection {
    gauge_file_report report;
    std::optional<error> refusal;
    [[nodiscard]] bool accepted() const { return !refusal.has_value(); }
};

/// The same walk and the same checks as read_gauge_file, for people: tells what was found even when it is refused.
[[nodiscard]] gauge_inspection inspect_gauge_file(const std::filesystem::path& path, const read_options& options = {});

} // namespace forge
