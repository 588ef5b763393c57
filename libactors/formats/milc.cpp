// SPDX-License-Identifier: AGPL-3.0-only
// MILC v5 (with sum29 and sum31) and MILC v1-4 (without): packed binary header, 32-bit numbers, either byte order.
#include "libactors/formats/payload.hpp"

#include "libactors/formats/magic.hpp"

#include <fmt/format.h>

namespace forge::formats {

namespace {

// Offsets in bytes; there is no padding.
constexpr std::uint64_t dims_at = 4, time_stamp_at = 20, order_at = 84, sums_at = 88, v5_links_at = 96;
constexpr std::uint64_t v4_links_at = 28; // magic, dims, two couplings
constexpr std::size_t time_stamp_length = 64;

} // namespace

result<payload_plan> plan_milc(const input_file& file, byte_order order, gauge_file_report& report) {
    std::array<std::byte, v5_links_at> header{};
    const std::string record = "MILC header";
    if (auto read = file.read(0, std::span(header).first(4)); !read)
        return read.reason();
    const bool v5 = load<std::uint32_t>(header.data(), order) == magic_milc_v5;
    report.format = v5 ? "MILC v5" : "MILC v1-4";
    report.order = order;
    report.precision_bits = 32;
    report.rows_stored = 3;

    payload_plan plan;
    plan.record = v5 ? "MILC v5 links" : "MILC v1-4 links";
    plan.offset = v5 ? v5_links_at : v4_links_at;
    plan.precision_bits = 32;
    plan.order = order;
    if (auto read = file.read(0, std::span(header).first(plan.offset)); !read)
        return file.refusal(errc::malformed, "the file ends inside the header", record, file.size(),
                            "copy the file again");
    for (std::size_t mu = 0; mu < 4; ++mu)
        plan.shape.n[mu] = load<std::uint32_t>(header.data() + dims_at + 4 * mu, order);
    const auto volume = checked_volume(plan.shape.n);
    if (!volume)
        return file.refusal(errc::malformed, "impossible extents " + to_text(plan.shape), record, dims_at,
                            "every extent is at least 1, the volume at most 2^31");
    report.shape = plan.shape;

    if (v5) {
        plan.sum_kind = checksum_kind::milc;
        plan.sums_offset = sums_at;
        for (std::size_t i = 0; i < 2; ++i)
            plan.stored_sums[i] = load<std::uint32_t>(header.data() + sums_at + 4 * i, order);
        report.stored_checksum = checksum_text(plan.sum_kind, plan.stored_sums);
        const std::string_view stamp(reinterpret_cast<const char*>(header.data()) + time_stamp_at, time_stamp_length);
        if (const auto shown = trimmed(stamp.substr(0, stamp.find('\0'))); !shown.empty())
            report.notes.push_back("time stamp: " + printable(shown));
        if (const auto site_order = load<std::uint32_t>(header.data() + order_at, order); site_order != 0)
            return file.refusal(errc::unsupported, fmt::format("site order {} with a site list", site_order), record,
                                order_at, "save the configuration in natural order (save_serial)");
    }
    const std::uint64_t needed = *volume * plan.site_bytes();
    if (file.size() - plan.offset != needed)
        return file.refusal(errc::malformed,
                            fmt::format("{} sites need {} bytes of links, the file has {}", to_text(plan.shape), needed,
                                        file.size() - plan.offset),
                            plan.record, plan.offset, "copy the file again");
    return plan;
}

} // namespace forge::formats
