// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/roles.hpp"

#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <map>

namespace forge {

double steady_now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

error current_exception_as_error() {
    try {
        throw;
    } catch (const failure& f) {
        return f.reason();
    } catch (const std::bad_alloc&) {
        return {errc::device_memory, "the host is out of memory", "", "fewer chains or a smaller lattice"};
    } catch (const std::exception& e) {
        return {errc::internal, e.what(), "", "report this"};
    } catch (...) {
        return {errc::internal, "something was thrown that is no exception", "", "report this"};
    }
}

namespace {

struct resident {
    std::unique_ptr<gauge_workspace> fields;
    configuration_numbers current;
    std::uint64_t key = 0;
    bool untouched = true; ///< nothing ran since it was loaded
};

struct worker_data {
    static inline const char* name = "worker";
    device_slot slot;
    std::shared_ptr<status_board> board;
    std::unique_ptr<lattice_engine> engine;
    std::map<std::string, std::string> bits_classes; ///< by arithmetic
    std::map<chain_id, resident> chains;
    std::optional<stage_meter> meter;
    double published = 0.0;

    void ensure_engine() {
        if (engine)
            return;
        engine = slot.make().or_throw();
    }

    chain_loaded load(const load_chain& m) {
        ensure_engine();
        const double start = steady_now_s();
        const auto here = chains.find(m.chain);
        if (!m.expected || here == chains.end() || !here->second.untouched || !(here->second.current.state == *m.expected)) {
            if (!m.links)
                throw failure(error{errc::internal, "the state that was handed over is not here", slot.id, "report this"});
            resident r;
            r.fields = engine->allocate(m.links->shape());
            r.fields->upload(*m.links);
            r.fields->set_arithmetic(m.resumed); // a resumed chain must see the sums that it had
            r.current = measure(*r.fields);
            r.key = m.key;
            chains[m.chain] = std::move(r);
        }
        const auto state = chains.at(m.chain).current.state;
        if (!bits_classes.contains(name_of(m.planned.strategy) + std::to_string(m.planned.df64_share)))
            bits_classes[name_of(m.planned.strategy) + std::to_string(m.planned.df64_share)] = bits_class_of(*engine, m.planned);
        const auto& bits_class = bits_classes.at(name_of(m.planned.strategy) + std::to_string(m.planned.df64_share));
        return {state, slot.id, bits_class, engine->about().kernel_hash, std::nullopt, steady_now_s() - start};
    }

    job_done run(const run_job& m) {
        auto& r = chains.at(m.chain);
        r.untouched = false;
        const double start = steady_now_s();
        std::optional<trajectory_probe> middle;
        if (m.look)
            middle.emplace();
        const auto o = run_trajectory(*r.fields, m.job.params, {r.key, m.job.trajectory, m.job.segment.value}, m.job.test, r.current,
                                      middle ? &*middle : nullptr);
        return {o, r.current.state, steady_now_s() - start, std::nullopt, middle};
    }

    /// Runs `work` as busy time and publishes the stage's numbers now and then.
    template <class Work>
    auto timed(Work work) {
        const double start = steady_now_s();
        meter->set(stage_activity::busy, start);
        auto answer = work();
        const double end = steady_now_s();
        meter->set(stage_activity::idle, end);
        if (end - published > 0.25) {
            board->update(meter->snapshot(end));
            published = end;
        }
        return answer;
    }
};

caf::behavior worker(caf::stateful_actor<worker_data>* self, device_slot slot, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.slot = std::move(slot);
    d.board = std::move(board);
    d.meter.emplace("worker." + d.slot.id, steady_now_s());
    d.board->update(d.meter->snapshot(steady_now_s()));
    return {
        [self](const load_chain& m) -> chain_loaded {
            try {
                return self->state.timed([&] { return self->state.load(m); });
            } catch (...) {
                return {{}, "", "", "", current_exception_as_error()};
            }
        },
        [self](const run_job& m) -> job_done {
            try {
                auto done = self->state.timed([&] { return self->state.run(m); });
                self->state.meter->item(done.seconds);
                return done;
            } catch (...) {
                return {{}, {}, 0.0, current_exception_as_error()};
            }
        },
        [self](const take_snapshot& m) -> snapshot_taken {
            try {
                return self->state.timed([&]() -> snapshot_taken {
                    const double start = steady_now_s();
                    auto links = std::make_shared<const gauge_field>(self->state.chains.at(m.chain).fields->download());
                    return {std::move(links), std::nullopt, steady_now_s() - start};
                });
            } catch (...) {
                return {nullptr, current_exception_as_error()};
            }
        },
        [self](const unload_chain& m) { self->state.chains.erase(m.chain); },
        [self](publish_due) { self->state.board->update(self->state.meter->snapshot(steady_now_s())); },
        [self](stop_campaign) { // behind everything that it was asked for
            self->state.board->update(self->state.meter->snapshot(steady_now_s()));
            self->quit(caf::exit_reason::user_shutdown);
        },
    };
}

} // namespace

caf::actor spawn_worker(caf::local_actor* parent, device_slot slot, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::detached + caf::monitored>(worker, std::move(slot), std::move(board));
}

} // namespace forge
