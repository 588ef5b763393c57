// SPDX-License-Identifier: AGPL-3.0-only
// Gauge configurations for other codes (docs/formats/gauge_files.md).
#pragma once

#include "libactors/formats/gauge_file.hpp"

#include <optional>
#include <string>

namespace forge {

/// Formats that are written: NERSC 4D_SU3_GAUGE_3x3 IEEE64LITTLE, ILDG with 64-bit numbers.
enum class written_format { nersc, ildg };
/// "nersc" or "ildg".
[[nodiscard]] std::string_view name_of(written_format format) noexcept;

/// What goes into the free text of a file. One line each, printable ASCII; empty lines are left out.
struct write_options {
    bool overwrite = false;       ///< replace an existing file; without it that is errc::already_exists
    std::string ensemble_id{};    ///< NERSC ENSEMBLE_ID
    std::string ensemble_label{}; ///< NERSC ENSEMBLE_LABEL
    std::string creator = "metalforge";
    std::string creation_date{}; ///< comes in as an argument, so that the same links give the same bytes
    std::string provenance{};    ///< one line more for the provenance record of ILDG and the header of NERSC
    std::string lfn{};           ///< ILDG logical file name; default "lfn://local/" + name of the file
    std::optional<std::uint64_t> trajectory{}; ///< NERSC SEQUENCE_NUMBER, "trajectory nr" in ILDG
};

/// Writes links durably: temporary file in the same folder, fsync, re-read with read_gauge_file and compared bit by
/// bit, rename, fsync of the folder. On any error no file of that name appears and an existing one is untouched.
///
/// @param links  unitary and det = 1 to 1e-9 (what a reader of 64-bit files accepts), else errc::physics_mismatch.
/// @return the report of the re-read file; already_exists, no_space, permission_denied, io_failed, not_found (no such
///         folder), invalid_argument (text that does not fit in one line), checksum_mismatch (re-read other bytes).
[[nodiscard]] result<gauge_file_report> write_gauge_file(const std::filesystem::path& path, const gauge_field& links,
                                                         written_format format, const write_options& options = {});

} // namespace forge
