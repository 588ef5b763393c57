// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/join_message.hpp"

namespace forge {

namespace {

error malformed(const char* field) { return {errc::malformed, "malformed join message", field, ""}; }

} // namespace

std::vector<std::byte> encode(const join_ask& ask) {
    byte_writer out;
    const auto versions = static_cast<std::uint32_t>(ask.versions.min) | static_cast<std::uint32_t>(ask.versions.max) << 16;
    out.u32(versions).u64(ask.invite).hash(ask.proof).text(ask.name).text(ask.request_pem);
    return out.bytes();
}

std::vector<std::byte> encode(const join_grant& grant) {
    byte_writer out;
    out.hash(grant.proof).text(grant.cluster).text(grant.certificate_pem).text(grant.authority_pem);
    out.text(to_text(grant.nodes));
    return out.bytes();
}

result<join_ask> decode_join_ask(std::span<const std::byte> bytes) {
    byte_reader in(bytes); // its texts are cut from the bytes that are there, never made by an announced length
    join_ask ask;
    const std::uint32_t versions = in.u32();
    ask.versions = {static_cast<std::uint16_t>(versions & 0xffffu), static_cast<std::uint16_t>(versions >> 16)};
    ask.invite = in.u64();
    ask.proof = in.hash();
    ask.name = in.text();
    ask.request_pem = in.text();
    if (!in.ok() || !in.at_end() || bytes.size() > join_ask_bytes_max)
        return malformed("length");
    if (ask.versions.min == 0 || ask.versions.min > ask.versions.max)
        return malformed("versions");
    if (!is_node_name(ask.name))
        return malformed("name");
    if (ask.request_pem.size() > request_bytes_max)
        return malformed("request");
    return ask;
}

result<join_grant> decode_join_grant(std::span<const std::byte> bytes) {
    byte_reader in(bytes);
    join_grant grant;
    grant.proof = in.hash();
    grant.cluster = in.text();
    grant.certificate_pem = in.text();
    grant.authority_pem = in.text();
    const std::string nodes = in.text();
    if (!in.ok() || !in.at_end() || bytes.size() > join_grant_bytes_max)
        return malformed("length");
    if (!is_node_name(grant.cluster))
        return malformed("cluster");
    if (grant.certificate_pem.size() > certificate_bytes_max || grant.authority_pem.size() > certificate_bytes_max)
        return malformed("certificate");
    auto list = allow_list_from_text(nodes);
    if (!list)
        return malformed("allow-list");
    grant.nodes = std::move(*list);
    return grant;
}

} // namespace forge
