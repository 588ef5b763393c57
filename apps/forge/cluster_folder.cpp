// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/cluster_folder.hpp"

#include "libactors/transport/secure_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <functional>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace forge::app {

namespace {

calendar_time now() { return std::chrono::system_clock::now(); }

/// Exclusive among the programs that change this folder.
class folder_lock {
public:
    explicit folder_lock(const std::filesystem::path& root) : fd_(::open((root / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (fd_ >= 0)
            ::flock(fd_, LOCK_EX);
    }
    ~folder_lock() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    folder_lock(const folder_lock&) = delete;
    folder_lock& operator=(const folder_lock&) = delete;

private:
    int fd_;
};

result<membership> read_membership(const std::filesystem::path& root) {
    membership m;
    const auto nodes = read_small_file(root / "nodes", file_privacy::open);
    if (!nodes)
        return nodes.reason();
    auto list = allow_list_from_text(*nodes);
    if (!list)
        return list.reason();
    m.nodes = *list;
    if (const auto invites = read_small_file(root / "invites", file_privacy::secret)) {
        auto book = invite_book_from_text(*invites);
        if (!book)
            return book.reason();
        m.invites = *book;
    } else if (invites.reason().code != errc::not_found) {
        return invites.reason();
    }
    return m;
}

result<void> write_membership(const std::filesystem::path& root, const membership& m) {
    // Invites first: one that is used up must never be found open beside a node that it let in.
    if (auto done = write_file_atomically(root / "invites", to_text(m.invites), file_privacy::secret); !done)
        return done;
    return write_file_atomically(root / "nodes", to_text(m.nodes), file_privacy::open);
}

class folder_desk final : public join_desk {
public:
    folder_desk(std::filesystem::path root, std::string cluster) : root_(std::move(root)), cluster_(std::move(cluster)) {}
    bool open() override {
        const auto m = read_membership(root_);
        return m && m->invites.any_open(now());
    }
    result<join_grant> admit(const join_ask& ask, std::span<const std::uint8_t> binding) override {
        const folder_lock lock(root_);
        auto held = read_membership(root_);
        if (!held)
            return held.reason();
        const auto ca = load_authority(root_, now());
        if (!ca)
            return ca.reason();
        join_office office(*ca, cluster_, *held, now, [this](const membership& m) { return write_membership(root_, m); }, {});
        return office.admit(ask, binding);
    }

private:
    std::filesystem::path root_;
    std::string cluster_;
};

result<void> empty_or_refuse(const std::filesystem::path& root) {
    std::error_code ignored;
    if (std::filesystem::exists(root / "node.crt", ignored) || std::filesystem::exists(root / "cluster", ignored))
        return error{errc::already_exists, "this folder belongs to a cluster already", root.string(), "another folder (--cluster DIR), or forge cluster list to see which"};
    return {};
}

} // namespace

std::filesystem::path default_cluster_folder() {
    const auto variable = [](const char* name) -> std::filesystem::path {
        const char* value = std::getenv(name);
        return value != nullptr ? value : "";
    };
    if (const auto own = variable("FORGE_CLUSTER_DIR"); !own.empty())
        return own;
    if (const auto xdg = variable("XDG_CONFIG_HOME"); !xdg.empty())
        return xdg / "metalforge" / "cluster";
    return variable("HOME") / ".config" / "metalforge" / "cluster";
}

std::string default_node_name() {
    char text[256] = {};
    ::gethostname(text, sizeof text - 1);
    std::string name(text);
    name = name.substr(0, name.find('.'));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return is_node_name(name) ? name : "node";
}

result<node_address> address_from_text(const std::string& text) {
    const error refused{errc::invalid_argument, "\"" + text + "\" is no address", "HOST:PORT", "lab1:7717, 192.168.1.5:7717 or [fe80::1]:7717"};
    node_address a;
    a.port = default_port;
    const auto bracket = text.find(']');
    const auto colon = text.rfind(':');
    const bool has_port = colon != std::string::npos && (bracket == std::string::npos ? text.find(':') == colon : colon > bracket);
    a.host = has_port ? text.substr(0, colon) : text;
    if (!a.host.empty() && a.host.front() == '[' && a.host.back() == ']')
        a.host = a.host.substr(1, a.host.size() - 2);
    if (has_port) {
        const char* end = text.data() + text.size();
        const auto [stop, status] = std::from_chars(text.data() + colon + 1, end, a.port);
        if (status != std::errc{} || stop != end)
            return refused;
    }
    if (a.host.empty())
        return refused;
    return a;
}

result<cluster_folder> cluster_folder::create(const std::filesystem::path& root, const std::string& cluster, const std::string& name) {
    if (auto free = empty_or_refuse(root); !free)
        return free.reason();
    const auto ca = make_authority(cluster, validity::of_days(now(), authority_days));
    if (!ca)
        return ca.reason();
    const auto identity = make_identity(*ca, name, validity::of_days(now(), node_days));
    if (!identity)
        return identity.reason();
    const auto nodes = allow_list{}.with(identity->fingerprint, name);
    if (!nodes)
        return nodes.reason();
    for (const auto& step : {std::function<result<void>()>([&] { return save_authority(root, *ca); }), std::function<result<void>()>([&] { return save_identity(root, *identity); }),
                             std::function<result<void>()>([&] { return write_membership(root, {{}, *nodes}); }),
                             std::function<result<void>()>([&] { return write_file_atomically(root / "cluster", cluster + "\n", file_privacy::open); })})
        if (auto done = step(); !done)
            return done.reason();
    return open(root);
}

result<cluster_folder> cluster_folder::keep(const std::filesystem::path& root, const joined& j, const node_address& coordinator) {
    if (auto free = empty_or_refuse(root); !free)
        return free.reason();
    if (auto done = save_identity(root, j.identity); !done)
        return done.reason();
    if (auto done = write_membership(root, {{}, j.nodes}); !done)
        return done.reason();
    if (auto done = write_file_atomically(root / "coordinator", fmt::format("{}\n{}\n", coordinator.host, coordinator.port), file_privacy::open); !done)
        return done.reason();
    if (auto done = write_file_atomically(root / "cluster", j.cluster + "\n", file_privacy::open); !done)
        return done.reason();
    return open(root);
}

result<cluster_folder> cluster_folder::open(const std::filesystem::path& root) {
    const auto cluster = read_small_file(root / "cluster", file_privacy::open);
    if (!cluster)
        return error{cluster.reason().code, cluster.reason().code == errc::not_found ? "this machine belongs to no cluster" : cluster.reason().what, root.string(),
                     "forge cluster init here, or paste the line of forge cluster invite from the coordinator"};
    auto identity = load_identity(root, now());
    if (!identity)
        return identity.reason();
    cluster_folder f;
    f.root_ = root;
    f.cluster_ = cluster->substr(0, cluster->find('\n'));
    f.identity_ = std::move(identity).value();
    return f;
}

bool cluster_folder::is_authority() const {
    std::error_code ignored;
    return std::filesystem::exists(root_ / "authority.key", ignored);
}

result<node_address> cluster_folder::coordinator() const {
    const auto text = read_small_file(root_ / "coordinator", file_privacy::open);
    if (!text)
        return error{errc::not_found, "this machine does not know where the coordinator is", root_.string(), "forge node start --coordinator HOST:PORT"};
    const auto cut = text->find('\n');
    return address_from_text("[" + text->substr(0, cut) + "]:" + text->substr(cut + 1, text->find('\n', cut + 1) - cut - 1));
}

result<allow_list> cluster_folder::nodes() const {
    auto m = read_membership(root_);
    if (!m)
        return m.reason();
    return m->nodes;
}

result<invite_code> cluster_folder::invite(std::chrono::seconds ttl) const {
    const folder_lock lock(root_);
    auto held = read_membership(root_);
    if (!held)
        return held.reason();
    const auto ca = load_authority(root_, now());
    if (!ca)
        return error{ca.reason().code, "only the machine that made the cluster can invite: " + ca.reason().what, root_.string(), "run it there"};
    join_office office(*ca, cluster_, *held, now, [this](const membership& m) { return write_membership(root_, m); }, {});
    return office.invite(ttl);
}

result<void> cluster_folder::revoke(const std::string& name) const {
    const folder_lock lock(root_);
    auto held = read_membership(root_);
    if (!held)
        return held.reason();
    auto fewer = held->nodes.without(name);
    if (!fewer)
        return fewer.reason();
    held->nodes = *fewer;
    return write_membership(root_, *held);
}

std::shared_ptr<join_desk> cluster_folder::desk() const { return is_authority() ? std::make_shared<folder_desk>(root_, cluster_) : nullptr; }

} // namespace forge::app
