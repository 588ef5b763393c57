// SPDX-License-Identifier: AGPL-3.0-only
// The first seconds of a connection: TLS and hello under one deadline. Private to libactors/transport.
#pragma once

#include "libactors/transport/greeting.hpp"
#include "libactors/transport/hub_core.hpp"

#include <array>
#include <functional>

namespace forge::tls {

/// Lives until the connection is something else: a link, a transfer, a member, or refused. Loop's thread only.
class handshake : public std::enable_shared_from_this<handshake> {
public:
    using failed = std::function<void(const error&)>;

    /// For an accepted connection. @param counted  it takes one of the places for the unauthenticated.
    handshake(hub_core& core, std::shared_ptr<tls_stream> stream, std::string address);
    /// For a dialled one. @param expected  the name that must answer; empty: any.
    handshake(hub_core& core, std::shared_ptr<tls_stream> stream, std::string address, std::string expected, failed on_failed,
              std::function<void()> on_up, std::function<void()> on_end);
    ~handshake();
    handshake(const handshake&) = delete;
    handshake& operator=(const handshake&) = delete;

    void start();
    /// The hub stops.
    void abandon();

private:
    using taken = std::function<void(std::span<const std::byte>)>;
    void shaken(const status& s);
    void read_frame(frame_type type, taken then);
    void write_frame(frame_type type, std::vector<std::byte> payload, std::function<void()> then);
    void say_hello();
    void hear_hello(std::span<const std::byte> payload);
    void hear_refusal_or(frame_header header, frame_type type, const taken& then, std::span<const std::byte> payload);
    void become_link();
    void become_transfer();
    void hear_join(std::span<const std::byte> payload);
    void fail(const error& why);
    void refuse(const error& why);
    void linger();
    void end();

    hub_core& core_;
    std::shared_ptr<tls_stream> stream_;
    const std::string address_;
    const bool dialled_;
    const std::string expected_;
    failed on_failed_;
    std::function<void()> on_up_, on_end_;
    asio::steady_timer timer_;
    verdict verdict_;
    protocol protocol_ = protocol::link;
    hello theirs_;
    std::uint16_t version_ = 0;
    std::shared_ptr<transfer_desk::claimed> transfer_;
    bool over_ = false;
    std::array<std::byte, frame_header_bytes> header_{};
    std::vector<std::byte> buffer_;
    std::size_t discarded_ = 0;
};

} // namespace forge::tls
