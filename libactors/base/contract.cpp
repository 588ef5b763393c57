// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/contract.hpp"

#include <string>

namespace forge {

void break_contract(const char* which, const char* promise) { throw contract_broken(std::string(which) + " broken: " + promise); }

} // namespace forge
