// SPDX-License-Identifier: AGPL-3.0-only
// A condition over one result of a trajectory: "chi_l > 10.0 and beta > 5.6".
#pragma once

#include "libactors/base/result.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

enum class value_type : std::uint8_t { number, truth };

/// The names that a condition may use, each with its type, and other spellings of them.
class field_schema {
public:
    /// Precondition: `name` is a legal name (letters, digits, _ and dots; at most name_bytes_max bytes) and no keyword.
    field_schema& add(const std::string& name, value_type type);
    /// `other` is read as `name`, which is in the schema; it is never printed.
    field_schema& alias(const std::string& other, const std::string& name);
    /// Canonical name and type of a name or alias.
    [[nodiscard]] std::optional<std::pair<std::string, value_type>> find(std::string_view name) const;
    /// Names and aliases, sorted.
    [[nodiscard]] std::vector<std::string> words() const;
    friend bool operator==(const field_schema&, const field_schema&) = default;

    static constexpr std::size_t name_bytes_max = 64;

private:
    std::map<std::string, value_type, std::less<>> types_;
    std::map<std::string, std::string, std::less<>> aliases_;
};

/// Fields of a trajectory's result. Numbers: beta, chain, segment, trajectory, plaquette, plaquette_spatial,
/// plaquette_temporal, action_density, polyakov_re, polyakov_im, polyakov_abs, delta_h, exp_minus_delta_h, acceptance,
/// seconds, chi_p and chi_l (running values over the segment up to this trajectory: V var P and V_s var |L|).
/// Truths: accepted, measured. `chi` is another spelling of chi_p, as seed 000 defines it; chi_l is the one that marks
/// the deconfinement transition.
[[nodiscard]] field_schema result_schema();
/// result_schema with one number "score.HEAD" for each head of the conductor.
[[nodiscard]] field_schema result_schema(const std::vector<std::string>& heads);

/// Value of a field by its canonical name: a truth is 0 or 1; unset is n/a (not measured, no such head yet).
using field_source = std::function<std::optional<double>(std::string_view)>;

/// A parsed and type-checked condition. A value: comparable, and parse(text()) == *this.
///
/// or, and, not, comparisons (< <= > >= == !=, of two numbers, not chained), + - * /, unary minus, abs(), parentheses,
/// numbers, true, false, names. Precedence as written here, loosest first; and, or and arithmetic group to the left.
///
/// Three truth values (Kleene): an n/a number makes its comparison unknown; "unknown or true" is true, "unknown and
/// false" is false, "not unknown" is unknown. Arithmetic that leaves the finite numbers (1/0) is n/a.
class predicate {
public:
    /// @return errc::invalid_argument: what was expected, `where` = "column N" (from 1), `hint` a correction.
    [[nodiscard]] static result<predicate> parse(std::string_view text, const field_schema& schema);

    /// Unset: unknown.
    [[nodiscard]] std::optional<bool> evaluate(const field_source& source) const;
    /// A filter passes on true only, not on unknown.
    [[nodiscard]] bool passes(const field_source& source) const { return evaluate(source) == std::optional<bool>(true); }

    /// Canonical text: one space around operators, no needless parentheses, aliases replaced.
    [[nodiscard]] std::string text() const;
    /// Canonical names that it reads, sorted, each once.
    [[nodiscard]] std::vector<std::string> names() const;
    friend bool operator==(const predicate&, const predicate&) = default;

    /// Bounds against hostile texts. The canonical text of what was read is within them too.
    static constexpr std::size_t text_bytes_max = 16384;
    static constexpr std::size_t nodes_max = 128;
    static constexpr int depth_max = 64; ///< parentheses, not, minus and abs inside each other

    enum class op : std::uint8_t {
        disjunction, conjunction, negation, less, less_equal, greater, greater_equal, equal, not_equal,
        add, subtract, multiply, divide, minus, absolute, number, truth, field,
    };
    struct node {
        op what = op::number;
        double value = 0.0; ///< of a number; 1 or 0 of a truth
        std::string name;   ///< of a field
        friend bool operator==(const node&, const node&) = default;
    };

private:
    explicit predicate(std::vector<node> nodes) : nodes_(std::move(nodes)) {}
    std::vector<node> nodes_; ///< postfix order: no recursion to evaluate, print or destroy
};

} // namespace forge
