// SPDX-License-Identifier: AGPL-3.0-only
// The dense engine on the host, in float: what the others are measured against.
#pragma once

#include "libactors/engine/dense_engine.hpp"

#include <map>
#include <memory>

namespace forge {

/// "software-f32": products by blocked_matrix, so that answers have the bits of the plain loop, row by row and in any batch.
///
/// A rectified layer is max(0, .), and ends at its bound if it has one. Examples are not needed and not looked at. Nothing is ever clamped,
/// and there is no budget but memory. Cost: measured wall time of the call. One owner, one thread (dense_engine.hpp).
class software_engine final : public dense_engine {
public:
    software_engine();
    ~software_engine() override;

    [[nodiscard]] dense_about about() const override;
    [[nodiscard]] result<program_id> map(const dense_program& program, std::span<const float> examples) override;
    void unmap(program_id id) override;
    [[nodiscard]] result<std::vector<dense_answer>> run(program_id id, std::span<const float> inputs) override;
    [[nodiscard]] result<void> set_variable(program_id id, const std::string& layer, std::span<const float> weights) override;
    [[nodiscard]] dense_cost cost() const override { return cost_; }

    struct mapped; ///< incomplete elsewhere

private:
    std::map<program_id, std::unique_ptr<mapped>> programs_;
    program_id next_ = 1;
    dense_cost cost_;
};

} // namespace forge
