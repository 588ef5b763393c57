// SPDX-License-Identifier: AGPL-3.0-only
// The ledger in memory: the rules are libactors/ledger/ownership, only the tables are these.
#pragma once

#include "libactors/control/chain_core.hpp"
#include "libactors/control/operations/operation.hpp"
#include "libactors/ledger/ownership.hpp"
#include "tests/migration/flaw.hpp"
#include "tests/migration/state_code.hpp"

#include <string>

namespace forge::model {

struct book_record {
    digest hash{};
    digest previous{};
    epoch_no epoch;
    bool measured = false;
};

struct book_segment {
    opened_segment opened;
    bool live = true;
};

/// Everything that the ledger knows of one chain, and what may never change again.
struct chain_book {
    chain_row row;
    digest genesis{};
    std::vector<book_record> live; ///< by trajectory - 1
    std::vector<book_segment> segments;
    std::vector<checkpoint_row> checkpoints; ///< in order of writing
    std::uint32_t superseded = 0, validated = 0;

    std::vector<digest> sealed;  ///< hashes up to the newest seal there ever was: history that nobody may change
    epoch_no newest;             ///< given to an owner
    std::uint64_t owner = 0;     ///< actor that it was given to

    [[nodiscard]] std::optional<digest> live_at(std::uint64_t trajectory) const {
        if (trajectory == 0)
            return genesis;
        return trajectory <= live.size() ? std::optional(live[trajectory - 1].hash) : std::nullopt;
    }
    [[nodiscard]] bool is_live(const checkpoint_row& c) const { return live_at(c.trajectory) == c.head; }
    [[nodiscard]] std::optional<segment_no> covering(std::uint64_t trajectory) const;
};

/// Each function is one transaction, as in `ledger`. What breaks an invariant is put into `wrong`.
class bookkeeper {
public:
    bookkeeper(flaw planted, std::string& wrong) : planted_(planted), wrong_(&wrong) {}
    [[nodiscard]] epoch_no take_epoch(chain_book& b, std::uint64_t actor) const;
    [[nodiscard]] result<void> begin_at(chain_book& b, epoch_no e, std::uint64_t trajectory) const;
    [[nodiscard]] commit_outcome commit(chain_book& b, const commit_request& request, std::uint64_t actor) const;
    [[nodiscard]] result<opened_segment> open_segment(chain_book& b, epoch_no e, std::uint64_t first, const segment_params& params) const;
    [[nodiscard]] result<void> add_checkpoint(chain_book& b, const checkpoint_row& row) const;
    void forget_checkpoint(chain_book& b, const std::string& file) const;

private:
    std::uint32_t supersede_from(chain_book& b, std::uint64_t trajectory) const;
    void expect(bool held, const char* what) const {
        if (!held && wrong_->empty())
            *wrong_ = what;
    }
    flaw planted_;
    std::string* wrong_;
};

} // namespace forge::model
