// SPDX-License-Identifier: AGPL-3.0-only
// One Cap'n Proto message of one segment: to bytes and from bytes. Private to libactors/wire.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"

#include <algorithm>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <cstring>
#include <fmt/format.h>
#include <kj/exception.h>
#include <span>
#include <string>

namespace forge {

inline constexpr std::size_t word_bytes = 8;
inline constexpr std::size_t segment_table_bytes = 8; ///< of a message with one segment

/// A message under construction; everything goes into one segment, so its layout is fixed by the order of filling.
class one_segment_builder {
public:
    /// @param words  an upper bound of the message's size.
    explicit one_segment_builder(std::size_t words) : builder_(static_cast<unsigned>(words)) {}

    template <class Struct>
    typename Struct::Builder root() {
        return builder_.template initRoot<Struct>();
    }
    /// Segment table and segment. The second is valid as long as the builder.
    struct pieces {
        std::array<std::byte, segment_table_bytes> table;
        std::span<const std::byte> segment;
    };
    [[nodiscard]] pieces finish() {
        const auto segments = builder_.getSegmentsForOutput();
        ensures(segments.size() == 1, "the bound of the message's size holds");
        pieces p;
        const auto words = static_cast<std::uint32_t>(segments[0].size());
        byte_writer table;
        table.u32(0).u32(words);
        std::copy_n(table.bytes().begin(), p.table.size(), p.table.begin());
        const auto bytes = segments[0].asBytes();
        p.segment = {reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()};
        return p;
    }

private:
    capnp::MallocMessageBuilder builder_;
};

/// Reads one message in place. Nothing is allocated from what the bytes claim.
class one_segment_reader {
public:
    /// Takes the first message off `rest`. @param name  for errors.  @param at  byte in the file, for errors.
    [[nodiscard]] static result<one_segment_reader> take(std::span<const std::byte>& rest, std::string name,
                                                         std::uint64_t at) {
        const auto broken = [&](std::string what) {
            return error{errc::malformed, std::move(what), fmt::format("{}, byte {}", name, at), ""};
        };
        if (rest.size() < segment_table_bytes)
            return broken("the file ends before this message");
        byte_reader table(rest);
        const auto more_segments = table.u32();
        const std::uint64_t size = std::uint64_t{table.u32()} * word_bytes;
        if (more_segments != 0)
            return broken(fmt::format("{} segments where 1 is expected", std::uint64_t{more_segments} + 1));
        if (size == 0 || size > rest.size() - segment_table_bytes)
            return broken(fmt::format("it claims {} bytes where {} are left", size, rest.size() - segment_table_bytes));
        one_segment_reader reader;
        reader.segment_ = rest.subspan(segment_table_bytes, size);
        reader.where_ = fmt::format("{}, byte {}", name, at);
        rest = rest.subspan(segment_table_bytes + size);
        return reader;
    }

    /// Calls `use` with the root struct; what Cap'n Proto throws becomes errc::malformed.
    /// @param nesting  levels of lists and structs below the root that may be followed.
    template <class Struct, class Use>
    result<void> read(Use&& use, int nesting = 4) const {
        try {
            const auto words =
                kj::arrayPtr(reinterpret_cast<const capnp::word*>(segment_.data()), segment_.size() / word_bytes);
            const kj::ArrayPtr<const capnp::word> segments[] = {words};
            capnp::ReaderOptions options;
            options.traversalLimitInWords = 2 * words.size() + 64; // each byte may be met twice, no more
            options.nestingLimit = nesting;
            capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1), options);
            return use(message.getRoot<Struct>());
        } catch (const kj::Exception& e) {
            return error{errc::malformed, fmt::format("not a valid message: {}", e.getDescription().cStr()), where_,
                         ""};
        }
    }
    [[nodiscard]] const std::string& where() const { return where_; }

private:
    std::span<const std::byte> segment_;
    std::string where_;
};

inline std::span<const std::byte> bytes_of(capnp::Data::Reader data) {
    return {reinterpret_cast<const std::byte*>(data.begin()), data.size()};
}
inline capnp::Data::Reader data_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}
inline capnp::Data::Reader data_of(const digest& d) {
    return {d.data(), d.size()};
}
inline capnp::Text::Reader text_of(const std::string& s) {
    return {s.c_str(), s.size()};
}

/// @return false when `data` is not 32 bytes.
inline bool read_digest(capnp::Data::Reader data, digest& d) {
    if (data.size() != d.size())
        return false;
    std::copy(data.begin(), data.end(), d.begin());
    return true;
}

} // namespace forge
