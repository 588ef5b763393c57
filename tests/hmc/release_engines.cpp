// SPDX-License-Identifier: AGPL-3.0-only
#define CATCH_CONFIG_EXTERNAL_INTERFACES // Catch's listener, which other test files need not compile
#include "tests/support/release_engines.hpp"
