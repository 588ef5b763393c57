// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/mirror_keeper.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/checkpoint/checkpoint_store.hpp"
#include "libactors/ledger/ledger.hpp"
#include "libactors/wire/checkpoint_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace forge {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view checkpoint_folder = "checkpoints/";
constexpr std::uintmax_t changes_bytes_max = std::uintmax_t{1} << 30;

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 200 && name.front() != '.' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == std::string_view::npos;
}

/// @return the plain name inside checkpoints/, or nothing.
std::optional<std::string> checkpoint_name(std::string_view name) {
    if (!name.starts_with(checkpoint_folder) || !is_plain_name(name.substr(checkpoint_folder.size())))
        return std::nullopt;
    return std::string(name.substr(checkpoint_folder.size()));
}

result<void> make_folder(const fs::path& folder) {
    std::error_code ec;
    fs::create_directories(folder, ec);
    fs::permissions(folder, fs::perms::owner_all, ec); // copies are nobody else's business
    if (ec)
        return error{errc::io_failed, "cannot make a folder for copies: " + ec.message(), folder.string(), "forge node start --mirrors DIR"};
    return {};
}

/// The bytes of `file` become `name` in `folder`, durable, or nothing changes.
result<void> put_durably(const fs::path& file, const fs::path& folder, const std::string& name) {
    const auto bytes = mapped_file::open(file);
    if (!bytes)
        return bytes.reason();
    const auto store = checkpoint_store::open(folder);
    if (!store)
        return store.reason();
    const std::span<const std::byte> whole = bytes->bytes();
    const auto stored = store->put(name, std::span(&whole, 1), {}); // reads it back and compares
    if (!stored)
        return stored.reason();
    return {};
}

result<void> require_hash(const fs::path& file, const digest& hash) {
    const auto bytes = mapped_file::open(file);
    if (!bytes)
        return bytes.reason();
    if (sha256_of(bytes->bytes()) != hash)
        return error{errc::checksum_mismatch, "these are not the bytes that were announced", file.string(), "it is sent again"};
    return {};
}

/// Opens and closes it, so that what a crash left in the write-ahead log is in the file. @return what `use` says.
template <class Use>
auto with_settled(const fs::path& file, Use use) -> decltype(use(std::declval<ledger&>())) {
    auto book = ledger::open_existing(file);
    if (!book)
        return book.reason();
    return use(*book);
}

result<chain_state> checked_state(const fs::path& folder, const checkpoint_row& row) {
    const auto file = mapped_file::open(folder / row.file);
    if (!file)
        return file.reason();
    auto state = decode_checkpoint(file->bytes());
    if (!state)
        return state.reason();
    if (state->chain != row.chain || state->trajectory != row.trajectory || state->head != row.head || !(state->state == row.state))
        return error{errc::conflict, "the file is a checkpoint, but not the one that the ledger names", (folder / row.file).string(), ""};
    return state;
}

/// What is sealed in the old copy must be in the new one: sealed history never changes.
result<void> require_sealed_kept(ledger& older, ledger& newer) {
    for (std::uint32_t c = 0; c < older.identity().n_chains; ++c) {
        const auto rows = older.checkpoints(chain_id{c});
        if (!rows)
            return rows.reason();
        const auto sealed = std::find_if(rows->begin(), rows->end(), [](const auto& r) { return r.live; });
        if (sealed == rows->end() || sealed->trajectory == 0)
            continue;
        const auto there = newer.records(chain_id{c}, true, sealed->trajectory, sealed->trajectory);
        if (!there)
            return there.reason();
        if (there->empty() || there->front().hash != sealed->head)
            return error{errc::conflict,
                         fmt::format("the copy holds {} sealed at trajectory {}, and this ledger {}", to_text(chain_id{c}), sealed->trajectory,
                                     there->empty() ? "does not go that far" : "has another history there"),
                         "", "forge run --from-mirror goes on from the copy; or remove the copy on that node"};
    }
    return {};
}

} // namespace

result<std::uint64_t> verify_run(const fs::path& folder) {
    auto book = ledger::open_read_only(folder / "ledger.sqlite");
    if (!book)
        return book.reason();
    const auto report = book->check();
    if (!report)
        return report.reason();
    if (!report->ok())
        return error{errc::checksum_mismatch, report->problems.front().text, (folder / "ledger.sqlite").string(), "take another copy"};
    std::uint64_t records = 0;
    for (const auto& chain : report->chains) {
        records += chain.live;
        const auto rows = book->checkpoints(chain.chain);
        if (!rows)
            return rows.reason();
        const auto newest = std::find_if(rows->begin(), rows->end(), [](const auto& r) { return r.live; });
        if (newest == rows->end())
            continue;
        if (const auto state = checked_state(folder, *newest); !state)
            return state.reason();
    }
    return records;
}

mirror_keeper::mirror_keeper(fs::path root) : root_(std::move(root)) {}

result<fs::path> mirror_keeper::clear_incoming() {
    std::error_code ec;
    fs::remove_all(incoming(), ec);
    if (auto made = make_folder(incoming()); !made)
        return made.reason();
    return incoming() / "arrived";
}

result<std::set<digest>> mirror_keeper::open(const mirror_offer& offer) {
    if (offer.n_chains == 0 || offer.n_chains > 4096 || offer.epochs.size() != offer.n_chains || offer.lineage.empty() || offer.seed.empty())
        return error{errc::malformed, "an offer to mirror that makes no sense", "mirror", "are both programs of the same version?"};
    const auto id = to_hex(sha256_of(offer.seed + "\n" + to_hex(offer.config_hash))).substr(0, 12);
    folder_ = root_ / ((is_plain_name(offer.name) ? offer.name.substr(0, 64) : "campaign") + "-" + id);
    offer_ = offer;
    if (auto made = make_folder(root_); !made)
        return made.reason();
    if (auto made = make_folder(folder_); !made)
        return made.reason();
    std::set<digest> files;
    std::error_code ec;
    if (!fs::exists(folder_ / "ledger.sqlite", ec))
        return files;
    return with_settled(folder_ / "ledger.sqlite", [&](ledger& book) -> result<std::set<digest>> {
        const auto stands = book.standing();
        auto lineage = book.lineage();
        if (!stands || !lineage)
            return stands ? lineage.reason() : stands.reason();
        if (auto refusal = judge_mirror_offer(offer, {*lineage, stands->epochs}))
            return *refusal;
        for (std::uint32_t c = 0; c < offer.n_chains; ++c)
            for (const auto& row : book.checkpoints(chain_id{c}).or_throw())
                if (const auto bytes = mapped_file::open(folder_ / row.file); bytes && sha256_of(bytes->bytes()) == row.file_hash)
                    files.insert(row.file_hash);
        if (const auto bytes = mapped_file::open(folder_ / "campaign.toml"))
            files.insert(sha256_of(bytes->bytes()));
        return files;
    });
}

result<void> mirror_keeper::keep_file(const run_file& file) {
    if (folder_.empty())
        return error{errc::invalid_argument, "a file of a campaign that was not offered", "mirror", "are both programs of the same version?"};
    const auto arrived = incoming() / "arrived";
    if (auto same = require_hash(arrived, file.hash); !same)
        return same;
    FORGE_FAILPOINT_RETURN("keeper.file_arrived");
    const auto done = [&]() -> result<void> {
        if (file.name == "campaign.toml")
            return put_durably(arrived, folder_, file.name);
        const auto name = checkpoint_name(file.name);
        if (!name)
            return error{errc::malformed, "\"" + file.name + "\" is no file of a run", "mirror", "are both programs of the same version?"};
        const auto bytes = mapped_file::open(arrived);
        if (!bytes)
            return bytes.reason();
        if (const auto state = decode_checkpoint(bytes->bytes()); !state)
            return state.reason();
        return put_durably(arrived, folder_ / "checkpoints", *name);
    }();
    if (done)
        FORGE_FAILPOINT("keeper.file_kept");
    return done;
}

result<void> mirror_keeper::install_whole(const digest& hash, const ledger_standing& after) {
    const auto arrived = incoming() / "arrived";
    if (auto same = require_hash(arrived, hash); !same)
        return same;
    const auto kept = folder_ / "ledger.sqlite";
    auto judged = with_settled(arrived, [&](ledger& book) -> result<void> {
        const auto& id = book.identity();
        const auto report = book.check();
        const auto stands = book.standing();
        const auto lineage = book.lineage();
        if (!report || !stands || !lineage)
            return !report ? report.reason() : !stands ? stands.reason() : lineage.reason();
        if (id.campaign_seed != offer_.seed || id.config_hash != offer_.config_hash || id.n_chains != offer_.n_chains || *lineage != offer_.lineage)
            return error{errc::conflict, "the ledger that came is not the one that was offered", offer_.name, "are both programs of the same version?"};
        if (!report->ok() || !(*stands == after))
            return error{errc::checksum_mismatch, report->ok() ? "the ledger that came does not stand where it should" : report->problems.front().text, offer_.name,
                         "forge ledger check RUN on the coordinator"};
        for (std::uint32_t c = 0; c < id.n_chains; ++c)
            for (const auto& row : book.checkpoints(chain_id{c}).or_throw())
                if (row.live && !fs::exists(folder_ / row.file))
                    return error{errc::out_of_order, "the ledger lists " + row.file + ", which has not come", offer_.name, "it is sent again"};
        std::error_code ec;
        if (!fs::exists(kept, ec))
            return {};
        return with_settled(kept, [&](ledger& older) { return require_sealed_kept(older, book); });
    });
    if (!judged)
        return judged;
    std::error_code ec; // the settled one has none; a stray log would be read into the new file
    fs::remove(kept.string() + "-wal", ec);
    fs::remove(kept.string() + "-shm", ec);
    return put_durably(arrived, folder_, "ledger.sqlite");
}

result<void> mirror_keeper::keep_ledger(bool whole, const digest& hash, const ledger_standing& after) {
    if (folder_.empty())
        return error{errc::invalid_argument, "a ledger of a campaign that was not offered", "mirror", "are both programs of the same version?"};
    FORGE_FAILPOINT_RETURN("keeper.ledger_arrived");
    auto done = whole ? install_whole(hash, after) : [&]() -> result<void> {
        const auto arrived = incoming() / "arrived";
        if (auto same = require_hash(arrived, hash); !same)
            return same;
        const auto bytes = mapped_file::open(arrived);
        if (!bytes)
            return bytes.reason();
        if (bytes->bytes().size() > changes_bytes_max)
            return error{errc::malformed, "more changes than a copy takes at once", offer_.name, "a whole copy is sent"};
        return with_settled(folder_ / "ledger.sqlite",
                            [&](ledger& book) { return book.apply({{bytes->bytes().begin(), bytes->bytes().end()}, after}); });
    }();
    if (!done)
        return done;
    FORGE_FAILPOINT("keeper.ledger_kept");
    return drop_unlisted();
}

result<void> mirror_keeper::drop_unlisted() const {
    auto book = ledger::open_read_only(folder_ / "ledger.sqlite");
    if (!book)
        return book.reason();
    std::set<std::string> listed;
    for (std::uint32_t c = 0; c < offer_.n_chains; ++c) {
        const auto rows = book->checkpoints(chain_id{c});
        if (!rows)
            return rows.reason();
        for (const auto& row : *rows)
            listed.insert(row.file);
    }
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder_ / "checkpoints", ec))
        if (!listed.contains(std::string(checkpoint_folder) + entry.path().filename().string()))
            fs::remove(entry.path(), ec);
    return {};
}

result<std::vector<kept_run>> mirror_keeper::list() const {
    std::vector<kept_run> all;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(root_, ec)) {
        if (!fs::exists(entry.path() / "ledger.sqlite", ec) || entry.path() == incoming())
            continue;
        kept_run run;
        run.id = entry.path().filename().string();
        std::vector<std::string> names{"ledger.sqlite", "campaign.toml"};
        const auto read = with_settled(entry.path() / "ledger.sqlite", [&](ledger& book) -> result<void> {
            run.seed = book.identity().campaign_seed;
            run.config_hash = book.identity().config_hash;
            for (std::uint32_t c = 0; c < book.identity().n_chains; ++c) {
                run.trajectories += book.count(chain_id{c}).or_throw();
                for (const auto& row : book.checkpoints(chain_id{c}).or_throw())
                    names.push_back(row.file);
            }
            return {};
        });
        if (!read)
            return read.reason();
        for (const auto& name : names)
            if (const auto bytes = mapped_file::open(entry.path() / name)) // an older generation may have gone
                run.files.push_back({name, sha256_of(bytes->bytes()), bytes->bytes().size()});
        all.push_back(std::move(run));
    }
    return all;
}

result<fs::path> mirror_keeper::find(const std::string& id, const std::string& name) const {
    const bool plain = is_plain_name(id) && (name == "ledger.sqlite" || name == "campaign.toml" || checkpoint_name(name));
    std::error_code ec;
    if (!plain || !fs::is_regular_file(root_ / id / name, ec))
        return error{errc::not_found, "there is no such copy here: " + id + "/" + name, "mirror", "forge run --from-mirror lists what there is"};
    return root_ / id / name;
}

} // namespace forge
