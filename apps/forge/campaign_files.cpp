// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/campaign_files.hpp"

#include <fstream>
#include <sstream>

namespace forge::app {

namespace {

constexpr std::uintmax_t campaign_bytes_max = 1 << 20;

result<std::string> read_text(const std::filesystem::path& file) {
    std::error_code status;
    const auto size = std::filesystem::file_size(file, status);
    if (status)
        return error{errc::not_found, "cannot read the campaign file: " + status.message(), file.string(), "check the name"};
    if (size > campaign_bytes_max)
        return error{errc::config_invalid, "a campaign file has at most 1 MiB", file.string(), "is this the right file?"};
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    if (!in)
        return error{errc::io_failed, "cannot read the campaign file", file.string(), "check its permissions"};
    return text.str();
}

} // namespace

result<loaded_campaign> load_campaign(const std::filesystem::path& file, const std::string& out) {
    auto text = read_text(file);
    if (!text)
        return text.reason();
    auto plan = parse_campaign(*text, file.string());
    if (!plan)
        return plan.reason();
    loaded_campaign c{*plan, *text, file, {}};
    c.folder.root = !out.empty() ? std::filesystem::path(out)
                    : !plan->output.empty() ? std::filesystem::path(plan->output) : std::filesystem::path("runs") / plan->name;
    return c;
}

result<run_folder> find_run(const std::string& given) {
    if (!given.empty()) {
        run_folder folder{given};
        if (!std::filesystem::exists(folder.ledger()))
            return error{errc::not_found, "there is no run in this folder (no ledger.sqlite)", given, "forge run CAMPAIGN.toml --out " + given};
        return folder;
    }
    std::vector<std::filesystem::path> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("runs", ignored))
        if (std::filesystem::exists(entry.path() / "ledger.sqlite"))
            found.push_back(entry.path());
    if (found.size() == 1)
        return run_folder{found.front()};
    if (found.empty())
        return error{errc::not_found, "there is no run below runs/ of this folder", "", "--run DIR, or forge run CAMPAIGN.toml"};
    std::string names;
    for (const auto& f : found)
        names += (names.empty() ? "" : ", ") + f.string();
    return error{errc::not_found, "there are several runs: " + names, "", "--run DIR"};
}

result<campaign> campaign_of(const run_folder& folder) {
    auto text = read_text(folder.campaign());
    if (!text)
        return text.reason();
    return parse_campaign(*text, folder.campaign().string());
}

std::string program_version() { return "forge " FORGE_VERSION; }

} // namespace forge::app
