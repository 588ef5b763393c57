// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/allow_list.hpp"

#include "libactors/transport/identity.hpp"

#include <fmt/format.h>

namespace forge {

const allowed_node* allow_list::find(const digest& fingerprint) const {
    const auto at = nodes_.find(fingerprint);
    return at == nodes_.end() ? nullptr : &at->second;
}

bool allow_list::admits(const digest& fingerprint) const {
    const allowed_node* node = find(fingerprint);
    return node != nullptr && !node->revoked;
}

result<allow_list> allow_list::with(const digest& fingerprint, std::string_view name) const {
    if (!is_node_name(name) || fingerprint == digest{})
        return error{errc::invalid_argument, "not a node name with its fingerprint", std::string(name.substr(0, 80)), ""};
    if (nodes_.size() >= allow_list_nodes_max)
        return error{errc::invalid_argument, fmt::format("the list holds {} certificates already", nodes_.size()), "",
                     "remove revoked nodes that will not come back"};
    if (const auto* present = find(fingerprint); present != nullptr && present->name != name)
        return error{errc::conflict, "this certificate is listed under another name", present->name, ""};
    allow_list grown = *this;
    grown.nodes_[fingerprint] = {std::string(name), false};
    return grown;
}

result<allow_list> allow_list::without(std::string_view name) const {
    allow_list shrunk = *this;
    bool found = false;
    for (auto& [fingerprint, node] : shrunk.nodes_)
        if (node.name == name)
            found = node.revoked = true;
    if (!found)
        return error{errc::not_found, "no such node in the cluster", std::string(name.substr(0, 80)),
                     "forge cluster list shows the names"};
    return shrunk;
}

std::string to_text(const allow_list& list) {
    std::string text;
    for (const auto& [fingerprint, node] : list.nodes())
        text += fmt::format("{} {} {}\n", to_hex(fingerprint), node.revoked ? "revoked" : "allowed", node.name);
    return text;
}

result<allow_list> allow_list_from_text(std::string_view text) {
    allow_list list;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty())
            continue;
        const digest fingerprint = digest_from_hex(line.substr(0, 64));
        const std::string_view rest = line.size() > 65 ? line.substr(64) : std::string_view();
        const bool revoked = rest.starts_with(" revoked ");
        const std::string_view name = rest.size() > 9 ? rest.substr(9) : std::string_view();
        if ((!revoked && !rest.starts_with(" allowed ")) || fingerprint == digest{} || !is_node_name(name) ||
            list.nodes_.size() >= allow_list_nodes_max || !list.nodes_.try_emplace(fingerprint, allowed_node{std::string(name), revoked}).second)
            return error{errc::malformed, "not a line of an allow-list", fmt::format("line {}", number),
                         "restore the file from a copy; every line is: fingerprint, allowed or revoked, name"};
    }
    return list;
}

} // namespace forge
