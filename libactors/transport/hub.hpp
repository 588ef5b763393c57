// SPDX-License-Identifier: AGPL-3.0-only
// All connections of one node: one listening port, the dialled peers, one thread.
#pragma once

#include "libactors/base/log.hpp"
#include "libactors/base/result.hpp"
#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/identity.hpp"
#include "libactors/transport/join.hpp"
#include "libactors/transport/link.hpp"
#include "libactors/transport/random.hpp"
#include "libactors/transport/transfer_desk.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace forge {

struct hub_options {
    node_identity identity;
    std::string cluster; ///< cluster id, see is_node_name
    node_key node_id = random_array<16>();
    node_key incarnation = random_array<16>();
    version_range versions = spoken_versions;
    link_limits limits;
    std::shared_ptr<run_log> log; ///< may be empty
};

struct node_address {
    std::string host; ///< name or number
    std::uint16_t port = 0;
    std::string name; ///< who must answer; empty: any listed node
};

using dial_id = std::uint64_t;

/// What a hub reports, on its own thread: hand over, never wait, never call stop().
struct hub_events {
    std::function<void(std::shared_ptr<link>)> on_up; ///< before any byte flows; bind a port
    std::function<void(const link_peer&, const std::string& why)> on_down;
    /// Every failed attempt; the dialler goes on until hang_up. Codes: errc::io_failed (unreachable, deadline),
    /// errc::permission_denied (certificates, revoked), errc::version_too_new, errc::conflict (other cluster).
    std::function<void(dial_id, const error&)> on_dial_failed;
};

struct hub_counters {
    std::uint64_t accepted = 0; ///< TCP connections
    std::uint64_t refused = 0;  ///< of these, before they were anything else
    std::uint64_t links_up = 0; ///< since the start, both directions
    std::uint64_t joined = 0;
    std::uint64_t transfers = 0;
};

/// One TCP port for three protocols, told apart by ALPN: forge-link/1, forge-data/1 (both need a listed certificate) and
/// forge-join/1 (no certificate, only while an invite is open). At most one link per peer name; a newer authenticated one
/// replaces the older, because a half-open connection is noticed late.
class hub {
public:
    /// Starts the thread. @return errc::malformed or errc::internal for an identity that OpenSSL refuses,
    /// errc::invalid_argument for the cluster id or versions.
    [[nodiscard]] static result<std::unique_ptr<hub>> start(hub_options options, allow_list nodes, hub_events events);
    ~hub(); ///< stop(); calls of fetch and push must have returned
    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;

    /// Once. @param address  numeric, e.g. "127.0.0.1" or "::".  @param port  0: any free one.
    /// @return the port; errc::io_failed (in use), errc::permission_denied, errc::invalid_argument.
    [[nodiscard]] result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
    /// Keeps a link to this peer up: dials, and dials again with growing pauses, until hang_up. While a link with
    /// that name is up, also one that the peer dialled, it rests.
    dial_id dial(node_address peer);
    /// Stops dialling; a link that is up stays.
    void hang_up(dial_id id);

    /// From now on this list counts. Links and transfers of certificates that it does not admit are ended.
    void set_allow_list(allow_list nodes);
    [[nodiscard]] std::shared_ptr<const allow_list> allowed() const;
    /// Null: nobody can join here (the start).
    void set_join_desk(std::shared_ptr<join_desk> desk);

    /// Transfers that peers dial for.
    [[nodiscard]] transfer_desk& transfers();
    /// Fetches what the peer serves under `id`; blocks the caller's thread until the end.
    /// @return as tls::receive_stream; errc::permission_denied (also: unknown id), errc::io_failed.
    [[nodiscard]] result<stream_report> fetch(const node_address& peer, transfer_id id, const stream_sink& sink,
                                              stream_progress& progress, const stream_options& options = {},
                                              std::stop_token stop = {});
    /// Pushes to a peer that receives under `id`; blocks. @return as tls::send_stream, and as fetch.
    [[nodiscard]] result<stream_report> push(const node_address& peer, transfer_id id, const stream_source& source,
                                             const stream_options& options = {}, std::stop_token stop = {});

    /// Says goodbye on every link, waits up to 0.7 s for what is queued, ends the thread. Not from a callback.
    void stop();
    [[nodiscard]] hub_counters counters() const;
    [[nodiscard]] const hub_options& options() const;

private:
    struct inner;
    explicit hub(std::unique_ptr<inner> i);
    std::unique_ptr<inner> inner_;
};

} // namespace forge
