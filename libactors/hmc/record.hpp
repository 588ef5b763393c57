// SPDX-License-Identifier: AGPL-3.0-only
// What one trajectory leaves behind: the physics record that is hashed, and the receipt that is not.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/ids.hpp"
#include "libactors/base/result.hpp"
#include "libactors/lattice/state_hash.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// Numbers of one trajectory; all per configuration after the accept step, except delta_h (of the proposal).
struct trajectory_observables {
    double plaquette_spatial = 0.0;  ///< average over xy, xz, yz planes of Re tr U_p / 3
    double plaquette_temporal = 0.0; ///< average over xt, yt, zt planes
    double action_density = 0.0;     ///< S / V = 6 beta (1 - P)
    double polyakov_re = 0.0;        ///< L = spatial mean of tr(prod_t U_t)/3
    double polyakov_im = 0.0;
    double delta_h = 0.0;            ///< H(proposal) - H(start)
    double exp_minus_delta_h = 0.0;
    bool accepted = false;

    [[nodiscard]] double plaquette() const { return 0.5 * (plaquette_spatial + plaquette_temporal); }
    friend bool operator==(const trajectory_observables&, const trajectory_observables&) = default;
};

/// The physics of trajectory i of a chain. Its hash covers every field, so the records of a chain form a hash chain.
struct physics_record {
    chain_id chain;
    segment_no segment;
    std::uint64_t trajectory = 0; ///< i, counted from 1 within the chain
    digest previous{};            ///< hash of record i-1; of the chain's genesis for i = 1
    state_hash state;             ///< of the links after the accept step
    bool measured = false;        ///< false while the segment thermalises
    trajectory_observables observed;

    friend bool operator==(const physics_record&, const physics_record&) = default;
};

/// How the record came about; stored beside it, outside the ledger hash.
struct receipt {
    epoch_no epoch;
    std::string device;      ///< e.g. "opencl:0.1"
    std::string bits_class;  ///< hash of the canonical self-test + numerics version
    std::string kernel_hash; ///< hash of kernel source and build options
    double seconds = 0.0;    ///< wall time of the trajectory on the device
    std::optional<double> joules;
    std::string energy_source = "none"; ///< rapl | nvml | hwmon | model | none
};

/// Canonical bytes of a record (docs/formats/ledger.md): what is hashed and what the ledger stores.
[[nodiscard]] std::vector<std::byte> encode(const physics_record& r);
/// Inverse of encode. @return errc::malformed or errc::version_too_new.
[[nodiscard]] result<physics_record> decode_record(std::span<const std::byte> bytes);
/// SHA-256 of encode(r).
[[nodiscard]] digest hash_of(const physics_record& r);
/// Hash that stands before the first record of a chain: SHA-256 of (campaign seed, chain).
[[nodiscard]] digest genesis_hash(std::string_view campaign_seed, chain_id chain);
/// Random-number key of a chain: first 64 bits of SHA-256(campaign seed, chain id), little-endian.
[[nodiscard]] std::uint64_t rng_key(std::string_view campaign_seed, chain_id chain);

} // namespace forge
