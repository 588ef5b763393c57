// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/capability.hpp"

#include "libactors/base/nearest_word.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace forge {

namespace {

using kind = capability_kind;

constexpr std::array<std::pair<kind, const char*>, 13> names{{
    {kind::f64_compute, "f64_compute"},
    {kind::f32_compute, "f32_compute"},
    {kind::quantised_inference, "quantised_inference"},
    {kind::batch_inference, "batch_inference"},
    {kind::weight_mutation, "weight_mutation"},
    {kind::scalar_reduce, "scalar_reduce"},
    {kind::sparse_spmv, "sparse_spmv"},
    {kind::eigensolve, "eigensolve"},
    {kind::conjugate_gradient, "conjugate_gradient"},
    {kind::shader_dispatch, "shader_dispatch"},
    {kind::simd_vector, "simd_vector"},
    {kind::timestamp_query, "timestamp_query"},
    {kind::df64_compute, "df64_compute"},
}};

bool has_size(kind k) { return k == kind::quantised_inference || k == kind::batch_inference; }

constexpr std::uint32_t size_max = 65536;

bool covers(const capability& offered, const capability& needed) {
    return offered.kind == needed.kind &&
           (needed.kind == kind::batch_inference ? offered.size >= needed.size : offered.size == needed.size);
}

} // namespace

const char* name_of(substrate_kind k) {
    return k == substrate_kind::gpu ? "gpu" : k == substrate_kind::npu ? "npu" : "cpu";
}

std::string to_text(const capability& c) {
    for (const auto& [k, name] : names)
        if (k == c.kind)
            return has_size(k) ? std::string(name) + "(" + std::to_string(c.size) + ")" : std::string(name);
    expects(false, "a capability has a name");
    return {};
}

result<capability> capability_from(std::string_view text) {
    const auto open = text.find('(');
    const auto word = text.substr(0, open);
    std::vector<std::string> known;
    for (const auto& [k, name] : names) {
        known.emplace_back(name);
        if (word != name)
            continue;
        capability c{k, 0};
        if (!has_size(k)) {
            if (open == std::string_view::npos)
                return c;
            break;
        }
        const auto digits = open == std::string_view::npos ? std::string_view() : text.substr(open + 1);
        const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), c.size);
        const bool closed = !digits.empty() && stop == digits.data() + digits.size() - 1 && *stop == ')';
        if (code == std::errc{} && closed && c.size > 0 && c.size <= size_max)
            return c;
        return error{errc::invalid_argument, std::string(name) + " has a number in 1..." + std::to_string(size_max) + " in parentheses", "",
                     std::string(name) + "(8)"};
    }
    const std::string shown(text.substr(0, 40));
    const auto near = nearest_word(std::string(word.substr(0, 40)), known);
    std::string list;
    for (const auto& k : known)
        list += (list.empty() ? "" : ", ") + k;
    return error{errc::invalid_argument, "there is no capability \"" + shown + "\"", "",
                 near.empty() ? "capabilities are " + list : "did you mean " + near + "?"};
}

std::vector<capability> lacking(const substrate& s, const std::vector<capability>& needed) {
    std::vector<capability> missing;
    for (const auto& n : needed)
        if (std::none_of(s.capabilities.begin(), s.capabilities.end(), [&](const capability& c) { return covers(c, n); }))
            missing.push_back(n);
    return missing;
}

std::vector<capability> usual_capabilities(substrate_kind kind_of_device, bool fp64, bool df64) {
    std::vector<capability> all;
    const auto add = [&all](std::initializer_list<kind> kinds) {
        for (const auto k : kinds)
            all.push_back({k, 0});
    };
    if (kind_of_device == substrate_kind::npu)
        return {{kind::f32_compute, 0}, {kind::quantised_inference, 8}, {kind::quantised_inference, 4}, {kind::batch_inference, 8},
                {kind::weight_mutation, 0}};
    if (kind_of_device == substrate_kind::gpu) {
        add({kind::f32_compute, kind::shader_dispatch, kind::timestamp_query});
        if (fp64)
            add({kind::f64_compute, kind::scalar_reduce, kind::sparse_spmv, kind::eigensolve, kind::conjugate_gradient});
    } else {
        add({kind::f32_compute, kind::f64_compute, kind::scalar_reduce, kind::sparse_spmv, kind::eigensolve, kind::conjugate_gradient,
             kind::simd_vector});
    }
    if (df64)
        add({kind::df64_compute});
    return all;
}

const std::vector<workload>& workload_profiles() {
    static const std::vector<workload> all{
        {"md_force", {{kind::f64_compute, 0}, {kind::scalar_reduce, 0}}, {}},
        {"hfb_eigensolve", {{kind::f64_compute, 0}, {kind::eigensolve, 0}}, {}},
        {"lattice_cg", {{kind::f64_compute, 0}, {kind::conjugate_gradient, 0}}, {}},
        {"esn_npu_inference", {{kind::quantised_inference, 8}}, substrate_kind::npu},
        {"cpu_validation", {{kind::f64_compute, 0}}, substrate_kind::cpu},
        {"spectral_spmv", {{kind::f64_compute, 0}, {kind::sparse_spmv, 0}}, {}},
        {"hetero_npu_phase_classifier", {{kind::quantised_inference, 4}}, substrate_kind::npu},
        {"hmc_native", {{kind::f64_compute, 0}, {kind::scalar_reduce, 0}}, {}},
        {"hmc_hybrid", {{kind::f64_compute, 0}, {kind::scalar_reduce, 0}, {kind::df64_compute, 0}}, {}},
        {"conductor_heads", {{kind::f32_compute, 0}}, substrate_kind::npu},
        {"precision_check", {{kind::f64_compute, 0}, {kind::scalar_reduce, 0}}, {}},
    };
    return all;
}

route_answer route(const workload& w, const std::vector<substrate>& substrates) {
    route_answer a;
    for (const auto& s : substrates)
        a.candidates.push_back({s.id, lacking(s, w.needs)});
    // Kinds are numbered in the order of preference; the preferred one goes before all.
    const auto standing = [&](std::size_t i) {
        return w.prefers == std::optional(substrates[i].kind) ? -1 : static_cast<int>(substrates[i].kind);
    };
    for (std::size_t i = 0; i < substrates.size(); ++i)
        if (a.candidates[i].lacks.empty() && (!a.chosen || standing(i) < standing(*a.chosen)))
            a.chosen = i;
    a.preferred = a.chosen && w.prefers == std::optional(substrates[*a.chosen].kind);
    return a;
}

} // namespace forge
