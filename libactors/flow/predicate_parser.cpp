// SPDX-License-Identifier: AGPL-3.0-only
// Recursive descent with a bound on its depth; types are checked as the tree grows.
#include "libactors/base/nearest_word.hpp"
#include "libactors/flow/predicate.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace forge {

namespace {

using op = predicate::op;

constexpr std::array<std::string_view, 6> keywords{"and", "or", "not", "abs", "true", "false"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool inside_name(char c) { return begins_name(c) || is_digit(c) || c == '.'; }

bool is_name(std::string_view s) {
    return !s.empty() && s.size() <= field_schema::name_bytes_max && begins_name(s[0]) && std::all_of(s.begin(), s.end(), inside_name) &&
           std::find(keywords.begin(), keywords.end(), s) == keywords.end();
}

const char* name_of(value_type t) { return t == value_type::number ? "a number" : "a truth"; }

class parser {
public:
    parser(std::string_view text, const field_schema& schema) : text_(text), schema_(schema) {}

    result<std::vector<predicate::node>> run() {
        if (text_.size() > predicate::text_bytes_max)
            fail(0, "the condition has " + std::to_string(text_.size()) + " bytes; at most " + std::to_string(predicate::text_bytes_max) + " are read",
                 "split it over two edges");
        next();
        const auto whole = disjunction();
        if (!failed_ && kind_ != token::end)
            fail(token_at_, "expected an operator or the end, found " + shown(), unexpected_hint());
        require(whole, value_type::truth, "a condition is true or false: compare with something, e.g. \"> 10\"");
        if (failed_)
            return *failed_;
        return std::move(nodes_);
    }

private:
    enum class token { number, word, sign, end };
    struct part {
        value_type type = value_type::truth;
        std::size_t at = 0;
    };

    void fail(std::size_t at, const std::string& what, const std::string& hint) {
        if (!failed_)
            failed_ = error{errc::invalid_argument, what, "column " + std::to_string(at + 1), hint};
        kind_ = token::end;
        token_ = {};
        text_ = text_.substr(0, std::min(text_.size(), token_at_));
    }

    std::string shown() const {
        if (kind_ == token::end)
            return "the end";
        std::string s;
        for (const char c : token_.substr(0, 32))
            s += c >= ' ' && c <= '~' ? c : '?';
        return "\"" + s + "\"";
    }

    std::string unexpected_hint() const {
        if (token_ == "&" || token_ == "&&")
            return "write and";
        if (token_ == "|" || token_ == "||")
            return "write or";
        if (token_ == "!")
            return "write not";
        if (token_ == "=")
            return "write ==";
        if (kind_ == token::word)
            if (const auto near = nearest_word(std::string(token_), {"and", "or"}); !near.empty())
                return "did you mean " + near + "?";
        return "operators are and or not < <= > >= == != + - * /";
    }

    void next() {
        if (failed_)
            return;
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
            ++at_;
        token_at_ = at_;
        if (at_ == text_.size()) {
            kind_ = token::end;
            token_ = {};
            return;
        }
        const char c = text_[at_];
        std::size_t end = at_ + 1;
        if (is_digit(c) || (c == '.' && end < text_.size() && is_digit(text_[end]))) {
            kind_ = token::number;
            const auto [stop, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number_);
            end = static_cast<std::size_t>(stop - text_.data());
            token_ = text_.substr(at_, end - at_);
            if (code != std::errc{})
                return fail(token_at_, "the number " + shown() + " is outside the range of double", "a number between 1e-307 and 1e308");
        } else if (begins_name(c)) {
            kind_ = token::word;
            while (end < text_.size() && inside_name(text_[end]))
                ++end;
        } else {
            kind_ = token::sign;
            const char second = end < text_.size() ? text_[end] : ' ';
            if (second == '=' ? c == '<' || c == '>' || c == '=' || c == '!' : (c == '&' || c == '|') && second == c)
                ++end;
        }
        token_ = text_.substr(at_, end - at_);
        at_ = end;
    }

    bool take(std::string_view what) {
        if (kind_ == token::end || kind_ == token::number || token_ != what)
            return false;
        next();
        return true;
    }

    void emit(op what, double value = 0.0, std::string name = {}) {
        if (nodes_.size() == predicate::nodes_max)
            return fail(token_at_, "the condition has more than " + std::to_string(predicate::nodes_max) + " operations and values",
                        "split it over two edges");
        nodes_.push_back({what, value, std::move(name)});
    }

    void require(const part& p, value_type type, const char* hint) {
        if (p.type != type)
            fail(p.at, std::string("expected ") + name_of(type) + ", found " + name_of(p.type), hint);
    }

    part disjunction() {
        auto left = conjunction();
        while (take("or"))
            left = join(left, conjunction(), op::disjunction);
        return left;
    }

    part conjunction() {
        auto left = negation();
        while (take("and"))
            left = join(left, negation(), op::conjunction);
        return left;
    }

    part join(const part& left, const part& right, op what) {
        for (const auto& p : {left, right})
            require(p, value_type::truth, "and, or and not join comparisons, e.g. beta > 5.6");
        emit(what);
        return {value_type::truth, left.at};
    }

    part negation() {
        const auto at = token_at_;
        if (!take("not"))
            return comparison();
        if (!deeper(at))
            return {};
        require(negation(), value_type::truth, "not belongs before a comparison, e.g. not (beta > 5.6)");
        --depth_;
        emit(op::negation);
        return {value_type::truth, at};
    }

    std::optional<op> comparison_sign() {
        static constexpr std::array<std::pair<std::string_view, op>, 6> signs{
            {{"<", op::less}, {"<=", op::less_equal}, {">", op::greater}, {">=", op::greater_equal}, {"==", op::equal}, {"!=", op::not_equal}}};
        for (const auto& [sign, what] : signs)
            if (take(sign))
                return what;
        return std::nullopt;
    }

    part comparison() {
        const auto left = sum();
        const auto what = comparison_sign();
        if (!what)
            return left;
        const auto right = sum();
        for (const auto& p : {left, right})
            require(p, value_type::number, "a comparison has a number on either side; a truth stands alone: accepted, not accepted");
        emit(*what);
        const auto at = token_at_;
        if (comparison_sign())
            fail(at, "a comparison of a comparison", "write a < b and b < c");
        return {value_type::truth, left.at};
    }

    part arithmetic(const part& left, const part& right, op what) {
        for (const auto& p : {left, right})
            require(p, value_type::number, "arithmetic is for numbers");
        emit(what);
        return {value_type::number, left.at};
    }

    part sum() {
        auto left = product();
        for (;;) {
            if (take("+"))
                left = arithmetic(left, product(), op::add);
            else if (take("-"))
                left = arithmetic(left, product(), op::subtract);
            else
                return left;
        }
    }

    part product() {
        auto left = signed_value();
        for (;;) {
            if (take("*"))
                left = arithmetic(left, signed_value(), op::multiply);
            else if (take("/"))
                left = arithmetic(left, signed_value(), op::divide);
            else
                return left;
        }
    }

    part signed_value() {
        const auto at = token_at_;
        if (!take("-"))
            return primary();
        if (!deeper(at))
            return {};
        require(signed_value(), value_type::number, "arithmetic is for numbers");
        --depth_;
        emit(op::minus);
        return {value_type::number, at};
    }

    part primary() {
        const auto at = token_at_;
        if (kind_ == token::number) {
            emit(op::number, number_);
            next();
            return {value_type::number, at};
        }
        if (take("(")) {
            const auto inside = bracketed(at);
            return {inside.type, at};
        }
        if (kind_ == token::word)
            return word();
        fail(at, "expected a number, a name, not, abs or (, found " + shown(), unexpected_hint());
        return {};
    }

    part bracketed(std::size_t at) {
        if (!deeper(at))
            return {};
        const auto inside = disjunction();
        --depth_;
        if (!failed_ && !take(")"))
            fail(token_at_, "expected ) for the ( in column " + std::to_string(at + 1) + ", found " + shown(), unexpected_hint());
        return inside;
    }

    part word() {
        const auto at = token_at_;
        for (const bool truth : {true, false})
            if (take(truth ? "true" : "false")) {
                emit(op::truth, truth ? 1.0 : 0.0);
                return {value_type::truth, at};
            }
        if (take("abs")) {
            const auto open = token_at_;
            if (!take("(")) {
                fail(open, "expected ( after abs, found " + shown(), "abs(delta_h)");
                return {};
            }
            require(bracketed(open), value_type::number, "abs is for numbers");
            emit(op::absolute);
            return {value_type::number, at};
        }
        if (std::find(keywords.begin(), keywords.end(), token_) != keywords.end()) {
            fail(at, "expected a number, a name, not, abs or (, found " + shown(), "one side of \"" + std::string(token_) + "\" is missing");
            return {};
        }
        const auto known = schema_.find(token_);
        if (!known) {
            const auto near = token_.size() > field_schema::name_bytes_max ? "" : nearest_word(std::string(token_), schema_.words());
            std::string list;
            for (const auto& w : schema_.words())
                list += (list.empty() ? "" : ", ") + w;
            fail(at, "there is no field " + shown(), near.empty() ? "fields are " + list : "did you mean " + near + "?");
            return {};
        }
        emit(op::field, 0.0, known->first);
        next();
        return {known->second, at};
    }

    bool deeper(std::size_t at) {
        if (++depth_ > predicate::depth_max)
            fail(at, "nested deeper than " + std::to_string(predicate::depth_max), "split the condition");
        return !failed_;
    }

    std::string_view text_;
    const field_schema& schema_;
    std::size_t at_ = 0;
    std::size_t token_at_ = 0;
    token kind_ = token::end;
    std::string_view token_;
    double number_ = 0.0;
    int depth_ = 0;
    std::optional<error> failed_;
    std::vector<predicate::node> nodes_;
};

} // namespace

field_schema& field_schema::add(const std::string& name, value_type type) {
    expects(is_name(name), "a field has a legal name");
    types_[name] = type;
    return *this;
}

field_schema& field_schema::alias(const std::string& other, const std::string& name) {
    expects(is_name(other) && types_.contains(name) && !types_.contains(other), "an alias is a new name of a field");
    aliases_[other] = name;
    return *this;
}

std::optional<std::pair<std::string, value_type>> field_schema::find(std::string_view name) const {
    if (const auto a = aliases_.find(name); a != aliases_.end())
        name = a->second;
    const auto at = types_.find(name);
    return at == types_.end() ? std::nullopt : std::optional(std::pair(at->first, at->second));
}

std::vector<std::string> field_schema::words() const {
    std::vector<std::string> all;
    for (const auto& [name, type] : types_)
        all.push_back(name);
    for (const auto& [other, name] : aliases_)
        all.push_back(other);
    std::sort(all.begin(), all.end());
    return all;
}

field_schema result_schema() { return result_schema({}); }

field_schema result_schema(const std::vector<std::string>& heads) {
    field_schema s;
    for (const char* name : {"beta", "chain", "segment", "trajectory", "plaquette", "plaquette_spatial", "plaquette_temporal", "action_density",
                             "polyakov_re", "polyakov_im", "polyakov_abs", "delta_h", "exp_minus_delta_h", "acceptance", "seconds", "chi_p",
                             "chi_l"})
        s.add(name, value_type::number);
    for (const char* name : {"accepted", "measured"})
        s.add(name, value_type::truth);
    s.alias("chi", "chi_p");
    for (const auto& head : heads)
        s.add("score." + head, value_type::number);
    return s;
}

result<predicate> predicate::parse(std::string_view text, const field_schema& schema) {
    auto nodes = parser(text, schema).run();
    if (!nodes)
        return nodes.reason();
    return predicate(std::move(nodes).value());
}

} // namespace forge
