// SPDX-License-Identifier: AGPL-3.0-only
// A recurrent program over a device and the host: one step(), whoever computes what.
#pragma once

#include "libactors/learn/hybrid/router.hpp"
#include "libactors/learn/npu_program.hpp"

#include <memory>
#include <span>
#include <vector>

namespace forge {

enum class state_activation : std::uint8_t { tanh, bounded_relu };

/// How a linear layer comes out of a device whose layers are rectified.
enum class linear_path : std::uint8_t {
    threshold_override, ///< the layer is mapped without activation and the host gets its 32-bit sums
    split,              ///< rows W and -W, rectified both; W x = relu(W x) - relu(-W x), in 4 bits each: 31 levels
};

/// Where readouts are computed.
enum class readout_place : std::uint8_t { routed, host, device };

/// What a network turned out to be.
enum class execution_mode : std::uint8_t {
    software_f32,  ///< everything in float on the host
    device_native, ///< products and bounded ReLU on the device, 4-bit activations
    hybrid,        ///< 4-bit products on the device, tanh on the host
};
[[nodiscard]] std::string_view name_of(execution_mode m);

struct hybrid_options {
    state_activation activation = state_activation::tanh;
    linear_path path = linear_path::threshold_override;
    readout_place readouts = readout_place::routed;
    double int4_tolerance = 0.25; ///< int4_error up to which weights count as 4-bit weights (routing rules 1 and 2)
    float relu_bound = 1.0f;      ///< of bounded_relu, on both sides
    float split_bound = 1.5f;     ///< |pre-activation| where the halves of a split end: beyond it tanh hardly changes, below it levels are dear
    float readout_range = 0.0f;   ///< largest weight that set_readout may bring to a device; 0: as the weights are now
};

/// What steps cost so far, model and measurement never added up.
struct hybrid_cost {
    std::uint64_t steps = 0;
    std::uint64_t passes = 0;  ///< runs of back ends; readouts of the host are none
    double model_s = 0.0;      ///< of simulated back ends
    double measured_s = 0.0;   ///< of the others
    std::uint64_t clamped = 0; ///< inputs and weights that a range cut
};

/// Where one of several sequences stands; made by hybrid_network::rest().
struct hybrid_state {
    std::vector<float> s; ///< by unit
    std::vector<float> z; ///< readouts, all heads, biases included
};

/// s <- (1 - a) s + a f(W [u; s]),  z_h = W_h s + b_h
///
/// - W is one product on the concatenated vector, on one back end or by rows on several (chunks of equal size, the last one shorter);
///   leak a, state and biases are the host's.
/// - f = tanh on the host: the device gives the linear part (rule 4), by threshold override or split.
/// - f = bounded ReLU on a device (rule 5): its heads come out of the same pass, W_h f; because leak and readout are linear the host
///   integrates r_h <- (1 - a) r_h + a W_h f and z_h = r_h + b_h. One more head, the identity, brings f itself for the state.
/// - Readouts of a tanh network stay on the host (rule 12); asked for on the device they are a second program on the first int4 back end.
/// - Split: weights go to the device times a power of two, eps <= 0.05 / (3 max|w| sqrt(columns)), so that pre-activations stay small in a
///   device with a fixed bound; the host divides. Where ranges come from examples eps cancels, to the bit.
///
/// Engines are the caller's and outlive the network; like them it has one owner and one thread. In software it has the bits of
/// reservoir::step.
class hybrid_network {
public:
    /// @param host  computes what no device does.  @param devices  the reservoir's back ends; none: the host; several: divided by rows.
    /// @return what validate and the engines' map say; errc::invalid_argument for readouts on a device that is not there.
    [[nodiscard]] static result<hybrid_network> make(const npu_program& program, dense_engine& host, std::vector<dense_engine*> devices,
                                                     const hybrid_options& options = {});
    hybrid_network(hybrid_network&&) noexcept;
    hybrid_network& operator=(hybrid_network&&) noexcept;
    ~hybrid_network(); ///< unmaps its programs

    /// One input. @return errc::invalid_argument for another length or a value that is not finite; the state is unchanged then.
    [[nodiscard]] result<void> step(std::span<const float> input);
    void reset(); ///< all zero: the beginning of a sequence

    /// Several sequences at once, each with its own state (not the network's): one run of every back end for all, so that a device's link is
    /// paid once. The same bits as one after the other. @param inputs  a row for each state.  @return as step; all unchanged then.
    [[nodiscard]] result<void> step(std::span<const float> inputs, std::span<hybrid_state> states);
    [[nodiscard]] hybrid_state rest() const; ///< the beginning of a sequence
    [[nodiscard]] std::span<const float> readout(std::size_t head, const hybrid_state& x) const;

    [[nodiscard]] std::span<const float> state() const;
    /// Readout z of a head, before its activation. Precondition: head < program().heads.size().
    [[nodiscard]] std::span<const float> readout(std::size_t head) const;
    /// A head's answer after its activation.
    [[nodiscard]] std::vector<float> value(std::size_t head) const;
    /// All heads, named, device's and host's alike.
    struct output {
        std::string name;
        std::vector<float> value;
        side where = side::host;
    };
    [[nodiscard]] std::vector<output> outputs() const;

    /// New readout weights, on whichever side they are. On a device its ranges cut them: cost().clamped says how many.
    /// Of a device_native network the part of z that old weights integrated is replaced by the new weights on the present state.
    [[nodiscard]] result<void> set_readout(std::size_t head, std::span<const float> weights, std::span<const float> bias);
    /// A state from elsewhere; readouts are those of the host's weights on it. Precondition: units values.
    void set_state(std::span<const float> s);

    [[nodiscard]] const npu_program& program() const; ///< readouts as set last
    [[nodiscard]] execution_mode mode() const;
    [[nodiscard]] bool readouts_on_device() const;
    [[nodiscard]] const std::vector<route_decision>& routes() const;
    [[nodiscard]] const hybrid_cost& cost() const;

private:
    struct inner;
    explicit hybrid_network(std::unique_ptr<inner> i);
    std::unique_ptr<inner> inner_;
};

/// What linear, relu, sigmoid and softmax heads make of their readouts.
[[nodiscard]] std::vector<float> activated(head_activation a, std::span<const float> z);

/// Rows of [u; s] of a run in float over the sequences, evenly thinned to at most `rows_max`: what fixes a device's ranges.
/// @param sequences  each whole rows of program.inputs.  @return errc::invalid_argument for a sequence that is not.
[[nodiscard]] result<std::vector<float>> calibration_rows(const npu_program& program, const hybrid_options& options,
                                                          std::span<const std::vector<float>> sequences, std::size_t rows_max = 512);

} // namespace forge
