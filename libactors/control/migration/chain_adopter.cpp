// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/chain_adopter.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

chain_adopter::chain_adopter(chain_id chain, node_name self, std::uint64_t incarnation, std::vector<local_file> files, protocol_flaw flaw)
    : flaw_(flaw) {
    data_.chain = chain;
    data_.self = std::move(self);
    data_.incarnation = incarnation;
    data_.files = std::move(files);
}

bool chain_adopter::holds(const digest& file) const {
    return std::any_of(data_.files.begin(), data_.files.end(), [&](const auto& f) { return f.ref.file == file; });
}

std::vector<digest> chain_adopter::file_names() const {
    std::vector<digest> out;
    for (const auto& f : data_.files)
        out.push_back(f.ref.file);
    return out;
}

void chain_adopter::report(const prepare_copy& m, node_commands& out) const {
    out.push_back(send_to_coordinator{copy_prepared{m.op, m.chain, m.epoch, m.ref.file, data_.incarnation}});
}

void chain_adopter::put_file(const checkpoint_ref& ref, epoch_no epoch) {
    const auto at = std::find_if(data_.files.begin(), data_.files.end(), [&](const auto& f) { return f.ref.file == ref.file; });
    if (at == data_.files.end())
        data_.files.push_back({ref, epoch});
    else
        at->written_in = std::max(at->written_in, epoch);
}

void chain_adopter::on_own_file(const checkpoint_ref& ref, epoch_no epoch) { put_file(ref, epoch); }

node_commands chain_adopter::on_prepare(const prepare_copy& m) {
    node_commands out;
    if (holds(m.ref.file)) {
        put_file(m.ref, m.epoch); // a drop that was meant for the earlier listing must not take it
        report(m, out);
        return out;
    }
    if (data_.fetching) {
        auto& now = *data_.fetching;
        const bool newer = m.epoch > now.epoch || (m.epoch == now.epoch && !m.op.value.empty());
        if (now.ref.file == m.ref.file) {
            if (newer)
                now = m;
            return out;
        }
        if (!newer)
            return out;
        out.push_back(abandon_pull{m.chain, now.ref.file});
    }
    data_.fetching = m;
    data_.phase = copy_phase::pulling;
    out.push_back(start_pull{m.chain, m.ref, m.from});
    return out;
}

node_commands chain_adopter::on_pulled(const digest& file, bool ok) {
    node_commands out;
    if (data_.phase != copy_phase::pulling || data_.fetching->ref.file != file)
        return out;
    if (!ok) {
        out.push_back(send_to_coordinator{unable{data_.fetching->op, data_.chain, data_.fetching->epoch,
                                                 fmt::format("{} could not be fetched from {}", to_hex(file).substr(0, 12), data_.fetching->from.value)}});
        data_.fetching.reset();
        data_.phase = copy_phase::idle;
        return out;
    }
    if (flaw_.is(protocol_flaw::kind::commit_before_verify))
        report(*data_.fetching, out);
    data_.phase = copy_phase::verifying;
    out.push_back(verify_copy{data_.chain, file});
    return out;
}

node_commands chain_adopter::on_verified(const digest& file, bool ok) {
    node_commands out;
    if (data_.phase != copy_phase::verifying || data_.fetching->ref.file != file)
        return out;
    if (!ok) {
        out.push_back(abandon_pull{data_.chain, file});
        out.push_back(send_to_coordinator{unable{data_.fetching->op, data_.chain, data_.fetching->epoch, "the copy is not what was sealed"}});
        data_.fetching.reset();
        data_.phase = copy_phase::idle;
        return out;
    }
    data_.phase = copy_phase::syncing;
    if (flaw_.is(protocol_flaw::kind::directory_not_synced))
        return on_durable(file, true);
    out.push_back(sync_copy{data_.chain, file});
    return out;
}

node_commands chain_adopter::on_durable(const digest& file, bool ok) {
    node_commands out;
    if (data_.phase != copy_phase::syncing || data_.fetching->ref.file != file)
        return out;
    const auto m = *data_.fetching;
    data_.fetching.reset();
    data_.phase = copy_phase::idle;
    if (ok) {
        put_file(m.ref, m.epoch);
        report(m, out);
    } else {
        out.push_back(delete_copy{data_.chain, file});
        out.push_back(send_to_coordinator{unable{m.op, data_.chain, m.epoch, "the copy could not be made durable"}});
    }
    return out;
}

node_commands chain_adopter::on_drop(const drop_copy& m) {
    node_commands out;
    const auto at = std::find_if(data_.files.begin(), data_.files.end(), [&](const auto& f) { return f.ref.file == m.file; });
    const bool in_use = data_.loading && data_.loading->from && data_.loading->from->file == m.file;
    if (m.incarnation != data_.incarnation || at == data_.files.end() || at->written_in >= m.before || in_use)
        return out;
    data_.files.erase(at);
    out.push_back(delete_copy{m.chain, m.file});
    return out;
}

node_commands chain_adopter::on_granted(const chain_granted& m) {
    node_commands out;
    if ((data_.asked && *data_.asked >= m.epoch) || (data_.loading && data_.loading->epoch >= m.epoch))
        return out;
    data_.asked = m.epoch;
    out.push_back(send_to_coordinator{ask_row{m.chain}});
    return out;
}

node_commands chain_adopter::on_row(const chain_ownership& row) {
    node_commands out;
    if (!data_.asked || row.epoch < *data_.asked)
        return out;
    data_.asked.reset();
    if (!row.owner || row.owner->node != data_.self)
        return out;
    start s{*row.owner, row.epoch, row.cursor, std::nullopt};
    if (row.cursor.trajectory > 0) {
        const auto at = std::find_if(data_.files.begin(), data_.files.end(), [&](const auto& f) { return f.ref.at == row.cursor; });
        if (at == data_.files.end()) {
            data_.loading.reset();
            out.push_back(send_to_coordinator{cannot_start{data_.chain, row.epoch, file_names(),
                                                           fmt::format("no checkpoint of trajectory {} is here", row.cursor.trajectory)}});
            return out;
        }
        s.from = at->ref;
    }
    data_.loading = s;
    out.push_back(load_state{data_.chain, s.at, s.from ? std::optional<digest>(s.from->file) : std::nullopt});
    return out;
}

std::optional<chain_adopter::start> chain_adopter::on_loaded(bool ok, node_commands& out) {
    if (!data_.loading)
        return std::nullopt;
    const auto s = *data_.loading;
    data_.loading.reset();
    if (ok) {
        out.push_back(start_chain{data_.chain, s.where, s.epoch, s.at});
        out.push_back(send_to_coordinator{chain_activated{data_.chain, s.epoch}});
        return s;
    }
    if (s.from) {
        std::erase_if(data_.files, [&](const auto& f) { return f.ref.file == s.from->file; });
        out.push_back(delete_copy{data_.chain, s.from->file});
    }
    out.push_back(send_to_coordinator{cannot_start{data_.chain, s.epoch, file_names(), "the checkpoint does not load"}});
    return std::nullopt;
}

node_commands chain_adopter::on_resend_due() const {
    node_commands out;
    if (data_.asked)
        out.push_back(send_to_coordinator{ask_row{data_.chain}});
    return out;
}

} // namespace forge::migration
