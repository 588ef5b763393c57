// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/cli.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string_view>

#include <unistd.h>

namespace forge::app {

void report_error(cli_state& state, const error& e) {
    std::cerr << to_text(e) << "\n";
    state.exit_code = exit_code_of(e.code);
}

void print_json(const std::string& schema, nlohmann::json data, const std::vector<std::string>& warnings) {
    const nlohmann::ordered_json envelope{
        {"schema", schema}, {"at", utc_now()}, {"data", std::move(data)}, {"warnings", warnings}};
    std::cout << envelope.dump(2) << "\n";
}

std::shared_ptr<run_view> add_run_view(CLI::App& command) {
    auto view = std::make_shared<run_view>();
    command.add_option("--run", view->run, "Run directory (default: the only one below runs/)");
    command.add_flag("--json", view->json, "JSON on standard output");
    return view;
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

bool fancy_terminal() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool plain = (no_color != nullptr && *no_color != '\0') || (term != nullptr && std::string_view(term) == "dumb");
    return !plain && ::isatty(STDERR_FILENO) == 1;
}

} // namespace forge::app
