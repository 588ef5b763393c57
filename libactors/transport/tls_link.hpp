// SPDX-License-Identifier: AGPL-3.0-only
// The link over TLS. Private to libactors/transport.
#pragma once

#include "libactors/transport/asio_tls.hpp"
#include "libactors/transport/frame.hpp"
#include "libactors/transport/link.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <mutex>

namespace forge::tls {

/// State without a lock belongs to the loop's thread.
class tls_link final : public link, public std::enable_shared_from_this<tls_link> {
public:
    using on_down = std::function<void(tls_link&, const std::string& why)>;

    tls_link(std::shared_ptr<event_loop> loop, std::shared_ptr<tls_stream> stream, link_peer peer, const link_limits& limits);
    /// Loop's thread. `down` is called once, at the end, after the port's on_close.
    void start(on_down down);
    void close_now(const std::string& why);
    [[nodiscard]] bool closed() const { return closed_; }

    [[nodiscard]] const link_peer& peer() const override { return peer_; }
    void bind(std::shared_ptr<link_port> port) override;
    bool send(std::vector<char>& bytes) override;
    void resume() override;
    void bye() override;
    void close(std::string why) override;
    [[nodiscard]] std::size_t queued() const override { return queued_; }
    [[nodiscard]] double round_trip_ms() const override { return static_cast<double>(round_trip_us_) / 1000.0; }

private:
    template <class F>
    bool post(F&& f);
    void beat();
    void put_control(frame_type type, std::span<const std::byte> payload);
    void write_next();
    void farewell();
    void read_next();
    bool parse(std::span<const char> bytes);
    bool take_header();
    std::size_t take_payload(std::span<const char> bytes);
    void control_complete();

    std::shared_ptr<event_loop> loop_;
    std::shared_ptr<tls_stream> stream_;
    const link_peer peer_;
    const link_limits limits_;
    asio::steady_timer timer_;
    on_down down_;
    std::shared_ptr<link_port> port_;
    steady::time_point heard_, next_beat_;
    bool writing_ = false, reading_ = false, paused_ = false, closed_ = false;
    bool leaving_ = false, farewell_ = false; ///< bye() was called; the bye has gone out

    std::array<char, 32u << 10> read_buffer_{};
    std::array<std::byte, frame_header_bytes> header_bytes_{};
    std::array<std::byte, 8> beat_bytes_{};
    std::size_t header_held_ = 0; ///< bytes of the next header that have arrived
    std::size_t beat_held_ = 0;
    frame_header frame_{}; ///< the frame being read; `left_` bytes of it are missing
    std::size_t left_ = 0;
    std::vector<char> early_; ///< arrived before bind()

    std::vector<char> control_;  ///< frames that overtake the tunnel's bytes
    std::vector<char> current_;  ///< tunnel bytes being cut into frames, from sent_ on
    std::vector<char> writing_buffer_;
    std::size_t sent_ = 0;

    std::mutex mutex_; ///< guards the three below
    std::vector<char> pending_;
    bool awake_ = false; ///< the loop knows that something is pending
    bool gone_ = false;
    std::atomic<std::size_t> queued_{0};
    std::atomic<std::uint64_t> round_trip_us_{0};
};

} // namespace forge::tls
