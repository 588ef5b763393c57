// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/handshake.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/tls_pipe.hpp"

#include <fmt/format.h>

namespace forge::tls {

namespace {

constexpr std::chrono::milliseconds linger_wait{500};
constexpr std::size_t linger_bytes_max = 64u << 10;

} // namespace

handshake::handshake(hub_core& core, std::shared_ptr<tls_stream> stream, std::string address)
    : core_(core), stream_(std::move(stream)), address_(std::move(address)), dialled_(false), timer_(core.loop->io) {
    core_.shaking.insert(this);
    ++core_.accepted_shaking;
}

handshake::handshake(hub_core& core, std::shared_ptr<tls_stream> stream, std::string address, std::string expected,
                     failed on_failed, std::function<void()> on_up, std::function<void()> on_end)
    : core_(core), stream_(std::move(stream)), address_(std::move(address)), dialled_(true), expected_(std::move(expected)),
      on_failed_(std::move(on_failed)), on_up_(std::move(on_up)), on_end_(std::move(on_end)), timer_(core.loop->io) {
    core_.shaking.insert(this);
}

handshake::~handshake() {
    core_.shaking.erase(this);
    if (!dialled_)
        --core_.accepted_shaking;
}

void handshake::start() {
    const auto self = shared_from_this();
    verdict_.list = core_.list.get();
    if (const auto desk = dialled_ ? nullptr : core_.desk.get())
        verdict_.join_open = desk->open();
    attach(stream_->native_handle(), verdict_);
    if (dialled_)
        propose(stream_->native_handle(), protocol::link);
    timer_.expires_after(core_.options.limits.handshake);
    timer_.async_wait([self](const status& s) {
        if (s || self->over_)
            return;
        self->fail({errc::io_failed, fmt::format("no complete TLS and hello within {} ms", self->core_.options.limits.handshake.count()),
                    self->address_, "look at the log of the node there"});
        self->end();
    });
    stream_->async_handshake(dialled_ ? tls_stream::client : tls_stream::server, [self](const status& s) { self->shaken(s); });
}

void handshake::shaken(const status& s) {
    if (over_)
        return;
    SSL* session = stream_->native_handle();
    detach(session);
    if (s && dialled_)
        return fail(dial_error(openssl_code(s), verdict_, address_));
    if (s)
        return fail({errc::permission_denied, refusal_words(openssl_code(s), verdict_), address_, ""});
    FORGE_FAILPOINT("transport.after_tls");
    protocol_ = chosen_protocol(session);
    if (protocol_ == protocol::none || (dialled_ && protocol_ != protocol::link))
        return fail({errc::permission_denied, "no common protocol name in the handshake", address_, "check the address"});
    if (protocol_ == protocol::join)
        return read_frame(frame_type::join_ask, [this](std::span<const std::byte> b) { hear_join(b); });
    if (!peer_proven(session, verdict_))
        return fail({errc::permission_denied, "the peer proved no certificate", address_, ""});
    const auto hear = [this](std::span<const std::byte> b) { hear_hello(b); };
    if (!dialled_)
        return read_frame(frame_type::hello, hear);
    if (!expected_.empty() && verdict_.peer != expected_)
        return fail({errc::permission_denied, fmt::format("{} answered where {} was expected", verdict_.peer, expected_), address_,
                     "check the address"});
    write_frame(frame_type::hello, encode(core_.self), [this, hear] { read_frame(frame_type::hello, hear); });
}

void handshake::read_frame(frame_type type, taken then) {
    const auto self = shared_from_this();
    asio::async_read(*stream_, asio::buffer(header_), [self, type, then](const status& s, std::size_t) {
        if (self->over_)
            return;
        if (s && self->dialled_)
            return self->fail(dial_error(openssl_code(s), self->verdict_, self->address_));
        if (s)
            return self->fail({errc::io_failed, "ended before its first frame: " + s.message(), self->address_, ""});
        const auto header = decode_frame_header(self->header_);
        const bool refusal = header && header->type == frame_type::refused && self->dialled_;
        if (!header || (header->type != type && !refusal))
            return self->fail({errc::malformed, "the first frame is not the one expected", self->address_, ""});
        self->buffer_.resize(header->length); // at most what decode_frame_header allows this type, 4 KiB for a peer not known yet
        asio::async_read(*self->stream_, asio::buffer(self->buffer_), [self, refusal, then](const status& e, std::size_t) {
            if (self->over_)
                return;
            if (e)
                return self->fail({errc::io_failed, "ended in its first frame: " + e.message(), self->address_, ""});
            if (refusal)
                return self->fail(decode_refusal(self->buffer_, self->address_));
            then(self->buffer_);
        });
    });
}

void handshake::write_frame(frame_type type, std::vector<std::byte> payload, std::function<void()> then) {
    const auto frame = std::make_shared<std::vector<std::byte>>();
    for (const auto b : encode(frame_header{type, static_cast<std::uint32_t>(payload.size())}))
        frame->push_back(b);
    frame->insert(frame->end(), payload.begin(), payload.end());
    asio::async_write(*stream_, asio::buffer(*frame),
                      [self = shared_from_this(), frame, then = std::move(then)](const status& s, std::size_t) {
                          if (self->over_)
                              return self->linger();
                          if (s)
                              return self->fail({errc::io_failed, "write: " + s.message(), self->address_, ""});
                          then();
                      });
}

void handshake::hear_hello(std::span<const std::byte> payload) {
    auto theirs = decode_hello(payload);
    if (!theirs)
        return refuse(theirs.reason());
    theirs_ = std::move(*theirs);
    const auto kind = protocol_ == protocol::data ? connection_kind::data : connection_kind::control;
    if (theirs_.kind != kind)
        return refuse({errc::malformed, "the hello is for another kind of connection", address_, ""});
    const auto version = judge_hello(theirs_, core_.self, verdict_.peer);
    if (!version)
        return refuse(version.reason());
    version_ = *version;
    FORGE_FAILPOINT("transport.after_hello");
    if (dialled_)
        return become_link();
    hello answer = core_.self;
    answer.versions = {version_, version_};
    if (kind == connection_kind::control)
        return write_frame(frame_type::hello, encode(answer), [this] { become_link(); });
    auto transfer = core_.transfers.claim(theirs_, verdict_.fingerprint);
    if (!transfer)
        return refuse(transfer.reason());
    transfer_ = std::move(*transfer);
    answer.kind = connection_kind::data;
    answer.role = theirs_.role == stream_role::send ? stream_role::receive : stream_role::send;
    answer.transfer = theirs_.transfer;
    write_frame(frame_type::hello, encode(answer), [this] {
        // Outside the stream's own operation: the stream is taken apart.
        asio::post(core_.loop->io, [self = shared_from_this()] { self->become_transfer(); });
    });
}

void handshake::become_link() {
    if (over_)
        return;
    over_ = true;
    timer_.cancel();
    link_peer peer{verdict_.peer, verdict_.fingerprint, theirs_.node_id, theirs_.incarnation, version_, dialled_, address_};
    FORGE_FAILPOINT("transport.link_up");
    if (on_up_)
        on_up_();
    const auto done = core_.establish(stream_, std::move(peer), std::move(on_end_));
    if (done)
        return;
    core_.log_refusal(address_, verdict_.fingerprint, done.reason().what);
    if (on_failed_)
        on_failed_(done.reason());
    end();
}

/// From Asio to a thread that may wait. Between the two hellos and the peer's next frame nothing is under way, so the
/// session holds no unread byte and can change from Asio's memory buffers to the socket itself, which is also faster.
void handshake::become_transfer() {
    if (over_)
        return;
    over_ = true;
    timer_.cancel();
    SSL* raw = stream_->native_handle();
    if (SSL_pending(raw) != 0 || BIO_ctrl_pending(SSL_get_rbio(raw)) != 0) {
        core_.log_refusal(address_, verdict_.fingerprint, "bytes before the data stream's turn");
        return end();
    }
    SSL_up_ref(raw);
    session_handle session(raw);
    status s;
    socket_descriptor socket(stream_->next_layer().release(s));
    stream_.reset();
    auto pipe = s ? result<tls_pipe>(error{errc::io_failed, s.message(), address_, ""})
                  : tls_pipe::adopt(std::move(session), std::move(socket));
    if (!pipe)
        return core_.log_refusal(address_, verdict_.fingerprint, pipe.reason().what);
    ++core_.transfers_run;
    const auto held = std::make_shared<tls_pipe>(std::move(*pipe));
    core_.transfers.start(transfer_, [held](transfer_desk::claimed& t, std::stop_token stop) {
        held->set_stop(std::move(stop));
        return t.peers_role == stream_role::receive ? send_stream(*held, t.source, t.options)
                                                    : receive_stream(*held, t.sink, *t.progress, t.options);
    });
}

void handshake::hear_join(std::span<const std::byte> payload) {
    const auto ask = decode_join_ask(payload);
    const auto desk = core_.desk.get();
    const auto binding = channel_binding_of(stream_->native_handle());
    if (!ask || !desk || !binding)
        return refuse(ask ? error{errc::permission_denied, "nobody can join here now", address_, ""} : ask.reason());
    const auto grant = desk->admit(*ask, *binding);
    if (!grant)
        return refuse(grant.reason());
    ++core_.joined;
    if (core_.options.log)
        core_.options.log->info(fmt::format("{} joined from {}", ask->name, address_));
    over_ = true; // what follows is a goodbye
    timer_.expires_after(linger_wait);
    timer_.async_wait([self = shared_from_this()](const status&) { self->end(); });
    write_frame(frame_type::join_grant, encode(*grant), [] {});
}

void handshake::fail(const error& why) {
    if (over_)
        return;
    over_ = true;
    timer_.cancel();
    core_.refused += dialled_ ? 0 : 1;
    if (dialled_) {
        if (const auto tell = std::exchange(on_failed_, nullptr))
            tell(why);
        return end();
    }
    core_.log_refusal(address_, verdict_.fingerprint, why.what);
    timer_.expires_after(linger_wait);
    timer_.async_wait([self = shared_from_this()](const status&) { self->end(); });
    linger();
}

/// Like fail, but the peer proved who it is (or holds a code) and is told why.
void handshake::refuse(const error& why) {
    if (dialled_ || over_)
        return fail(why);
    over_ = true;
    ++core_.refused;
    core_.log_refusal(address_, verdict_.fingerprint, why.what);
    timer_.expires_after(linger_wait);
    timer_.async_wait([self = shared_from_this()](const status&) { self->end(); });
    write_frame(frame_type::refused, encode_refusal(why), [] {});
}

/// Closing with unread bytes would reset the connection, and the reset can overtake the alert or the words that say why.
void handshake::linger() {
    status ignored;
    if (!stream_ || !stream_->lowest_layer().is_open())
        return;
    if (discarded_ == 0)
        stream_->lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.resize(4096);
    stream_->next_layer().async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const status& s, std::size_t n) {
        self->discarded_ += n;
        if (s || self->discarded_ > linger_bytes_max)
            return self->end();
        self->linger();
    });
}

void handshake::abandon() {
    over_ = true;
    on_failed_ = nullptr;
    on_up_ = on_end_ = nullptr;
    end();
}

void handshake::end() {
    timer_.cancel();
    status ignored;
    if (stream_)
        stream_->lowest_layer().close(ignored);
}

} // namespace forge::tls
