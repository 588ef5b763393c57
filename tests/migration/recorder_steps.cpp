// SPDX-License-Identifier: AGPL-3.0-only
// actors/roles/recorder_actor.cpp and recorder_core.cpp: what becomes durable, in which order.
#include "tests/migration/control_plane.hpp"

#include <algorithm>

namespace forge::model {

namespace {

constexpr errc fine = errc::internal; ///< of the steps below, which fail with storage errors only, or do not verify

segment_params params_of(std::uint32_t measured) {
    segment_params p;
    p.beta = 5.7;
    p.n_measure = measured;
    return p;
}

std::string file_of(chain_id c, std::uint64_t trajectory) { return to_text(c) + "-" + std::to_string(trajectory); }

} // namespace

/// recorder_actor.cpp, flush: all that waits in one transaction; on a storage error everything stays.
bool control_plane::flush(trouble t) {
    auto& b = boss();
    if (b.batch.empty())
        return true;
    if (t == trouble::flush)
        return false;
    const auto batch = std::exchange(b.batch, {});
    std::vector<std::pair<chain_id, commit_outcome>> outcomes;
    for (const auto& i : batch)
        outcomes.emplace_back(i.chain, book().commit(w_.books[i.chain.value].edit(), *i.request, i.actor));
    store();
    for (std::size_t k = 0; k < batch.size(); ++k) {
        const auto& i = batch[k];
        const auto& outcome = outcomes[k].second;
        w_.seen.commits += outcome.kind != commit_kind::refused;
        w_.seen.superseded += outcome.superseded;
        w_.seen.validated += outcome.kind == commit_kind::validated;
        if (!asks(i))
            continue; // its actor is gone
        if (outcome.kind == commit_kind::refused) {
            wrong("the owner's own commit is refused");
            fail(i.chain, outcome.reason->code);
        } else {
            perform(i.chain, actor(i.chain).core.edit().on_granted(1));
        }
    }
    return true;
}

void control_plane::flush_again(trouble t) { static_cast<void>(flush(t)); }

void control_plane::record(trouble t) {
    auto& b = boss();
    const auto i = b.inbox.front();
    b.inbox.erase(b.inbox.begin());
    if (i.what == record_item::kind::commit) {
        const bool failing = !b.batch.empty(); // then the timer tries again
        b.batch.push_back(i);
        if (!failing)
            static_cast<void>(flush(t));
        return;
    }
    static_cast<void>(flush(t)); // after_flush: what was sent before is committed first, if it can be
    switch (i.what) {
    case record_item::kind::prepare: return prepare(i, t);
    case record_item::kind::find_segment:
    case record_item::kind::open_segment: return find_segment(i, t);
    case record_item::kind::seal: return seal(i, t);
    default: return log(i);
    }
}

/// recorder_core::prepare: a new epoch, then the newest checkpoint that verifies, then the cursor goes there.
void control_plane::prepare(const record_item& i, trouble t) {
    if (!asks(i))
        return;
    if (t == trouble::work) {
        actor(i.chain).prepare_again = true;
        return;
    }
    auto& b = w_.books[i.chain.value].edit();
    chain_start start;
    start.chain = i.chain;
    start.epoch = book().take_epoch(b, i.actor);
    store();
    start.head = b.genesis;
    const sealed_state* newest = nullptr; // recorder_core::newest_checkpoint
    for (const auto& row : b.checkpoints) {
        if (!b.is_live(row))
            continue;
        const auto* file = w_.files->read(i.chain, row.trajectory);
        if (file != nullptr && file->head == row.head && file->state == row.state && (newest == nullptr || newest->trajectory < file->trajectory))
            newest = file;
    }
    if (t == trouble::row) {
        actor(i.chain).prepare_again = true;
        return;
    }
    if (newest != nullptr) {
        start.trajectory = newest->trajectory;
        start.head = newest->head;
        start.state = newest->state;
    }
    if (const auto begun = book().begin_at(b, start.epoch, start.trajectory); !begun)
        return fail(i.chain, begun.reason().code);
    store();
    if (newest != nullptr) {
        for (const auto& s : b.segments)
            if (s.live && s.opened.number == newest->segment) {
                start.segment = s.opened;
                start.next_ordinal = s.opened.ordinal + 1;
            }
        if (!start.segment) {
            wrong("the checkpoint's segment is not in the ledger");
            return fail(i.chain, errc::conflict);
        }
        for (auto k = start.segment->first_trajectory; k <= start.trajectory; ++k)
            if (b.live[k - 1].measured)
                start.measured.push_back(0.5);
    }
    begin(i.chain, start);
}

void control_plane::prepare_again(chain_id c) {
    auto& a = actor(c);
    a.prepare_again = false;
    record_item i;
    i.what = record_item::kind::prepare;
    i.chain = c;
    i.actor = a.number;
    boss().inbox.push_back(i);
}

/// chain_actor.cpp, ask_segment_command: the ledger's decision if it has one, else the steerer's, which the ledger then has.
void control_plane::find_segment(const record_item& i, trouble t) {
    if (!asks(i))
        return;
    auto& a = actor(i.chain);
    if (!boss().batch.empty() || (i.what == record_item::kind::open_segment && t == trouble::work)) { // recorder_actor.cpp, behind
        a.ask_again = i;
        return;
    }
    const auto& plan = w_.given->plan;
    std::optional<opened_segment> found;
    if (i.what == record_item::kind::find_segment) {
        for (const auto& s : w_.books[i.chain.value]->segments)
            if (s.live && s.opened.first_trajectory == i.first)
                found = s.opened;
        if (!found && i.ordinal < plan.size()) {
            auto open = i;
            open.what = record_item::kind::open_segment;
            boss().inbox.push_back(open);
            return;
        }
    } else {
        const auto opened = book().open_segment(w_.books[i.chain.value].edit(), i.epoch, i.first, params_of(plan[i.ordinal]));
        if (!opened)
            return fail(i.chain, opened.reason().code);
        store();
        found = *opened;
    }
    perform(i.chain, a.core.edit().on_segment(found));
}

void control_plane::ask_again(chain_id c) {
    auto& a = actor(c);
    auto question = *a.ask_again;
    a.ask_again.reset();
    question.what = record_item::kind::find_segment;
    boss().inbox.push_back(question);
}

/// recorder_core::seal: commits first, then the file, then its row, then older generations go.
void control_plane::seal(const record_item& i, trouble t) {
    errc problem = boss().batch.empty() ? fine : errc::no_space;
    if (problem == fine) {
        if (w_.given->planted == flaw::commit_before_verify) {
            problem = add_row(i, t);
            if (problem == fine)
                problem = put_file(i.sealed, t);
        } else {
            problem = put_file(i.sealed, t);
            if (problem == fine)
                problem = add_row(i, t);
        }
    }
    if (problem == fine) {
        ++w_.seen.seals;
        prune(i.chain);
    }
    if (!asks(i))
        return;
    if (problem == fine)
        on_sealed(i.chain, i.sealed.trajectory);
    else
        on_seal_failed(i.chain, problem);
}

/// checkpoint_store::put: nothing but a temporary file before the bytes are synced and verified; then rename, then the folder.
errc control_plane::put_file(const sealed_state& s, trouble t) {
    if (t == trouble::work)
        return errc::no_space;
    if (s.links != s.state)
        return errc::checksum_mismatch;
    w_.files.edit().rename_over(s, true);
    store();
    if (w_.given->planted != flaw::folder_not_synced)
        w_.files.edit().sync();
    store();
    return fine;
}

errc control_plane::add_row(const record_item& i, trouble t) {
    if (t == trouble::row)
        return errc::no_space;
    checkpoint_row row;
    row.chain = i.chain;
    row.trajectory = i.sealed.trajectory;
    row.epoch = i.epoch;
    row.file = file_of(i.chain, i.sealed.trajectory);
    row.state = i.sealed.state;
    row.head = i.sealed.head;
    if (const auto added = book().add_checkpoint(w_.books[i.chain.value].edit(), row); !added)
        return added.reason().code;
    store();
    return fine;
}

/// recorder_core::drop_old_generations: newest first, those that verify are kept until there are enough.
void control_plane::prune(chain_id c) {
    auto rows = w_.books[c.value]->checkpoints;
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.trajectory > b.trajectory; });
    std::size_t kept = 0;
    for (const auto& row : rows) {
        if (kept < w_.given->keep_checkpoints) {
            const auto* file = w_.files->read(c, row.trajectory);
            kept += file != nullptr && file->head == row.head;
            continue;
        }
        w_.files.edit().unlink(c, row.trajectory);
        store();
        book().forget_checkpoint(w_.books[c.value].edit(), row.file);
        store();
    }
}

void control_plane::log(const record_item& i) {
    auto& all = w_.operations.edit();
    if (const auto* before = all.find(i.report->id); before != nullptr && before->state != operation_state::running && before->state != i.report->state)
        wrong("an operation gets two final answers");
    all.reports.push_back(*i.report);
    store();
}

} // namespace forge::model
