// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/mirror_keeper.hpp"
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include <fmt/format.h>

namespace forge {

namespace {

struct keeper_data {
    static inline const char* name = "keeper";
    std::optional<mirror_keeper> files;
    std::shared_ptr<hub> links;
    node_address coordinator;
    std::shared_ptr<status_board> board;
};

using keeper_ptr = caf::stateful_actor<keeper_data>*;

/// Runs `work` with whatever it throws as its answer's error.
template <class Answer, class Work>
Answer answered(Work work) {
    Answer a;
    try {
        if (const result<void> done = work(a); !done)
            a.failed = to_remote(done.reason());
    } catch (...) {
        a.failed = to_remote(current_exception_as_error());
    }
    return a;
}

/// What the coordinator serves under this id is written where the next file belongs.
result<void> fetch(keeper_ptr self, std::uint64_t transfer, std::uint64_t bytes) {
    auto& d = self->state;
    const auto place = d.files->clear_incoming();
    if (!place)
        return place.reason();
    const auto sink = file_sink(*place, bytes);
    if (!sink)
        return sink.reason();
    stream_progress progress;
    const auto done = d.links->fetch(d.coordinator, transfer, *sink, progress);
    if (!done)
        return done.reason();
    if (done->length != bytes)
        return error{errc::malformed, fmt::format("{} bytes came where {} were announced", done->length, bytes), "data stream", "it is sent again"};
    return {};
}

caf::behavior keeper(keeper_ptr self, std::shared_ptr<hub> links, node_address coordinator, std::filesystem::path folder, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.files.emplace(std::move(folder));
    d.links = std::move(links);
    d.coordinator = std::move(coordinator);
    d.board = std::move(board);
    return {
        [self](const remote_mirror_offer& m) {
            return answered<remote_mirror_held>([&](remote_mirror_held& a) -> result<void> {
                const auto held = self->state.files->open({m.name, m.seed, digest_from_hex(m.config_hash), m.n_chains, m.lineage, epochs_from(m.epochs)});
                if (!held) {
                    self->state.board->notice("the copy of " + m.name + " does not follow this run: " + to_text(held.reason()));
                    return held.reason();
                }
                for (const auto& hash : *held)
                    a.files.push_back(to_hex(hash));
                return {};
            });
        },
        [self](const remote_mirror_file& m) {
            return answered<remote_mirror_kept>([&](remote_mirror_kept&) -> result<void> {
                if (auto came = fetch(self, m.transfer, m.bytes); !came)
                    return came;
                return self->state.files->keep_file({m.name, digest_from_hex(m.hash), m.bytes});
            });
        },
        [self](const remote_mirror_ledger& m) {
            return answered<remote_mirror_kept>([&](remote_mirror_kept&) -> result<void> {
                if (auto came = fetch(self, m.transfer, m.bytes); !came)
                    return came;
                return self->state.files->keep_ledger(m.whole, digest_from_hex(m.hash), {digest_from_hex(m.after_hash), epochs_from(m.after_epochs), m.after_events});
            });
        },
        [self](const remote_mirror_list&) {
            return answered<remote_mirror_listing>([&](remote_mirror_listing& a) -> result<void> {
                const auto runs = self->state.files->list();
                if (!runs)
                    return runs.reason();
                for (const auto& r : *runs) {
                    remote_mirror_run out{r.id, r.seed, to_hex(r.config_hash), r.trajectories, {}};
                    for (const auto& f : r.files)
                        out.files.push_back({f.name, to_hex(f.hash), f.bytes, 0});
                    a.runs.push_back(std::move(out));
                }
                return {};
            });
        },
        [self](const remote_mirror_send& m) {
            return answered<remote_mirror_kept>([&](remote_mirror_kept&) -> result<void> {
                const auto file = self->state.files->find(m.id, m.name);
                if (!file)
                    return file.reason();
                const auto source = file_source(*file);
                if (!source)
                    return source.reason();
                const auto sent = self->state.links->push(self->state.coordinator, m.transfer, *source);
                if (!sent)
                    return sent.reason();
                return {};
            });
        },
    };
}

} // namespace

caf::actor spawn_keeper(caf::local_actor* parent, std::shared_ptr<hub> links, node_address coordinator, std::filesystem::path folder,
                        std::shared_ptr<status_board> board) {
    return parent->spawn<caf::detached + caf::monitored>(keeper, std::move(links), std::move(coordinator), std::move(folder), std::move(board));
}

} // namespace forge
