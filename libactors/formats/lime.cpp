// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/lime.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/formats/header_text.hpp"
#include "libactors/formats/magic.hpp"
#include "libactors/formats/payload.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace forge::formats {

namespace {

constexpr std::size_t records_max = 4096;       // QIO writes 3 per field and 2 per file
constexpr std::uint64_t text_max = 1024 * 1024; // XML records have about 1 KiB
constexpr std::size_t type_at = 16, type_bytes = 128;
constexpr std::uint16_t begin_flag = 0x8000, end_flag = 0x4000;

} // namespace

std::string lime_record::name() const {
    return "record " + printable(type);
}

result<std::vector<lime_record>> walk_lime(const input_file& file) {
    std::vector<lime_record> records;
    std::uint64_t at = 0;
    while (at < file.size()) {
        const std::string place = fmt::format("LIME record {}", records.size() + 1);
        if (records.size() == records_max)
            return file.refusal(errc::malformed, fmt::format("more than {} records", records_max), place, at);
        std::array<std::byte, lime_header_bytes> header{};
        if (file.size() - at < header.size())
            return file.refusal(errc::malformed, "the file ends inside a record header", place, at,
                                "copy the file again");
        if (auto read = file.read(at, header); !read)
            return read.reason();
        const auto magic = load<std::uint32_t>(header.data(), byte_order::big);
        const auto version = load<std::uint16_t>(header.data() + 4, byte_order::big);
        const auto flags = load<std::uint16_t>(header.data() + 6, byte_order::big);
        lime_record record;
        record.offset = at;
        record.length = load<std::uint64_t>(header.data() + 8, byte_order::big);
        record.begins_message = (flags & begin_flag) != 0;
        record.ends_message = (flags & end_flag) != 0;
        const std::string_view type(reinterpret_cast<const char*>(header.data()) + type_at, type_bytes);
        record.type = type.substr(0, type.find('\0'));
        if (magic != magic_lime)
            return file.refusal(errc::malformed, fmt::format("no LIME record here (magic {:08x})", magic), place, at,
                                "the record before has a wrong length, or the file is damaged");
        if (version != 1)
            return file.refusal(errc::malformed, fmt::format("LIME version {}", version), place, at + 4);
        if (record.type.empty() || record.type.size() >= type_bytes)
            return file.refusal(errc::malformed, "the record has no proper type", place, at + type_at);
        const std::uint64_t room = file.size() - record.payload();
        if (record.length > room || lime_padding(record.length) > room - record.length)
            return file.refusal(errc::malformed,
                                fmt::format("a payload of {} bytes reaches past the end of the file", record.length),
                                record.name(), at + 8, "the file is cut short or damaged: copy it again");
        at = record.payload() + record.length + lime_padding(record.length);
        records.push_back(std::move(record));
    }
    return records;
}

result<std::string> lime_text(const input_file& file, const lime_record& record) {
    if (record.length > text_max)
        return file.refusal(errc::malformed, fmt::format("a text record of {} bytes", record.length), record.name(),
                            record.offset + 8);
    return file.read_text(record.payload(), static_cast<std::size_t>(record.length));
}

std::array<std::byte, lime_header_bytes> lime_header(const std::string& type, std::uint64_t length, bool begins_message,
                                                     bool ends_message) {
    expects(!type.empty() && type.size() < type_bytes, "a LIME type has 1 to 127 characters");
    std::array<std::byte, lime_header_bytes> header{};
    const auto put = [&](std::size_t at, std::size_t bytes, std::uint64_t value) {
        for (std::size_t i = 0; i < bytes; ++i)
            header[at + i] = static_cast<std::byte>((value >> (8 * (bytes - 1 - i))) & 0xffu);
    };
    put(0, 4, magic_lime);
    put(4, 2, 1);
    put(6, 2, (begins_message ? begin_flag : 0u) | (ends_message ? end_flag : 0u));
    put(8, 8, length);
    std::memcpy(header.data() + type_at, type.data(), type.size());
    return header;
}

} // namespace forge::formats
