// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/conductor_choice.hpp"

#include "apps/forge/npu_model_json.hpp"
#include "apps/forge/npu_model_training.hpp"
#include "libactors/base/hash.hpp"
#include "libactors/wire/conductor_model_codec.hpp"

#include <fmt/format.h>

#include <iostream>

namespace forge::app {

namespace {

std::filesystem::path beside(const loaded_campaign& c, const std::string& name) {
    const std::filesystem::path path = name;
    return path.is_relative() ? c.file.parent_path() / path : path;
}

result<conductor_model> learn_from(const loaded_campaign& c) {
    std::vector<std::string> runs;
    for (const auto& name : c.plan.conductor.bootstrap)
        runs.push_back(beside(c, name).string());
    const auto say = [](const std::string& line) { std::cerr << line << "\n"; };
    auto data = read_runs(runs, [](std::size_t, std::size_t) {});
    if (!data)
        return data.reason();
    study_options o;
    o.int4_weights = c.plan.conductor.device != conductor_device::software; // train where it runs
    return train_model(*data, o, true, say);
}

} // namespace

result<chosen_model> conductor_model_for(loaded_campaign& c, std::string& text) {
    auto& plan = c.plan.conductor;
    if (plan.mode == conductor_mode::off || (plan.model.empty() && plan.bootstrap.empty()))
        return chosen_model{};
    const auto kept = c.folder.root / "conductor.model";
    const auto file = plan.model.empty() ? kept : beside(c, plan.model);
    if (plan.model.empty() && !std::filesystem::exists(kept)) {
        text += fmt::format("conductor: learns from {} run{}\n", plan.bootstrap.size(), plan.bootstrap.size() == 1 ? "" : "s");
        auto learnt = learn_from(c);
        if (!learnt)
            return learnt.reason();
        std::error_code status;
        std::filesystem::create_directories(c.folder.root, status);
        if (status)
            return error{errc::io_failed, "cannot create the run directory: " + status.message(), c.folder.root.string(), "--out DIR"};
        if (auto saved = save_model(*learnt, kept); !saved)
            return saved.reason();
    }
    auto model = load_model(file);
    if (!model)
        return model.reason();
    if (model->equilibrium.empty() || !(model->equilibrium.front().lattice() == c.plan.lattice))
        return error{errc::conflict,
                     fmt::format("the model is of lattice {}, the campaign of {}: what it learnt does not carry over to another volume",
                                 model->equilibrium.empty() ? "n/a" : to_text(model->equilibrium.front().lattice()), to_text(c.plan.lattice)),
                     file.string(), "a model of this lattice (forge npu train), or none"};
    const auto bytes = encode_model(*model);
    if (!bytes)
        return bytes.reason();
    plan.model_hash = to_hex(sha256_of(*bytes));
    std::string heads;
    for (const auto& h : model->heads)
        if (h.trusted)
            heads += (heads.empty() ? "" : ", ") + h.name;
    text += fmt::format("conductor: {}, model {} of {} chains; heads that beat their simple rules on held-out chains: {}\n", name_of(plan.mode), file.string(), model->chains,
                        heads.empty() ? "none" : heads);
    return chosen_model{std::make_shared<const conductor_model>(std::move(*model)), file.string()};
}

} // namespace forge::app
