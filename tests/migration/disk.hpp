// SPDX-License-Identifier: AGPL-3.0-only
// The folder of checkpoints: files and names, and what of them a power cut leaves.
#pragma once

#include "tests/migration/state_code.hpp"

namespace forge::model {

/// What a checkpoint file says.
struct sealed_state {
    chain_id chain;
    std::uint64_t trajectory = 0;
    digest head{};
    state_hash state; ///< that the record claims
    state_hash links; ///< that the links have
    segment_no segment;
    friend bool operator==(const sealed_state&, const sealed_state&) = default;
};

/// The bytes behind a name.
struct file_bytes {
    sealed_state state;
    bool synced = false; ///< else a power cut may tear them
    friend bool operator==(const file_bytes&, const file_bytes&) = default;
};

/// One name: what it leads to now, and what it leads to after a power cut unless the folder is synced before.
struct file_name {
    chain_id chain;
    std::uint64_t trajectory = 0; ///< chain and trajectory are the name
    std::optional<file_bytes> now, durable;
    friend bool operator==(const file_name&, const file_name&) = default;
};

enum class crash_kind : std::uint8_t {
    process,    ///< the kernel lives: everything written stays
    names_lost, ///< power cut: names that were not synced are as before, data that was not synced is torn
    data_torn,  ///< power cut: names happened to reach the disk, data that was not synced did not
};

class folder {
public:
    /// checkpoint_store::put from its rename on; before it there is only a temporary file, which the next process removes.
    void rename_over(const sealed_state& s, bool synced) { at(s.chain, s.trajectory).now = file_bytes{s, synced}; }
    void sync() {
        for (auto& f : names_)
            f.durable = f.now;
        drop_empty();
    }
    void unlink(chain_id chain, std::uint64_t trajectory) {
        at(chain, trajectory).now.reset();
        drop_empty();
    }
    void crash(crash_kind kind) {
        if (kind == crash_kind::process)
            return;
        for (auto& f : names_) {
            if (kind == crash_kind::names_lost)
                f.now = f.durable;
            if (f.now && !f.now->synced)
                f.now.reset(); // torn bytes never verify: as good as no file
            f.durable = f.now;
        }
        drop_empty();
    }
    /// A file that reads and whose links fit; none otherwise.
    [[nodiscard]] const sealed_state* read(chain_id chain, std::uint64_t trajectory) const {
        const auto* f = find(chain, trajectory);
        return f != nullptr && f->now && f->now->state.links == f->now->state.state ? &f->now->state : nullptr;
    }
    /// Whatever dies now, this state can be read again.
    [[nodiscard]] bool safe(chain_id chain, std::uint64_t trajectory, const digest& head) const {
        const auto* f = find(chain, trajectory);
        const auto good = [&](const std::optional<file_bytes>& b) { return b && b->synced && b->state.head == head && b->state.links == b->state.state; };
        return f != nullptr && good(f->now) && good(f->durable);
    }
    [[nodiscard]] const std::vector<file_name>& names() const { return names_; }

private:
    [[nodiscard]] const file_name* find(chain_id chain, std::uint64_t trajectory) const {
        for (const auto& f : names_)
            if (f.chain == chain && f.trajectory == trajectory)
                return &f;
        return nullptr;
    }
    file_name& at(chain_id chain, std::uint64_t trajectory) {
        auto place = names_.begin();
        while (place != names_.end() && std::pair(place->chain, place->trajectory) < std::pair(chain, trajectory))
            ++place;
        if (place == names_.end() || place->chain != chain || place->trajectory != trajectory)
            place = names_.insert(place, file_name{chain, trajectory, std::nullopt, std::nullopt});
        return *place;
    }
    void drop_empty() {
        std::erase_if(names_, [](const file_name& f) { return !f.now && !f.durable; });
    }
    std::vector<file_name> names_; ///< sorted
};

} // namespace forge::model
