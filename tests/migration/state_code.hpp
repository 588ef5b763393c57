// SPDX-License-Identifier: AGPL-3.0-only
// A state as a 128-bit number, and values that many states share.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/ids.hpp"
#include "libactors/lattice/state_hash.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace forge {
class chain_core;
class operation_desk;
class supervisor;
} // namespace forge

namespace forge::model {

[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t x = a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

struct state_code {
    std::uint64_t a = 0x243f6a8885a308d3u, b = 0x13198a2e03707344u;
    friend bool operator==(const state_code&, const state_code&) = default;

    void word(std::uint64_t v) {
        a = mix(a, v);
        b = mix(b ^ v, a);
    }
    template <class V>
        requires std::is_integral_v<V> || std::is_enum_v<V>
    void put(V v) { word(static_cast<std::uint64_t>(v)); }
    void put(const digest& d) {
        std::uint64_t v = 0;
        std::memcpy(&v, d.data(), sizeof v);
        word(v);
    }
    void put(std::string_view s) {
        word(s.size());
        for (const char c : s)
            word(static_cast<unsigned char>(c));
    }
    void put(const std::string& s) { put(std::string_view(s)); }
    template <class Tag, class Rep>
    void put(const strong_id<Tag, Rep>& id) { word(id.value); }
    void put(const state_hash& s) { word(s.a), word(s.b); }
    void put(const state_code& c) { word(c.a), word(c.b); }
    template <class T>
    void put(const std::optional<T>& o) {
        word(o.has_value());
        if (o)
            put(*o);
    }
    template <class T>
    void put(const std::vector<T>& all) {
        word(all.size());
        for (const auto& x : all)
            put(x);
    }
    template <class... More>
        requires(sizeof...(More) > 1)
    void put(const More&... more) { (put(more), ...); }
};

// Of the cores, which live in another namespace than who asks.
[[nodiscard]] state_code code_of(const chain_core& c);
[[nodiscard]] state_code code_of(const operation_desk& d);
[[nodiscard]] state_code code_of(const supervisor& s);

/// A value that copies of a world share until one of them edits it; its code is computed once.
/// Needs `state_code code_of(const T&)`.
template <class T>
class shared {
public:
    shared() = default;
    explicit shared(T value) : held_(std::make_shared<held>(held{std::move(value), std::nullopt})) {}
    [[nodiscard]] explicit operator bool() const { return held_ != nullptr; }
    [[nodiscard]] const T& operator*() const { return held_->value; }
    [[nodiscard]] const T* operator->() const { return &held_->value; }
    [[nodiscard]] T& edit() {
        if (held_.use_count() > 1)
            held_ = std::make_shared<held>(held{held_->value, std::nullopt});
        held_->code.reset();
        return held_->value;
    }
    void reset() { held_.reset(); }
    [[nodiscard]] state_code code() const {
        if (!held_)
            return {};
        if (!held_->code)
            held_->code = code_of(held_->value);
        return *held_->code;
    }

private:
    struct held {
        T value;
        std::optional<state_code> code;
    };
    std::shared_ptr<held> held_;
};

} // namespace forge::model
