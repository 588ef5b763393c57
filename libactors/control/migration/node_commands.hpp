// SPDX-License-Identifier: AGPL-3.0-only
// What the cores of a node ask their skin to do.
#pragma once

#include "libactors/control/migration/messages.hpp"

namespace forge::migration {

struct send_to_coordinator {
    to_coordinator message;
};
/// Write the state in memory, which is at `at`, as a checkpoint: temporary file, fsync, read back, verify, rename.
/// Answer: on_written, with the file's hash, or on_write_failed.
struct write_snapshot {
    chain_id chain;
    position at;
};
/// Fetch the file into a temporary one. Answer: on_pulled.
struct start_pull {
    chain_id chain;
    checkpoint_ref ref;
    node_name from;
};
/// Another file is wanted more: forget the temporary one.
struct abandon_pull {
    chain_id chain;
    digest file{};
};
/// Check hash, contents and physics of a pulled file from the disk, fsync it, rename it to its name. Answer: on_verified.
struct verify_copy {
    chain_id chain;
    digest file{};
};
/// fsync the folder: until then a power cut may take the name away. Answer: on_durable.
struct sync_copy {
    chain_id chain;
    digest file{};
};
struct delete_copy {
    chain_id chain;
    digest file{};
};
/// Bring a state into memory and check it. Answer: on_loaded.
struct load_state {
    chain_id chain;
    position at;
    std::optional<digest> file; ///< none: the beginning of the chain
};
/// The state was loaded: run from there with this epoch.
struct start_chain {
    chain_id chain;
    place where;
    epoch_no epoch;
    position at;
};
/// Keep the state in memory (moving it to `where.device`), go on with this epoch.
struct resume_chain {
    chain_id chain;
    place where;
    epoch_no epoch;
};
/// Drop what is in memory, and what is being computed.
struct stop_chain {
    chain_id chain;
    std::string why;
};
struct node_notice {
    std::optional<chain_id> chain;
    std::string text;
};
using node_command = std::variant<send_to_coordinator, write_snapshot, start_pull, abandon_pull, verify_copy, sync_copy, delete_copy, load_state,
                                  start_chain, resume_chain, stop_chain, node_notice>;
using node_commands = std::vector<node_command>;

} // namespace forge::migration
