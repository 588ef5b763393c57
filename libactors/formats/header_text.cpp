// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/header_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace forge::formats {

std::string printable(std::string_view text, std::size_t limit) {
    std::string shown(text.substr(0, limit));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > limit ? shown + "..." : shown;
}

std::string shown_path(std::string_view path) {
    std::string shown;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(path[i]); };
    for (std::size_t i = 0; i < path.size();) {
        const unsigned lead = byte(i);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        bool good = length > 0 && length <= path.size() - i && lead >= 0x20 && lead != 0x7f;
        for (std::size_t k = 1; good && k < length; ++k)
            good = (byte(i + k) & 0xc0u) == 0x80u;
        if (good && length >= 2) { // control characters of Latin-1, too long forms, surrogates, beyond U+10FFFF
            const unsigned second = byte(i + 1);
            good = !(lead == 0xc2 && second < 0xa0) && !(lead == 0xe0 && second < 0xa0) &&
                   !(lead == 0xed && second > 0x9f) && !(lead == 0xf0 && second < 0x90) &&
                   !(lead == 0xf4 && second > 0x8f);
        }
        shown += good ? path.substr(i, length) : std::string_view("?");
        i += good ? length : 1;
    }
    return shown;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks(" \t\r\n\0", 5);
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

namespace {

std::optional<std::uint32_t> whole_number(std::string_view digits, int base) {
    std::uint32_t value = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (status != std::errc{} || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

} // namespace

std::optional<std::uint32_t> to_u32(std::string_view text) {
    return whole_number(trimmed(text), 10);
}

std::optional<std::uint32_t> to_hex32(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("0x") || text.starts_with("0X"))
        text.remove_prefix(2);
    return whole_number(text, 16);
}

std::optional<stored_number> to_stored_number(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("+"))
        text.remove_prefix(1);
    stored_number number;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(number.value))
        return std::nullopt;
    const auto mantissa_end = std::min(text.find_first_of("eE"), text.size());
    int power = 0;
    if (mantissa_end < text.size()) {
        auto exponent = text.substr(mantissa_end + 1);
        if (exponent.starts_with("+"))
            exponent.remove_prefix(1);
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
    }
    const auto point = text.substr(0, mantissa_end).find('.');
    if (point != std::string_view::npos)
        power -= static_cast<int>(std::min<std::size_t>(mantissa_end - point - 1, 300));
    number.unit = std::pow(10.0, power);
    return number;
}

std::optional<std::string_view> tag(std::string_view xml, std::string_view name) {
    const std::string opening = "<" + std::string(name) + ">";
    const auto start = xml.find(opening);
    if (start == std::string_view::npos)
        return std::nullopt;
    const auto value = xml.substr(start + opening.size());
    const auto end = value.find('<');
    if (end == std::string_view::npos)
        return std::nullopt;
    return trimmed(value.substr(0, end));
}

} // namespace forge::formats
