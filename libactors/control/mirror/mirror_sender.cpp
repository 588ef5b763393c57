// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/mirror/mirror_sender.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

namespace {

constexpr double first_backoff_s = 1.0;
constexpr double longest_backoff_s = 30.0;

} // namespace

std::optional<error> judge_mirror_offer(const mirror_offer& offer, const mirror_holding& held) {
    if (held.lineage.empty())
        return std::nullopt;
    const auto& mine = offer.lineage;
    const auto& its = held.lineage;
    const auto common = std::min(mine.size(), its.size());
    if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(common), its.begin()))
        return error{errc::conflict, "the copy belongs to another history of this campaign", offer.name,
                     "remove the copy on that node, or go on from it with forge run --from-mirror"};
    if (its.size() > mine.size())
        return error{errc::stale_epoch, "this campaign was rebuilt from its mirror elsewhere: the copy follows that run now", offer.name,
                     "stop this run; the rebuilt one counts"};
    if (held.epochs.size() != offer.epochs.size())
        return error{errc::conflict, "the copy has another number of chains", offer.name, "remove the copy on that node"};
    for (std::size_t c = 0; c < held.epochs.size(); ++c)
        if (held.epochs[c] > offer.epochs[c])
            return error{errc::stale_epoch,
                         fmt::format("the copy has seen epoch {} of c{}, this ledger is at epoch {}: it is an older state of the run", held.epochs[c].value, c, offer.epochs[c].value),
                         offer.name, "forge run --from-mirror goes on from the copy"};
    return std::nullopt;
}

mirror_sender::mirror_sender(std::string wanted, double interval_s) : wanted_(std::move(wanted)), interval_s_(interval_s), backoff_s_(first_backoff_s) {}

bool mirror_sender::wants(const std::string& node, bool keeps_copies) const {
    if (!keeps_copies || phase_ == phase::settled || (wanted_ != "node" && wanted_ != node))
        return false;
    return node == node_ || phase_ == phase::no_node || phase_ == phase::refused;
}

std::vector<mirror_command> mirror_sender::on_node(std::string node) {
    if (phase_ == phase::settled)
        return {};
    node_ = std::move(node);
    whole_ = true;
    phase_ = phase::asking;
    return {ask_holding_command{}};
}

void mirror_sender::on_node_gone() {
    if (phase_ != phase::settled)
        phase_ = phase::no_node;
    whole_ = true;
}

std::vector<mirror_command> mirror_sender::on_holding(std::set<digest> files) {
    if (phase_ != phase::asking)
        return {};
    held_ = std::move(files);
    phase_ = phase::taking;
    last_round_ = finishing_;
    return {take_changes_command{whole_}};
}

std::vector<mirror_command> mirror_sender::on_taken(std::vector<digest> files, bool changed) {
    if (phase_ != phase::taking)
        return {};
    // What the ledger lists no more, the node drops when it has that ledger.
    std::erase_if(held_, [&files](const digest& d) { return std::find(files.begin(), files.end(), d) == files.end(); });
    files_ = std::move(files);
    changed_ = changed || whole_;
    at_ = 0;
    phase_ = phase::files;
    return next_file();
}

std::vector<mirror_command> mirror_sender::next_file() {
    while (at_ < files_.size() && held_.contains(files_[at_]))
        ++at_;
    if (at_ < files_.size())
        return {send_file_command{at_}};
    if (!changed_)
        return round_done();
    phase_ = phase::ledger;
    return {send_ledger_command{}};
}

std::vector<mirror_command> mirror_sender::on_kept() {
    if (phase_ == phase::files) {
        held_.insert(files_[at_]);
        return next_file();
    }
    if (phase_ == phase::ledger)
        return round_done();
    return {};
}

std::vector<mirror_command> mirror_sender::round_done() {
    whole_ = false;
    backoff_s_ = first_backoff_s;
    ++rounds_;
    if (finishing_ && last_round_)
        return settle();
    phase_ = phase::waiting;
    return finishing_ ? on_due() : std::vector<mirror_command>{wait_command{interval_s_}};
}

std::vector<mirror_command> mirror_sender::on_failed(const error& why) {
    if (phase_ == phase::no_node || phase_ == phase::settled || phase_ == phase::waiting)
        return {};
    whole_ = true;
    if (finishing_)
        return settle(); // nobody waits for a mirror that fails at the very end
    if (why.code == errc::stale_epoch || why.code == errc::conflict) {
        phase_ = phase::refused;
        return {};
    }
    phase_ = phase::waiting;
    const double pause = backoff_s_;
    backoff_s_ = std::min(2.0 * backoff_s_, longest_backoff_s);
    return {wait_command{pause}};
}

std::vector<mirror_command> mirror_sender::on_due() {
    if (phase_ != phase::waiting)
        return {};
    if (whole_) { // after a failure the node may hold anything
        phase_ = phase::asking;
        return {ask_holding_command{}};
    }
    phase_ = phase::taking;
    last_round_ = finishing_;
    return {take_changes_command{false}};
}

std::vector<mirror_command> mirror_sender::settle() {
    phase_ = phase::settled;
    return {settled_command{}};
}

std::vector<mirror_command> mirror_sender::finish() {
    finishing_ = true;
    if (phase_ == phase::settled)
        return {};
    if (phase_ == phase::no_node || phase_ == phase::refused)
        return settle();
    return on_due(); // nothing while a round is under way: its end begins the last one
}

} // namespace forge
