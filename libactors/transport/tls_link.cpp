// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/tls_link.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace forge::tls {

namespace {

constexpr std::chrono::milliseconds farewell_wait{500};
constexpr std::size_t control_queue_max = 4096; // some 300 unanswered pings: a peer that asks but never reads

std::uint64_t microseconds_now() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(steady::now().time_since_epoch()).count());
}

void append_header(std::vector<char>& out, frame_type type, std::size_t length) {
    for (const auto b : encode(frame_header{type, static_cast<std::uint32_t>(length)}))
        out.push_back(static_cast<char>(b));
}

} // namespace

tls_link::tls_link(std::shared_ptr<event_loop> loop, std::shared_ptr<tls_stream> stream, link_peer peer,
                   const link_limits& limits)
    : loop_(std::move(loop)), stream_(std::move(stream)), peer_(std::move(peer)), limits_(limits), timer_(loop_->io) {}

void tls_link::start(on_down down) {
    down_ = std::move(down);
    heard_ = next_beat_ = steady::now();
    beat();
    read_next();
}

/// Under the lock, so that nothing is posted after close_now: a loop that has ended would keep the link for ever.
template <class F>
bool tls_link::post(F&& f) {
    const std::lock_guard lock(mutex_);
    if (gone_)
        return false;
    asio::post(loop_->io, [self = shared_from_this(), f = std::forward<F>(f)]() mutable { f(*self); });
    return true;
}

void tls_link::bind(std::shared_ptr<link_port> port) {
    const bool posted = post([port](tls_link& self) {
        if (self.closed_)
            return port->on_close("closed before it was bound");
        self.port_ = port;
        self.paused_ = false;
        self.heard_ = steady::now();
        if (const auto early = std::exchange(self.early_, {}); !early.empty())
            self.paused_ = port->on_data(early) > self.limits_.backlog_max;
        self.read_next();
    });
    if (!posted)
        port->on_close("closed before it was bound");
}

bool tls_link::send(std::vector<char>& bytes) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (gone_) {
            bytes.clear();
            return false;
        }
        queued_ += bytes.size();
        if (pending_.empty())
            pending_.swap(bytes);
        else
            pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        wake = !std::exchange(awake_, true);
    }
    bytes.clear();
    if (queued_ > limits_.queued_max) {
        close(fmt::format("outbound queue above {} MiB: the peer reads too slowly", limits_.queued_max >> 20));
        return false;
    }
    if (wake)
        post([](tls_link& self) { self.write_next(); });
    return true;
}

void tls_link::resume() {
    post([](tls_link& self) {
        self.paused_ = false;
        self.heard_ = steady::now(); // nobody listened meanwhile
        self.read_next();
    });
}

void tls_link::bye() {
    post([](tls_link& self) {
        self.leaving_ = true;
        self.write_next();
    });
}

void tls_link::close(std::string why) {
    post([why = std::move(why)](tls_link& self) { self.close_now(why); });
}

void tls_link::beat() {
    const auto now = steady::now();
    if (now - next_beat_ > limits_.dead / 2)
        heard_ = now; // this process was frozen itself: the peer gets one more round
    if (!paused_ && now - heard_ > limits_.dead)
        return close_now(fmt::format("no sign of life for {} ms", limits_.dead.count()));
    const std::uint64_t stamp = microseconds_now();
    put_control(frame_type::ping, std::as_bytes(std::span(&stamp, 1)));
    next_beat_ = now + limits_.beat;
    timer_.expires_at(next_beat_);
    timer_.async_wait([self = shared_from_this()](const status& s) {
        if (!s && !self->closed_)
            self->beat();
    });
}

void tls_link::put_control(frame_type type, std::span<const std::byte> payload) {
    if (closed_ || farewell_)
        return;
    if (control_.size() > control_queue_max)
        return close_now("the peer asks for more answers than it reads");
    append_header(control_, type, payload.size());
    for (const auto b : payload)
        control_.push_back(static_cast<char>(b));
    write_next();
}

void tls_link::write_next() {
    if (writing_ || closed_ || farewell_)
        return;
    if (sent_ == current_.size()) {
        current_.clear();
        sent_ = 0;
        const std::lock_guard lock(mutex_);
        current_.swap(pending_);
        awake_ = !current_.empty();
    }
    const std::size_t n = std::min(tunnel_frame_max, current_.size() - sent_);
    writing_buffer_.clear();
    writing_buffer_.swap(control_);
    if (n > 0) {
        append_header(writing_buffer_, frame_type::data, n);
        writing_buffer_.insert(writing_buffer_.end(), current_.begin() + static_cast<std::ptrdiff_t>(sent_),
                               current_.begin() + static_cast<std::ptrdiff_t>(sent_ + n));
        sent_ += n;
    }
    const bool last = leaving_ && sent_ == current_.size() && n == 0;
    if (last)
        append_header(writing_buffer_, frame_type::bye, 0);
    if (writing_buffer_.empty())
        return;
    writing_ = true;
    asio::async_write(*stream_, asio::buffer(writing_buffer_), [self = shared_from_this(), n, last](const status& s, std::size_t) {
        self->writing_ = false;
        self->queued_ -= n;
        if (s)
            return self->close_now("write: " + s.message());
        if (last)
            return self->farewell();
        self->write_next();
    });
}

/// Closing with unread bytes would reset the connection and could take the goodbye with it, so the peer closes first.
void tls_link::farewell() {
    farewell_ = true;
    status ignored;
    stream_->lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
    timer_.expires_after(farewell_wait);
    timer_.async_wait([self = shared_from_this()](const status& s) {
        if (!s)
            self->close_now("said goodbye");
    });
    paused_ = false;
    read_next();
}

void tls_link::read_next() {
    if (closed_ || reading_ || paused_)
        return;
    reading_ = true;
    stream_->async_read_some(asio::buffer(read_buffer_), [self = shared_from_this()](const status& s, std::size_t n) {
        self->reading_ = false;
        if (self->closed_)
            return;
        if (s)
            return self->close_now(self->farewell_ ? std::string("said goodbye") : "read: " + s.message());
        self->heard_ = steady::now();
        if (self->parse(std::span<const char>(self->read_buffer_).first(n)))
            self->read_next();
    });
}

/// @return false when the link was closed on the way.
bool tls_link::parse(std::span<const char> bytes) {
    while (!bytes.empty() && !closed_) {
        if (left_ == 0 && header_held_ < frame_header_bytes) {
            header_bytes_[header_held_++] = static_cast<std::byte>(bytes.front());
            bytes = bytes.subspan(1);
            if (header_held_ == frame_header_bytes && !take_header())
                return false;
            continue;
        }
        bytes = bytes.subspan(take_payload(bytes));
        if (left_ == 0)
            header_held_ = 0;
    }
    return !closed_;
}

bool tls_link::take_header() {
    const auto header = decode_frame_header(header_bytes_);
    if (!header || !is_link_frame(header->type)) {
        close_now(fmt::format("a frame that no link carries (type {})", std::to_integer<int>(header_bytes_[0])));
        return false;
    }
    if (header->type == frame_type::bye) {
        close_now("the peer said goodbye");
        return false;
    }
    frame_ = *header;
    left_ = header->length;
    beat_held_ = 0;
    return true;
}

std::size_t tls_link::take_payload(std::span<const char> bytes) {
    const std::size_t n = std::min(left_, bytes.size());
    const auto part = bytes.first(n);
    left_ -= n;
    if (frame_.type == frame_type::data) {
        if (!port_) {
            early_.insert(early_.end(), part.begin(), part.end());
            paused_ = early_.size() >= tunnel_frame_max;
        } else if (port_->on_data(part) > limits_.backlog_max) {
            paused_ = true;
        }
        return n;
    }
    std::memcpy(beat_bytes_.data() + beat_held_, part.data(), n); // decode_frame_header allows exactly 8 bytes
    beat_held_ += n;
    if (left_ == 0)
        control_complete();
    return n;
}

void tls_link::control_complete() {
    if (frame_.type == frame_type::ping)
        return put_control(frame_type::pong, beat_bytes_);
    std::uint64_t stamp = 0;
    std::memcpy(&stamp, beat_bytes_.data(), sizeof stamp);
    const std::uint64_t now = microseconds_now();
    if (stamp <= now && now - stamp < 60'000'000) // a peer may return any eight bytes
        round_trip_us_ = now - stamp;
}

void tls_link::close_now(const std::string& why) {
    if (closed_)
        return;
    closed_ = true;
    {
        const std::lock_guard lock(mutex_);
        gone_ = true;
        pending_.clear();
    }
    timer_.cancel();
    status ignored;
    stream_->lowest_layer().close(ignored);
    if (auto port = std::exchange(port_, nullptr))
        port->on_close(why);
    if (auto down = std::exchange(down_, nullptr))
        down(*this, why);
}

} // namespace forge::tls
