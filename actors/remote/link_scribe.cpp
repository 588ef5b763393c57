// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/link_scribe.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

namespace forge {

namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t stall_bytes = std::size_t{4} << 20; ///< above this much unread the link was told to stop reading

// Operations of BASP in CAF 0.17.
constexpr std::uint8_t server_handshake = 0, client_handshake = 1, direct_message = 2, routed_message = 3, monitor_message = 4, down_message = 5, last_operation = 6;
constexpr std::uint8_t named_receiver_flag = 1;

std::uint64_t big_endian(const char* p, int n) {
    std::uint64_t x = 0;
    for (int i = 0; i < n; ++i)
        x = x << 8 | static_cast<std::uint8_t>(p[i]);
    return x;
}

/// Lives in the multiplexer's thread; `push` alone is called from the link's.
class link_scribe final : public caf::io::scribe {
public:
    link_scribe(caf::io::network::multiplexer& multiplexer, std::shared_ptr<link> l, bool dialler, caf::node_id peer)
        : scribe(caf::io::connection_handle::from_int(next_handle())), multiplexer_(multiplexer), link_(std::move(l)), dialler_(dialler), peer_(std::move(peer)) {}

    void configure_read(caf::io::receive_policy::config c) override {
        needed_ = c.second; // BASP only ever asks for an exact number
        if (bound_)
            return;
        bound_ = true; // nothing comes in before BASP is ready
        link_->bind(std::make_shared<inlet>(caf::intrusive_ptr<link_scribe>(this)));
    }
    void ack_writes(bool) override {}
    std::vector<char>& wr_buf() override { return out_; }
    std::vector<char>& rd_buf() override { return in_message_; }
    void flush() override {
        if (!out_.empty() && !link_->send(out_))
            out_.clear(); // the link is gone or is being closed: on_close follows
    }
    std::string addr() const override { return "link"; } // not empty: BASP takes that for "not connected"
    std::uint16_t port() const override { return 1; }
    void graceful_shutdown() override {
        link_->bye();
        detach(&multiplexer_, false);
    }
    void add_to_loop() override {}
    void remove_from_loop() override {}

protected:
    void detach_from(caf::io::abstract_broker* broker) override {
        {
            const std::lock_guard lock(mutex_);
            gone_ = true; // from here on nobody posts: the multiplexer may end
            arrived_.clear();
        }
        scribe::detach_from(broker);
    }

private:
    /// Far from every file descriptor, with which CAF keys its own connections.
    static std::int64_t next_handle() {
        static std::atomic<std::int64_t> next{std::int64_t{1} << 40};
        return next++;
    }

    class inlet final : public link_port {
    public:
        explicit inlet(caf::intrusive_ptr<link_scribe> s) : scribe_(std::move(s)) {}
        std::size_t on_data(std::span<const char> bytes) override { return scribe_->push(bytes, false); }
        void on_close(const std::string&) override { (void)scribe_->push({}, true); }

    private:
        caf::intrusive_ptr<link_scribe> scribe_;
    };

    std::size_t push(std::span<const char> bytes, bool closed) {
        const std::lock_guard lock(mutex_);
        if (gone_)
            return 0;
        arrived_.insert(arrived_.end(), bytes.begin(), bytes.end());
        closed_ = closed_ || closed;
        stalled_ = stalled_ || arrived_.size() > stall_bytes;
        if (!posted_) { // one post a burst: each is a write to a pipe
            posted_ = true;
            multiplexer_.post([self = caf::intrusive_ptr<link_scribe>(this)] { self->drain(); });
        }
        return arrived_.size();
    }

    void drain() {
        bool closed = false;
        bool stalled = false;
        {
            const std::lock_guard lock(mutex_);
            batch_.swap(arrived_);
            arrived_.clear();
            posted_ = false;
            closed = closed_;
            stalled = std::exchange(stalled_, false);
        }
        feed(batch_.data(), batch_.size());
        batch_.clear();
        if (stalled)
            link_->resume();
        if (closed)
            fail();
    }

    void feed(const char* p, std::size_t n) {
        while (n > 0 && !detached()) {
            if (skipping_ > 0) {
                const auto k = std::min(skipping_, n);
                p += k;
                n -= k;
                skipping_ -= k;
                continue;
            }
            const auto k = std::min(needed_ - in_message_.size(), n);
            in_message_.insert(in_message_.end(), p, p + k); // grows with what came, never with what was announced
            p += k;
            n -= k;
            if (in_message_.size() < needed_)
                return;
            if (!in_payload_) {
                if (!judge_header()) {
                    in_message_.clear();
                    continue;
                }
                in_payload_ = length_ > 0;
            } else {
                in_payload_ = false;
                if (!judge_payload())
                    return refuse("BASP names another node than the hello did");
            }
            consume(&multiplexer_, in_message_.data(), in_message_.size());
            in_message_.clear();
        }
    }

    /// @return false: swallow this message (or the link is closed).
    bool judge_header() {
        operation_ = static_cast<std::uint8_t>(in_message_[0]);
        const auto flags = static_cast<std::uint8_t>(in_message_[3]);
        length_ = static_cast<std::size_t>(big_endian(in_message_.data() + 4, 4));
        const auto refused = [this](const char* why) {
            refuse(why);
            return false;
        };
        if (length_ > basp_payload_max)
            return refused("a BASP message above the limit");
        if (operation_ > last_operation)
            return refused("an unknown BASP operation");
        if (!shaken_ && operation_ != (dialler_ ? server_handshake : client_handshake))
            return refused("a BASP message before the handshake");
        if (shaken_ && operation_ == server_handshake)
            return refused("a second BASP handshake");
        if (operation_ == routed_message || (operation_ == direct_message && (flags & named_receiver_flag) != 0)) {
            skipping_ = length_;
            return false;
        }
        return true;
    }

    /// Handshakes and monitoring begin with the sender's node id, monitoring goes on with the receiver's.
    bool judge_payload() {
        if (operation_ != server_handshake && operation_ != client_handshake && operation_ != monitor_message && operation_ != down_message)
            return true;
        caf::binary_deserializer source{&multiplexer_, in_message_};
        caf::node_id from;
        if (source(from) || from != peer_)
            return false;
        if (operation_ == server_handshake || operation_ == client_handshake) {
            shaken_ = true;
            return true;
        }
        caf::node_id to;
        return !source(to) && to == parent()->system().node();
    }

    void refuse(const char* why) {
        link_->close(why);
        fail();
    }
    void fail() {
        if (!detached())
            io_failure(&multiplexer_, caf::io::network::operation::read); // proxies die, monitors are told
    }

    caf::io::network::multiplexer& multiplexer_;
    std::shared_ptr<link> link_;
    bool dialler_;
    caf::node_id peer_;
    bool bound_ = false;
    bool in_payload_ = false;
    bool shaken_ = false;
    std::uint8_t operation_ = 0;
    std::size_t needed_ = header_bytes;
    std::size_t length_ = 0;
    std::size_t skipping_ = 0;
    std::vector<char> out_, in_message_, batch_;
    std::mutex mutex_; ///< guards what follows
    std::vector<char> arrived_;
    bool posted_ = false;
    bool closed_ = false;
    bool stalled_ = false;
    bool gone_ = false;
};

} // namespace

caf::io::scribe_ptr make_link_scribe(caf::actor_system& system, std::shared_ptr<link> l, bool dialler, caf::node_id peer) {
    return caf::make_counted<link_scribe>(system.middleman().backend(), std::move(l), dialler, std::move(peer));
}

} // namespace forge
