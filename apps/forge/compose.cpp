// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/compose.hpp"

#include "apps/forge/conductor_choice.hpp"
#include "apps/forge/conductor_device.hpp"
#include "apps/forge/npu_model_json.hpp"
#include "apps/forge/operation_json.hpp"
#include "apps/forge/precision_choice.hpp"
#include "libactors/control/campaign_topology.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/formats/gauge_file.hpp"
#include "libactors/hmc/start.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include <sched.h>
#include <unistd.h>

namespace forge::app {

// PoCL pins the threads of sub-devices to cores only when asked, and only before it starts. A process that was
// itself confined to some cores is left alone: PoCL counts cores from 0.
void pin_sub_devices(std::uint32_t split_cpu) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    const bool whole_machine = sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) == sysconf(_SC_NPROCESSORS_ONLN);
    if (split_cpu > 1 && whole_machine)
        setenv("POCL_AFFINITY", "1", 0);
}

namespace {

std::string drawn_seed() {
    std::random_device source; // the one place where true randomness enters; the ledger keeps it
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", source(), source(), source(), source());
}

/// The ledger's seed when the run exists, else the campaign's, else a new one.
result<std::string> seed_of(const loaded_campaign& c) {
    if (!std::filesystem::exists(c.folder.ledger()))
        return c.plan.seed.value_or(drawn_seed());
    auto book = ledger::open_read_only(c.folder.ledger());
    if (!book && book.reason().code == errc::not_found) // killed before its tables were made: nothing is in it
        return c.plan.seed.value_or(drawn_seed());
    if (!book)
        return book.reason();
    const auto& known = book->identity();
    const auto asked = physics_text(c.plan);
    std::string diff = difference(known.config_text, asked);
    if (c.plan.seed && *c.plan.seed != known.campaign_seed)
        diff += "- seed = " + known.campaign_seed + "\n+ seed = " + *c.plan.seed + "\n";
    if (!diff.empty())
        return error{errc::conflict, "this run directory belongs to other physics (- recorded, + asked for)\n" + diff,
                     c.folder.root.string(), "undo the change, or give the new campaign its own directory with --out DIR"};
    return known.campaign_seed;
}

opencl_options engine_options(const campaign& plan) {
    opencl_options options;
    options.width = plan.width;
    options.cache_dir = default_cache_dir();
    return options;
}

result<std::vector<device_slot>> slots_of(const campaign& plan, const std::shared_ptr<opencl_system>& system, std::string& text) {
    std::vector<std::string> wanted = plan.devices;
    if (wanted.empty())
        for (const auto& d : system->devices())
            if (d.fp64)
                wanted.push_back(d.id);
    if (wanted.empty())
        return error{errc::device_unavailable, "no OpenCL device with fp64", "devices", "forge device list"};
    const auto options = engine_options(plan);
    std::vector<device_slot> slots;
    for (const auto& id : wanted) {
        const auto& all = system->devices();
        const auto at = std::find_if(all.begin(), all.end(), [&id](const auto& d) { return d.id == id; });
        if (at == all.end()) {
            std::string known;
            for (const auto& d : all)
                known += (known.empty() ? "" : ", ") + d.id;
            return error{errc::device_unavailable, "there is no device " + id, "devices.use", "one of: " + known};
        }
        text += fmt::format("device {}: {} ({} compute unit{})\n", id, at->name, at->compute_units, at->compute_units == 1 ? "" : "s");
        // On a GPU the sizes cost a second once; on a CPU driver every size is a compilation, so there it is a command.
        if (!at->is_cpu && !system->is_tuned(id, options, plan.lattice))
            if (const auto tuned = system->tune(id, options, plan.lattice); !tuned)
                return tuned.reason();
        slots.push_back({id, [system, id, options] { return system->make_engine(id, options); }, at->memory_bytes, at->name});
    }
    return slots;
}

result<std::shared_ptr<const gauge_field>> start_file(const loaded_campaign& c) {
    auto path = std::filesystem::path(c.plan.start_file);
    if (path.is_relative())
        path = c.file.parent_path() / path;
    read_options options;
    options.shape = c.plan.lattice;
    auto file = read_gauge_file(path, options);
    if (!file)
        return file.reason();
    if (!(file->links.shape() == c.plan.lattice))
        return error{errc::conflict, "the configuration is " + to_text(file->links.shape()) + ", the campaign's lattice " + to_text(c.plan.lattice),
                     path.string(), "lattice.extents of the file's size, or another file"};
    // A file in single precision is in the group to 1e-7 only: project before the chain starts from it.
    auto links = std::make_shared<gauge_field>(std::move(file->links));
    for (std::size_t s = 0; s < links->shape().volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            links->set_link(s, mu, reunitarise(links->link(s, mu)));
    return std::shared_ptr<const gauge_field>(std::move(links));
}

result<void> make_folder(const run_folder& folder) {
    std::error_code status;
    std::filesystem::create_directories(folder.root, status);
    if (status)
        return error{errc::io_failed, "cannot create the run directory: " + status.message(), folder.root.string(), "--out DIR"};
    return {};
}

/// Keeps the text as written. The old one stays whole when the disk is full. Call it with the ledger's lock held.
result<void> keep_campaign_file(const loaded_campaign& c) {
    std::ifstream kept(c.folder.campaign());
    if (kept && std::string(std::istreambuf_iterator<char>(kept), {}) == c.text)
        return {};
    const auto fresh = c.folder.campaign().string() + ".tmp";
    std::ofstream out(fresh, std::ios::trunc);
    out << c.text;
    out.close();
    std::error_code status;
    if (out)
        std::filesystem::rename(fresh, c.folder.campaign(), status);
    if (!out || status)
        return error{errc::io_failed, "cannot keep the campaign file", c.folder.campaign().string(), "is the disk full, or the folder read-only?"};
    return {};
}

} // namespace

result<composed_run> compose(const loaded_campaign& given) {
    composed_run r;
    loaded_campaign c = given;
    auto model = conductor_model_for(c, r.introduction);
    if (!model)
        return model.reason();
    if (model->model) {
        auto device = conductor_stepper(c.plan.conductor, model->model->network, find_akida());
        if (!device)
            return device.reason();
        r.parts.model_device = *device;
        if (r.parts.model_device)
            r.introduction += fmt::format("conductor: its reservoirs run on {}{}\n", r.parts.model_device->report().name,
                                          r.parts.model_device->report().note.empty() ? "" : " (" + r.parts.model_device->report().note + ")");
    }
    auto seed = seed_of(c);
    if (!seed)
        return seed.reason();
    pin_sub_devices(c.plan.split_cpu);
    auto found = opencl_system::discover(c.plan.split_cpu);
    if (!found)
        return found.reason();
    auto system = std::make_shared<opencl_system>(std::move(found).value());
    auto slots = slots_of(c.plan, system, r.introduction);
    if (!slots)
        return slots.reason();
    std::shared_ptr<const gauge_field> from_file;
    if (c.plan.start == start_kind::file) {
        auto links = start_file(c);
        if (!links)
            return links.reason();
        from_file = *links;
    }
    if (const auto& v = c.plan.validation; !v.when.empty() && !v.device.empty() && std::none_of(slots->begin(), slots->end(), [&v](const auto& s) { return s.id == v.device; })) {
        std::string ids;
        for (const auto& s : *slots)
            ids += (ids.empty() ? "" : ", ") + s.id;
        return error{errc::device_unavailable, "the campaign wants " + v.device + " as validator and has no such device", "[validation] device", "one of " + ids};
    }
    if (auto made = make_folder(c.folder); !made)
        return made.reason();
    const auto text = physics_text(c.plan);
    auto book = ledger::create_or_open(c.folder.ledger(), {*seed, text, sha256_of(text), c.plan.n_chains, program_version()});
    if (!book)
        return book.reason();
    if (auto kept = keep_campaign_file(c); !kept)
        return kept.reason();
    auto store = checkpoint_store::open(c.folder.checkpoints());
    if (!store)
        return store.reason();

    r.book = std::make_shared<ledger>(std::move(book).value());
    r.parts.plan = c.plan;
    r.parts.model = model->model;
    r.parts.model_name = model->name;
    if (model->model)
        r.parts.save_model = [file = c.folder.root / "learnt.model"](const conductor_model& m) { return save_model(m, file); };
    r.parts.seed = *seed;
    r.parts.devices = *slots;
    std::vector<std::string> ids;
    for (const auto& s : *slots)
        ids.push_back(s.id);
    auto precision = decide_precision(*system, ids, engine_options(c.plan), c.plan, *r.book, r.introduction);
    if (!precision)
        return precision.reason();
    r.parts.precision = *precision;
    auto past = operations_in(*r.book);
    if (!past)
        return past.reason();
    r.parts.past_operations = std::move(past).value();
    r.parts.encode_operation = [](const operation_report& report) { return to_json(report).dump(); };
    r.parts.shape = campaign_topology(c.plan, ids);
    if (auto sound = validate(r.parts.shape); !sound)
        return sound.reason();
    r.parts.book = r.book;
    r.parts.store = std::make_shared<checkpoint_store>(std::move(store).value());
    r.parts.provenance = program_version();
    r.parts.start_links = [plan = c.plan, seed = *seed, from_file](chain_id chain) -> result<gauge_field> {
        switch (plan.start) {
        case start_kind::both:
            if (chain.value % 2 != 0)
                return cold_start(plan.lattice);
            [[fallthrough]];
        case start_kind::hot:
            return hot_start(plan.lattice, {rng_key(seed, chain), 0, 0});
        case start_kind::file:
            return *from_file;
        default:
            return cold_start(plan.lattice);
        }
    };
    r.introduction += fmt::format("campaign {}: lattice {}, beta {} ... {} in {} points, {} chain{}, seed {}{}\nrun directory {}\n",
                                  c.plan.name, to_text(c.plan.lattice), c.plan.beta_min, c.plan.beta_max, c.plan.beta_points,
                                  c.plan.n_chains, c.plan.n_chains == 1 ? "" : "s", *seed, c.plan.seed ? "" : " (drawn)",
                                  c.folder.root.string());
    return r;
}

} // namespace forge::app
