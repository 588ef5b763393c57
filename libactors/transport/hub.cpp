// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/hub.hpp"

#include "libactors/transport/dialler.hpp"
#include "libactors/transport/handshake.hpp"
#include "libactors/transport/hub_core.hpp"

#include <fmt/format.h>
#include <optional>
#include <thread>

namespace forge {

using namespace tls;

namespace {

constexpr std::chrono::milliseconds accept_pause{100}; // out of descriptors: trying at once would only spin
constexpr std::chrono::milliseconds goodbye_wait{700};

error socket_error(const char* doing, const status& s, const std::string& where) {
    const bool forbidden = s == asio::error::access_denied || s.value() == EPERM;
    return {forbidden ? errc::permission_denied : errc::io_failed, fmt::format("{} failed: {}", doing, s.message()), where,
            "choose another address or port, or stop the program that holds it"};
}

} // namespace

struct hub::inner {
    inner(hub_options o, hub_events e, context_handle server, context_handle client)
        : core(std::move(o), std::move(e), std::move(server), std::move(client)), acceptor(core.loop->io), pause(core.loop->io),
          work(core.loop->io.get_executor()) {}

    void accept();
    void accepted(std::shared_ptr<tls_stream> stream, const tcp::endpoint& from);
    void finish();

    hub_core core;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
    std::map<dial_id, std::shared_ptr<dialler>> diallers;
    dial_id next_dial = 1;
    std::mutex dial_mutex; ///< guards next_dial
    std::uint64_t crowded = 0; ///< refused for want of a place since the last line about it
    steady::time_point crowded_said;
    bool stopping = false;
    std::thread thread;
};

result<std::unique_ptr<hub>> hub::start(hub_options options, allow_list nodes, hub_events events) {
    if (!is_node_name(options.cluster) || options.versions.min == 0 || options.versions.min > options.versions.max)
        return error{errc::invalid_argument, "not a cluster id or not a range of versions", options.cluster.substr(0, 80), ""};
    auto server = make_server_context(options.identity);
    auto client = make_client_context(options.identity);
    if (!server || !client)
        return server ? client.reason() : server.reason();
    auto i = std::make_unique<inner>(std::move(options), std::move(events), std::move(*server), std::move(*client));
    i->core.list.set(std::make_shared<const allow_list>(std::move(nodes)));
    i->thread = std::thread([raw = i.get()] { raw->core.loop->io.run(); });
    return std::unique_ptr<hub>(new hub(std::move(i)));
}

hub::hub(std::unique_ptr<inner> i) : inner_(std::move(i)) {}
hub::~hub() { stop(); }

result<std::uint16_t> hub::listen(const std::string& address, std::uint16_t port) {
    const std::string where = fmt::format("{}:{}", address, port);
    status s;
    const auto number = asio::ip::make_address(address, s);
    if (s)
        return error{errc::invalid_argument, "not a numeric address", where, "for example 0.0.0.0 or 127.0.0.1"};
    const tcp::endpoint end(number, port);
    tcp::acceptor made(inner_->core.loop->io);
    made.open(end.protocol(), s);
    if (!s)
        made.set_option(tcp::acceptor::reuse_address(true), s);
    if (!s)
        made.bind(end, s);
    if (!s)
        made.listen(64, s);
    if (s)
        return socket_error("listening", s, where);
    const std::uint16_t bound = made.local_endpoint(s).port();
    const auto moved = std::make_shared<tcp::acceptor>(std::move(made));
    asio::post(inner_->core.loop->io, [i = inner_.get(), moved] {
        i->acceptor = std::move(*moved);
        i->accept();
    });
    return bound;
}

void hub::inner::accept() {
    if (stopping || !acceptor.is_open())
        return;
    const auto stream = std::make_shared<tls_stream>(core.loop->io, core.server_context);
    const auto from = std::make_shared<tcp::endpoint>();
    acceptor.async_accept(stream->lowest_layer(), *from, [this, stream, from](const status& s) {
        if (stopping || s == asio::error::operation_aborted)
            return;
        if (!s) {
            accepted(stream, *from);
            return accept();
        }
        pause.expires_after(accept_pause);
        pause.async_wait([this](const status& e) {
            if (!e)
                accept();
        });
    });
}

void hub::inner::accepted(std::shared_ptr<tls_stream> stream, const tcp::endpoint& from) {
    ++core.accepted;
    status ignored;
    const std::string address = fmt::format("{}:{}", from.address().to_string(ignored), from.port());
    if (core.accepted_shaking >= core.options.limits.unauthenticated_max) {
        ++core.refused;
        ++crowded;
        if (steady::now() - crowded_said > std::chrono::seconds(1)) { // a flood must not become a flood of lines
            core.log_refusal(address, {}, fmt::format("{} connections are unauthenticated already ({} refused since the last line)",
                                                      core.accepted_shaking, crowded));
            crowded_said = steady::now();
            crowded = 0;
        }
        return; // the stream goes, and with it the connection
    }
    stream->lowest_layer().set_option(tcp::no_delay(true), ignored);
    std::make_shared<handshake>(core, std::move(stream), address)->start();
}

dial_id hub::dial(node_address peer) {
    dial_id id = 0;
    {
        const std::lock_guard lock(inner_->dial_mutex);
        id = inner_->next_dial++;
    }
    asio::post(inner_->core.loop->io, [i = inner_.get(), id, peer = std::move(peer)] {
        if (i->stopping)
            return;
        const auto made = std::make_shared<dialler>(i->core, id, peer);
        i->diallers[id] = made;
        made->start();
    });
    return id;
}

void hub::hang_up(dial_id id) {
    asio::post(inner_->core.loop->io, [i = inner_.get(), id] {
        if (const auto at = i->diallers.find(id); at != i->diallers.end()) {
            at->second->hang_up();
            i->diallers.erase(at);
        }
    });
}

void hub::set_allow_list(allow_list nodes) { inner_->core.set_list(std::move(nodes)); }
std::shared_ptr<const allow_list> hub::allowed() const { return inner_->core.list.get(); }
void hub::set_join_desk(std::shared_ptr<join_desk> desk) { inner_->core.desk.set(std::move(desk)); }
transfer_desk& hub::transfers() { return inner_->core.transfers; }
const hub_options& hub::options() const { return inner_->core.options; }

hub_counters hub::counters() const {
    const hub_core& c = inner_->core;
    return {c.accepted, c.refused, c.links_up, c.joined, c.transfers_run};
}

result<stream_report> hub::fetch(const node_address& peer, transfer_id id, const stream_sink& sink, stream_progress& progress,
                                 const stream_options& options, std::stop_token stop) {
    return dial_transfer(inner_->core, peer, id, stream_role::receive, std::move(stop),
                         [&](tls_pipe& pipe) { return receive_stream(pipe, sink, progress, options); });
}

result<stream_report> hub::push(const node_address& peer, transfer_id id, const stream_source& source,
                                const stream_options& options, std::stop_token stop) {
    return dial_transfer(inner_->core, peer, id, stream_role::send, std::move(stop),
                         [&](tls_pipe& pipe) { return send_stream(pipe, source, options); });
}

/// What is left when the loop has ended, on the stopping thread: nothing else runs any more.
void hub::inner::finish() {
    status ignored;
    acceptor.close(ignored);
    pause.cancel();
    for (const auto& [id, d] : diallers)
        d->hang_up();
    diallers.clear();
    for (auto* h : std::set<handshake*>(core.shaking))
        h->abandon();
    const auto up = core.links;
    core.on_last_down = nullptr;
    for (const auto& [name, held] : up)
        held->close_now("this node stops");
    core.links.clear();
    core.desk.set(nullptr);
    work.reset();
    core.loop->io.restart();
    core.loop->io.poll(); // lets cancelled operations go, and with them what they hold
}

void hub::stop() {
    if (!inner_->thread.joinable())
        return;
    asio::post(inner_->core.loop->io, [i = inner_.get()] {
        i->stopping = true;
        status ignored;
        i->acceptor.close(ignored);
        for (const auto& [id, d] : i->diallers)
            d->hang_up();
        for (const auto& [name, held] : i->core.links)
            held->bye(); // posted, so the map stays as it is
        i->pause.expires_after(goodbye_wait);
        i->pause.async_wait([i](const status& s) {
            if (!s) // cancelled: finish() is at work, and needs the loop
                i->core.loop->io.stop();
        });
        i->core.on_last_down = [i] { i->core.loop->io.stop(); };
        if (i->core.links.empty())
            i->core.loop->io.stop();
    });
    inner_->core.transfers.stop();
    {
        const std::lock_guard lock(inner_->core.dialled_mutex);
        for (auto& [fingerprint, stop] : inner_->core.dialled_transfers)
            stop.request_stop();
    }
    inner_->thread.join();
    inner_->finish();
}

} // namespace forge
