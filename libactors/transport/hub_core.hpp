// SPDX-License-Identifier: AGPL-3.0-only
// What the parts of a hub share. Private to libactors/transport.
#pragma once

#include "libactors/transport/asio_tls.hpp"
#include "libactors/transport/hub.hpp"
#include "libactors/transport/tls_context.hpp"
#include "libactors/transport/tls_link.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

namespace forge::tls {

/// A shared value that any thread may replace as a whole.
template <class T>
class swapped {
public:
    void set(std::shared_ptr<T> value) {
        const std::lock_guard lock(mutex_);
        value_.swap(value);
    }
    [[nodiscard]] std::shared_ptr<T> get() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<T> value_;
};

class handshake;

/// Members without a lock belong to the loop's thread.
struct hub_core {
    hub_core(hub_options o, hub_events e, context_handle server, context_handle client);

    const hub_options options;
    const hello self; ///< what this node says first on control connections
    const hub_events events;
    const std::shared_ptr<event_loop> loop = std::make_shared<event_loop>();
    asio::ssl::context server_context;
    asio::ssl::context client_context;
    swapped<const allow_list> list;
    swapped<join_desk> desk;
    transfer_desk transfers;

    /// Data connections that this node dialled, so that a withdrawn certificate ends them, too.
    std::mutex dialled_mutex;
    std::multimap<digest, std::stop_source> dialled_transfers;

    std::map<std::string, std::shared_ptr<tls_link>> links;
    std::set<handshake*> shaking; ///< unauthenticated connections of both directions
    std::size_t accepted_shaking = 0;
    std::function<void()> on_last_down; ///< set when the hub stops

    std::atomic<std::uint64_t> accepted{0}, refused{0}, links_up{0}, joined{0}, transfers_run{0};

    /// One line per refusal, with the fingerprint.
    void log_refusal(const std::string& address, const digest& fingerprint, const std::string& why);
    /// A connection whose TLS and hello are done becomes a link, unless the list has changed meanwhile.
    /// @param on_end  told when the link is gone; may be empty.
    result<void> establish(std::shared_ptr<tls_stream> stream, link_peer peer, std::function<void()> on_end);
    void set_list(allow_list nodes);
};

class tls_pipe;
/// Opens a data connection for a transfer id and runs `body` on it, in the caller's thread.
[[nodiscard]] result<stream_report> dial_transfer(hub_core& core, const node_address& peer, transfer_id id, stream_role role,
                                                  std::stop_token stop,
                                                  const std::function<result<stream_report>(tls_pipe&)>& body);

} // namespace forge::tls
