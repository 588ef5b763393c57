// SPDX-License-Identifier: AGPL-3.0-only
// The port that lattice physics is written against; engine/README.md gives the contract in formulas.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/lattice/momentum_field.hpp"
#include "libactors/lattice/state_hash.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What an engine says of itself.
struct engine_capability {
    std::string id;          ///< e.g. "reference", "opencl:0", "opencl:0.1"
    std::string device_name; ///< as the vendor says
    std::string kernel_hash; ///< hash of the code that runs, for receipts
    std::uint64_t memory_bytes = 0;
    std::uint32_t compute_units = 0;
    std::uint32_t width = 1; ///< lattice sites per work-item
    bool fp64 = false;
};

/// Which arithmetic the bulk of the work is done in. Numbers are stored on disk: append only.
enum class precision_strategy : std::uint8_t {
    native = 0,     ///< fp64 throughout
    hybrid = 1,     ///< staples, plaquette products and kinetic energy in double-float (df64); the rest in fp64
    concurrent = 2, ///< force of the last time slices in df64 on a second queue, of the others in fp64, at once
};
[[nodiscard]] constexpr const char* name_of(precision_strategy p) {
    return p == precision_strategy::native ? "native" : p == precision_strategy::hybrid ? "hybrid" : "concurrent";
}

/// A strategy with its parameter. The share is part of the arithmetic: another share gives other bits.
struct arithmetic {
    precision_strategy strategy = precision_strategy::native;
    double df64_share = 0.0; ///< of the time slices (rounded to whole ones), for concurrent, in [0, 1]
    friend bool operator==(const arithmetic&, const arithmetic&) = default;
};

/// Unnormalised sums over the lattice of Re tr U_p.
struct plaquette_sums {
    double spatial = 0.0;  ///< 3V plaquettes in xy, xz, yz
    double temporal = 0.0; ///< 3V plaquettes in xt, yt, zt
    friend bool operator==(const plaquette_sums&, const plaquette_sums&) = default;
};

/// Time and launches per operation since the last reset; empty unless the engine was asked to profile.
struct operation_time {
    std::string name;
    std::uint64_t launches = 0;
    double seconds = 0.0;
};

/// Links, momenta and a spare copy of the links of one chain, on the device. A resource: one owner, one thread.
///
/// Every operation throws `failure` (errc::device_failed or device_memory) when the device gives up; the fields are
/// then undefined. Sums use a tree whose shape depends on the extents only.
class gauge_workspace {
public:
    virtual ~gauge_workspace() = default;
    [[nodiscard]] virtual const extents& shape() const = 0;

    /// Arithmetic of kick, plaquette and kinetic_energy from here on. Engines start native.
    /// @throws failure errc::unsupported when the engine has only fp64, or its df64 fails the self-test.
    virtual void set_arithmetic(const arithmetic& a) {
        if (a.strategy != precision_strategy::native)
            throw failure(error{errc::unsupported, std::string("this engine has no strategy ") + name_of(a.strategy), "", "precision = \"native\""});
    }

    virtual void upload(const gauge_field& links) = 0;
    [[nodiscard]] virtual gauge_field download() = 0;
    virtual void upload_momenta(const momentum_field& momenta) = 0;
    [[nodiscard]] virtual momentum_field download_momenta() = 0;

    /// P = sum_a p_a T_a on every link, p_a ~ N(0,1), from Philox block (link, draw 0..3).
    virtual void refresh_momenta(const noise_id& noise) = 0;
    /// P <- P - step * F, F = (beta/6) TA[U A], A the sum of six staples.
    virtual void kick(double beta, double step) = 0;
    /// U <- exp(step P) U on every link.
    virtual void drift(double step) = 0;
    /// kick(beta, kick_step), then drift(drift_step): the same bits, in one sweep where the engine has one.
    virtual void kick_and_drift(double beta, double kick_step, double drift_step) {
        kick(beta, kick_step);
        drift(drift_step);
    }
    /// T = -sum tr P^2.
    [[nodiscard]] virtual double kinetic_energy() = 0;
    [[nodiscard]] virtual plaquette_sums plaquette() = 0;
    /// Spatial mean of tr(prod_t U_t)/3.
    [[nodiscard]] virtual complex polyakov_loop() = 0;
    /// Projects every link back to SU(3); for use between trajectories only.
    virtual void reunitarise() = 0;
    [[nodiscard]] virtual state_hash fingerprint() = 0;
    /// Keeps a copy of the links on the device / brings it back, once per copy (the buffers may be exchanged).
    virtual void save_links() = 0;
    virtual void restore_links() = 0;

    [[nodiscard]] virtual std::vector<operation_time> take_profile() { return {}; }
};

/// Implements the operations on one device.
class lattice_engine {
public:
    virtual ~lattice_engine() = default;
    [[nodiscard]] virtual const engine_capability& about() const = 0;
    /// Accuracy of double-float arithmetic in bits, by self-test; unset where the engine has none.
    [[nodiscard]] virtual std::optional<double> df64_bits() { return std::nullopt; }
    /// @throws failure with errc::device_memory or errc::unsupported (extents that the layout cannot hold).
    [[nodiscard]] virtual std::unique_ptr<gauge_workspace> allocate(const extents& l) = 0;
};

} // namespace forge
