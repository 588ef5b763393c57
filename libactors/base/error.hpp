// SPDX-License-Identifier: AGPL-3.0-only
// What can go wrong, and what whoever catches it should do.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace forge {

/// Every failure that crosses a folder boundary. Values are printed, never stored on disk.
enum class errc {
    invalid_argument,   ///< the caller's value is impossible (usage)
    config_invalid,     ///< a campaign file has problems; `what` lists every one with its line
    not_found,          ///< a named file, run, chain or device does not exist
    already_exists,     ///< would overwrite something that must not be overwritten
    permission_denied,  ///< the operating system said no
    io_failed,          ///< read, write, fsync or rename failed
    no_space,           ///< the disk, the quota or the file-size limit is full
    malformed,          ///< bytes do not follow their format
    unsupported,        ///< a legal file or request that this program does not handle
    checksum_mismatch,  ///< a stored checksum or hash does not fit the bytes
    physics_mismatch,   ///< a stored plaquette, trace, unitarity or determinant does not fit the links
    version_too_new,    ///< written by a newer program
    stale_epoch,        ///< another owner took the chain over
    out_of_order,       ///< a commit that does not follow the last committed trajectory
    conflict,           ///< the run directory holds something else than asked for
    locked,             ///< another process owns the run directory
    device_unavailable, ///< no such OpenCL device, or it stopped answering
    device_memory,      ///< the device cannot allocate what the chain needs
    device_failed,      ///< an OpenCL call failed; `what` carries the call and its code
    numerics_failed,    ///< not-a-number or links that left the group
    not_authenticated,  ///< certificates, invites or identities do not agree
    unreachable,        ///< the other machine does not answer
    interrupted,        ///< asked to stop
    internal,           ///< a broken promise inside the program
};

/// What the supervisor does about it; it switches on this, never on text.
enum class reaction { retry, back_off, reconnect, fall_back, stop };

/// @return the reaction that belongs to `code`.
[[nodiscard]] reaction reaction_of(errc code) noexcept;

/// @return the stable, greppable name of `code`, e.g. "checksum_mismatch".
[[nodiscard]] std::string_view name_of(errc code) noexcept;

/// Process exit code for `code` (docs/ARCHITECTURE.md, exit codes).
[[nodiscard]] int exit_code_of(errc code) noexcept;

/// A failure as a value: what happened and why, where (file, record, byte, line, field), what to do next.
struct error {
    errc code = errc::internal;
    std::string what;  ///< what and why, one sentence
    std::string where; ///< file, record, byte, line or field; may be empty
    std::string hint;  ///< what to do next; may be empty

    friend bool operator==(const error&, const error&) = default;
};

/// One to three lines: "error[code]: what", "  at where", "  try: hint".
[[nodiscard]] std::string to_text(const error& e);

/// Carrier for failed surroundings (device, memory) through code that cannot do anything about them.
/// Thrown by engines only; caught by the guard of the actor or program that owns the engine.
class failure : public std::exception {
public:
    explicit failure(error e) : error_(std::move(e)), text_(to_text(error_)) {}
    [[nodiscard]] const error& reason() const noexcept { return error_; }
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    error error_;
    std::string text_;
};

} // namespace forge
