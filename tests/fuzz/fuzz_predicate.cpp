// SPDX-License-Identifier: AGPL-3.0-only
// A condition: refused with a column, or read, evaluated and read again from its canonical text.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/flow/predicate.hpp"

FORGE_FUZZ(bytes) {
    static const auto schema = forge::result_schema({"anomaly", "uncertainty"});
    const auto p = forge::predicate::parse(forge::text_of(bytes), schema);
    if (!p) {
        forge::require(p.reason().where.starts_with("column ") && !p.reason().hint.empty());
        return;
    }
    const auto again = forge::predicate::parse(p->text(), schema);
    forge::require(again.ok() && *again == *p && again->text() == p->text());
    const auto known = [](std::string_view name) { return std::optional(static_cast<double>(name.size())); };
    const auto unknown = [](std::string_view) -> std::optional<double> { return std::nullopt; };
    forge::require(p->evaluate(known) == again->evaluate(known));
    forge::require(p->evaluate(unknown) == again->evaluate(unknown));
}
