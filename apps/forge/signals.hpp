// SPDX-License-Identifier: AGPL-3.0-only
// SIGINT and SIGTERM as something that is asked for, never as an interruption.
#pragma once

namespace forge::app {

/// Blocks SIGINT and SIGTERM in this and all later threads and ignores SIGPIPE and SIGXFSZ (a file-size limit is an
/// error of the write, not the end of the program). Call it before any thread exists.
void block_signals();

/// Waits for SIGINT or SIGTERM, at most 0.1 s. They are blocked in every thread, so only this sees them.
[[nodiscard]] bool signal_arrived();

} // namespace forge::app
