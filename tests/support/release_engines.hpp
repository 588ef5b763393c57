// SPDX-License-Identifier: AGPL-3.0-only
// Included by exactly one file of a test binary, behind CATCH_CONFIG_EXTERNAL_INTERFACES.
#pragma once

#include "tests/support/engine_variants.hpp"

namespace forge::testing {

/// Releases engines before main() returns; OpenCL drivers tear themselves down in exit handlers.
struct engine_releaser : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;
    void testRunEnded(const Catch::TestRunStats& stats) override {
        shared_engines().engines.clear();
        shared_engines().systems.clear();
        TestEventListenerBase::testRunEnded(stats);
    }
};
CATCH_REGISTER_LISTENER(engine_releaser)

} // namespace forge::testing
