// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/hub_core.hpp"

#include <fmt/format.h>

namespace forge::tls {

namespace {

hello hello_of(const hub_options& o) {
    hello h;
    h.versions = o.versions;
    h.node_id = o.node_id;
    h.incarnation = o.incarnation;
    h.name = o.identity.name;
    h.cluster = o.cluster;
    return h;
}

} // namespace

hub_core::hub_core(hub_options o, hub_events e, context_handle server, context_handle client)
    : options(std::move(o)), self(hello_of(options)), events(std::move(e)), server_context(server.release()),
      client_context(client.release()) {}

void hub_core::log_refusal(const std::string& address, const digest& fingerprint, const std::string& why) {
    if (options.log)
        options.log->warn(fmt::format("refused {}: {} (fingerprint {})", address, why,
                                      fingerprint == digest{} ? std::string("none") : to_hex(fingerprint)));
}

result<void> hub_core::establish(std::shared_ptr<tls_stream> stream, link_peer peer, std::function<void()> on_end) {
    if (!list.get()->admits(peer.fingerprint)) // it was admitted when the handshake began
        return error{errc::permission_denied, "the certificate was withdrawn during the handshake", peer.address, ""};
    const auto made = std::make_shared<tls_link>(loop, std::move(stream), std::move(peer), options.limits);
    if (const auto older = links.find(made->peer().name); older != links.end()) {
        const auto replaced = older->second;
        links.erase(older); // first: its end must not be taken for the new one's
        replaced->close_now("replaced by a newer connection");
    }
    links[made->peer().name] = made;
    ++links_up;
    if (options.log)
        options.log->info(fmt::format("link to {} up ({}, protocol {}, fingerprint {})", made->peer().name, made->peer().address,
                                      made->peer().version, to_hex(made->peer().fingerprint)));
    if (events.on_up)
        events.on_up(made);
    made->start([this, on_end = std::move(on_end)](tls_link& ended, const std::string& why) {
        if (const auto at = links.find(ended.peer().name); at != links.end() && at->second.get() == &ended)
            links.erase(at);
        if (options.log)
            options.log->info(fmt::format("link to {} down: {}", ended.peer().name, why));
        if (events.on_down)
            events.on_down(ended.peer(), why);
        if (on_end)
            on_end();
        if (links.empty() && on_last_down)
            on_last_down();
    });
    return {};
}

void hub_core::set_list(allow_list nodes) {
    const auto now = std::make_shared<const allow_list>(std::move(nodes));
    const auto before = list.get();
    list.set(now);
    for (const auto& [fingerprint, node] : before->nodes())
        if (!now->admits(fingerprint))
            transfers.withdraw_peer(fingerprint);
    {
        const std::lock_guard lock(dialled_mutex);
        for (auto& [fingerprint, stop] : dialled_transfers)
            if (!now->admits(fingerprint))
                stop.request_stop();
    }
    asio::post(loop->io, [this, now] {
        const auto up = links; // closing changes the map
        for (const auto& [name, held] : up)
            if (!now->admits(held->peer().fingerprint))
                held->close_now("the certificate was withdrawn");
    });
}

} // namespace forge::tls
