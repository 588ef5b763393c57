// SPDX-License-Identifier: AGPL-3.0-only
// The gauge field on the host, in the canonical order that files, hashes and engines agree on.
#pragma once

#include "libactors/base/contract.hpp"
#include "libactors/lattice/extents.hpp"
#include "libactors/numerics/su3.hpp"

#include <span>
#include <vector>

namespace forge {

inline constexpr std::size_t reals_per_link = 18;

/// Links U_mu(x), x -> x + mu-hat: real numbers [site rank][mu][row][col][re, im], shape V x 4 x 18. A value.
class gauge_field {
public:
    gauge_field() = default;
    /// All links zero: fill before use. @param l  every extent >= 1.
    explicit gauge_field(const extents& l) : extents_(l), reals_(l.links() * reals_per_link) {}

    [[nodiscard]] const extents& shape() const { return extents_; }
    [[nodiscard]] std::span<double> reals() { return reals_; }
    [[nodiscard]] std::span<const double> reals() const { return reals_; }

    [[nodiscard]] su3 link(std::size_t site, std::size_t mu) const {
        su3 u;
        const double* p = reals_.data() + (site * n_directions + mu) * reals_per_link;
        for (std::size_t k = 0; k < 9; ++k)
            u.e[k] = {p[2 * k], p[2 * k + 1]};
        return u;
    }
    void set_link(std::size_t site, std::size_t mu, const su3& u) {
        double* p = reals_.data() + (site * n_directions + mu) * reals_per_link;
        for (std::size_t k = 0; k < 9; ++k) {
            p[2 * k] = u.e[k].real();
            p[2 * k + 1] = u.e[k].imag();
        }
    }
    friend bool operator==(const gauge_field&, const gauge_field&) = default;

private:
    extents extents_;
    std::vector<double> reals_;
};

/// Every link the unit matrix.
[[nodiscard]] gauge_field cold_start(const extents& l);

/// How far the links are from the group.
struct group_deviation {
    double unitarity = 0.0;   ///< max over links of max_ij |(U U^dag - 1)_ij|
    double determinant = 0.0; ///< max over links of |det U - 1|
    std::size_t worst_site = 0;
    std::size_t worst_direction = 0;
    bool finite = true; ///< false when any entry is infinite or not a number
};
[[nodiscard]] group_deviation deviation_from_group(const gauge_field& links);

/// Average over all 6V plaquettes of Re tr U_p / 3, in [-1/3, 1]; spatial (xy, xz, yz) and temporal parts.
struct plaquette_averages {
    double spatial = 0.0;
    double temporal = 0.0;
    [[nodiscard]] double all() const { return 0.5 * (spatial + temporal); }
};
/// Host loops over [site][mu<nu]; cost about 2 microseconds per site. For files and checks, not for chains.
[[nodiscard]] plaquette_averages host_plaquette(const gauge_field& links);

/// Average over 4V links of Re tr U / 3.
[[nodiscard]] double host_link_trace(const gauge_field& links);

} // namespace forge
