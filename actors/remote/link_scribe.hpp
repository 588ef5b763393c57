// SPDX-License-Identifier: AGPL-3.0-only
// CAF's distribution (BASP) inside a link: a scribe without a socket. Private to actors/.
#pragma once

#include "libactors/transport/link.hpp"

#include <caf/all.hpp>
#include <caf/io/scribe.hpp>

#include <memory>

namespace forge {

/// Longest BASP message that is let through, in bytes; announced lengths allocate nothing.
inline constexpr std::size_t basp_payload_max = std::size_t{8} << 20;

/// A scribe whose buffers are memory, bound to `l`. BASP then has no port and no descriptor, and every header is looked
/// at before CAF sees it: handshake first and once, the peer's own node id, no message above basp_payload_max, nothing
/// routed and nothing to named actors (which would include CAF's spawn and configuration servers). A breach closes the link.
/// @param dialler  this node opened the link: it expects the server's handshake
/// @param peer     the node id that the peer's hello named
[[nodiscard]] caf::io::scribe_ptr make_link_scribe(caf::actor_system& system, std::shared_ptr<link> l, bool dialler, caf::node_id peer);

} // namespace forge
