// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/checkpoint_codec.hpp"

#include "checkpoint.capnp.h"
#include "libactors/wire/capnp_message.hpp"
#include "libactors/wire/checkpoint_trailer.hpp"

#include <bit>
#include <cmath>

static_assert(std::endian::native == std::endian::little, "links are stored as they lie in memory");

namespace forge {

namespace {

constexpr std::string_view older = "use an older checkpoint of this chain";

/// The bytes on an 8-byte boundary: themselves, or a copy.
class aligned_bytes {
public:
    explicit aligned_bytes(std::span<const std::byte> bytes) : bytes_(bytes) {
        if (reinterpret_cast<std::uintptr_t>(bytes.data()) % word_bytes == 0)
            return;
        copy_.resize((bytes.size() + word_bytes - 1) / word_bytes);
        std::memcpy(copy_.data(), bytes.data(), bytes.size());
        bytes_ = std::as_bytes(std::span(copy_)).first(bytes.size());
    }
    [[nodiscard]] std::span<const std::byte> get() const { return bytes_; }

private:
    std::vector<std::uint64_t> copy_;
    std::span<const std::byte> bytes_;
};

result<void> read_fields(disk::CheckpointManifest::Reader m, const std::string& where, checkpoint_manifest& out) {
    const auto refuse = [&](errc code, std::string what) { return error{code, std::move(what), where, ""}; };
    if (m.getMagic() != checkpoint_magic)
        return refuse(errc::malformed, "this is not a checkpoint of forge");
    out.format_version = m.getFormatVersion();
    if (out.format_version > checkpoint_format_version)
        return error{errc::version_too_new,
                     fmt::format("checkpoint format {} is newer than {}, the newest that this program reads",
                                 out.format_version, checkpoint_format_version),
                     where, "upgrade forge"};
    if (out.format_version != checkpoint_format_version)
        return refuse(errc::malformed, fmt::format("there is no checkpoint format {}", out.format_version));
    // Each text is fetched once: every fetch counts against the traversal limit.
    const auto take = [](capnp::Text::Reader text, std::size_t max, std::string& to) {
        if (text.size() <= max)
            to.assign(text.begin(), text.end());
        return text.size() <= max;
    };
    if (!take(m.getAction(), seed_bytes_max, out.action) ||
        !take(m.getNumericsVersion(), seed_bytes_max, out.numerics_version) ||
        !take(m.getCampaignSeed(), seed_bytes_max, out.campaign_seed) ||
        !take(m.getProvenance(), provenance_bytes_max, out.provenance))
        return refuse(errc::malformed, "a text is longer than the format allows");
    if (out.action != "wilson")
        return refuse(errc::unsupported, "the action is not wilson");
    if (m.getIntegrator() > static_cast<std::uint8_t>(integrator_kind::omelyan2))
        return refuse(errc::unsupported, fmt::format("integrator {} is not known", m.getIntegrator()));
    if (m.getPrecision() > static_cast<std::uint8_t>(precision_strategy::concurrent))
        return refuse(errc::unsupported, fmt::format("precision strategy {} is not known", m.getPrecision()));
    out.shape.n = {m.getNx(), m.getNy(), m.getNz(), m.getNt()};
    out.chain.value = m.getChain();
    out.segment.value = m.getSegment();
    out.segment_first = m.getSegmentFirst();
    out.trajectory = m.getTrajectory();
    out.rng_key = m.getRngKey();
    out.state = {m.getStateHashA(), m.getStateHashB()};
    out.plaquette = {m.getPlaquetteSpatial(), m.getPlaquetteTemporal()};
    out.params.beta = m.getBeta();
    out.params.trajectory_length = m.getTrajectoryLength();
    out.params.n_steps = m.getNSteps();
    out.params.n_thermalise = m.getNThermalise();
    out.params.n_measure = m.getNMeasure();
    out.params.n_warmup = m.getNWarmup();
    out.params.precision = {static_cast<precision_strategy>(m.getPrecision()), m.getDf64Share()};
    out.params.integrator = static_cast<integrator_kind>(m.getIntegrator());
    if (m.getHasTargetError())
        out.params.target_error = m.getTargetError();
    const auto& p = out.params;
    if (!std::isfinite(p.beta) || !(p.trajectory_length > 0.0 && std::isfinite(p.trajectory_length)) || p.n_steps == 0 ||
        !(p.precision.df64_share >= 0.0 && p.precision.df64_share <= 1.0) || (p.target_error && !(*p.target_error > 0.0 && std::isfinite(*p.target_error))))
        return refuse(errc::malformed, "the parameters of the segment make no sense (a number that is none, a step count or length of 0, a share outside 0 ... 1)");
    out.n_chunks = m.getNChunks();
    if (!read_digest(m.getHead(), out.head))
        return refuse(errc::malformed, "the head is not a SHA-256");
    return {};
}

/// Sizes that nothing may be computed from before they are known to be sane.
result<void> check_sizes(const checkpoint_manifest& m, const decode_limits& limits, const std::string& where) {
    std::uint64_t sites = 1;
    for (const auto n : m.shape.n) {
        if (n == 0 || n > limits.max_sites / sites)
            return error{
                errc::malformed,
                fmt::format("a lattice of {} is not accepted (at most {} sites)", to_text(m.shape), limits.max_sites),
                where, ""};
        sites *= n;
    }
    const chunk_layout layout(m.shape);
    if (m.n_chunks != layout.chunks())
        return error{
            errc::malformed,
            fmt::format("{} chunks where a lattice of {} has {}", m.n_chunks, to_text(m.shape), layout.chunks()), where,
            ""};
    if (m.rng_key != rng_key(m.campaign_seed, m.chain))
        return error{errc::checksum_mismatch, "the random-number key is not that of the campaign seed and the chain",
                     where, std::string(older)};
    return {};
}

result<checkpoint_manifest> take_manifest(std::span<const std::byte>& rest, const decode_limits& limits) {
    const auto message = one_segment_reader::take(rest, "manifest", 0);
    if (!message)
        return message.reason();
    checkpoint_manifest m;
    auto step = message->read<disk::CheckpointManifest>(
        [&](disk::CheckpointManifest::Reader root) { return read_fields(root, message->where(), m); });
    if (step)
        step = check_sizes(m, limits, message->where());
    if (!step)
        return step.reason();
    return m;
}

result<void> take_chunk(std::span<const std::byte>& rest, std::uint64_t index, const chunk_layout& layout,
                        std::uint64_t at, std::span<std::byte> links) {
    const auto message = one_segment_reader::take(rest, fmt::format("chunk {}", index), at);
    if (!message)
        return message.reason();
    return message->read<disk::CheckpointChunk>([&](disk::CheckpointChunk::Reader c) -> result<void> {
        if (c.getIndex() != index || c.getPlanes() != layout.count(index) || c.getFirstPlane() != layout.first(index))
            return error{errc::malformed,
                         fmt::format("chunk {} with planes {} to {} stands in this place", c.getIndex(),
                                     c.getFirstPlane(), c.getFirstPlane() + c.getPlanes()),
                         message->where(), ""};
        const auto piece = bytes_of(c.getLinks());
        const auto target =
            links.subspan(layout.first(index) * layout.plane_bytes, layout.count(index) * layout.plane_bytes);
        digest stored{};
        if (piece.size() != target.size() || !read_digest(c.getSha256(), stored))
            return error{errc::malformed,
                         fmt::format("{} bytes of links where {} are expected", piece.size(), target.size()),
                         message->where(), ""};
        if (sha256_of(piece) != stored)
            return error{errc::checksum_mismatch, "the links are not those that were hashed", message->where(),
                         std::string(older)};
        std::memcpy(target.data(), piece.data(), piece.size());
        return {};
    });
}

result<void> check_physics(const gauge_field& links, const plaquette_averages& stored, const decode_limits& limits) {
    const auto refuse = [](std::string what) {
        return error{errc::physics_mismatch, std::move(what), "links", std::string(older)};
    };
    const auto group = deviation_from_group(links);
    if (!group.finite || group.unitarity > limits.unitarity || group.determinant > limits.unitarity)
        return refuse(fmt::format("the links are not in SU(3): |U U^dag - 1| up to {:.3g}, |det U - 1| up to {:.3g}, "
                                  "worst at site {} direction {} (allowed {:.3g})",
                                  group.unitarity, group.determinant, group.worst_site, group.worst_direction,
                                  limits.unitarity));
    const auto found = host_plaquette(links);
    // Written so that a NaN fails.
    if (!(std::abs(found.spatial - stored.spatial) <= limits.plaquette) ||
        !(std::abs(found.temporal - stored.temporal) <= limits.plaquette))
        return refuse(
            fmt::format("the plaquette of the links is {:.15g}, {:.15g} (spatial, temporal), but {:.15g}, {:.15g} "
                        "is stored",
                        found.spatial, found.temporal, stored.spatial, stored.temporal));
    return {};
}

result<chain_state> decode_aligned(std::span<const std::byte> file, const decode_limits& limits) {
    if (file.size() > limits.max_bytes)
        return error{errc::malformed,
                     fmt::format("{} bytes are more than the {} that are accepted", file.size(), limits.max_bytes), "",
                     ""};
    std::span<const std::byte> rest = file;
    if (auto whole = check_trailer(file); !whole) {
        // A newer format may end otherwise; then that is the better answer.
        const auto manifest = take_manifest(rest, limits);
        return !manifest && manifest.reason().code == errc::version_too_new ? manifest.reason() : whole.reason();
    }
    rest = rest.first(rest.size() - checkpoint_trailer_bytes);
    const auto m = take_manifest(rest, limits);
    if (!m)
        return m.reason();
    const chunk_layout layout(m->shape);
    if (layout.plane_bytes * layout.planes > rest.size())
        return error{errc::malformed,
                     fmt::format("a lattice of {} does not fit into {} bytes", to_text(m->shape), file.size()),
                     "manifest", ""};
    chain_state s;
    s.links = gauge_field(m->shape);
    const auto links = std::as_writable_bytes(s.links.reals());
    for (std::uint64_t index = 0; index < layout.chunks(); ++index) {
        const std::uint64_t at = file.size() - checkpoint_trailer_bytes - rest.size();
        if (auto chunk = take_chunk(rest, index, layout, at, links); !chunk)
            return chunk.reason();
    }
    if (!rest.empty())
        return error{errc::malformed, fmt::format("{} bytes between the last chunk and the trailer", rest.size()), "",
                     ""};
    if (auto physics = check_physics(s.links, m->plaquette, limits); !physics)
        return physics.reason();
    s.chain = m->chain;
    s.campaign_seed = m->campaign_seed;
    s.segment = m->segment;
    s.segment_first = m->segment_first;
    s.params = m->params;
    s.trajectory = m->trajectory;
    s.head = m->head;
    s.state = m->state;
    s.plaquette = m->plaquette;
    s.provenance = m->provenance;
    return s;
}

} // namespace

result<chain_state> decode_checkpoint(std::span<const std::byte> bytes, const decode_limits& limits) {
    if (bytes.size() > limits.max_bytes) // before anything is copied
        return decode_aligned(bytes, limits);
    const aligned_bytes file(bytes);
    return decode_aligned(file.get(), limits);
}

result<checkpoint_manifest> read_manifest(std::span<const std::byte> bytes, const decode_limits& limits) {
    // The manifest is at the front: no need to align gigabytes for it.
    constexpr std::size_t manifest_bytes_max = 2 * seed_bytes_max + provenance_bytes_max + 4096;
    const aligned_bytes front(bytes.first(std::min(bytes.size(), manifest_bytes_max)));
    auto rest = front.get();
    return take_manifest(rest, limits);
}

} // namespace forge
