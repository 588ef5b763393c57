// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/recorder_core.hpp"

#include "libactors/base/failpoint.hpp"

#include "actors/roles/roles.hpp"

#include "libactors/hmc/trajectory.hpp"
#include "libactors/lattice/state_hash.hpp"
#include "libactors/wire/checkpoint_codec.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace forge {

namespace {

constexpr std::string_view folder = "checkpoints/"; // rows name files relative to the run directory

std::string store_name(const std::string& row_file) {
    return row_file.starts_with(folder) ? row_file.substr(folder.size()) : row_file;
}

} // namespace

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

void recorder_core::event(const std::string& kind, chain_id chain, std::optional<std::uint64_t> trajectory, const std::string& text) {
    event_row row;
    row.kind = kind;
    row.chain = chain;
    row.trajectory = trajectory;
    row.text = text;
    log(row);
}

void recorder_core::log(event_row row) {
    if (row.utc.empty())
        row.utc = utc_now();
    if (const auto written = parts_->book->add_event(row); !written)
        notice_("event not recorded: " + to_text(written.reason()));
}

std::optional<chain_state> recorder_core::newest_checkpoint(chain_id chain) {
    const auto rows = parts_->book->checkpoints(chain).or_throw();
    for (const auto& row : rows) {
        if (!row.live)
            continue;
        const auto name = store_name(row.file);
        auto read = [&]() -> result<chain_state> {
            const auto file = parts_->store->map(name);
            if (!file)
                return file.reason();
            auto state = decode_checkpoint(file->bytes());
            if (!state)
                return state.reason();
            if (state->chain != chain || state->trajectory != row.trajectory || state->head != row.head ||
                !(state->state == row.state) || state->campaign_seed != parts_->seed)
                return error{errc::conflict, "the file is a checkpoint, but not the one that the ledger names", row.file, ""};
            return state;
        }();
        if (read)
            return std::move(read).value();
        const auto text = fmt::format("{}: checkpoint {} (trajectory {}) is not used: {}", to_text(chain), row.file, row.trajectory,
                                      to_text(read.reason()));
        notice_(text);
        event("checkpoint_refused", chain, row.trajectory, text);
    }
    return std::nullopt;
}

chain_prepared recorder_core::prepare(chain_id chain) {
    chain_prepared p;
    try {
        auto& book = *parts_->book;
        FORGE_FAILPOINT_THROW("recorder.before_prepare");
        p.start.chain = chain;
        p.start.epoch = book.take_epoch(chain).or_throw();
        FORGE_FAILPOINT_THROW("recorder.epoch_taken");
        p.start.head = genesis_hash(parts_->seed, chain);
        const auto state = newest_checkpoint(chain);
        const auto committed = book.count(chain).or_throw();
        FORGE_FAILPOINT_THROW("recorder.checkpoint_chosen");
        if (!state) {
            book.begin_at(chain, p.start.epoch, 0).or_throw();
            p.links = std::make_shared<const gauge_field>(parts_->start_links(chain).or_throw());
        } else {
            p.start.trajectory = state->trajectory;
            p.start.head = state->head;
            p.start.state = state->state;
            book.begin_at(chain, p.start.epoch, state->trajectory).or_throw();
            for (const auto& row : book.segments(chain).or_throw())
                if (row.number == state->segment) {
                    if (row.params != state->params)
                        throw failure(error{errc::conflict, "the ledger's parameters of " + to_text(row.number) + " are not those in the verified checkpoint",
                                            to_text(chain), "forge ledger check: somebody changed the ledger"});
                    p.start.segment = opened_segment{row.number, row.ordinal, row.first_trajectory, row.params};
                    p.start.next_ordinal = row.ordinal + 1;
                }
            if (!p.start.segment)
                throw failure(error{errc::conflict, "the checkpoint's segment is not in the ledger", to_text(chain), "forge ledger check"});
            for (const auto& row : book.records(chain, true, state->segment_first, state->trajectory).or_throw())
                if (row.record.measured) {
                    if (p.start.measured.empty())
                        p.start.thermalised_after = static_cast<std::uint32_t>(row.record.trajectory - state->segment_first);
                    p.start.measured.push_back(row.record.observed.plaquette());
                    p.measured.push_back(row.record.observed);
                }
            p.links = std::make_shared<const gauge_field>(state->links);
        }
        FORGE_FAILPOINT_THROW("recorder.prepared");
        const auto again = committed - std::min(committed, p.start.trajectory);
        if (p.start.epoch.value > 1 || p.start.trajectory > 0)
            notice_(fmt::format("{}: goes on after trajectory {} (epoch {}){}", to_text(chain), p.start.trajectory, p.start.epoch.value,
                                again > 0 ? fmt::format("; {} committed after the last seal are computed again", again) : ""));
        event("chain_prepared", chain, p.start.trajectory, fmt::format("epoch {}, {} unsealed", p.start.epoch.value, again));
    } catch (...) { // whatever it is, it belongs to this chain, not to the recorder of all
        p.failed = current_exception_as_error();
    }
    return p;
}

fate_told recorder_core::fate_of(const late_result& late) {
    auto& book = *parts_->book;
    const auto current = book.epoch(late.chain);
    const auto rows = book.records(late.chain, false, late.trajectory, late.trajectory);
    const bool committed = rows && std::any_of(rows->begin(), rows->end(), [&late](const record_row& r) { return r.epoch == late.epoch; });
    return {committed, current ? *current : epoch_no{}};
}

segment_answer recorder_core::find_segment(chain_id chain, std::uint64_t first_trajectory) {
    const auto rows = parts_->book->segments(chain);
    if (!rows)
        return {std::nullopt, rows.reason()};
    for (const auto& row : *rows)
        if (row.first_trajectory == first_trajectory)
            return {opened_segment{row.number, row.ordinal, row.first_trajectory, row.params}, std::nullopt};
    return {};
}

result<segment_row> recorder_core::open_segment(chain_id chain, epoch_no epoch, std::uint64_t first_trajectory,
                                                const steering_decision& decision) {
    auto row = parts_->book->open_segment(chain, epoch, first_trajectory, decision.params, decision.reason);
    if (row)
        event("segment_opened", chain, first_trajectory, fmt::format("{} beta {}: {}", to_text(row->number), row->params.beta, row->reason));
    return row;
}

void recorder_core::finish_segment(chain_id chain, epoch_no epoch, segment_no number) {
    if (const auto done = parts_->book->finish_segment(chain, epoch, number); !done)
        notice_(to_text(chain) + ": " + to_text(done.reason()));
}

result<void> recorder_core::seal(chain_state& state, epoch_no epoch) {
    FORGE_FAILPOINT_RETURN("recorder.before_seal");
    state.plaquette = host_plaquette(state.links);
    state.provenance += " written=" + utc_now();
    const auto name = fmt::format("{}-{:08}.ckpt", to_text(state.chain), state.trajectory);
    encode_options options;
    options.numerics_version = std::to_string(numerics_version);
    const auto verify = [&state](std::span<const std::byte> bytes) -> result<void> {
        const auto back = decode_checkpoint(bytes);
        if (!back)
            return back.reason();
        if (!(fingerprint_of(back->links) == state.state))
            return error{errc::checksum_mismatch, "the links read back do not have the fingerprint that the device computed", "",
                         "the host's or the device's memory may be faulty"};
        return {};
    };
    const auto stored = parts_->store->put(name, [&](const byte_sink& sink) { return encode_checkpoint(state, sink, options); }, verify);
    if (!stored)
        return stored.reason();
    FORGE_FAILPOINT_RETURN("recorder.stored");
    checkpoint_row row;
    row.chain = state.chain;
    row.trajectory = state.trajectory;
    row.epoch = epoch;
    row.file = std::string(folder) + name;
    row.file_hash = stored->hash;
    row.bytes = stored->bytes;
    row.state = state.state;
    row.head = state.head;
    row.utc = utc_now();
    if (const auto added = parts_->book->add_checkpoint(row); !added)
        return added.reason();
    FORGE_FAILPOINT("recorder.sealed");
    drop_old_generations(state.chain);
    return {};
}

void recorder_core::drop_old_generations(chain_id chain) {
    const auto rows = parts_->book->checkpoints(chain);
    if (!rows || rows->size() <= parts_->plan.keep_checkpoints)
        return;
    std::vector<std::string> names;
    for (const auto& row : *rows)
        names.push_back(store_name(row.file));
    const auto whole = [&rows](std::span<const std::byte> bytes) -> result<void> {
        const digest d = sha256_of(bytes);
        if (std::any_of(rows->begin(), rows->end(), [&d](const checkpoint_row& r) { return r.file_hash == d; }))
            return {};
        return error{errc::checksum_mismatch, "not the bytes that were sealed", "", ""};
    };
    const auto report = parts_->store->prune(names, parts_->plan.keep_checkpoints, whole);
    if (!report)
        return notice_(to_text(chain) + ": old checkpoints stay: " + to_text(report.reason()));
    FORGE_FAILPOINT("recorder.pruned");
    for (const auto& name : report->deleted)
        if (const auto gone = parts_->book->forget_checkpoint(chain, std::string(folder) + name); !gone)
            notice_(to_text(chain) + ": " + to_text(gone.reason()));
}

} // namespace forge
