// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/join.hpp"

#include "libactors/transport/certificates.hpp"
#include "libactors/transport/random.hpp"
#include "libactors/transport/tls_pipe.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge {

join_office::join_office(authority ca, std::string cluster, membership start, clock now, persist save, changed on_change)
    : ca_(std::move(ca)), cluster_(std::move(cluster)), now_(std::move(now)), save_(std::move(save)),
      on_change_(std::move(on_change)), held_(std::move(start)) {}

/// On disk first: what is not there did not happen.
result<void> join_office::commit(membership next) {
    if (save_)
        if (auto saved = save_(next); !saved)
            return saved;
    const bool nodes_changed = !(next.nodes == held_.nodes);
    held_ = std::move(next);
    if (nodes_changed && on_change_)
        on_change_(held_.nodes);
    return {};
}

result<invite_code> join_office::invite(std::chrono::seconds ttl) {
    const std::lock_guard lock(mutex_);
    const auto fingerprint = fingerprint_of(ca_.certificate_pem);
    if (!fingerprint)
        return fingerprint.reason();
    membership next = held_;
    auto code = next.invites.issue(*fingerprint, random_array<16>(), ttl, now_());
    if (!code)
        return code;
    if (auto kept = commit(std::move(next)); !kept)
        return kept.reason();
    return code;
}

result<void> join_office::revoke(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto nodes = held_.nodes.without(name);
    if (!nodes)
        return nodes.reason();
    return commit({held_.invites, std::move(*nodes)});
}

membership join_office::now_valid() const {
    const std::lock_guard lock(mutex_);
    return held_;
}

bool join_office::open() {
    const std::lock_guard lock(mutex_);
    return held_.invites.any_open(now_());
}

result<join_grant> join_office::admit(const join_ask& ask, std::span<const std::uint8_t> binding) {
    const std::lock_guard lock(mutex_);
    const auto key = held_.invites.key_of(ask.invite, now_());
    if (!key)
        return key.reason();
    if (!same_proof(ask.proof, join_proof(*key, join_side::joiner, binding)))
        return error{errc::permission_denied, "this invite code is wrong", "", "copy the whole line that cluster invite printed"};
    if (auto version = agree_on_version(spoken_versions, ask.versions); !version)
        return version.reason();
    return grant(ask, *key, binding);
}

result<join_grant> join_office::grant(const join_ask& ask, const digest& key, std::span<const std::uint8_t> binding) {
    for (const auto& [fingerprint, node] : held_.nodes.nodes())
        if (node.name == ask.name && !node.revoked)
            return error{errc::conflict, fmt::format("a node named {} is in the cluster already", ask.name), "",
                         fmt::format("choose another --name, or revoke {} first", ask.name)};
    auto certificate = sign_request(ca_, ask.request_pem, ask.name, validity::of_days(now_(), node_days));
    if (!certificate)
        return certificate.reason();
    const auto fingerprint = fingerprint_of(*certificate);
    if (!fingerprint)
        return fingerprint.reason();
    auto nodes = held_.nodes.with(*fingerprint, ask.name);
    if (!nodes)
        return nodes.reason();
    membership next{held_.invites, *nodes};
    if (auto used = next.invites.redeem(ask.invite, now_()); !used)
        return used.reason();
    if (auto kept = commit(std::move(next)); !kept)
        return error{errc::io_failed, "the coordinator could not store the new member", "", "look at its log, then retry"};
    return join_grant{join_proof(key, join_side::coordinator, binding), cluster_, std::move(*certificate),
                      ca_.certificate_pem, std::move(*nodes)};
}

namespace {

error not_ours(const char* what, const std::string& where) {
    return {errc::permission_denied, what, where, "the machine there is not the coordinator that made the code"};
}

/// Everything that the coordinator sent, against the code and our own request.
result<joined> judge_grant(join_grant grant, signing_request request, const digest& proof, const digest& authority,
                           calendar_time now, const std::string& where) {
    if (!same_proof(grant.proof, proof))
        return not_ours("the other side does not know the invite's secret", where);
    const auto sent = fingerprint_of(grant.authority_pem);
    if (!sent || *sent != authority)
        return not_ours("the other side sent another authority than the code names", where);
    auto identity = assemble_identity(std::move(grant.certificate_pem), std::move(request.key_pem),
                                      std::move(grant.authority_pem), now);
    if (!identity)
        return identity.reason();
    const allowed_node* listed = grant.nodes.find(identity->fingerprint);
    if (identity->name != request.name || listed == nullptr || listed->revoked || listed->name != request.name)
        return not_ours("the certificate that was sent is not the one asked for", where);
    return joined{std::move(*identity), std::move(grant.cluster), std::move(grant.nodes)};
}

} // namespace

result<joined> join_cluster(const std::string& host, std::uint16_t port, const invite_code& code, std::string_view name,
                            calendar_time now, std::chrono::milliseconds deadline, std::stop_token stop) {
    const std::string where = fmt::format("{}:{}", host, port);
    auto request = make_signing_request(name);
    if (!request)
        return request.reason();
    auto context = tls::make_joiner_context();
    if (!context)
        return context.reason();
    const auto until = std::chrono::steady_clock::now() + deadline;
    const auto left = [&] {
        return std::max(std::chrono::milliseconds(1),
                        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
    };
    tls::verdict v;
    auto pipe = tls::tls_pipe::connect(host, port, context->get(), tls::protocol::join, v, deadline, stop);
    if (!pipe)
        return pipe.reason();
    // Nothing of ours is said before the other side has shown the authority that the code names.
    const auto authority_pem = tls::require_pinned_chain(pipe->session(), code);
    if (!authority_pem) {
        error e = authority_pem.reason();
        e.where = where;
        return e;
    }
    const auto authority = fingerprint_of(*authority_pem);
    const auto binding = tls::channel_binding_of(pipe->session());
    if (!authority || !binding)
        return authority ? binding.reason() : authority.reason();
    const digest key = invite_key_of(code);
    const join_ask ask{spoken_versions, invite_id_of(code), join_proof(key, join_side::joiner, *binding), std::string(name),
                       request->request_pem};
    pipe->set_idle(left());
    if (auto sent = pipe->write_frame(frame_type::join_ask, encode(ask)); !sent)
        return sent.reason();
    pipe->set_idle(left());
    const auto answer = pipe->read_frame(frame_type::join_grant);
    if (!answer)
        return answer.reason();
    auto grant = decode_join_grant(*answer);
    if (!grant)
        return grant.reason();
    return judge_grant(std::move(*grant), std::move(*request), join_proof(key, join_side::coordinator, *binding), *authority,
                       now, where);
}

} // namespace forge
