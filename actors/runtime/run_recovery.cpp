// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/runtime/run_recovery.hpp"

#include "actors/remote/mirror_keeper.hpp"
#include "actors/remote/node_middleman.hpp"
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/checkpoint/checkpoint_store.hpp"

#include <caf/io/basp_broker.hpp>
#include <fmt/format.h>

#include <future>

namespace forge {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes node_timeout{10}; ///< it lists its copies (hashing all of them), or sends one file

/// Where the run is put together: beside its place, so that a rename is enough.
fs::path workshop_of(const fs::path& root) {
    auto name = root;
    name += ".recovering";
    return name;
}

result<fs::path> open_workshop(const fs::path& root) {
    std::error_code ec;
    if (fs::exists(root, ec) && !fs::is_empty(root, ec))
        return error{errc::already_exists, "the run directory is there; a copy does not replace it", root.string(),
                     "forge run without --from-mirror goes on with it; or move it away; or --out DIR"};
    const auto place = workshop_of(root);
    fs::remove_all(place, ec); // of a recovery that was interrupted
    fs::create_directories(place / "checkpoints", ec);
    if (ec)
        return error{errc::io_failed, "cannot make a folder: " + ec.message(), place.string(), "--out DIR"};
    return place;
}

/// Verifies, names the new history, and moves it to its place.
result<recovered_run> install(const fs::path& place, const fs::path& root, std::string from) {
    const auto records = verify_run(place);
    if (!records)
        return records.reason();
    recovered_run done{*records, std::move(from), fresh_lineage()};
    {
        auto book = ledger::open_existing(place / "ledger.sqlite");
        if (!book)
            return book.reason();
        if (auto named = book->add_lineage(done.lineage, utc_now()); !named)
            return named.reason();
    }
    FORGE_FAILPOINT_RETURN("recovery.before_install");
    std::error_code ec;
    fs::remove(root, ec); // an empty folder, or nothing
    if (auto placed = put_folder(place, root); !placed)
        return placed.reason();
    FORGE_FAILPOINT("recovery.after_install");
    return done;
}

error other_campaign(const std::string& where) {
    return {errc::conflict, "the copy is of another campaign (its physics or its seed differ)", where, "the campaign file that the run was started with"};
}

bool fits(const recovery_wish& wish, const std::string& seed, const digest& config_hash) {
    return (!wish.config_hash || *wish.config_hash == config_hash) && (!wish.seed || *wish.seed == seed);
}

/// The node's copy that is meant.
result<remote_mirror_run> choose(const remote_mirror_listing& listing, const recovery_wish& wish, const std::string& node) {
    std::vector<remote_mirror_run> fitting;
    std::string names;
    for (const auto& run : listing.runs) {
        names += (names.empty() ? "" : ", ") + run.id;
        if (fits(wish, run.seed, digest_from_hex(run.config_hash)))
            fitting.push_back(run);
    }
    if (fitting.size() == 1)
        return fitting.front();
    if (fitting.empty())
        return error{errc::not_found, names.empty() ? "the node keeps no copies" : "the node has no copy of this campaign; it has " + names, node,
                     "the campaign file that the run was started with"};
    return error{errc::conflict, "the node has several copies that fit: " + names, node, "name the seed in the campaign file"};
}

/// Fetches one file of a copy into the workshop.
result<void> fetch(caf::scoped_actor& self, hub& links, const node_came& at, const std::string& id, const remote_mirror_file& file, const fs::path& place) {
    const auto target = place / file.name;
    const auto sink = file_sink(target, file.bytes);
    if (!sink)
        return sink.reason();
    const auto arrived = std::make_shared<std::promise<result<stream_report>>>();
    auto report = arrived->get_future();
    const auto transfer = links.transfers().receive(at.peer, *sink, std::make_shared<stream_progress>(), {},
                                                    [arrived](result<stream_report> r) { arrived->set_value(std::move(r)); });
    if (!transfer)
        return transfer.reason();
    std::optional<error> failed;
    self->request(at.gate, node_timeout, remote_mirror_send{id, file.name, *transfer})
        .receive([&](const remote_mirror_kept& k) { failed = from_remote(k.failed); },
                 [&](const caf::error& e) { failed = error{errc::unreachable, "the node does not answer: " + self->system().render(e), at.peer.name, "forge node list"}; });
    if (failed) {
        links.transfers().withdraw(*transfer);
        return *failed;
    }
    if (report.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
        return error{errc::unreachable, "the file did not come", file.name, "try again"};
    if (const auto r = report.get(); !r)
        return r.reason();
    const auto bytes = mapped_file::open(target);
    if (!bytes)
        return bytes.reason();
    if (sha256_of(bytes->bytes()) != digest_from_hex(file.hash))
        return error{errc::checksum_mismatch, "the file came with other bytes than the node has", file.name, "try again"};
    return {};
}

/// A name from the network becomes a path only when it is one of a run's files.
bool is_run_file(const std::string& name) {
    if (name == "ledger.sqlite" || name == "campaign.toml")
        return true;
    constexpr std::string_view folder = "checkpoints/";
    return name.starts_with(folder) && name.size() > folder.size() && name.find('/', folder.size()) == std::string::npos && name[folder.size()] != '.';
}

} // namespace

result<recovered_run> recover_from_folder(const fs::path& copy, const recovery_wish& wish, const fs::path& root) {
    {
        auto book = ledger::open_existing(copy / "ledger.sqlite"); // settles what a killed keeper left
        if (!book)
            return book.reason();
        if (!fits(wish, book->identity().campaign_seed, book->identity().config_hash))
            return other_campaign(copy.string());
    }
    const auto place = open_workshop(root);
    if (!place)
        return place.reason();
    for (const char* name : {"ledger.sqlite", "campaign.toml", "checkpoints"}) {
        std::error_code ec;
        if (fs::exists(copy / name, ec))
            fs::copy(copy / name, *place / name, fs::copy_options::recursive | fs::copy_options::overwrite_existing, ec);
        if (ec)
            return error{errc::io_failed, "cannot copy " + std::string(name) + ": " + ec.message(), place->string(), "is the disk full?"};
    }
    return install(*place, root, copy.string());
}

result<recovered_run> recover_from_node(const cluster_parts& setup, const std::string& node, const recovery_wish& wish, const fs::path& root,
                                        const std::function<bool()>& cancelled, const std::function<void(const std::string&)>& say) {
    const auto place = open_workshop(root);
    if (!place)
        return place.reason();
    cluster_config config(setup.identity.node_id);
    caf::actor_system actors(config);
    const auto gate = std::make_shared<std::promise<caf::actor>>();
    const auto cluster = gate->get_future().share();
    hub_events events;
    events.on_up = [cluster](std::shared_ptr<link> l) { caf::anon_send(cluster.get(), link_came{std::move(l)}); };
    events.on_down = [cluster](const link_peer& peer, const std::string& why) { caf::anon_send(cluster.get(), link_went{peer, why}); };
    auto started = hub::start(setup.identity, setup.nodes, std::move(events));
    if (!started) {
        gate->set_value(nullptr);
        return started.reason();
    }
    const std::shared_ptr<hub> links = std::move(started).value();
    caf::scoped_actor self(actors);
    const auto board = std::make_shared<status_board>();
    const auto guard = spawn_cluster(actors, actors.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP")), caf::actor_cast<caf::actor>(self), board);
    gate->set_value(guard);
    auto outcome = [&]() -> result<recovered_run> {
        const auto port = links->listen(setup.address, setup.port);
        if (!port)
            return port.reason();
        say(fmt::format("waiting at port {} for {} with a copy of the run", *port, node == "node" ? "a node" : "node " + node));
        std::optional<node_came> came;
        while (!came) {
            if (cancelled())
                return error{errc::interrupted, "stopped while waiting for the node", node, ""};
            self->receive([&](const node_came& m) { came = m; }, [](const node_drains&) {}, [](const remote_late&) { return remote_late_refused{}; },
                          caf::after(std::chrono::milliseconds(100)) >> [] {});
            if (came && ((node != "node" && came->peer.name != node) || !came->keeps_mirror))
                came.reset();
        }
        say("node " + came->peer.name + " is there");
        result<remote_mirror_run> chosen = error{errc::internal, "no answer", node, ""};
        self->request(came->gate, node_timeout, remote_mirror_list{})
            .receive(
                [&](const remote_mirror_listing& l) {
                    if (const auto why = from_remote(l.failed))
                        chosen = *why;
                    else
                        chosen = choose(l, wish, came->peer.name);
                },
                [&](const caf::error& e) { chosen = error{errc::unreachable, "the node does not answer: " + actors.render(e), node, "forge node list"}; });
        if (!chosen)
            return chosen.reason();
        std::uint64_t bytes = 0;
        for (const auto& file : chosen->files) {
            if (cancelled())
                return error{errc::interrupted, "stopped while fetching", file.name, ""};
            if (!is_run_file(file.name))
                return error{errc::malformed, "\"" + file.name + "\" is no file of a run", came->peer.name, "are both programs of the same version?"};
            if (auto fetched = fetch(self, *links, *came, chosen->id, file, *place); !fetched)
                return fetched.reason();
            bytes += file.bytes;
        }
        say(fmt::format("fetched {} files, {:.1f} MB, from {}", chosen->files.size(), static_cast<double>(bytes) / 1e6, came->peer.name));
        return install(*place, root, came->peer.name);
    }();
    caf::anon_send_exit(guard, caf::exit_reason::user_shutdown);
    self->wait_for(guard);
    links->stop();
    return outcome;
}

} // namespace forge
