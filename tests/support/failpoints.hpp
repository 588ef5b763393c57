// SPDX-License-Identifier: AGPL-3.0-only
// The failpoints of the program under test (libactors/base/failpoint.hpp), and commands that are armed with one.
#pragma once

#include "tests/support/process.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace forge::test {

using words = std::vector<std::string>;

/// The command with FORGE_FAILPOINT set to `value`; the process is the command's own (env(1) leaves).
inline words with_failpoint(const std::string& value, const words& command) {
    words all{"env", "FORGE_FAILPOINT=" + value};
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

/// Names in the program under test, in the order of their protocols; empty in Release.
inline words failpoint_names() {
    words found;
    const auto r = process(with_failpoint("list", forge_command({}))).wait();
    REQUIRE((r.exit_code == 0 || r.exit_code == 2)); // 2: Release, where the variable means nothing
    std::istringstream lines(r.out);
    for (std::string line; std::getline(lines, line);)
        if (const auto tab = line.find('\t'); tab != std::string::npos)
            found.push_back(line.substr(0, tab));
    return found;
}

inline bool failpoints_compiled_in() {
    static const bool known = !failpoint_names().empty();
    if (!known)
        WARN("SKIPPED: built without FORGE_FAILPOINTS");
    return known;
}

} // namespace forge::test
