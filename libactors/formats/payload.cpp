// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/payload.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

namespace forge::formats {

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20; // large enough that system calls cost nothing

double real_at(const std::byte* at, unsigned precision_bits, byte_order order) {
    if (precision_bits == 32)
        return static_cast<double>(std::bit_cast<float>(load<std::uint32_t>(at, order)));
    return std::bit_cast<double>(load<std::uint64_t>(at, order));
}

void decode_sites(std::span<const std::byte> raw, const payload_plan& plan, std::size_t first_link,
                  gauge_field& links) {
    const std::size_t stored = std::size_t{plan.rows} * 6, width = plan.precision_bits / 8;
    const auto reals = links.reals();
    for (std::size_t at = 0, link = first_link; at < raw.size(); at += stored * width, ++link) {
        for (std::size_t k = 0; k < stored; ++k)
            reals[link * reals_per_link + k] = real_at(raw.data() + at + k * width, plan.precision_bits, plan.order);
        if (plan.rows == 2) {
            su3 u = links.link(link / n_directions, link % n_directions);
            complete_third_row(u);
            links.set_link(link / n_directions, link % n_directions, u);
        }
    }
}

} // namespace

std::optional<std::uint64_t> checked_volume(const std::array<std::uint32_t, 4>& n) {
    std::uint64_t volume = 1;
    for (const std::uint64_t extent : n) {
        if (extent == 0 || extent > volume_max / volume)
            return std::nullopt;
        volume *= extent;
    }
    return volume;
}

void running_checksum::add(std::size_t first_site, std::span<const std::byte> sites) {
    const std::size_t words = sites.size() / 4;
    switch (kind_) {
    case checksum_kind::none:
        break;
    case checksum_kind::nersc:
        for (std::size_t i = 0; i < words; ++i)
            value_[0] += load<std::uint32_t>(sites.data() + 4 * i, order_);
        break;
    case checksum_kind::milc:
        for (std::size_t i = 0; i < words; ++i) {
            const std::size_t rank = first_site * (site_bytes_ / 4) + i;
            const auto word = load<std::uint32_t>(sites.data() + 4 * i, order_);
            value_[0] ^= std::rotl(word, static_cast<int>(rank % 29));
            value_[1] ^= std::rotl(word, static_cast<int>(rank % 31));
        }
        break;
    case checksum_kind::scidac:
        for (std::size_t at = 0, rank = first_site; at < sites.size(); at += site_bytes_, ++rank) {
            const auto* bytes = reinterpret_cast<const Bytef*>(sites.data() + at);
            const auto crc = static_cast<std::uint32_t>(::crc32(0, bytes, static_cast<uInt>(site_bytes_)));
            value_[0] ^= std::rotl(crc, static_cast<int>(rank % 29));
            value_[1] ^= std::rotl(crc, static_cast<int>(rank % 31));
        }
        break;
    }
}

std::string checksum_text(checksum_kind kind, const std::array<std::uint32_t, 2>& sums) {
    switch (kind) {
    case checksum_kind::none:
        return {};
    case checksum_kind::nersc:
        return fmt::format("{:x}", sums[0]);
    case checksum_kind::milc:
    case checksum_kind::scidac:
        return fmt::format("{:x} {:x}", sums[0], sums[1]);
    }
    return {};
}

result<void> read_links(const input_file& file, const payload_plan& plan, gauge_field& links, running_checksum& sum) {
    const std::size_t volume = links.shape().volume();
    const std::size_t step = std::max<std::size_t>(1, block_bytes / plan.site_bytes());
    std::vector<std::byte> block(std::min(step, volume) * plan.site_bytes());
    for (std::size_t site = 0; site < volume; site += step) {
        const auto raw = std::span(block).first(std::min(step, volume - site) * plan.site_bytes());
        if (auto read = file.read(plan.offset + std::uint64_t{site} * plan.site_bytes(), raw); !read)
            return read;
        sum.add(site, raw);
        decode_sites(raw, plan, site * n_directions, links);
    }
    return {};
}

result<double> probe_unitarity(const input_file& file, payload_plan plan, byte_order order) {
    constexpr std::size_t sites_probed = 64; // a wrong order fails on the first link already
    const auto sites = static_cast<std::uint32_t>(std::min(sites_probed, plan.shape.volume()));
    plan.shape = extents{{sites, 1, 1, 1}};
    plan.order = order;
    gauge_field links(plan.shape);
    running_checksum no_sum(checksum_kind::none, order, plan.site_bytes());
    if (auto read = read_links(file, plan, links, no_sum); !read)
        return read.reason();
    const group_deviation d = deviation_from_group(links);
    return d.finite ? d.unitarity : std::numeric_limits<double>::infinity();
}

void encode_sites(const gauge_field& links, std::size_t first, std::size_t count, byte_order order,
                  std::vector<std::byte>& out) {
    constexpr std::size_t per_site = n_directions * reals_per_link;
    const auto reals = links.reals().subspan(first * per_site, count * per_site);
    out.resize(reals.size() * 8);
    for (std::size_t k = 0; k < reals.size(); ++k) {
        const auto word = std::bit_cast<std::uint64_t>(reals[k]);
        for (std::size_t i = 0; i < 8; ++i) {
            const std::size_t shift = order == byte_order::big ? 56 - 8 * i : 8 * i;
            out[8 * k + i] = static_cast<std::byte>((word >> shift) & 0xffu);
        }
    }
}

} // namespace forge::formats
