// SPDX-License-Identifier: AGPL-3.0-only
// A TOML table that remembers what was asked of it: wrong types, impossible values and unknown keys are collected.
#pragma once

#include "libactors/base/nearest_word.hpp"
#include "libactors/base/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forge {

class toml_document;

/// One table. Getters return the default (or the lowest legal value) when there is a problem, and note it.
class toml_section {
public:
    [[nodiscard]] toml_section section(const std::string& key);
    /// The tables of [[key]], in their order; none when the key is absent.
    [[nodiscard]] std::vector<toml_section> sections(const std::string& key);
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] std::string text(const std::string& key, std::optional<std::string> fallback);
    [[nodiscard]] std::vector<std::string> texts(const std::string& key);
    [[nodiscard]] double real(const std::string& key, std::optional<double> fallback, double low, double high);
    [[nodiscard]] std::uint32_t count(const std::string& key, std::optional<std::uint32_t> fallback, std::uint32_t low, std::uint32_t high);
    [[nodiscard]] std::vector<std::int64_t> integers(const std::string& key, std::size_t n);
    /// Index of the chosen word; fallback when the key is absent.
    [[nodiscard]] std::size_t choice(const std::string& key, std::initializer_list<const char*> words, std::size_t fallback);
    [[nodiscard]] bool flag(const std::string& key, bool fallback);
    /// Notes a problem at `key`'s line (or the table's when the key is absent).
    void problem(const std::string& key, const std::string& what, const std::string& suggestion);
    /// Reports every key that nobody asked for.
    void done();

private:
    friend class toml_document;
    struct node;
    toml_section(toml_document* document, std::shared_ptr<node> n) : document_(document), node_(std::move(n)) {}
    toml_document* document_;
    std::shared_ptr<node> node_;
};

/// A parsed file and its problems.
class toml_document {
public:
    [[nodiscard]] static result<toml_document> parse(const std::string& text, const std::string& file_name);
    [[nodiscard]] toml_section root();
    /// All problems in order of lines, or empty.
    [[nodiscard]] std::string problems() const;

private:
    friend class toml_section;
    struct noted {
        std::size_t line;
        std::string text;
    };
    std::string file_name_;
    std::shared_ptr<toml_section::node> top_;
    std::vector<noted> noted_;
};

} // namespace forge
