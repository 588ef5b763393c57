// SPDX-License-Identifier: AGPL-3.0-only
// What the recorder hands to the mirror.
#include "actors/roles/recorder_core.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/transport/random.hpp"

#include <fmt/format.h>

namespace forge {

std::string fresh_lineage() {
    std::string name;
    for (const auto byte : random_array<8>())
        name += fmt::format("{:02x}", byte);
    return name;
}

run_described recorder_core::describe() {
    try {
        auto& book = *parts_->book;
        auto lineage = book.lineage().or_throw();
        if (lineage.empty()) {
            lineage.push_back(fresh_lineage());
            book.add_lineage(lineage.back(), utc_now()).or_throw();
        }
        const auto& id = book.identity();
        return {{parts_->plan.name, id.campaign_seed, id.config_hash, id.n_chains, std::move(lineage), book.standing().or_throw().epochs}, std::nullopt};
    } catch (...) {
        return {{}, current_exception_as_error()};
    }
}

changes_taken recorder_core::take_changes(bool whole) {
    changes_taken t;
    try {
        auto& book = *parts_->book;
        const auto root = parts_->store->folder().parent_path();
        if (whole) {
            t.copy = root / "ledger.copy";
            std::error_code ignored;
            std::filesystem::remove(t.copy, ignored); // of a process that died
            t.after = book.copy_to(t.copy).or_throw();
        } else {
            auto changes = book.take_changes().or_throw();
            t.changes = std::make_shared<const std::vector<std::byte>>(std::move(changes.bytes));
            t.after = std::move(changes.after);
        }
        const auto add = [&](const std::string& name, const std::optional<digest>& known) {
            auto file = mapped_file::open(root / name);
            if (!file)
                return; // damaged or deleted by hand: the ledger's next reader sees that, too
            const auto hash = known ? *known : sha256_of(file->bytes());
            t.parts.push_back({name, hash, std::make_shared<const mapped_file>(std::move(file).value())});
        };
        add("campaign.toml", std::nullopt);
        for (std::uint32_t c = 0; c < book.identity().n_chains; ++c)
            for (const auto& row : book.checkpoints(chain_id{c}).or_throw()) {
                add(row.file, row.file_hash);
                if (row.live)
                    t.sealed.try_emplace(row.chain, row.trajectory); // newest first
            }
    } catch (...) {
        t.failed = current_exception_as_error();
    }
    return t;
}

} // namespace forge
