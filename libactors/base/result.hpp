// SPDX-License-Identifier: AGPL-3.0-only
// A value or the reason why there is none.
#pragma once

#include "libactors/base/contract.hpp"
#include "libactors/base/error.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace forge {

template <class T>
class [[nodiscard]] result {
public:
    result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    result(error e) : held_(std::in_place_index<1>, std::move(e)) {}

    [[nodiscard]] bool ok() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] T& value() & { return expects(ok(), "result::value"), std::get<0>(held_); }
    [[nodiscard]] const T& value() const& { return expects(ok(), "result::value"), std::get<0>(held_); }
    [[nodiscard]] T&& value() && { return expects(ok(), "result::value"), std::get<0>(std::move(held_)); }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }
    [[nodiscard]] const error& reason() const { return expects(!ok(), "result::reason"), std::get<1>(held_); }

    /// The value, or its error thrown as `failure`: for composition roots and engines' callers.
    [[nodiscard]] T or_throw() && {
        if (!ok())
            throw failure(std::get<1>(held_));
        return std::get<0>(std::move(held_));
    }

private:
    std::variant<T, error> held_;
};

template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    result(error e) : error_(std::move(e)) {}

    [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return ok(); }
    [[nodiscard]] const error& reason() const { return expects(!ok(), "result::reason"), *error_; }
    void or_throw() const {
        if (!ok())
            throw failure(*error_);
    }

private:
    std::optional<error> error_;
};

} // namespace forge
