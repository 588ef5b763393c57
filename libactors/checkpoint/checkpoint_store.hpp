// SPDX-License-Identifier: AGPL-3.0-only
// The one place that makes a file durable. It stores bytes and knows nothing of what they mean.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/checkpoint/mapped_file.hpp"
#include "libactors/checkpoint/os_calls.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// Takes the next bytes of a file; an error stops the writing.
using byte_sink = std::function<result<void>(std::span<const std::byte>)>;
/// Hands all bytes of a file to the sink, in order, and passes the sink's error on.
using byte_source = std::function<result<void>(const byte_sink&)>;
/// Judges the bytes that came back from the disk.
using byte_verifier = std::function<result<void>(std::span<const std::byte>)>;

/// What `put` made durable.
struct stored_file {
    std::string name;        ///< within the store's folder
    std::uint64_t bytes = 0; ///< length
    digest hash{};           ///< SHA-256 of all bytes
};

/// A folder of files that are either complete and verified or not there.
class checkpoint_store {
public:
    /// Opens (creates) the folder and removes the temporary files of processes that died while writing.
    /// @param os  the operating system; tests hand in one that fails.
    [[nodiscard]] static result<checkpoint_store> open(const std::filesystem::path& folder,
                                                       const os_calls& os = os_calls::real());

    /// Writes a file durably: temporary file in the same folder, write, fsync, read back and verify, rename over
    /// `name`, fsync the folder. When this returns a value the file survives a power cut; the caller then writes
    /// the ledger row, and only then prunes older generations.
    ///
    /// @param name    plain file name without '/', not starting with '.'; an existing file is replaced atomically.
    /// @param write   produces the bytes.
    /// @param verify  called with the bytes read back through a fresh descriptor, after their SHA-256 was found equal
    ///                to that of the bytes written; an error refuses the file. May be empty.
    /// @return errc::no_space (ENOSPC, EDQUOT, EFBIG), errc::io_failed or errc::permission_denied naming path and
    ///         cause, errc::checksum_mismatch when other bytes came back than went out, or the error of `write`
    ///         or `verify`. On error the temporary file is gone and what `name` held before is untouched; the one
    ///         exception is a failed fsync of the folder, after the rename, and the error says so.
    [[nodiscard]] result<stored_file> put(std::string_view name, const byte_source& write,
                                          const byte_verifier& verify) const;
    [[nodiscard]] result<stored_file> put(std::string_view name, std::span<const std::span<const std::byte>> parts,
                                          const byte_verifier& verify) const;

    /// Names of the finished files, sorted.
    [[nodiscard]] result<std::vector<std::string>> list() const;
    /// Maps a finished file.
    [[nodiscard]] result<mapped_file> map(std::string_view name) const;

    /// What `prune` did, in the order of the generations.
    struct prune_report {
        std::vector<std::string> kept;    ///< verified
        std::vector<std::string> bad;     ///< missing or refused by `verify`; left where they are, as evidence
        std::vector<std::string> deleted; ///< older than the kept ones
    };
    /// Deletes old generations of one chain: goes from new to old, keeps the first `keep` (at least 2) that
    /// `verify` accepts, and deletes what is older than these. With fewer verified ones nothing is deleted.
    ///
    /// @param newest_first  file names of one chain, as in the ledger's rows; files not named are not touched.
    [[nodiscard]] result<prune_report> prune(std::span<const std::string> newest_first, std::size_t keep,
                                             const byte_verifier& verify) const;

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
    checkpoint_store(std::filesystem::path folder, const os_calls& os) : folder_(std::move(folder)), os_(&os) {}
    std::filesystem::path folder_;
    const os_calls* os_;
};

/// Moves a folder with everything in it to its place, durably: fsync of every file and folder below `from`, rename, fsync of
/// the parent. `to` is complete or not there, whatever happens.
/// @return errc::io_failed, errc::no_space or errc::permission_denied naming path and cause; `from` stays then (the one
///         exception is a failed fsync of the parent, after the rename).
[[nodiscard]] result<void> put_folder(const std::filesystem::path& from, const std::filesystem::path& to, const os_calls& os = os_calls::real());

} // namespace forge
