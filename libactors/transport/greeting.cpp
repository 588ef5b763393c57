// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/greeting.hpp"

#include "libactors/transport/frame.hpp"

#include <fmt/format.h>

namespace forge {

namespace {

std::uint8_t kind_of(errc code) {
    switch (code) {
    case errc::version_too_new: return 2;
    case errc::conflict: return 3;
    case errc::malformed: return 4;
    default: return 1;
    }
}

errc code_of(std::uint8_t kind) {
    switch (kind) {
    case 2: return errc::version_too_new;
    case 3: return errc::conflict;
    case 4: return errc::malformed;
    default: return errc::permission_denied;
    }
}

} // namespace

result<std::uint16_t> judge_hello(const hello& theirs, const hello& ours, std::string_view certified) {
    auto version = agree_on_version(ours.versions, theirs.versions);
    if (!version)
        return version;
    if (theirs.cluster != ours.cluster)
        return error{errc::conflict, fmt::format("the peer belongs to cluster {}, this node to {}", theirs.cluster, ours.cluster),
                     "", "check the address"};
    if (theirs.name != certified)
        return error{errc::permission_denied,
                     fmt::format("the peer calls itself {}, its certificate belongs to {}", theirs.name, certified), "",
                     "one machine, one identity: do not copy identity folders"};
    if (theirs.incarnation == ours.incarnation)
        return error{errc::conflict, "this node reached itself", "", "check the address"};
    if (theirs.node_id == ours.node_id)
        return error{errc::conflict, "another node has this node's id", "", "restart one of the two"};
    return version;
}

std::vector<std::byte> encode_refusal(const error& why) {
    std::vector<std::byte> payload{static_cast<std::byte>(kind_of(why.code))};
    std::string words = why.what;
    if (!why.hint.empty())
        words += "; " + why.hint;
    for (const char c : words.substr(0, refusal_text_max - 1))
        payload.push_back(static_cast<std::byte>(c));
    return payload;
}

error decode_refusal(std::span<const std::byte> payload, const std::string& where) {
    std::string words;
    for (const auto b : payload.empty() ? payload : payload.subspan(1)) {
        const char c = static_cast<char>(b);
        words.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
    const std::uint8_t kind = payload.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(payload.front());
    return {code_of(kind), "the node there refused: " + (words.empty() ? std::string("no reason given") : words), where, ""};
}

} // namespace forge
