// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/transfer_desk.hpp"

#include "libactors/transport/random.hpp"

namespace forge {

using steady = std::chrono::steady_clock;

transfer_desk::~transfer_desk() { stop(); }

void transfer_desk::stop() {
    std::list<runner> running;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        waiting_.clear();
        for (auto& r : running_)
            r.thread.request_stop();
        running.swap(running_); // joined outside the lock: a thread that ends wants it
    }
}

result<transfer_id> transfer_desk::add(std::shared_ptr<claimed> transfer) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [](const auto& item) { return item.second->until <= steady::now(); });
    if (stopped_ || waiting_.size() >= waiting_max)
        return error{errc::invalid_argument, "too many transfers wait for their peers", transfer->peer.name, "wait until some have ended"};
    do
        transfer->id = random_u64();
    while (transfer->id == 0 || waiting_.contains(transfer->id));
    transfer->until = steady::now() + transfer->options.claimed_within;
    waiting_[transfer->id] = transfer;
    return transfer->id;
}

result<transfer_id> transfer_desk::serve(const link_peer& to, stream_source source, const stream_options& options,
                                         transfer_done done) {
    auto t = std::make_shared<claimed>();
    t->peer = to;
    t->peers_role = stream_role::receive;
    t->source = std::move(source);
    t->options = options;
    t->done = std::move(done);
    return add(std::move(t));
}

result<transfer_id> transfer_desk::receive(const link_peer& from, stream_sink sink, std::shared_ptr<stream_progress> progress,
                                           const stream_options& options, transfer_done done) {
    auto t = std::make_shared<claimed>();
    t->peer = from;
    t->peers_role = stream_role::send;
    t->sink = std::move(sink);
    t->progress = std::move(progress);
    t->options = options;
    t->done = std::move(done);
    return add(std::move(t));
}

void transfer_desk::withdraw(transfer_id id) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(id);
    for (auto& r : running_)
        if (r.transfer->id == id)
            r.thread.request_stop();
}

void transfer_desk::withdraw_peer(const digest& fingerprint) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const auto& item) { return item.second->peer.fingerprint == fingerprint; });
    for (auto& r : running_)
        if (r.transfer->peer.fingerprint == fingerprint)
            r.thread.request_stop();
}

result<std::shared_ptr<transfer_desk::claimed>> transfer_desk::claim(const hello& from, const digest& fingerprint) {
    const error refused{errc::permission_denied, "no transfer with this id waits for this node", "", "ask for a new transfer over the control link"};
    const std::lock_guard lock(mutex_);
    const auto at = waiting_.find(from.transfer);
    if (stopped_ || at == waiting_.end())
        return refused;
    const auto transfer = at->second;
    const link_peer& p = transfer->peer;
    if (p.name != from.name || p.incarnation != from.incarnation || p.fingerprint != fingerprint ||
        transfer->peers_role != from.role)
        return refused; // an id that somebody else guessed stays with its owner
    waiting_.erase(at);
    if (transfer->until <= steady::now())
        return refused;
    if (running_.size() >= running_max) {
        std::erase_if(running_, [](runner& r) { return r.ended; });
        if (running_.size() >= running_max)
            return error{errc::permission_denied, "too many transfers run here", "", "try again later"};
    }
    return transfer;
}

void transfer_desk::start(std::shared_ptr<claimed> transfer,
                          std::function<result<stream_report>(claimed&, std::stop_token)> body) {
    const std::lock_guard lock(mutex_);
    if (stopped_)
        return;
    std::erase_if(running_, [](runner& r) { return r.ended; }); // their threads are past the lock, so this is short
    runner& r = running_.emplace_back();
    r.transfer = transfer;
    r.thread = std::jthread([this, &r, transfer, body = std::move(body)](std::stop_token stop) {
        auto report = body(*transfer, stop);
        if (transfer->done)
            transfer->done(std::move(report));
        const std::lock_guard ending(mutex_);
        r.ended = true;
    });
}

} // namespace forge
