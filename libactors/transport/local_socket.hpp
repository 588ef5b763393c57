// SPDX-License-Identifier: AGPL-3.0-only
// Requests from programs of the same user on the same machine, through a socket in the file system.
#pragma once

#include "libactors/base/result.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace forge {

/// Longest request and answer in bytes.
inline constexpr std::size_t local_message_max = std::size_t{8} << 20;

/// Answers one request; called on the server's thread, one at a time, so it must not take long. It must not throw.
using local_handler = std::function<std::string(std::string_view request)>;

/// Listens at a path: a private folder (0700) and a socket (0600), and the peer must be the same user or root, which
/// the kernel vouches for. A frame is a 32-bit little-endian length and that many bytes, in both directions. At most
/// 32 connections; one that is silent for 30 s is closed. Nothing leaves the machine.
class local_server {
public:
    /// A socket that a dead process left behind is replaced; one that answers is not.
    /// @return errc::locked when another process listens there; errc::io_failed or errc::permission_denied.
    [[nodiscard]] static result<local_server> listen(const std::filesystem::path& socket, local_handler handler);
    local_server(local_server&&) noexcept;
    local_server& operator=(local_server&&) noexcept;
    /// Closes every connection and removes the socket.
    ~local_server();

private:
    struct inner;
    explicit local_server(std::unique_ptr<inner> i);
    std::unique_ptr<inner> inner_;
};

/// Sends one request and waits for its answer.
/// @return errc::not_found when nobody listens there; errc::interrupted when no answer came in time: whether the
///         request was carried out is then unknown; errc::malformed.
[[nodiscard]] result<std::string> ask_local(const std::filesystem::path& socket, std::string_view request, std::chrono::milliseconds patience);

} // namespace forge
