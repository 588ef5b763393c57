// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/error.hpp"

namespace forge {

reaction reaction_of(errc code) noexcept {
    switch (code) {
    case errc::no_space:
    case errc::locked:
    case errc::device_memory:
        return reaction::back_off;
    case errc::io_failed:
    case errc::device_failed:
    case errc::numerics_failed:
    case errc::out_of_order:
    case errc::stale_epoch:
    case errc::internal: // an actor that threw starts again; the budget of restarts bounds it
        return reaction::retry;
    case errc::checksum_mismatch:
    case errc::physics_mismatch:
    case errc::device_unavailable:
        return reaction::fall_back;
    case errc::unreachable:
        return reaction::reconnect;
    default:
        return reaction::stop;
    }
}

std::string_view name_of(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::config_invalid: return "config_invalid";
    case errc::not_found: return "not_found";
    case errc::already_exists: return "already_exists";
    case errc::permission_denied: return "permission_denied";
    case errc::io_failed: return "io_failed";
    case errc::no_space: return "no_space";
    case errc::malformed: return "malformed";
    case errc::unsupported: return "unsupported";
    case errc::checksum_mismatch: return "checksum_mismatch";
    case errc::physics_mismatch: return "physics_mismatch";
    case errc::version_too_new: return "version_too_new";
    case errc::stale_epoch: return "stale_epoch";
    case errc::out_of_order: return "out_of_order";
    case errc::conflict: return "conflict";
    case errc::locked: return "locked";
    case errc::device_unavailable: return "device_unavailable";
    case errc::device_memory: return "device_memory";
    case errc::device_failed: return "device_failed";
    case errc::numerics_failed: return "numerics_failed";
    case errc::not_authenticated: return "not_authenticated";
    case errc::unreachable: return "unreachable";
    case errc::interrupted: return "interrupted";
    case errc::internal: return "internal";
    }
    return "internal";
}

int exit_code_of(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument:
    case errc::config_invalid:
        return 2;
    case errc::not_found:
    case errc::device_unavailable:
        return 3;
    case errc::already_exists:
    case errc::permission_denied:
    case errc::stale_epoch:
    case errc::out_of_order:
    case errc::conflict:
    case errc::locked:
        return 4;
    case errc::malformed:
    case errc::unsupported:
    case errc::checksum_mismatch:
    case errc::physics_mismatch:
    case errc::version_too_new:
        return 6;
    case errc::not_authenticated:
        return 7;
    case errc::unreachable:
        return 8;
    case errc::interrupted:
        return 130;
    default:
        return 1;
    }
}

std::string to_text(const error& e) {
    std::string text = "error[" + std::string(name_of(e.code)) + "]: " + e.what;
    if (!e.where.empty())
        text += "\n  at  " + e.where;
    if (!e.hint.empty())
        text += "\n  try " + e.hint;
    return text;
}

} // namespace forge
