// SPDX-License-Identifier: AGPL-3.0-only
// A campaign file: accepted, or refused in words; what is accepted differs from itself in no line.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/control/campaign.hpp"

#include <string>

FORGE_FUZZ(bytes) {
    const auto c = forge::parse_campaign(std::string(forge::text_of(bytes)), "campaign.toml");
    if (!c) {
        forge::require(!c.reason().what.empty());
        return;
    }
    const auto physics = forge::physics_text(*c);
    forge::require(forge::difference(physics, physics).empty());
}
