// SPDX-License-Identifier: AGPL-3.0-only
// Transfers that wait for a peer's data connection, and those that run on it.
#pragma once

#include "libactors/transport/data_stream.hpp"
#include "libactors/transport/link.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace forge {

using transfer_id = std::uint64_t; ///< random; sent to the peer over the control link, good for one connection
/// Called once on the transfer's thread, when the connection has ended.
using transfer_done = std::function<void(result<stream_report>)>;

/// Thread-safe. Each transfer that was claimed runs on a thread of its own.
class transfer_desk {
public:
    static constexpr std::size_t waiting_max = 64; ///< ids that were given out
    static constexpr std::size_t running_max = 8;  ///< threads

    transfer_desk() = default;
    ~transfer_desk(); ///< stops what runs and waits for it, at most 0.2 s each
    transfer_desk(const transfer_desk&) = delete;
    transfer_desk& operator=(const transfer_desk&) = delete;

    /// The peer of a control link may fetch `source` once: it dials with this id. An id that is not claimed in time is
    /// forgotten without a call of `done`; whoever asked keeps a timeout anyway.
    /// @return errc::invalid_argument when waiting_max ids wait.
    [[nodiscard]] result<transfer_id> serve(const link_peer& to, stream_source source, const stream_options& options,
                                            transfer_done done);
    /// The peer may push once. @param progress  shared with the caller, who resumes with it under a new id; not to be
    ///                                          touched until `done`.
    [[nodiscard]] result<transfer_id> receive(const link_peer& from, stream_sink sink, std::shared_ptr<stream_progress> progress,
                                              const stream_options& options, transfer_done done);
    /// Forgets an id or stops its transfer.
    void withdraw(transfer_id id);
    /// Stops what runs with this certificate and forgets what waits for it.
    void withdraw_peer(const digest& fingerprint);
    void stop();

    /// For the hub: is this a connection that somebody waits for? The id is used up by asking.
    /// @return errc::permission_denied: unknown or used id, other peer, other incarnation, wrong direction, late.
    struct claimed;
    [[nodiscard]] result<std::shared_ptr<claimed>> claim(const hello& from, const digest& fingerprint);
    /// For the hub: starts the transfer's thread on a connection whose hellos are done.
    void start(std::shared_ptr<claimed> transfer, std::function<result<stream_report>(claimed&, std::stop_token)> body);

private:
    struct runner {
        std::shared_ptr<claimed> transfer;
        bool ended = false;
        std::jthread thread;
    };
    result<transfer_id> add(std::shared_ptr<claimed> transfer);

    std::mutex mutex_;
    std::map<transfer_id, std::shared_ptr<claimed>> waiting_;
    std::list<runner> running_;
    bool stopped_ = false;
};

struct transfer_desk::claimed {
    transfer_id id = 0;
    link_peer peer;
    stream_role peers_role = stream_role::none; ///< what the peer does on its connection
    stream_source source;
    stream_sink sink;
    std::shared_ptr<stream_progress> progress;
    stream_options options;
    transfer_done done;
    std::chrono::steady_clock::time_point until;
};

} // namespace forge
