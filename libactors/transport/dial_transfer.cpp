// SPDX-License-Identifier: AGPL-3.0-only
// The dialling side of a data connection.
#include "libactors/transport/greeting.hpp"
#include "libactors/transport/hub_core.hpp"
#include "libactors/transport/tls_pipe.hpp"

#include <fmt/format.h>

namespace forge::tls {

namespace {

/// Listed in the core while it lives, so that a withdrawn certificate or the hub's end stops the transfer.
class listed_transfer {
public:
    listed_transfer(hub_core& core, const digest& fingerprint, std::stop_source stop) : core_(core) {
        const std::lock_guard lock(core_.dialled_mutex);
        at_ = core_.dialled_transfers.emplace(fingerprint, std::move(stop));
    }
    ~listed_transfer() {
        const std::lock_guard lock(core_.dialled_mutex);
        core_.dialled_transfers.erase(at_);
    }
    listed_transfer(const listed_transfer&) = delete;
    listed_transfer& operator=(const listed_transfer&) = delete;

private:
    hub_core& core_;
    std::multimap<digest, std::stop_source>::iterator at_;
};

result<void> greet(hub_core& core, tls_pipe& pipe, const verdict& v, transfer_id id, stream_role role) {
    hello ours = core.self;
    ours.kind = connection_kind::data;
    ours.role = role;
    ours.transfer = id;
    if (auto said = pipe.write_frame(frame_type::hello, encode(ours)); !said)
        return said;
    const auto answer = pipe.read_frame(frame_type::hello);
    if (!answer)
        return answer.reason();
    const auto theirs = decode_hello(*answer);
    if (!theirs)
        return theirs.reason();
    if (const auto version = judge_hello(*theirs, core.self, v.peer); !version)
        return version.reason();
    if (theirs->kind != connection_kind::data || theirs->transfer != id || theirs->role == role)
        return error{errc::malformed, "the answer is for another transfer", "data stream", ""};
    return {};
}

} // namespace

result<stream_report> dial_transfer(hub_core& core, const node_address& peer, transfer_id id, stream_role role,
                                    std::stop_token stop, const std::function<result<stream_report>(tls_pipe&)>& body) {
    const std::string where = fmt::format("{}:{}", peer.host, peer.port);
    if (id == 0)
        return error{errc::invalid_argument, "transfer id 0 is nobody's", where, ""};
    std::stop_source ending;
    const std::stop_callback passed_on(stop, [&] { ending.request_stop(); });
    verdict v;
    v.list = core.list.get();
    auto pipe = tls_pipe::connect(peer.host, peer.port, core.client_context.native_handle(), protocol::data, v,
                                  core.options.limits.handshake, ending.get_token());
    if (!pipe)
        return pipe.reason();
    detach(pipe->session());
    if (!peer_proven(pipe->session(), v) || (!peer.name.empty() && v.peer != peer.name))
        return error{errc::permission_denied, fmt::format("'{}' answered where '{}' was expected", v.peer, peer.name), where,
                     "check the address"};
    const listed_transfer listed(core, v.fingerprint, ending);
    if (!core.list.get()->admits(v.fingerprint))
        return error{errc::permission_denied, "the certificate was withdrawn", where, ""};
    pipe->set_idle(core.options.limits.handshake);
    if (auto greeted = greet(core, *pipe, v, id, role); !greeted)
        return greeted.reason();
    ++core.transfers_run;
    return body(*pipe);
}

} // namespace forge::tls
