// SPDX-License-Identifier: AGPL-3.0-only
// The LIME container: records of a 144-byte header, a payload and zeros up to a multiple of 8 bytes.
#pragma once

#include "libactors/formats/input_file.hpp"

#include <array>
#include <string>
#include <vector>

namespace forge::formats {

inline constexpr std::size_t lime_header_bytes = 144;

struct lime_record {
    std::string type;
    std::uint64_t offset = 0; ///< of the header
    std::uint64_t length = 0; ///< of the payload, bytes
    bool begins_message = false;
    bool ends_message = false;

    [[nodiscard]] std::uint64_t payload() const { return offset + lime_header_bytes; }
    /// "record ildg-format", for messages.
    [[nodiscard]] std::string name() const;
};

/// All records in the order of the file. Lengths are checked against the size of the file; nothing is allocated for
/// payloads. malformed: bad magic, version, flags, type, a record that reaches past the end, too many records.
[[nodiscard]] result<std::vector<lime_record>> walk_lime(const input_file& file);

/// The payload of a text record; malformed above 1 MiB.
[[nodiscard]] result<std::string> lime_text(const input_file& file, const lime_record& record);

/// Header of one record. @param type  at most 127 characters.
[[nodiscard]] std::array<std::byte, lime_header_bytes> lime_header(const std::string& type, std::uint64_t length,
                                                                   bool begins_message, bool ends_message);

/// Zero bytes that follow a payload of `length` bytes.
[[nodiscard]] constexpr std::size_t lime_padding(std::uint64_t length) {
    return static_cast<std::size_t>((8 - length % 8) % 8);
}

} // namespace forge::formats
