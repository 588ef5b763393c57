// SPDX-License-Identifier: AGPL-3.0-only
// A programmer's mistake stops the actor (or the test) that made it, in every build.
#pragma once

#include <stdexcept>

namespace forge {

/// Thrown when a caller or a function broke its contract; never caught below the actor that runs the code.
class contract_broken : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Out of line: what is thrown once in a lifetime is not built at every place that promises something.
[[noreturn]] void break_contract(const char* which, const char* promise);

/// Precondition. @param promise  what was promised, for the message.
inline void expects(bool held, const char* promise) {
    if (!held) [[unlikely]]
        break_contract("precondition", promise);
}

/// Postcondition or invariant.
inline void ensures(bool held, const char* promise) {
    if (!held) [[unlikely]]
        break_contract("postcondition", promise);
}

} // namespace forge
