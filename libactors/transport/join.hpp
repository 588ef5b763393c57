// SPDX-License-Identifier: AGPL-3.0-only
// Joining a cluster: the coordinator's desk and the joiner's walk to it.
#pragma once

#include "libactors/base/log.hpp"
#include "libactors/base/result.hpp"
#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/identity.hpp"
#include "libactors/transport/invite.hpp"
#include "libactors/transport/join_message.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>

namespace forge {

/// What a listening hub asks when somebody without a certificate knocks. Called on the hub's thread.
class join_desk {
public:
    virtual ~join_desk() = default;
    /// Is an invite open? Otherwise the connection ends in the TLS handshake.
    virtual bool open() = 0;
    /// @param binding  keying material of the joiner's connection.
    /// @return what the joiner gets, or why not; the words are sent to it.
    virtual result<join_grant> admit(const join_ask& ask, std::span<const std::uint8_t> binding) = 0;
};

/// What the coordinator keeps on disk about membership.
struct membership {
    invite_book invites; ///< secret
    allow_list nodes;
};

/// The coordinator's desk. Thread-safe. An invite counts as used only when its use was persisted, and the joiner gets
/// its certificate only after that.
class join_office final : public join_desk {
public:
    using clock = std::function<calendar_time()>;
    using persist = std::function<result<void>(const membership&)>;   ///< called under the office's lock
    using changed = std::function<void(const allow_list&)>;           ///< e.g. hub::set_allow_list

    join_office(authority ca, std::string cluster, membership start, clock now, persist save, changed on_change);

    /// A new invite. @return errc::invalid_argument or the error of `save`.
    [[nodiscard]] result<invite_code> invite(std::chrono::seconds ttl);
    /// Withdraws every certificate of a node. @return errc::not_found or the error of `save`.
    [[nodiscard]] result<void> revoke(std::string_view name);
    [[nodiscard]] membership now_valid() const;

    bool open() override;
    result<join_grant> admit(const join_ask& ask, std::span<const std::uint8_t> binding) override;

private:
    result<join_grant> grant(const join_ask& ask, const digest& key, std::span<const std::uint8_t> binding);
    result<void> commit(membership next);

    const authority ca_;
    const std::string cluster_;
    const clock now_;
    const persist save_;
    const changed on_change_;
    mutable std::mutex mutex_;
    membership held_;
};

/// What a joiner comes home with; save it before anything else, the invite is used up.
struct joined {
    node_identity identity;
    std::string cluster;
    allow_list nodes;
};

/// Joins: makes a key, connects, pins the server to the code's authority, proves the secret, gets a certificate, and
/// checks the coordinator's proof and everything it sent. Blocks up to `deadline` (name look-up excluded).
/// @return errc::io_failed (unreachable, deadline), errc::permission_denied (other cluster, unknown, used or expired
///         code, a node that does not know the secret), errc::conflict (name taken), errc::version_too_new,
///         errc::malformed, errc::invalid_argument (name), errc::interrupted.
[[nodiscard]] result<joined> join_cluster(const std::string& host, std::uint16_t port, const invite_code& code,
                                          std::string_view name, calendar_time now,
                                          std::chrono::milliseconds deadline = std::chrono::seconds(10),
                                          std::stop_token stop = {});

} // namespace forge
