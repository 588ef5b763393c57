// SPDX-License-Identifier: AGPL-3.0-only
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
