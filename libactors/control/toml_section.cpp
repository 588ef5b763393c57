// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/toml_section.hpp"

#include <fmt/format.h>
#include <toml.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>

namespace forge {

struct toml_section::node {
    std::string path; ///< "hmc." or empty
    std::optional<toml::value> table;
    std::size_t line = 0;
    std::set<std::string> asked;
};

namespace {

const toml::value* find(const std::optional<toml::value>& table, const std::string& key) {
    if (!table || !table->is_table())
        return nullptr;
    const auto& t = table->as_table(std::nothrow);
    const auto at = t.find(key);
    return at == t.end() ? nullptr : &at->second;
}

std::string kind_of(const toml::value& v) {
    std::ostringstream out;
    out << v.type();
    return out.str();
}

// What toml11 3.7 does not survive: it reads behind the end of strings that are not UTF-8 and recurses once for every
// bracket and every dot of a key. A campaign file has some dozen of either.
constexpr std::size_t text_bytes_max = std::size_t{1} << 18;
constexpr std::size_t brackets_max = 256; ///< in the file
constexpr std::size_t dots_max = 256;     ///< in a line

/// Length of the UTF-8 sequence at `at`; 0 when there is none, or a control character.
std::size_t character_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(k < text.size() ? text[k] : 0); };
    const auto follows = [&](std::size_t k) { return (byte(at + k) & 0xc0u) == 0x80u; };
    const unsigned first = byte(at), second = byte(at + 1);
    if (first < 0x80)
        return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    if (first >= 0xc2 && first <= 0xdf)
        return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) // neither overlong nor half of a surrogate pair
        return follows(1) && follows(2) && (first != 0xe0 || second >= 0xa0) && (first != 0xed || second < 0xa0) ? 3 : 0;
    if (first >= 0xf0 && first <= 0xf4)
        return follows(1) && follows(2) && follows(3) && (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second < 0x90) ? 4 : 0;
    return 0;
}

/// Why the text is not handed to the parser, if so.
std::optional<std::string> unfit(std::string_view text) {
    if (text.size() > text_bytes_max)
        return fmt::format("{} bytes are more than the {} that are read", text.size(), text_bytes_max);
    std::size_t line = 1, brackets = 0, dots = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto n = character_at(text, at);
        if (n == 0)
            return fmt::format("line {}: byte {} is not UTF-8 text", line, at);
        brackets += text[at] == '[' || text[at] == '{' ? 1 : 0;
        dots += text[at] == '.' ? 1 : 0;
        if (brackets > brackets_max || dots > dots_max)
            return fmt::format("line {}: more {} than any campaign has", line, dots > dots_max ? "dots" : "brackets");
        if (text[at] == '\n') {
            ++line;
            dots = 0;
        }
        at += n;
    }
    return std::nullopt;
}

} // namespace

result<toml_document> toml_document::parse(const std::string& text, const std::string& file_name) {
    toml_document d;
    d.file_name_ = file_name;
    d.top_ = std::make_shared<toml_section::node>();
    if (const auto why = unfit(text))
        return error{errc::config_invalid, *why, file_name, "mend the file; docs/campaign.md has its keys"};
    try {
        std::istringstream in(text);
        d.top_->table = toml::parse(in, file_name);
    } catch (const std::exception& e) { // toml11 throws for syntax errors; its text names line and column
        return error{errc::config_invalid, e.what(), file_name, "mend the syntax (https://toml.io)"};
    }
    return d;
}

toml_section toml_document::root() { return {this, top_}; }

std::string toml_document::problems() const {
    auto sorted = noted_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const noted& a, const noted& b) { return a.line < b.line; });
    std::string text;
    for (const auto& n : sorted)
        text += (text.empty() ? "" : "\n") + n.text;
    return text.empty() ? text : fmt::format("{} problem{} in {}\n{}", sorted.size(), sorted.size() == 1 ? "" : "s", file_name_, text);
}

void toml_section::problem(const std::string& key, const std::string& what, const std::string& suggestion) {
    const toml::value* v = find(node_->table, key);
    const std::size_t line = v != nullptr ? v->location().line() : node_->line;
    document_->noted_.push_back({line, fmt::format("  line {}: {}{}: {}\n    try: {}", line == 0 ? "n/a" : std::to_string(line),
                                                   node_->path, key, what, suggestion)});
}

toml_section toml_section::section(const std::string& key) {
    node_->asked.insert(key);
    auto child = std::make_shared<node>();
    child->path = node_->path + key + ".";
    if (const toml::value* v = find(node_->table, key)) {
        child->line = v->location().line();
        if (v->is_table())
            child->table = *v;
        else
            problem(key, "is a " + kind_of(*v) + " where a table belongs", "[" + key + "]");
    }
    return {document_, child};
}

std::vector<toml_section> toml_section::sections(const std::string& key) {
    node_->asked.insert(key);
    std::vector<toml_section> all;
    const toml::value* v = find(node_->table, key);
    if (v == nullptr)
        return all;
    const bool tables = v->is_array() && std::all_of(v->as_array(std::nothrow).begin(), v->as_array(std::nothrow).end(),
                                                     [](const toml::value& item) { return item.is_table(); });
    if (!tables) {
        problem(key, "is no list of tables", "[[" + key + "]]");
        return all;
    }
    for (const auto& item : v->as_array(std::nothrow)) {
        auto child = std::make_shared<node>();
        child->path = node_->path + "[[" + key + "]] ";
        child->line = item.location().line();
        child->table = item;
        all.push_back({document_, child});
    }
    return all;
}

bool toml_section::has(const std::string& key) const { return find(node_->table, key) != nullptr; }

std::string toml_section::text(const std::string& key, std::optional<std::string> fallback) {
    node_->asked.insert(key);
    const toml::value* v = find(node_->table, key);
    if (v == nullptr) {
        if (!fallback)
            problem(key, "is missing", key + " = \"...\"");
        return fallback.value_or("");
    }
    if (v->is_string())
        return v->as_string(std::nothrow).str;
    problem(key, "is a " + kind_of(*v) + " where a text belongs", key + " = \"...\"");
    return fallback.value_or("");
}

bool toml_section::flag(const std::string& key, bool fallback) {
    node_->asked.insert(key);
    const toml::value* v = find(node_->table, key);
    if (v == nullptr)
        return fallback;
    if (v->is_boolean())
        return v->as_boolean(std::nothrow);
    problem(key, "is a " + kind_of(*v) + " where true or false belongs", key + (fallback ? " = true" : " = false"));
    return fallback;
}

std::vector<std::string> toml_section::texts(const std::string& key) {
    node_->asked.insert(key);
    std::vector<std::string> all;
    const toml::value* v = find(node_->table, key);
    if (v == nullptr)
        return all;
    if (v->is_array())
        for (const auto& item : v->as_array(std::nothrow))
            if (item.is_string())
                all.push_back(item.as_string(std::nothrow).str);
    if (!v->is_array() || all.size() != v->as_array(std::nothrow).size())
        problem(key, "must be an array of texts", key + " = [\"opencl:0\"]");
    return all;
}

double toml_section::real(const std::string& key, std::optional<double> fallback, double low, double high) {
    node_->asked.insert(key);
    const toml::value* v = find(node_->table, key);
    if (v == nullptr) {
        if (!fallback)
            problem(key, "is missing", fmt::format("{} = a number in {}...{}", key, low, high));
        return fallback.value_or(low);
    }
    double x = 0.0;
    if (v->is_floating())
        x = v->as_floating(std::nothrow);
    else if (v->is_integer())
        x = static_cast<double>(v->as_integer(std::nothrow));
    else {
        problem(key, "is a " + kind_of(*v) + " where a number belongs", key + " = 1.0");
        return fallback.value_or(low);
    }
    if (!(x >= low && x <= high)) {
        problem(key, fmt::format("{} is not in {}...{}", x, low, high), "a value in that range");
        return fallback.value_or(low);
    }
    return x;
}

std::uint32_t toml_section::count(const std::string& key, std::optional<std::uint32_t> fallback, std::uint32_t low, std::uint32_t high) {
    node_->asked.insert(key);
    const toml::value* v = find(node_->table, key);
    if (v == nullptr) {
        if (!fallback)
            problem(key, "is missing", fmt::format("{} = a whole number in {}...{}", key, low, high));
        return fallback.value_or(low);
    }
    if (!v->is_integer()) {
        problem(key, "is a " + kind_of(*v) + " where a whole number belongs", fmt::format("{} = {}", key, fallback.value_or(low)));
        return fallback.value_or(low);
    }
    const auto x = v->as_integer(std::nothrow);
    if (x < static_cast<std::int64_t>(low) || x > static_cast<std::int64_t>(high)) {
        problem(key, fmt::format("{} is not in {}...{}", x, low, high), "a value in that range");
        return fallback.value_or(low);
    }
    return static_cast<std::uint32_t>(x);
}

std::vector<std::int64_t> toml_section::integers(const std::string& key, std::size_t n) {
    node_->asked.insert(key);
    std::vector<std::int64_t> all;
    const toml::value* v = find(node_->table, key);
    if (v == nullptr) {
        problem(key, "is missing", fmt::format("{} = an array of {} whole numbers", key, n));
        return all;
    }
    if (v->is_array())
        for (const auto& item : v->as_array(std::nothrow))
            if (item.is_integer())
                all.push_back(item.as_integer(std::nothrow));
    if (!v->is_array() || all.size() != v->as_array(std::nothrow).size() || all.size() != n) {
        problem(key, fmt::format("must be an array of {} whole numbers", n), key + " = [8, 8, 8, 4]");
        all.clear();
    }
    return all;
}

std::size_t toml_section::choice(const std::string& key, std::initializer_list<const char*> words, std::size_t fallback) {
    const std::string chosen = text(key, std::string(*(words.begin() + fallback)));
    std::vector<std::string> known(words.begin(), words.end());
    const auto at = std::find(known.begin(), known.end(), chosen);
    if (at != known.end())
        return static_cast<std::size_t>(at - known.begin());
    std::string list;
    for (const auto& w : known)
        list += (list.empty() ? "" : ", ") + w;
    const auto near = nearest_word(chosen, known);
    problem(key, fmt::format("\"{}\" is none of {}", chosen, list), fmt::format("{} = \"{}\"", key, near.empty() ? known[fallback] : near));
    return fallback;
}

void toml_section::done() {
    if (!node_->table || !node_->table->is_table())
        return;
    const std::vector<std::string> known(node_->asked.begin(), node_->asked.end());
    for (const auto& [key, value] : node_->table->as_table(std::nothrow)) {
        if (node_->asked.contains(key))
            continue;
        const auto near = nearest_word(key, known);
        std::string list;
        for (const auto& k : known)
            list += (list.empty() ? "" : ", ") + k;
        problem(key, "is an unknown key", near.empty() ? "remove it; known here: " + list : "did you mean " + near + "?");
    }
}

} // namespace forge
