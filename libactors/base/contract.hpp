// SPDX-License-Identifier: AGPL-3.0-only
// A programmer's mistake stops the actor (or the test) that made it, in every build.
#pragma once

#include <stdexcept>
#include <string>

namespace forge {

/// Thrown when a caller or a function broke its contract; never caught below the actor that runs the code.
class contract_broken : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Precondition. @param promise  what was promised, for the message.
inline void expects(bool held, const char* promise) {
    if (!held) [[unlikely]]
        throw contract_broken(std::string("precondition broken: ") + promise);
}

/// Postcondition or invariant.
inline void ensures(bool held, const char* promise) {
    if (!held) [[unlikely]]
        throw contract_broken(std::string("postcondition broken: ") + promise);
}

} // namespace forge
