// SPDX-License-Identifier: AGPL-3.0-only
// Conditions on results: grammar, types, three-valued logic, canonical text.
#include "libactors/flow/predicate.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <memory>
#include <random>

using namespace forge;

namespace {

predicate parsed(const std::string& text) { return predicate::parse(text, result_schema({"anomaly"})).or_throw(); }

error refused(const std::string& text) {
    const auto p = predicate::parse(text, result_schema({"anomaly"}));
    INFO(text);
    REQUIRE(!p);
    CHECK(p.reason().code == errc::invalid_argument);
    CHECK(!p.reason().hint.empty());
    return p.reason();
}

using values = std::map<std::string, double, std::less<>>;

std::optional<bool> with(const std::string& text, const values& v) {
    return parsed(text).evaluate([&](std::string_view name) {
        const auto at = v.find(name);
        return at == v.end() ? std::nullopt : std::optional(at->second);
    });
}

// An evaluator of its own: a tree, truths as 0 < 1 (unknown) < 2, so that and is min, or is max, not is 2 - x.
struct tree {
    std::string what; ///< operator, "n" (number), "f" (field) or "abs", "neg"
    double number = 0.0;
    std::string field;
    std::vector<std::unique_ptr<tree>> sides;
};

const std::vector<std::string> number_fields{"beta", "chi_p", "chi_l", "delta_h", "plaquette", "score.anomaly"};

std::unique_ptr<tree> grow(std::mt19937& g, bool truth, int depth) {
    auto t = std::make_unique<tree>();
    const auto pick = [&](std::vector<std::string> words) { return words[g() % words.size()]; };
    const auto sides = [&](bool kind, int n) {
        for (int k = 0; k < n; ++k)
            t->sides.push_back(grow(g, kind, depth - 1));
    };
    if (truth && (depth <= 1 || g() % 3 == 0)) {
        if (g() % 6 == 0) {
            t->what = "f";
            t->field = pick({"accepted", "measured"});
        } else {
            t->what = pick({"<", "<=", ">", ">=", "==", "!="});
            sides(false, 2);
        }
    } else if (truth) {
        t->what = pick({"and", "or", "not"});
        sides(true, t->what == "not" ? 1 : 2);
    } else if (depth <= 0 || g() % 2 == 0) {
        t->what = g() % 2 == 0 ? "n" : "f";
        t->number = g() % 2 == 0 ? static_cast<double>(g() % 4) : std::ldexp(static_cast<double>(g()), -28);
        t->field = pick(number_fields);
    } else {
        t->what = pick({"+", "-", "*", "/", "neg", "abs"});
        sides(false, t->what == "neg" || t->what == "abs" ? 1 : 2);
    }
    return t;
}

std::string printed(const tree& t) {
    if (t.what == "n") {
        char buffer[40];
        std::snprintf(buffer, sizeof buffer, "%.17g", t.number);
        return buffer;
    }
    if (t.what == "f")
        return t.field;
    const auto first = printed(*t.sides[0]);
    if (t.what == "not" || t.what == "abs" || t.what == "neg")
        return (t.what == "neg" ? "-" : t.what) + "(" + first + ")";
    return "((" + first + ")" + t.what + "(" + printed(*t.sides[1]) + "))";
}

std::optional<double> number_of(const tree& t, const values& v) {
    std::optional<double> x;
    if (t.what == "n")
        return t.number;
    if (t.what == "f")
        return v.contains(t.field) ? std::optional(v.at(t.field)) : std::nullopt;
    const auto a = number_of(*t.sides[0], v);
    if (t.what == "neg" || t.what == "abs")
        return !a ? a : t.what == "neg" ? -*a : std::abs(*a);
    const auto b = number_of(*t.sides[1], v);
    if (!a || !b)
        return std::nullopt;
    const double y = t.what == "+" ? *a + *b : t.what == "-" ? *a - *b : t.what == "*" ? *a * *b : *a / *b;
    return std::isfinite(y) ? std::optional(y) : std::nullopt;
}

int truth_of(const tree& t, const values& v) {
    if (t.what == "f")
        return v.contains(t.field) ? (v.at(t.field) != 0.0 ? 2 : 0) : 1;
    if (t.what == "and")
        return std::min(truth_of(*t.sides[0], v), truth_of(*t.sides[1], v));
    if (t.what == "or")
        return std::max(truth_of(*t.sides[0], v), truth_of(*t.sides[1], v));
    if (t.what == "not")
        return 2 - truth_of(*t.sides[0], v);
    const auto a = number_of(*t.sides[0], v), b = number_of(*t.sides[1], v);
    if (!a || !b)
        return 1;
    const bool holds = t.what == "<"    ? *a < *b
                       : t.what == "<=" ? *a <= *b
                       : t.what == ">"  ? *a > *b
                       : t.what == ">=" ? *a >= *b
                       : t.what == "==" ? *a == *b
                                        : *a != *b;
    return holds ? 2 : 0;
}

} // namespace

TEST_CASE("seed 000's condition parses; chi is chi_p") {
    CHECK(parsed("chi > 10.0").text() == "chi_p > 10");
    CHECK(parsed("chi > 10.0") == parsed("  (chi_p)>1e1 "));
    CHECK(with("chi > 10.0", {{"chi_p", 10.5}}) == std::optional(true));
    CHECK(with("chi > 10.0", {{"chi_p", 10.0}}) == std::optional(false));
    CHECK(parsed("chi_l > 10.0 and beta > 5.6 or accepted").names() == std::vector<std::string>{"accepted", "beta", "chi_l"});
    CHECK(with("score.anomaly >= 0.5", {{"score.anomaly", 0.5}}) == std::optional(true));
    CHECK(!predicate::parse("score.anomaly > 0", result_schema()));
}

TEST_CASE("precedence and grouping are those of arithmetic") {
    CHECK(with("1 + 2 * 3 == 7 and 8 - 4 - 2 == 2 and 8 / 4 / 2 == 1", {}) == std::optional(true));
    CHECK(with("-2 * -3 == 6 and abs(1 - 3) == 2 and - - 1 == 1", {}) == std::optional(true));
    CHECK(with("true or false and false", {}) == std::optional(true));
    CHECK(with("not 1 > 2 and not not true", {}) == std::optional(true));
    CHECK(parsed("beta - (1 - 2) > (3 * 4) + ((5))").text() == "beta - (1 - 2) > 3 * 4 + 5");
    CHECK(parsed("accepted and (measured and true)").text() == "accepted and (measured and true)");
    CHECK(parsed("not (beta > 1) or not (accepted and measured)").text() == "not beta > 1 or not (accepted and measured)");
    CHECK(parsed(".5 < 1E+2").text() == "0.5 < 100");
}

TEST_CASE("the unknown is neither true nor false, and a filter does not pass it") {
    CHECK(!with("chi_l > 1", {}).has_value());
    CHECK(!with("not chi_l > 1", {}).has_value());
    CHECK(!with("chi_l == chi_l", {}).has_value());
    CHECK(with("chi_l > 1 or true", {}) == std::optional(true));
    CHECK(!with("chi_l > 1 or false", {}).has_value());
    CHECK(with("chi_l > 1 and false", {}) == std::optional(false));
    CHECK(!with("true and chi_l > 1", {}).has_value());
    CHECK(!with("1 / 0 > 0", {}).has_value());
    CHECK(!with("beta > 0", {{"beta", std::nan("")}}).has_value());
    CHECK(!with("beta > 0", {{"beta", HUGE_VAL}}).has_value());
    const auto p = parsed("chi_l > 1");
    CHECK(!p.passes([](std::string_view) { return std::nullopt; }));
    CHECK(p.passes([](std::string_view) { return std::optional(2.0); }));
    CHECK(!p.passes([](std::string_view) { return std::optional(0.0); }));
}

TEST_CASE("a refusal names the column, what was expected and a correction") {
    const struct {
        const char* text;
        int column;
        const char* what;
        const char* hint;
    } cases[] = {
        {"", 1, "expected a number, a name, not, abs or (, found the end", "operators are"},
        {"plaqette > 0.5", 1, "there is no field \"plaqette\"", "did you mean plaquette?"},
        {"beta > 5 and chy_l > 3", 14, "there is no field \"chy_l\"", "did you mean chi_l?"},
        {"beta > 5 and zzzzzzzz > 3", 14, "there is no field \"zzzzzzzz\"", "fields are acceptance, accepted"},
        {"chi", 1, "expected a truth, found a number", "compare with something"},
        {"beta > ", 8, "found the end", "operators are"},
        {"beta = 5", 6, "expected an operator or the end, found \"=\"", "write =="},
        {"beta > 5 && chi > 1", 10, "found \"&&\"", "write and"},
        {"beta > 5 || chi > 1", 10, "found \"||\"", "write or"},
        {"beta > 5 adn chi > 1", 10, "found \"adn\"", "did you mean and?"},
        {"!accepted", 1, "found \"!\"", "write not"},
        {"5 < beta < 6", 10, "a comparison of a comparison", "a < b and b < c"},
        {"(beta > 5", 10, "expected ) for the ( in column 1, found the end", "operators are"},
        {"beta > 5)", 9, "expected an operator or the end, found \")\"", "operators are"},
        {"accepted > 0", 1, "expected a number, found a truth", "stands alone"},
        {"beta and accepted", 1, "expected a truth, found a number", "join comparisons"},
        {"not beta", 5, "expected a truth, found a number", "not belongs before"},
        {"abs delta_h > 1", 5, "expected ( after abs", "abs(delta_h)"},
        {"abs(accepted) > 1", 5, "expected a number, found a truth", "abs is for numbers"},
        {"-accepted > 1", 2, "expected a number, found a truth", "arithmetic"},
        {"beta + accepted > 1", 8, "expected a number, found a truth", "arithmetic"},
        {"beta > 1e999", 8, "outside the range", "between"},
        {"beta > 5 and or accepted", 14, "found \"or\"", "one side of \"or\" is missing"},
        {"beta > 5 \x01", 10, "found \"?\"", "operators are"},
    };
    for (const auto& c : cases) {
        const auto e = refused(c.text);
        INFO(c.text << ": " << to_text(e));
        CHECK(e.where == "column " + std::to_string(c.column));
        CHECK(e.what.find(c.what) != std::string::npos);
        CHECK(e.hint.find(c.hint) != std::string::npos);
    }
}

TEST_CASE("depth, size and length are bounded") {
    const auto nested = [](int n) { return std::string(static_cast<std::size_t>(n), '(') + "accepted" + std::string(static_cast<std::size_t>(n), ')'); };
    CHECK(predicate::parse(nested(predicate::depth_max), result_schema()).ok());
    CHECK(refused(nested(predicate::depth_max + 1)).what.find("nested deeper") != std::string::npos);
    CHECK(refused(nested(8000)).what.find("nested deeper") != std::string::npos);
    std::string nots;
    for (int k = 0; k < 2000; ++k)
        nots += "not ";
    CHECK(refused(nots + "accepted").what.find("nested deeper") != std::string::npos);
    CHECK(refused(std::string(3000, '-') + "1 > 0").what.find("nested deeper") != std::string::npos);
    std::string many = "accepted";
    for (int k = 0; k < 63; ++k)
        many += " or accepted";
    CHECK(parsed(many).text() == many);
    CHECK(refused(many + " or accepted").what.find("more than 128") != std::string::npos);
    CHECK(refused(std::string(predicate::text_bytes_max + 1, ' ')).what.find("bytes") != std::string::npos);
    CHECK(refused(std::string(10000, 'a')).what.find("there is no field") != std::string::npos);
}

TEST_CASE("random conditions agree with an evaluator of another build, and survive their canonical text") {
    std::mt19937 g(6);
    std::size_t outcomes[3] = {0, 0, 0};
    for (int round = 0; round < 4000; ++round) {
        const auto t = grow(g, true, 1 + static_cast<int>(g() % 4));
        const auto read = predicate::parse(printed(*t), result_schema({"anomaly"}));
        if (!read) { // only for its size
            CHECK(read.reason().what.find("more than 128") != std::string::npos);
            continue;
        }
        const auto again = predicate::parse(read->text(), result_schema({"anomaly"}));
        INFO(printed(*t) << "\n" << read->text());
        REQUIRE(again.ok());
        CHECK(*again == *read);
        CHECK(again->text() == read->text());
        for (int draw = 0; draw < 4; ++draw) {
            values v;
            for (const auto& f : number_fields)
                if (g() % 4 != 0)
                    v[f] = static_cast<double>(g() % 9) - 4.0;
            for (const auto* f : {"accepted", "measured"})
                if (g() % 4 != 0)
                    v[f] = static_cast<double>(g() % 2);
            const auto got = read->evaluate([&](std::string_view name) {
                const auto at = v.find(name);
                return at == v.end() ? std::nullopt : std::optional(at->second);
            });
            const int expected = truth_of(*t, v);
            CHECK((got ? (*got ? 2 : 0) : 1) == expected);
            ++outcomes[expected];
        }
    }
    for (const auto n : outcomes)
        CHECK(n > 1000); // every outcome is met often
}

TEST_CASE("random bytes and random tokens are read or refused, never worse") {
    std::mt19937 g(7);
    const std::vector<std::string> tokens{"and", "or", "not", "abs", "(", ")", "<", ">=", "==", "+", "-", "*", "/", "1", "2.5e3", "beta", "chi",
                                          "accepted", " ", "true", ".", "1e", "=", "score.", "\xff", "score.anomaly"};
    std::size_t n_read = 0;
    for (int round = 0; round < 30000; ++round) {
        std::string text;
        for (auto n = g() % 12; n > 0; --n)
            text += round % 3 == 0 ? std::string(1, static_cast<char>(g())) : tokens[g() % tokens.size()] + (g() % 2 == 0 ? " " : "");
        const auto p = predicate::parse(text, result_schema({"anomaly"}));
        if (!p) {
            CHECK(p.reason().where.starts_with("column "));
            continue;
        }
        ++n_read;
        CHECK(predicate::parse(p->text(), result_schema({"anomaly"})).value() == *p);
    }
    CHECK(n_read > 100);
}
