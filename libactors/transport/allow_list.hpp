// SPDX-License-Identifier: AGPL-3.0-only
// Which certificates may speak, and under which name. A value; whoever changes it makes a new one.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"

#include <map>
#include <string>
#include <string_view>

namespace forge {

struct allowed_node {
    std::string name;
    bool revoked = false; ///< kept in the list so that the refusal can say so
    friend bool operator==(const allowed_node&, const allowed_node&) = default;
};

inline constexpr std::size_t allow_list_nodes_max = 512; ///< bounds the join answer; clusters here are tens of machines

/// Fingerprint -> node. Several fingerprints may carry one name (a renewed certificate).
class allow_list {
public:
    /// @return nullptr for a fingerprint that is not listed.
    [[nodiscard]] const allowed_node* find(const digest& fingerprint) const;
    /// Listed and not revoked?
    [[nodiscard]] bool admits(const digest& fingerprint) const;
    /// @return errc::invalid_argument (name, or list full), errc::conflict when it is listed under another name.
    [[nodiscard]] result<allow_list> with(const digest& fingerprint, std::string_view name) const;
    /// Revokes every certificate of `name`. @return errc::not_found.
    [[nodiscard]] result<allow_list> without(std::string_view name) const;
    [[nodiscard]] const std::map<digest, allowed_node>& nodes() const { return nodes_; }

    friend bool operator==(const allow_list&, const allow_list&) = default;

private:
    friend result<allow_list> allow_list_from_text(std::string_view text);
    std::map<digest, allowed_node> nodes_;
};

/// One line a node, stored on disk: 64 hex digits, space, "allowed" or "revoked", space, name.
[[nodiscard]] std::string to_text(const allow_list& list);
/// @return errc::malformed with the line number.
[[nodiscard]] result<allow_list> allow_list_from_text(std::string_view text);

} // namespace forge
