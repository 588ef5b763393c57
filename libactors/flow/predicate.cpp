// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/predicate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace forge {

namespace {

using op = predicate::op;

/// How tightly an operation binds; an operand that binds less is printed in parentheses.
int rank_of(op o) {
    switch (o) {
    case op::disjunction: return 1;
    case op::conjunction: return 2;
    case op::negation: return 3;
    case op::less: case op::less_equal: case op::greater: case op::greater_equal: case op::equal: case op::not_equal: return 4;
    case op::add: case op::subtract: return 5;
    case op::multiply: case op::divide: return 6;
    case op::minus: return 7;
    case op::absolute: case op::number: case op::truth: case op::field: return 8;
    }
    return 8;
}

const char* sign_of(op o) {
    switch (o) {
    case op::disjunction: return " or ";
    case op::conjunction: return " and ";
    case op::less: return " < ";
    case op::less_equal: return " <= ";
    case op::greater: return " > ";
    case op::greater_equal: return " >= ";
    case op::equal: return " == ";
    case op::not_equal: return " != ";
    case op::add: return " + ";
    case op::subtract: return " - ";
    case op::multiply: return " * ";
    case op::divide: return " / ";
    default: return "";
    }
}

bool is_binary(op o) { return *sign_of(o) != '\0'; }

using maybe = std::optional<double>;

maybe finite(double x) { return std::isfinite(x) ? maybe(x) : std::nullopt; }

maybe binary(op o, maybe a, maybe b) {
    if (o == op::conjunction)
        return a == maybe(0.0) || b == maybe(0.0) ? maybe(0.0) : a && b ? maybe(1.0) : std::nullopt;
    if (o == op::disjunction)
        return a == maybe(1.0) || b == maybe(1.0) ? maybe(1.0) : a && b ? maybe(0.0) : std::nullopt;
    if (!a || !b)
        return std::nullopt;
    switch (o) {
    case op::less: return *a < *b ? 1.0 : 0.0;
    case op::less_equal: return *a <= *b ? 1.0 : 0.0;
    case op::greater: return *a > *b ? 1.0 : 0.0;
    case op::greater_equal: return *a >= *b ? 1.0 : 0.0;
    case op::equal: return *a == *b ? 1.0 : 0.0;
    case op::not_equal: return *a != *b ? 1.0 : 0.0;
    case op::add: return finite(*a + *b);
    case op::subtract: return finite(*a - *b);
    case op::multiply: return finite(*a * *b);
    default: return finite(*a / *b);
    }
}

std::string to_text(double x) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
    return {buffer, end};
}

} // namespace

std::optional<bool> predicate::evaluate(const field_source& source) const {
    std::vector<maybe> stack;
    for (const auto& n : nodes_) {
        if (n.what == op::number || n.what == op::truth) {
            stack.push_back(n.value);
        } else if (n.what == op::field) {
            const auto v = source(n.name);
            stack.push_back(v ? finite(*v) : std::nullopt);
        } else if (is_binary(n.what)) {
            const auto b = stack.back();
            stack.pop_back();
            stack.back() = binary(n.what, stack.back(), b);
        } else if (auto& top = stack.back()) {
            top = n.what == op::minus ? -*top : n.what == op::absolute ? std::fabs(*top) : 1.0 - *top;
        }
    }
    if (!stack.back())
        return std::nullopt;
    return *stack.back() != 0.0;
}

std::string predicate::text() const {
    struct piece {
        std::string text;
        int rank;
    };
    std::vector<piece> stack;
    const auto wrapped = [](const piece& p, int at_least) { return p.rank < at_least ? "(" + p.text + ")" : p.text; };
    for (const auto& n : nodes_) {
        const int rank = rank_of(n.what);
        if (n.what == op::number) {
            stack.push_back({to_text(n.value), rank});
        } else if (n.what == op::truth) {
            stack.push_back({n.value != 0.0 ? "true" : "false", rank});
        } else if (n.what == op::field) {
            stack.push_back({n.name, rank});
        } else if (is_binary(n.what)) {
            const auto right = std::move(stack.back());
            stack.pop_back();
            // Groups to the left: an equal rank on the right keeps its parentheses.
            stack.back() = {wrapped(stack.back(), rank) + sign_of(n.what) + wrapped(right, rank + 1), rank};
        } else {
            auto& top = stack.back();
            top = {n.what == op::absolute ? "abs(" + top.text + ")" : (n.what == op::minus ? "-" : "not ") + wrapped(top, rank), rank};
        }
    }
    return stack.back().text;
}

std::vector<std::string> predicate::names() const {
    std::set<std::string> all;
    for (const auto& n : nodes_)
        if (n.what == op::field)
            all.insert(n.name);
    return {all.begin(), all.end()};
}

} // namespace forge
