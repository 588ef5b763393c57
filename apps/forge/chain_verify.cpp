// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/chain_verify.hpp"

#include "libactors/hmc/trajectory.hpp"
#include "libactors/wire/checkpoint_codec.hpp"

#include <algorithm>
#include <cmath>

namespace forge::app {

namespace {

struct starting_point {
    std::uint64_t trajectory = 0;
    gauge_field links;
    arithmetic measured_in;
};

result<starting_point> starting_point_of(const run_folder& folder, ledger& book, chain_id chain, std::uint64_t at_most, bool oldest,
                                         const std::function<result<gauge_field>(const std::string&)>& start_links) {
    auto rows = book.checkpoints(chain);
    if (!rows)
        return rows.reason();
    if (oldest)
        std::reverse(rows->begin(), rows->end()); // newest first as they come
    const auto store = checkpoint_store::open(folder.checkpoints());
    if (!store)
        return store.reason();
    for (const auto& row : *rows) {
        if (!row.live || row.trajectory > at_most)
            continue;
        const auto file = store->map(std::filesystem::path(row.file).filename().string());
        auto state = file ? decode_checkpoint(file->bytes()) : result<chain_state>(file.reason());
        if (state && state->head == row.head)
            return starting_point{row.trajectory, std::move(state->links), state->params.precision};
    }
    auto links = start_links(book.identity().campaign_seed);
    if (!links)
        return links.reason();
    return starting_point{0, std::move(links).value(), {}};
}

} // namespace

result<verify_report> verify_chain(const run_folder& folder, chain_id chain, std::optional<std::uint64_t> last_n, lattice_engine& engine,
                                   const std::function<result<gauge_field>(const std::string&)>& start_links,
                                   const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    auto book = ledger::open_read_only(folder.ledger());
    if (!book)
        return book.reason();
    const auto newest = book->last_record(chain);
    if (!newest)
        return newest.reason();
    if (!*newest)
        return error{errc::not_found, to_text(chain) + " has no committed trajectory", folder.ledger().string(), "let it run first"};
    verify_report report;
    report.last = (*newest)->record.trajectory;
    const auto wanted = std::min(last_n.value_or(1), report.last);
    auto start = starting_point_of(folder, *book, chain, report.last - wanted, !last_n, start_links);
    if (!start)
        return start.reason();
    report.from = start->trajectory;
    const auto segments = book->segments(chain);
    if (!segments)
        return segments.reason();
    try {
        const auto fields = engine.allocate(start->links.shape());
        fields->upload(start->links);
        fields->set_arithmetic(start->measured_in);
        auto current = measure(*fields);
        const auto key = rng_key(book->identity().campaign_seed, chain);
        auto segment = segments->begin();
        const auto read = book->each_record(chain, true, report.from + 1, report.last, [&](const record_row& row) {
            const auto i = row.record.trajectory;
            segment = std::find_if(segments->begin(), segments->end(), [&row](const auto& s) { return s.number == row.record.segment; });
            if (segment == segments->end())
                throw failure(error{errc::conflict, "the record's segment is not in the ledger", to_text(chain) + " trajectory " + std::to_string(i), "forge ledger check"});
            const bool test = i - segment->first_trajectory >= segment->params.n_warmup;
            physics_record again = row.record;
            again.observed = run_trajectory(*fields, segment->params, noise_id{key, i, segment->number.value}, test, current);
            again.state = current.state;
            if (hash_of(again) == row.hash) {
                progress(++report.checked, report.last - report.from);
                return true;
            }
            report.first_different = i;
            report.plaquette_difference = std::abs(again.observed.plaquette() - row.record.observed.plaquette());
            report.delta_h_difference = std::abs(again.observed.delta_h - row.record.observed.delta_h);
            const bool close = report.plaquette_difference <= verify_bound && report.delta_h_difference <= verify_bound &&
                               again.observed.accepted == row.record.observed.accepted;
            report.outcome = close ? verify_outcome::within_bound : verify_outcome::mismatch;
            return false;
        });
        if (!read)
            return read.reason();
    } catch (const failure& f) {
        return f.reason();
    }
    return report;
}

} // namespace forge::app
