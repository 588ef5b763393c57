// SPDX-License-Identifier: AGPL-3.0-only
// Links as bytes: where they lie in a file, how they are stored, which sums protect them.
#pragma once

#include "libactors/formats/gauge_file.hpp"
#include "libactors/formats/header_text.hpp"
#include "libactors/formats/input_file.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace forge::formats {

/// nersc: sum of all 32-bit words; milc: sum29 and sum31 over 32-bit words; scidac: suma and sumb over crc32 of sites.
enum class checksum_kind { none, nersc, milc, scidac };

/// What a header says about the links that follow.
struct payload_plan {
    std::string record; ///< for messages, e.g. "record ildg-binary-data"
    extents shape;
    std::uint64_t offset = 0; ///< of the first link, bytes
    unsigned precision_bits = 64;
    unsigned rows = 3;
    byte_order order = byte_order::big;
    checksum_kind sum_kind = checksum_kind::none;
    std::array<std::uint32_t, 2> stored_sums{};
    std::uint64_t sums_offset = 0; ///< where the header or record with the sums begins
    std::optional<stored_number> plaquette;
    std::optional<stored_number> link_trace;
    std::string values_record = "header"; ///< record that holds the two above
    std::uint64_t plaquette_offset = 0;   ///< where the file says it, bytes
    std::uint64_t link_trace_offset = 0;

    [[nodiscard]] std::size_t link_bytes() const { return std::size_t{rows} * 6 * (precision_bits / 8); }
    [[nodiscard]] std::size_t site_bytes() const { return n_directions * link_bytes(); }
};

/// Volume of `n`, or nothing when an extent is zero or the volume is above volume_max.
[[nodiscard]] std::optional<std::uint64_t> checked_volume(const std::array<std::uint32_t, 4>& n);

/// Sum over the payload, fed with whole sites in any number of pieces.
class running_checksum {
public:
    running_checksum(checksum_kind kind, byte_order order, std::size_t site_bytes)
        : kind_(kind), order_(order), site_bytes_(site_bytes) {}
    void add(std::size_t first_site, std::span<const std::byte> sites);
    [[nodiscard]] const std::array<std::uint32_t, 2>& value() const { return value_; }

private:
    checksum_kind kind_;
    byte_order order_;
    std::size_t site_bytes_;
    std::array<std::uint32_t, 2> value_{};
};
/// Hex words as the formats write them: one for nersc, two for milc and scidac.
[[nodiscard]] std::string checksum_text(checksum_kind kind, const std::array<std::uint32_t, 2>& sums);

/// Reads all links of `plan` into `links` (same shape) and every byte into `sum`, at most 1 MiB at a time.
[[nodiscard]] result<void> read_links(const input_file& file, const payload_plan& plan, gauge_field& links,
                                      running_checksum& sum);

/// max |U U^dag - 1| over the first sites when read in `order`; infinite when an entry is not finite.
[[nodiscard]] result<double> probe_unitarity(const input_file& file, payload_plan plan, byte_order order);

/// Sites [first, first + count) as 64-bit numbers, three rows each.
void encode_sites(const gauge_field& links, std::size_t first, std::size_t count, byte_order order,
                  std::vector<std::byte>& out);

/// Unsigned integer of sizeof(U) bytes at `at`.
template <class U>
[[nodiscard]] U load(const std::byte* at, byte_order order) {
    U value = 0;
    for (std::size_t i = 0; i < sizeof(U); ++i) {
        const std::size_t from = order == byte_order::big ? i : sizeof(U) - 1 - i;
        value = static_cast<U>(static_cast<U>(value << 8) | std::to_integer<U>(at[from]));
    }
    return value;
}

// One reader of headers per format; each fills `report` as far as it gets.
[[nodiscard]] result<payload_plan> plan_nersc(const input_file& file, gauge_file_report& report);
[[nodiscard]] result<payload_plan> plan_lime(const input_file& file, const read_options& options,
                                             gauge_file_report& report);
[[nodiscard]] result<payload_plan> plan_milc(const input_file& file, byte_order order, gauge_file_report& report);

} // namespace forge::formats
