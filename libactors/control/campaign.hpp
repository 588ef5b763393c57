// SPDX-License-Identifier: AGPL-3.0-only
// A campaign as the physicist wrote it: text -> value, every problem reported with its line.
#pragma once

#include "libactors/base/ids.hpp"
#include "libactors/base/result.hpp"
#include "libactors/hmc/params.hpp"
#include "libactors/lattice/extents.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// both: chains 0, 2, 4 ... hot and 1, 3, 5 ... cold; each such pair visits the same points.
enum class start_kind : std::uint8_t { cold, hot, file, both };
/// What the campaign asks for; `automatic` and an unset share are measured on the device and recorded in the ledger.
enum class precision_choice : std::uint8_t { native, hybrid, concurrent, automatic };
enum class steering_mode : std::uint8_t { plan, adaptive };

/// What the conductor may do: nothing, say what it would do, do it.
enum class conductor_mode : std::uint8_t { off, advise, act };
[[nodiscard]] std::string_view name_of(conductor_mode m);
/// What its reservoirs run on. A board is not spoken to yet: the simulator stands in for it, with the same bits.
enum class conductor_device : std::uint8_t { software, sim_akd1000, akida };

struct conductor_plan {
    conductor_mode mode = conductor_mode::off;
    std::string model;                 ///< file of a trained model, relative to the campaign file; empty: none
    std::string model_hash;            ///< of its bytes; filled when it is loaded
    std::vector<std::string> bootstrap; ///< folders of earlier runs to learn from before the first trajectory
    conductor_device device = conductor_device::software; ///< of the model's reservoirs
    bool thermalisation = true;        ///< placement A: end thermalisation where hot and cold agree
    bool classify = true;              ///< placement C: judge every trajectory
    bool mid_trajectory = false;       ///< placement B: look at every trajectory half-way; one more force each, the same bits
    std::uint32_t check_every = 10;    ///< trajectories between two looks at a segment that thermalises
    std::uint32_t extra_points = 0;    ///< placement D: betas that it may add to the scan
    double window_s = 0.005;           ///< how long requests are gathered into one pass
    friend bool operator==(const conductor_plan&, const conductor_plan&) = default;
};

/// Configurations that are evaluated again on another device, while the campaign runs. No part of the physics.
struct validation_plan {
    std::string when;            ///< condition over a trajectory's result (flow/predicate.hpp); empty: nobody validates
    std::string device;          ///< id; empty: the last of the campaign's devices
    std::uint32_t capacity = 4;  ///< configurations of one chain that may be under way
    bool droppable = true;       ///< false: a chain waits for the validator
    friend bool operator==(const validation_plan&, const validation_plan&) = default;
};

/// Everything that a campaign file can say; docs/campaign.md lists keys, units and defaults.
struct campaign {
    std::string name = "campaign";
    std::optional<std::string> seed; ///< unset: one is drawn, recorded and printed
    std::uint32_t n_chains = 1;
    extents lattice;
    double beta_min = 0.0;
    double beta_max = 0.0;
    std::uint32_t beta_points = 1;
    segment_params hmc;              ///< beta is filled in by the steerer
    precision_choice precision = precision_choice::native;
    std::optional<double> df64_share; ///< of the time slices, for concurrent; unset: measured
    start_kind start = start_kind::cold;
    std::string start_file;          ///< NERSC, ILDG or MILC configuration, relative to the campaign file
    steering_mode steering = steering_mode::plan;
    std::vector<std::string> devices; ///< ids of forge device list; empty: all with fp64
    std::uint32_t split_cpu = 0;
    std::uint32_t width = 0;          ///< sites per work-item; 0: automatic. Never changes bits
    std::uint32_t edge_capacity = 64; ///< trajectories that a chain may be ahead of the ledger
    double seal_interval_s = 30.0;
    std::uint32_t keep_checkpoints = 2;
    std::string mirror;               ///< name of the node that keeps a copy of the run; "node": whichever comes first; empty: none
    double mirror_interval_s = 5.0;   ///< between two rounds of copying
    conductor_plan conductor;
    validation_plan validation;
    std::string output;               ///< run directory; empty: runs/NAME beside the campaign file
    friend bool operator==(const campaign&, const campaign&) = default;

    /// Does this chain begin at scattered links?
    [[nodiscard]] bool starts_hot(chain_id c) const { return start == start_kind::hot || (start == start_kind::both && c.value % 2 == 0); }
    /// Chains that visit the same points: 2 where starts are hot and cold, else 1.
    [[nodiscard]] std::uint32_t replicas() const { return start == start_kind::both ? 2 : 1; }
};

/// Parses TOML. @param file_name  for messages.
/// @return errc::config_invalid whose text has one block per problem: line, what, why, suggestion.
[[nodiscard]] result<campaign> parse_campaign(const std::string& text, const std::string& file_name);

/// The parameters that fix the physics, as text with one "key = value" a line in fixed order: what the ledger keeps
/// and compares. Devices, widths, capacities, intervals and folders are not in it.
[[nodiscard]] std::string physics_text(const campaign& c);

/// Lines that differ between two physics texts, as "- old" and "+ new".
[[nodiscard]] std::string difference(const std::string& recorded, const std::string& asked);

} // namespace forge
