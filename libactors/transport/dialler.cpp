// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/dialler.hpp"

#include "libactors/transport/handshake.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::tls {

dialler::dialler(hub_core& core, dial_id id, node_address peer)
    : core_(core), id_(id), peer_(std::move(peer)), where_(fmt::format("{}:{}", peer_.host, peer_.port)), timer_(core.loop->io),
      resolver_(core.loop->io), jitter_(static_cast<std::uint32_t>(random_u64())) {}

void dialler::start() { attempt(); }

void dialler::hang_up() {
    stopped_ = true;
    timer_.cancel();
    resolver_.cancel();
    status ignored;
    if (connecting_)
        connecting_->lowest_layer().close(ignored);
}

void dialler::attempt() {
    if (stopped_)
        return;
    const auto self = shared_from_this();
    if (const auto up = core_.links.find(peer_.name); up != core_.links.end()) { // the peer dialled us
        timer_.expires_after(core_.options.limits.redial_max);
        timer_.async_wait([self](const status& s) {
            if (!s)
                self->attempt();
        });
        return;
    }
    resolver_.async_resolve(peer_.host, std::to_string(peer_.port), tcp::resolver::numeric_service,
                            [self](const status& s, const tcp::resolver::results_type& addresses) {
                                if (self->stopped_)
                                    return;
                                if (s)
                                    return self->failed({errc::io_failed, "cannot find the node: " + s.message(), self->where_,
                                                         "check the host name"});
                                self->connect(addresses);
                            });
}

void dialler::connect(const tcp::resolver::results_type& addresses) {
    const auto self = shared_from_this();
    const auto stream = std::make_shared<tls_stream>(core_.loop->io, core_.client_context);
    connecting_ = stream;
    timer_.expires_after(core_.options.limits.handshake);
    timer_.async_wait([stream](const status& s) {
        status ignored;
        if (!s)
            stream->lowest_layer().close(ignored);
    });
    asio::async_connect(stream->lowest_layer(), addresses, [self, stream](const status& s, const tcp::endpoint&) {
        self->connecting_.reset();
        if (self->stopped_)
            return;
        // A close by the deadline reads as a cancelled operation.
        if (s || !stream->lowest_layer().is_open())
            return self->failed({errc::io_failed,
                                 "cannot reach the node: " + (s == asio::error::operation_aborted ? "no answer in time" : s.message()),
                                 self->where_, "check address, network and that the node runs"});
        self->timer_.cancel();
        status ignored;
        stream->lowest_layer().set_option(tcp::no_delay(true), ignored);
        self->shake(stream);
    });
}

void dialler::shake(std::shared_ptr<tls_stream> stream) {
    const auto self = shared_from_this();
    const auto on_failed = [self](const error& why) { self->failed(why); };
    const auto on_up = [self] {
        self->up_since_ = steady::now();
        self->last_words_.clear();
    };
    std::make_shared<handshake>(core_, std::move(stream), where_, peer_.name, on_failed, on_up, [self] { self->link_ended(); })->start();
}

void dialler::failed(const error& why) {
    if (stopped_)
        return;
    if (core_.options.log && why.what != last_words_) // the same failure every two seconds says nothing new
        core_.options.log->warn(fmt::format("dialling {} ({}): {}", peer_.name.empty() ? "a node" : peer_.name, where_, why.what));
    last_words_ = why.what;
    if (core_.events.on_dial_failed)
        core_.events.on_dial_failed(id_, why);
    again();
}

void dialler::link_ended() {
    if (stopped_)
        return;
    if (steady::now() - up_since_ > core_.options.limits.dead)
        attempts_ = 0; // a link that lived; one that falls at once keeps its growing pauses
    again();
}

/// Pause of half to all of redial_min * 2^attempts: nodes that lost the same peer do not come back in step.
void dialler::again() {
    const auto& limits = core_.options.limits;
    const double longest = std::min(static_cast<double>(limits.redial_max.count()),
                                    static_cast<double>(limits.redial_min.count()) * static_cast<double>(1u << std::min(attempts_, 16u)));
    ++attempts_;
    const double pause = longest * std::uniform_real_distribution<double>(0.5, 1.0)(jitter_);
    timer_.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(1000.0 * pause)));
    timer_.async_wait([self = shared_from_this()](const status& s) {
        if (!s)
            self->attempt();
    });
}

} // namespace forge::tls
