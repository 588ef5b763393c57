// SPDX-License-Identifier: AGPL-3.0-only
// An authenticated connection to one other node: heartbeats, frames, and bytes for whoever is bound to it.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/transport/hello.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// Bounds of links; every wait and every queue has one.
struct link_limits {
    std::chrono::milliseconds handshake{3000};   ///< connect, TLS and hello together (each of: connecting; TLS + hello)
    std::chrono::milliseconds beat{1000};        ///< a ping goes out so often
    std::chrono::milliseconds dead{5000};        ///< a peer that was silent for longer is gone
    std::chrono::milliseconds redial_min{100};   ///< first pause of the dialler, doubled up to redial_max, with jitter
    std::chrono::milliseconds redial_max{2000};
    std::size_t queued_max = 64u << 20;          ///< bytes; a link whose outbound queue passes it is closed
    std::size_t backlog_max = 4u << 20;          ///< bytes; above it reading stops until resume()
    std::size_t unauthenticated_max = 16;        ///< connections that have not finished TLS and hello
};

/// Who is at the other end, as its certificate and hello said.
struct link_peer {
    std::string name;          ///< the name that the allow-list gives to the certificate
    digest fingerprint{};
    node_key node_id{};        ///< of this run of the peer's process
    node_key incarnation{};
    std::uint16_t version = 0; ///< protocol agreed on
    bool dialled = false;      ///< true: this node opened the connection
    std::string address;       ///< "host:port" for people; never an identity
};

/// Where a link's bytes go. Called on the hub's thread: hand over, never wait.
class link_port {
public:
    virtual ~link_port() = default;
    /// Next bytes of the tunnel, cut anywhere. @return bytes that wait behind this port; above link_limits::backlog_max
    /// the link stops reading, until link::resume().
    virtual std::size_t on_data(std::span<const char> bytes) = 0;
    /// Last call: the link is gone. @param why  words for the log.
    virtual void on_close(const std::string& why) = 0;
};

/// Every function may be called from any thread; after the end all of them do nothing. Bytes are `char`, as the buffers
/// of the tunnel's user are: they are handed over by swapping, not by copying.
class link {
public:
    virtual ~link() = default;
    [[nodiscard]] virtual const link_peer& peer() const = 0;
    /// Once. Inbound bytes flow from now on; before, at most one frame is held. A link that is gone already calls
    /// on_close in here.
    virtual void bind(std::shared_ptr<link_port> port) = 0;
    /// Queues bytes and leaves `bytes` empty. @return false when the link is gone, or when the queue passed
    /// link_limits::queued_max: the link is then being closed.
    virtual bool send(std::vector<char>& bytes) = 0;
    /// The port's backlog has gone down: read on.
    virtual void resume() = 0;
    /// Sends what is queued, says goodbye and closes.
    virtual void bye() = 0;
    /// Closes at once; what is queued is lost.
    virtual void close(std::string why) = 0;
    /// Bytes accepted by send() and not yet handed to the network.
    [[nodiscard]] virtual std::size_t queued() const = 0;
    /// Last round trip of a heartbeat in milliseconds; 0 before the first.
    [[nodiscard]] virtual double round_trip_ms() const = 0;
};

} // namespace forge
