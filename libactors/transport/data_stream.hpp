// SPDX-License-Identifier: AGPL-3.0-only
// Bulk bytes from one node to another: checked chunks with credits, which go on where an interruption left them.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/transport/stream_message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace forge {

/// Bytes to send: they must stay the same until the transfer has ended, over all its attempts.
struct stream_source {
    std::uint64_t length = 0; ///< bytes, at most stream_bytes_max
    /// Fills `out` with the bytes from `offset` on; offset + out.size() <= length. On the transfer's thread.
    std::function<result<void>(std::uint64_t offset, std::span<std::byte> out)> read;
};

/// Where received bytes go. Its errors end the transfer and are its result. On the transfer's thread.
struct stream_sink {
    std::uint64_t length_max = stream_bytes_max; ///< a longer offer is refused before any byte
    /// Stores bytes whose check value was right at `offset`. Offsets grow, each chunk once per transfer id.
    std::function<result<void>(std::uint64_t offset, std::span<const std::byte> bytes)> store;
};

/// What a receiver has so far: the key to going on after an interruption. A value; the chunks in it are stored.
struct stream_progress {
    stream_offer offer;              ///< zeros before the first attempt
    check_key key{};                 ///< of the check values, random, made at the first attempt
    std::vector<chunk_check> chunks; ///< check values of chunk 0, 1, ...: the first missing one is chunks.size()
    friend bool operator==(const stream_progress&, const stream_progress&) = default;
};

struct stream_options {
    std::size_t chunk_bytes = chunk_bytes_default;  ///< sender: chunk_bytes_min ... chunk_bytes_max
    std::uint32_t window = 8;                       ///< receiver: chunks that may be under way, 1 ... window_max
    std::chrono::milliseconds idle{10'000};         ///< no byte for so long: the transfer fails and may be resumed
    std::chrono::milliseconds claimed_within{30'000}; ///< a transfer id that nobody uses is forgotten after this
};

struct stream_report {
    std::uint64_t length = 0; ///< bytes of the whole
    std::uint64_t moved = 0;  ///< payload bytes that this attempt carried
    digest total{};           ///< SHA-256 over length, key and check values: what both sides agreed on
    double seconds = 0.0;
};

/// The hash of a whole transfer, made of its check values, so that the receiver need not read again what came earlier.
/// Not the SHA-256 of the bytes: who needs that one computes it over what was stored.
[[nodiscard]] digest total_of(const stream_progress& p);

/// A regular file. @return errc::not_found, errc::permission_denied, errc::io_failed.
[[nodiscard]] result<stream_source> file_source(const std::filesystem::path& file);
/// Bytes in memory, shared with the transfer.
[[nodiscard]] stream_source memory_source(std::shared_ptr<const std::vector<std::byte>> bytes);
/// A file that is created or, to resume, opened as it is; not synced: the caller verifies and makes it durable.
[[nodiscard]] result<stream_sink> file_sink(const std::filesystem::path& file, std::uint64_t length_max);
/// Grows with what arrives. `bytes` belongs to the transfer until it has ended.
[[nodiscard]] stream_sink memory_sink(std::shared_ptr<std::vector<std::byte>> bytes, std::uint64_t length_max);

namespace tls {
class tls_pipe;

/// The sender's side on a connection whose hellos are done.
/// @return errc::io_failed (interruption: resumable), errc::checksum_mismatch (the source changed between attempts),
///         errc::malformed (the peer breaks the rules), errc::interrupted, or the error of source.read.
[[nodiscard]] result<stream_report> send_stream(tls_pipe& pipe, const stream_source& source, const stream_options& options);

/// The receiver's side. `progress` is kept up to date chunk by chunk, also on errors. A chunk whose check value is wrong is
/// never stored. @return as above; errc::no_space when the offer is longer than the sink takes; errc::conflict when it
/// differs from the offer of the earlier attempt; errc::checksum_mismatch for a chunk or the total (then `progress` is
/// emptied: start again).
[[nodiscard]] result<stream_report> receive_stream(tls_pipe& pipe, const stream_sink& sink, stream_progress& progress,
                                                   const stream_options& options);
} // namespace tls

} // namespace forge
