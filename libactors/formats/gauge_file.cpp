// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/gauge_file.hpp"

#include "libactors/formats/magic.hpp"
#include "libactors/formats/payload.hpp"
#include "libactors/formats/verification.hpp"

#include <new>

#include <fmt/format.h>
#include <unistd.h>

namespace forge {

using namespace formats;

std::string_view name_of(byte_order order) noexcept {
    return order == byte_order::big ? "big" : "little";
}

std::string_view name_of(checksum_verdict verdict) noexcept {
    switch (verdict) {
    case checksum_verdict::none_stored:
        return "none stored";
    case checksum_verdict::match:
        return "match";
    case checksum_verdict::mismatch:
        return "mismatch";
    }
    return "none stored";
}

namespace {

struct loaded {
    gauge_field links;
    gauge_file_report report;
    std::optional<error> refusal;
};

error unknown_format(const input_file& file, std::uint32_t big, std::uint32_t little) {
    constexpr std::uint32_t magic_text = 0x76657273; // "vers" of "version https://git-lfs..."
    if (big == magic_milc_1996 || little == magic_milc_1996)
        return file.refusal(errc::unsupported, "a MILC file of 1996", "", 0, "convert it with MILC to version 5");
    if (big == magic_fnal || little == magic_fnal)
        return file.refusal(errc::unsupported, "a FNAL file", "", 0, "convert it with MILC to version 5 or ILDG");
    return file.refusal(errc::unsupported, fmt::format("not a known gauge file (first bytes {:08x})", big), "", 0,
                        big == magic_text ? "this looks like a Git LFS pointer: fetch the file itself"
                                          : "known are NERSC, ILDG and SciDAC (LIME), MILC v5 and v1-4");
}

/// The format is decided here, by the first four bytes.
result<payload_plan> make_plan(const input_file& file, const read_options& options, gauge_file_report& report) {
    std::array<std::byte, 4> first{};
    if (file.size() < first.size())
        return file.refusal(errc::malformed, file.size() == 0 ? "the file is empty" : "the file is too short", "", 0,
                            "copy the file again");
    if (auto read = file.read(0, first); !read)
        return read.reason();
    const auto big = load<std::uint32_t>(first.data(), byte_order::big);
    const auto little = load<std::uint32_t>(first.data(), byte_order::little);
    if (big == magic_nersc)
        return plan_nersc(file, report);
    if (big == magic_lime)
        return plan_lime(file, options, report);
    if (big == magic_milc_v5 || big == magic_milc_v4)
        return plan_milc(file, byte_order::big, report);
    if (little == magic_milc_v5 || little == magic_milc_v4)
        return plan_milc(file, byte_order::little, report);
    return unknown_format(file, big, little);
}

/// Allocates the links. A sparse file can claim any size, so that memory is compared with the machine's first.
std::optional<error> make_room(const input_file& file, const payload_plan& plan, gauge_field& links) {
    const double needed = static_cast<double>(plan.shape.links()) * reals_per_link * sizeof(double);
    const double present =
        static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    const auto refused = file.refusal(errc::unsupported,
                                      fmt::format("the links of {} need {:.1f} GiB of memory, which is not there",
                                                  to_text(plan.shape), needed / (1 << 30)),
                                      plan.record, plan.offset, "use a machine with more memory");
    if (present > 0 && needed > present)
        return refused;
    try {
        links = gauge_field(plan.shape);
    } catch (const std::bad_alloc&) {
        return refused;
    }
    return std::nullopt;
}

loaded load_file(const std::filesystem::path& path, const read_options& options) {
    loaded out;
    const auto file = input_file::open(path);
    if (!file) {
        out.refusal = file.reason();
        return out;
    }
    out.report.file_bytes = file->size();
    const auto plan = make_plan(*file, options, out.report);
    if (!plan) {
        out.refusal = plan.reason();
        return out;
    }
    if (auto refused = make_room(*file, *plan, out.links)) {
        out.refusal = std::move(refused);
        return out;
    }
    running_checksum sum(plan->sum_kind, plan->order, plan->site_bytes());
    if (auto read = read_links(*file, *plan, out.links, sum); !read) {
        out.refusal = read.reason();
        return out;
    }
    out.refusal = verify(*file, *plan, out.links, sum, out.report);
    return out;
}

} // namespace

result<gauge_file> read_gauge_file(const std::filesystem::path& path, const read_options& options) {
    auto file = load_file(path, options);
    if (file.refusal)
        return *file.refusal;
    return gauge_file{std::move(file.links), std::move(file.report)};
}

gauge_inspection inspect_gauge_file(const std::filesystem::path& path, const read_options& options) {
    auto file = load_file(path, options);
    return {std::move(file.report), std::move(file.refusal)};
}

} // namespace forge
