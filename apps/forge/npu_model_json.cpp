// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_model_json.hpp"

#include "libactors/checkpoint/checkpoint_store.hpp"
#include "libactors/wire/conductor_model_codec.hpp"

#include <fmt/format.h>

#include <cmath>

namespace forge::app {

namespace {

using json = nlohmann::json;

constexpr std::uint32_t json_schema = 1;
constexpr std::uint64_t units_max = 4096;
constexpr std::uint64_t outputs_max = 1024;

error bad(const std::string& field, const std::string& what) { return {errc::malformed, what, "field \"" + field + "\"", "is this file whole, and of this kind?"}; }

result<std::uint64_t> size_field(const json& j, const char* name, std::uint64_t largest) {
    if (!j.contains(name) || !j[name].is_number_unsigned())
        return bad(name, "a whole number is missing");
    const auto n = j[name].get<std::uint64_t>();
    if (n == 0 || n > largest)
        return bad(name, fmt::format("{} is not in 1 ... {}", n, largest));
    return n;
}

result<std::vector<float>> weights_field(const json& j, const char* name, std::uint64_t n) {
    if (!j.contains(name) || !j[name].is_array())
        return bad(name, "a list of numbers is missing");
    if (j[name].size() != n)
        return bad(name, fmt::format("{} numbers where the sizes say {}", j[name].size(), n));
    std::vector<float> w;
    w.reserve(n);
    for (const auto& x : j[name]) {
        if (!x.is_number() || !std::isfinite(x.get<float>()))
            return bad(name, "an entry is not a number");
        w.push_back(x.get<float>());
    }
    return w;
}

struct named_outputs {
    head_spec spec;
    std::size_t first = 0;
    bool trained = true;
};

/// The heads that the file names; else those of the nine- and eleven-head conductors.
result<std::vector<named_outputs>> heads_of(const json& j, std::uint64_t outputs) {
    std::vector<named_outputs> all;
    if (!j.contains("heads")) {
        if (outputs != oldest_heads && outputs != legacy_heads)
            return bad("output_size", fmt::format("{} outputs without names: {} or {} are known by their order", outputs, oldest_heads, legacy_heads));
        for (std::size_t k = 0; k < legacy_heads; ++k)
            all.push_back({{std::string(all_heads()[k].name), 1, head_activation::linear}, k, k < outputs});
        return all;
    }
    if (!j["heads"].is_array() || j["heads"].empty() || j["heads"].size() > outputs_max)
        return bad("heads", "a list of heads is expected");
    for (const auto& h : j["heads"]) {
        const auto first = h.value("first", std::uint64_t{0});
        const auto dim = h.value("dim", std::uint64_t{0});
        const auto activation = head_activation_from(h.value("activation", std::string()));
        if (!activation || dim == 0 || first > outputs || dim > outputs - first)
            return bad("heads", "head \"" + h.value("name", std::string("?")) + "\" has outputs or an activation that cannot be");
        all.push_back({{h.value("name", std::string()), static_cast<std::uint32_t>(dim), *activation}, first, h.value("trained", false)});
    }
    return all;
}

} // namespace

result<json> model_to_json(const conductor_model& m, std::uint32_t k) {
    const auto& shape = m.network.shape();
    if (k >= shape.reservoirs)
        return error{errc::invalid_argument, fmt::format("there is no reservoir {}: the model has {}", k, shape.reservoirs), "--reservoir", "0 for the first"};
    const auto& r = m.network.reservoirs()[k];
    auto w_out = json::array();
    auto bias = json::array();
    auto heads = json::array();
    std::size_t outputs = 0;
    for (const auto& h : shape.heads) {
        const auto* s = m.standing(h.name);
        heads.push_back({{"name", h.name},
                         {"first", outputs},
                         {"dim", h.dim},
                         {"activation", name_of(h.activation)},
                         {"trained", m.network.trained(h.name)},
                         {"trusted", s != nullptr && s->trusted}});
        for (std::uint32_t c = 0; c < h.dim; ++c, ++outputs) {
            const auto* readout = m.network.readout(k, h.name, c);
            bias.push_back(readout != nullptr ? readout->weights()[0] : 0.0);
            for (std::size_t u = 0; u < r.units(); ++u)
                w_out.push_back(readout != nullptr ? readout->weights()[u + 1] : 0.0);
        }
    }
    json j{{"schema_version", json_schema},
           {"w_in", r.w_in()},
           {"w_res", r.w_res()},
           {"w_out", std::move(w_out)},
           {"bias", std::move(bias)},
           {"input_size", r.inputs()},
           {"reservoir_size", r.units()},
           {"output_size", outputs},
           {"leak_rate", r.shape().leak},
           {"activation", "Tanh"},
           {"seed", r.shape().seed},
           {"spectral_radius", r.shape().spectral_radius},
           {"feature_version", shape.feature_version},
           {"training_size", m.rows},
           {"runs", m.runs},
           {"heads", std::move(heads)},
           {"reservoir", k},
           {"reservoirs", shape.reservoirs}};
    j["features"] = json::array();
    if (shape.feature_version == feature_version)
        for (const auto name : feature_names)
            j["features"].push_back(name);
    return j;
}

result<conductor_model> model_from_json(const json& j) {
    if (!j.is_object())
        return error{errc::malformed, "the file is no JSON object", "", "is this the right file?"};
    if (j.contains("schema_version") && (!j["schema_version"].is_number_unsigned() || j["schema_version"].get<std::uint64_t>() > json_schema))
        return error{errc::version_too_new, "the schema version is not one that this program reads (up to " + std::to_string(json_schema) + ")",
                     "field \"schema_version\"", "the program that wrote it"};
    const auto inputs = size_field(j, "input_size", units_max);
    const auto units = size_field(j, "reservoir_size", units_max);
    const auto outputs = size_field(j, "output_size", outputs_max);
    for (const auto* size : {&inputs, &units, &outputs})
        if (!*size)
            return size->reason();
    const auto w_in = weights_field(j, "w_in", *units * *inputs);
    const auto w_res = weights_field(j, "w_res", *units * *units);
    const auto w_out = weights_field(j, "w_out", *outputs * *units);
    for (const auto* w : {&w_in, &w_res, &w_out})
        if (!*w)
            return w->reason();
    if (const auto activation = j.value("activation", json("Tanh")); activation != "Tanh")
        return error{errc::unsupported, "the activation is not Tanh", "field \"activation\"", "weights for tanh: with another activation they mean something else"};
    if (!j.contains("leak_rate") || !j["leak_rate"].is_number())
        return bad("leak_rate", "a number is missing");
    const auto features = j.contains("feature_version") && j["feature_version"].is_number_unsigned() ? j["feature_version"].get<std::uint32_t>() : 0u;
    if (features != 0 && features != feature_version)
        return error{errc::conflict,
                     fmt::format("the weights are for features of version {}, this program builds version {}", features, feature_version),
                     "field \"feature_version\"", "forge npu train"};
    auto names = heads_of(j, *outputs);
    if (!names)
        return names.reason();
    std::vector<float> bias(*outputs, 0.0f);
    if (j.contains("bias")) {
        auto b = weights_field(j, "bias", *outputs);
        if (!b)
            return b.reason();
        bias = std::move(*b);
    }
    network_shape shape;
    shape.reservoir.inputs = static_cast<std::uint32_t>(*inputs);
    shape.reservoir.units = static_cast<std::uint32_t>(*units);
    shape.reservoir.leak = j["leak_rate"].get<double>();
    if (j.contains("seed") && j["seed"].is_number_unsigned())
        shape.reservoir.seed = j["seed"].get<std::uint64_t>();
    shape.reservoirs = 1;
    shape.feature_version = features;
    for (const auto& n : *names)
        shape.heads.push_back(n.spec);
    auto reservoir = reservoir::from_weights(shape.reservoir, *w_in, *w_res);
    if (!reservoir)
        return reservoir.reason();
    std::vector<forge::reservoir> one;
    one.push_back(std::move(*reservoir));
    conductor_model m;
    auto network = echo_state_network::from_reservoirs(shape, std::move(one));
    if (!network)
        return network.reason();
    m.network = std::move(*network);
    for (const auto& n : *names) {
        m.heads.push_back({n.spec.name, false, std::nullopt, std::nullopt, 0.5});
        if (!n.trained)
            continue;
        std::vector<ridge_readout> components;
        for (std::size_t c = n.first; c < n.first + n.spec.dim; ++c) {
            std::vector<double> w{static_cast<double>(bias[c])};
            const auto row = w_out->begin() + static_cast<std::ptrdiff_t>(c * *units);
            w.insert(w.end(), row, row + static_cast<std::ptrdiff_t>(*units));
            auto readout = ridge_readout::from_weights(std::move(w));
            if (!readout)
                return readout.reason();
            components.push_back(std::move(*readout));
        }
        if (auto put = m.network.set_readouts(n.spec.name, {std::move(components)}); !put)
            return put.reason();
    }
    if (j.contains("training_size") && j["training_size"].is_number_unsigned())
        m.rows = j["training_size"].get<std::uint64_t>();
    if (j.contains("runs") && j["runs"].is_array())
        for (const auto& run : j["runs"])
            if (run.is_string())
                m.runs.push_back(run.get<std::string>());
    return m;
}

result<conductor_model> load_model(const std::filesystem::path& file) {
    const auto bytes = mapped_file::open(file);
    if (!bytes) {
        auto e = bytes.reason();
        if (e.hint.empty())
            e.hint = "a model file of forge npu train, or of forge npu import";
        return e;
    }
    auto m = decode_model(bytes->bytes());
    if (!m) {
        auto e = m.reason();
        e.where = file.string() + (e.where.empty() ? "" : ", " + e.where);
        return e;
    }
    return m;
}

result<void> save_model(const conductor_model& m, const std::filesystem::path& file) {
    const auto bytes = encode_model(m);
    if (!bytes)
        return bytes.reason();
    const auto store = checkpoint_store::open(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
    if (!store)
        return store.reason();
    const std::array<std::span<const std::byte>, 1> parts{std::span<const std::byte>(*bytes)};
    const auto put = store->put(file.filename().string(), parts, [](std::span<const std::byte> back) -> result<void> {
        const auto read = decode_model(back);
        return read ? result<void>() : result<void>(read.reason());
    });
    return put ? result<void>() : result<void>(put.reason());
}

} // namespace forge::app
