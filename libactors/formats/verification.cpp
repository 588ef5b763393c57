// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/verification.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace forge::formats {

namespace {

constexpr double plaquette_tolerance = 1e-5, link_trace_tolerance = 1e-6; // what other codes allow each other
constexpr double useful_unit = 1e-2; // a header number with fewer digits proves nothing

std::string link_name(const extents& l, std::size_t site, std::size_t mu) {
    const auto x = coordinates_of(l, site);
    return fmt::format("link ({},{},{},{}) direction {}", x[0], x[1], x[2], x[3], "xyzt"[mu]);
}

std::uint64_t link_offset(const payload_plan& plan, std::size_t site, std::size_t mu) {
    return plan.offset + std::uint64_t{site} * plan.site_bytes() + mu * plan.link_bytes();
}

/// Where det U is not 1, and whether that is the fermions' antiperiodic sign on the last time slice.
struct determinant_finding {
    std::size_t site = 0, mu = 0;
    double worst = 0.0;
    bool antiperiodic_sign = true;
};

determinant_finding find_determinants(const gauge_field& links, double tolerance) {
    determinant_finding found;
    const extents& l = links.shape();
    std::size_t last_slice = 0;
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu) {
            const complex det = determinant(links.link(s, mu));
            const double deviation = std::abs(det - 1.0);
            if (deviation > found.worst) {
                found.worst = deviation;
                found.site = s;
                found.mu = mu;
            }
            const bool negative = std::abs(det + 1.0) <= tolerance;
            const bool boundary = mu == 3 && coordinates_of(l, s)[3] + 1 == l.n[3];
            last_slice += negative && boundary ? 1 : 0;
            if (deviation > tolerance && !(negative && boundary))
                found.antiperiodic_sign = false;
        }
    found.antiperiodic_sign = found.antiperiodic_sign && last_slice == l.spatial_volume();
    return found;
}

std::optional<error> check_sum(const input_file& file, const payload_plan& plan, const gauge_file_report& report) {
    if (report.checksum != checksum_verdict::mismatch)
        return std::nullopt;
    return file.refusal(errc::checksum_mismatch,
                        fmt::format("the stored checksum is {}, that of the links {}", report.stored_checksum,
                                    report.computed_checksum),
                        plan.record, plan.sums_offset, "the file is damaged: copy it again from its source");
}

std::optional<error> check_group(const input_file& file, const payload_plan& plan, const gauge_field& links,
                                 const group_deviation& d) {
    const double tolerance = group_tolerance(plan.precision_bits);
    const auto at = [&](std::size_t site, std::size_t mu) {
        return plan.record + ", " + link_name(plan.shape, site, mu);
    };
    if (!d.finite)
        return file.refusal(errc::physics_mismatch, "a link holds an infinite number or not a number",
                            at(d.worst_site, d.worst_direction), link_offset(plan, d.worst_site, d.worst_direction));
    if (d.unitarity > tolerance)
        return file.refusal(errc::physics_mismatch,
                            fmt::format("links are not unitary: max |U U^dag - 1| = {:.3g}, allowed {:g} at {} bits",
                                        d.unitarity, tolerance, plan.precision_bits),
                            at(d.worst_site, d.worst_direction), link_offset(plan, d.worst_site, d.worst_direction),
                            "open or Schroedinger-functional boundaries are not supported");
    if (d.determinant <= tolerance)
        return std::nullopt;
    const auto found = find_determinants(links, tolerance);
    if (found.antiperiodic_sign)
        return file.refusal(errc::physics_mismatch,
                            "det U = -1 on every time link of the last time slice: the antiperiodic sign of the "
                            "fermions is multiplied into the links",
                            at(found.site, found.mu), link_offset(plan, found.site, found.mu),
                            "save the configuration again without boundary sign");
    return file.refusal(errc::physics_mismatch,
                        fmt::format("det U is not 1: max |det U - 1| = {:.3g}, allowed {:g}", found.worst, tolerance),
                        at(found.site, found.mu), link_offset(plan, found.site, found.mu));
}

struct stored_value {
    const char* name;
    const std::optional<stored_number>& stored;
    std::uint64_t offset;
    double tolerance;
};

std::optional<error> check_stored(const input_file& file, const payload_plan& plan, const stored_value& value,
                                  double recomputed, gauge_file_report& report) {
    const auto& [name, stored, offset, tolerance] = value;
    if (!stored)
        return std::nullopt;
    const double allowed = std::max(tolerance, stored->unit); // a rounded number says no more than its last digit
    if (std::abs(stored->value - recomputed) <= allowed) {
        if (stored->unit > useful_unit)
            report.notes.push_back(fmt::format("the stored {} has too few digits to prove anything", name));
        return std::nullopt;
    }
    return file.refusal(errc::physics_mismatch,
                        fmt::format("the stored {} is {:.10g}, that of the links {:.10g} (allowed difference {:g})",
                                    name, stored->value, recomputed, allowed),
                        plan.values_record, offset, "the file is damaged, or its header belongs to other links");
}

} // namespace

std::optional<error> verify(const input_file& file, const payload_plan& plan, const gauge_field& links,
                            const running_checksum& sum, gauge_file_report& report) {
    report.checksum = checksum_verdict::none_stored;
    if (plan.sum_kind != checksum_kind::none) {
        report.computed_checksum = checksum_text(plan.sum_kind, sum.value());
        const bool match = report.computed_checksum == checksum_text(plan.sum_kind, plan.stored_sums);
        report.checksum = match ? checksum_verdict::match : checksum_verdict::mismatch;
    }
    const group_deviation d = deviation_from_group(links);
    plaquette_averages p;
    double trace = 0.0;
    if (d.finite) {
        p = host_plaquette(links);
        trace = host_link_trace(links);
        report.unitarity_deviation = d.unitarity;
        report.determinant_deviation = d.determinant;
        report.plaquette = p.all();
        report.spatial_plaquette = p.spatial;
        report.temporal_plaquette = p.temporal;
        report.link_trace = trace;
    }
    if (auto refused = check_sum(file, plan, report))
        return refused;
    if (auto refused = check_group(file, plan, links, d))
        return refused;
    const stored_value plaquette{"plaquette", plan.plaquette, plan.plaquette_offset, plaquette_tolerance};
    if (auto refused = check_stored(file, plan, plaquette, p.all(), report))
        return refused;
    const stored_value link_trace{"link trace", plan.link_trace, plan.link_trace_offset, link_trace_tolerance};
    return check_stored(file, plan, link_trace, trace, report);
}

} // namespace forge::formats
