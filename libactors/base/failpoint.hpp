// SPDX-License-Identifier: AGPL-3.0-only
// Named steps at which a test build can be killed, stopped, delayed or made to fail, from the environment:
//   FORGE_FAILPOINT=name:action[,name:action...]   or   FORGE_FAILPOINT=list
// Actions: kill, stop (SIGKILL, SIGSTOP to the own process), sleep:MS, error (errc::io_failed, where the step can fail).
// `@N` after an action: at the N-th hit only; without it at every hit. Without FORGE_FAILPOINTS (Release) the macros are
// empty and the names are not in the program.
#pragma once

#include "libactors/base/error.hpp"

#ifdef FORGE_FAILPOINTS

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

namespace forge::failpoint {

struct step {
    std::string_view name;
    bool can_fail; ///< takes the action `error`
    std::string_view what;
};

/// Every step, in the order of its protocol. docs/guarantees.md has the same table.
inline constexpr step steps[] = {
    {"checkpoint.before_open", true, "nothing of the new generation exists"},
    {"checkpoint.after_open", true, "the temporary file exists, locked and empty"},
    {"checkpoint.before_write", true, "before each part of the file"},
    {"checkpoint.after_write", true, "after each part of the file"},
    {"checkpoint.before_fsync", true, "the file is complete, not durable"},
    {"checkpoint.after_fsync", true, "the file is durable, not verified"},
    {"checkpoint.before_verify", true, "before it is read back"},
    {"checkpoint.after_verify", true, "it was read back and is good"},
    {"checkpoint.before_rename", true, "verified under its temporary name"},
    {"checkpoint.after_rename", true, "renamed, the folder not durable"},
    {"checkpoint.before_folder_fsync", true, "before the folder is made durable, also at creation"},
    {"checkpoint.after_folder_fsync", true, "the folder is durable, also at creation"},
    {"checkpoint.before_remove", true, "before an old generation is deleted"},
    {"checkpoint.after_remove", true, "an old generation is deleted, its row is not"},
    {"ledger.before_create", true, "the file exists, without tables"},
    {"ledger.after_create", true, "the tables exist, the folder is not durable"},
    {"ledger.before_commit", true, "any transaction: complete, before COMMIT"},
    {"ledger.after_commit", false, "any transaction: durable, nobody knows yet"},
    {"ledger.before_records", true, "a group of records: the transaction is open"},
    {"ledger.after_records", true, "a group of records: inserted, not committed"},
    {"ledger.before_take_epoch", true, "before a chain's new epoch"},
    {"ledger.after_take_epoch", false, "the new epoch is durable"},
    {"ledger.before_begin_at", true, "before the cursor goes back to the last seal"},
    {"ledger.before_open_segment", true, "before a segment is issued"},
    {"ledger.in_open_segment", true, "later records are superseded, the row is not there"},
    {"ledger.after_open_segment", false, "the segment is durable"},
    {"ledger.before_finish_segment", true, "before a segment is marked finished"},
    {"ledger.after_finish_segment", false, "the segment is marked finished"},
    {"ledger.before_seal_row", true, "the checkpoint is durable, its row is not"},
    {"ledger.after_seal_row", false, "checkpoint and row are durable"},
    {"ledger.before_forget", true, "an old generation's row goes next"},
    {"ledger.before_copy", true, "mirror: before a whole copy of the ledger is made"},
    {"ledger.before_take_changes", true, "mirror: before what changed is collected"},
    {"ledger.before_apply", true, "mirror's node: before changes are applied to the copy"},
    {"recorder.before_prepare", true, "before a chain's way to go on is looked for"},
    {"recorder.epoch_taken", true, "new epoch, checkpoint not chosen"},
    {"recorder.checkpoint_chosen", true, "checkpoint chosen, cursor not set"},
    {"recorder.prepared", true, "cursor set, the chain does not know"},
    {"recorder.before_flush", true, "records wait for their transaction"},
    {"recorder.flushed", false, "records are durable, no chain got its credit"},
    {"recorder.before_seal", true, "a snapshot arrived, nothing on the disk"},
    {"recorder.stored", true, "the file is durable, the row not tried"},
    {"recorder.sealed", false, "sealed, older generations still there"},
    {"recorder.pruned", false, "older files are gone, their rows are not"},
    {"chain.before_load", false, "prepared, not on its device"},
    {"chain.loaded", false, "on its device, not begun"},
    {"chain.before_snapshot", false, "a seal is due"},
    {"chain.snapshot_taken", false, "the snapshot left the device"},
    {"chain.sealed", false, "the chain knows that it is sealed"},
    {"chain.before_done", false, "the chain is over, the supervisor does not know"},
    {"supervisor.asked", false, "an operation arrived, nothing done"},
    {"supervisor.chain_stopped", false, "a chain stopped, not started elsewhere"},
    {"supervisor.before_start", false, "migration: stopped and sealed, not started at the target"},
    {"supervisor.after_start", false, "migration: started at the target, not loaded"},
    {"supervisor.before_report", false, "an operation's report, not logged"},
    {"supervisor.after_report", false, "an operation's report is on its way to the ledger"},
    {"node.before_load", false, "node: asked to load a chain"},
    {"node.fetched", false, "node: the links arrived, not on the device"},
    {"node.loaded", false, "node: loaded, the coordinator does not know"},
    {"node.before_job", false, "node: a trajectory was ordered"},
    {"node.job_done", false, "node: computed, not answered"},
    {"node.before_snapshot", false, "node: asked for a snapshot"},
    {"node.before_push", false, "node: snapshot taken, not sent"},
    {"node.pushed", false, "node: snapshot sent, not answered"},
    {"remote.before_load", false, "coordinator: a chain goes to a node"},
    {"remote.loaded", false, "coordinator: the node holds the chain"},
    {"remote.before_job", false, "coordinator: a trajectory goes to a node"},
    {"remote.job_done", false, "coordinator: a node's result arrived"},
    {"remote.before_snapshot", false, "coordinator: a snapshot is asked of a node"},
    {"remote.snapshot_done", false, "coordinator: a node's snapshot is complete"},
    {"mirror.asked", false, "coordinator: a node that keeps copies was asked what it holds"},
    {"mirror.before_file", false, "coordinator: a checkpoint goes to the mirror"},
    {"mirror.before_ledger", false, "coordinator: the files are there, the ledger goes to the mirror"},
    {"mirror.acknowledged", false, "coordinator: the mirror holds everything up to now"},
    {"keeper.file_arrived", true, "mirror's node: a file arrived, unverified"},
    {"keeper.file_kept", false, "mirror's node: a file is verified and durable"},
    {"keeper.ledger_arrived", true, "mirror's node: a whole ledger or changes arrived"},
    {"keeper.ledger_kept", false, "mirror's node: the ledger's copy is durable"},
    {"recovery.before_install", true, "rebuilding: everything is fetched and verified, the run directory is not there"},
    {"recovery.after_install", false, "rebuilding: the run directory is there"},
    {"transport.after_tls", false, "TLS done, no hello"},
    {"transport.after_hello", false, "hello accepted, no link yet"},
    {"transport.link_up", false, "the link is about to be used"},
    {"transport.stream_offered", true, "sender: offer and want exchanged"},
    {"transport.stream_first_chunk", true, "sender: before the first chunk"},
    {"transport.stream_middle_chunk", true, "sender: before the middle chunk"},
    {"transport.stream_sent", true, "sender: all chunks sent, not acknowledged"},
    {"transport.stream_chunk_stored", true, "receiver: a chunk is stored, no credit given"},
    {"transport.stream_compared", true, "receiver: complete, not acknowledged"},
    {"transport.sink_write", true, "receiver: before bytes go to a file"},
    {"identity.before_open", true, "before a key, certificate or list is written"},
    {"identity.before_write", false, "its temporary file exists, empty"},
    {"identity.before_rename", false, "its temporary file is complete"},
    {"identity.after_rename", true, "renamed, the folder not durable"},
};

/// Not found or of the wrong kind: the program does not compile.
consteval std::size_t index_of(std::string_view name, bool can_fail) {
    for (std::size_t k = 0; k < std::size(steps); ++k)
        if (steps[k].name == name && (steps[k].can_fail || !can_fail))
            return k;
    throw "no such failpoint (or one that cannot fail): add it to the table";
}

/// Thread-safe. May not return. @return what the step shall fail with.
[[nodiscard]] std::optional<error> hit(std::size_t step);

} // namespace forge::failpoint

/// A step that cannot fail.
#define FORGE_FAILPOINT(name) static_cast<void>(::forge::failpoint::hit(::forge::failpoint::index_of(name, false)))
/// A step inside a function that returns a result.
#define FORGE_FAILPOINT_RETURN(name)                                                                                   \
    do {                                                                                                               \
        if (auto forge_failed = ::forge::failpoint::hit(::forge::failpoint::index_of(name, true)))                     \
            return *forge_failed;                                                                                      \
    } while (false)
/// A step whose surroundings report by throwing `failure`.
#define FORGE_FAILPOINT_THROW(name)                                                                                    \
    do {                                                                                                               \
        if (auto forge_failed = ::forge::failpoint::hit(::forge::failpoint::index_of(name, true)))                     \
            throw ::forge::failure(*forge_failed);                                                                     \
    } while (false)

#else

#define FORGE_FAILPOINT(name) static_cast<void>(0)
#define FORGE_FAILPOINT_RETURN(name) static_cast<void>(0)
#define FORGE_FAILPOINT_THROW(name) static_cast<void>(0)

#endif
