// SPDX-License-Identifier: AGPL-3.0-only
// What a machine keeps on disk about its cluster: identity, who is allowed, open invites, where the coordinator is.
#pragma once

#include "libactors/transport/hub.hpp"
#include "libactors/transport/join.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace forge::app {

inline constexpr std::uint16_t default_port = 7717;

/// FORGE_CLUSTER_DIR, else XDG_CONFIG_HOME/metalforge/cluster, else HOME/.config/metalforge/cluster.
[[nodiscard]] std::filesystem::path default_cluster_folder();
/// This machine's name as a node name: its host name in lower case, cut at the first dot; "node" when that is none.
[[nodiscard]] std::string default_node_name();

/// "HOST:PORT", "HOST" (default port), "[v6]:PORT". @return errc::invalid_argument.
[[nodiscard]] result<node_address> address_from_text(const std::string& text);

/// A folder of mode 0700: cluster, authority.crt, authority.key (coordinator only), node.crt, node.key, nodes, invites,
/// coordinator (joined nodes only). Every change is made under a lock, so commands may run beside a coordinator.
class cluster_folder {
public:
    /// A new cluster with this machine as its first node. @return errc::already_exists, errc::invalid_argument (names).
    [[nodiscard]] static result<cluster_folder> create(const std::filesystem::path& root, const std::string& cluster, const std::string& name);
    /// What a joiner came home with. @return errc::already_exists when the folder belongs to a cluster.
    [[nodiscard]] static result<cluster_folder> keep(const std::filesystem::path& root, const joined& j, const node_address& coordinator);
    /// @return errc::not_found with what to do, or what is wrong with the identity (expired, readable by others, ...).
    [[nodiscard]] static result<cluster_folder> open(const std::filesystem::path& root);

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    [[nodiscard]] const std::string& cluster() const { return cluster_; }
    [[nodiscard]] const node_identity& identity() const { return identity_; }
    /// The machine that made the cluster: it alone invites and revokes.
    [[nodiscard]] bool is_authority() const;
    [[nodiscard]] result<node_address> coordinator() const;
    [[nodiscard]] result<allow_list> nodes() const;
    [[nodiscard]] result<invite_code> invite(std::chrono::seconds ttl) const;
    [[nodiscard]] result<void> revoke(const std::string& name) const;
    /// Answers joiners out of the files, so that an invite that is made while a campaign runs counts at once.
    [[nodiscard]] std::shared_ptr<join_desk> desk() const;

private:
    std::filesystem::path root_;
    std::string cluster_;
    node_identity identity_;
};

} // namespace forge::app
