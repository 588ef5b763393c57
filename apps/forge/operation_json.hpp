// SPDX-License-Identifier: AGPL-3.0-only
// Operations as JSON: on the control socket, in the ledger's events, on standard output.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/control/operations/operation.hpp"
#include "libactors/ledger/ledger.hpp"

#include <nlohmann/json.hpp>

namespace forge::app {

[[nodiscard]] nlohmann::json to_json(const operation_report& r);
/// Unset when a field is missing or unknown: from another version, or damaged.
[[nodiscard]] std::optional<operation_report> report_from(const nlohmann::json& j);
[[nodiscard]] nlohmann::json to_json(const operation_request& r);
[[nodiscard]] std::optional<operation_request> request_from(const nlohmann::json& j);
[[nodiscard]] nlohmann::json to_json(const error& e);
[[nodiscard]] error error_from(const nlohmann::json& j);

/// What the ledger remembers, oldest first; of one id the last report.
[[nodiscard]] result<std::vector<operation_report>> operations_in(ledger& book);

} // namespace forge::app
