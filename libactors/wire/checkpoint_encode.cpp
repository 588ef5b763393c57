// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/checkpoint_codec.hpp"

#include "checkpoint.capnp.h"
#include "libactors/wire/capnp_message.hpp"
#include "libactors/wire/checkpoint_trailer.hpp"

#include <bit>

static_assert(std::endian::native == std::endian::little, "links are stored as they lie in memory");

namespace forge {

namespace {

using sink_function = std::function<result<void>(std::span<const std::byte>)>;

/// Passes bytes on and remembers their hash and number.
class hashing_sink {
public:
    explicit hashing_sink(const sink_function& sink) : sink_(sink) {}
    result<void> take(std::span<const std::byte> bytes) {
        hash_.add(bytes);
        total_ += bytes.size();
        return sink_(bytes);
    }
    result<void> take(one_segment_builder& message) {
        const auto pieces = message.finish();
        if (auto table = take(pieces.table); !table)
            return table;
        return take(pieces.segment);
    }
    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] digest hash() { return hash_.finish(); }

private:
    const sink_function& sink_;
    sha256 hash_;
    std::uint64_t total_ = 0;
};

result<void> write_manifest(const chain_state& s, const chunk_layout& layout, const encode_options& options,
                            hashing_sink& out) {
    constexpr std::size_t fixed_words = 64; // root pointer, struct, hash, and a word of padding for each text
    one_segment_builder message(
        fixed_words + (s.campaign_seed.size() + options.numerics_version.size() + s.provenance.size()) / word_bytes);
    auto m = message.root<disk::CheckpointManifest>();
    const auto& l = s.links.shape();
    m.setMagic(checkpoint_magic);
    m.setFormatVersion(checkpoint_format_version);
    m.setChain(s.chain.value);
    m.setNx(l.n[0]);
    m.setNy(l.n[1]);
    m.setNz(l.n[2]);
    m.setNt(l.n[3]);
    m.setNChunks(static_cast<std::uint32_t>(layout.chunks()));
    m.setSegment(s.segment.value);
    m.setSegmentFirst(s.segment_first);
    m.setTrajectory(s.trajectory);
    m.setRngKey(rng_key(s.campaign_seed, s.chain));
    m.setStateHashA(s.state.a);
    m.setStateHashB(s.state.b);
    m.setPlaquetteSpatial(s.plaquette.spatial);
    m.setPlaquetteTemporal(s.plaquette.temporal);
    // Named one by one, so that a parameter that is added to the struct and not here does not compile.
    const auto& [beta, length, n_steps, integrator, n_thermalise, n_measure, n_warmup, precision, target_error] =
        s.params;
    const auto& [strategy, df64_share] = precision;
    m.setPrecision(static_cast<std::uint8_t>(strategy));
    m.setDf64Share(df64_share);
    m.setBeta(beta);
    m.setTrajectoryLength(length);
    m.setNSteps(n_steps);
    m.setIntegrator(static_cast<std::uint8_t>(integrator));
    m.setNThermalise(n_thermalise);
    m.setNMeasure(n_measure);
    m.setNWarmup(n_warmup);
    m.setTargetError(target_error.value_or(0.0));
    m.setHasTargetError(target_error.has_value());
    m.setHead(data_of(s.head));
    m.setAction("wilson");
    m.setNumericsVersion(text_of(options.numerics_version));
    m.setCampaignSeed(text_of(s.campaign_seed));
    m.setProvenance(text_of(s.provenance));
    return out.take(message);
}

result<void> write_chunk(std::uint64_t index, const chunk_layout& layout, std::span<const std::byte> links,
                         hashing_sink& out) {
    constexpr std::size_t fixed_words = 16;
    const auto piece =
        links.subspan(layout.first(index) * layout.plane_bytes, layout.count(index) * layout.plane_bytes);
    one_segment_builder message(fixed_words + piece.size() / word_bytes);
    auto c = message.root<disk::CheckpointChunk>();
    c.setIndex(static_cast<std::uint32_t>(index));
    c.setPlanes(static_cast<std::uint32_t>(layout.count(index)));
    c.setFirstPlane(layout.first(index));
    c.setSha256(data_of(sha256_of(piece)));
    c.setLinks(data_of(piece));
    return out.take(message);
}

} // namespace

result<void> encode_checkpoint(const chain_state& s, const sink_function& sink, const encode_options& options) {
    if (s.campaign_seed.size() > seed_bytes_max || options.numerics_version.size() > seed_bytes_max ||
        s.provenance.size() > provenance_bytes_max)
        return error{errc::invalid_argument,
                     fmt::format("a text of the state is too long: seed {}, numerics version {} (at most {} bytes), "
                                 "provenance {} (at most {})",
                                 s.campaign_seed.size(), options.numerics_version.size(), seed_bytes_max,
                                 s.provenance.size(), provenance_bytes_max),
                     to_text(s.chain), ""};
    const auto& l = s.links.shape();
    if (l.volume() == 0 || s.links.reals().size() != l.links() * reals_per_link)
        return error{errc::invalid_argument, "the state has no links", to_text(s.chain), ""};
    const chunk_layout layout(l);
    if (layout.plane_bytes > plane_bytes_max)
        return error{errc::unsupported, fmt::format("one z-plane of {} is larger than a message can carry", to_text(l)),
                     to_text(s.chain), ""};
    hashing_sink out(sink);
    result<void> step = write_manifest(s, layout, options, out);
    const auto links = std::as_bytes(s.links.reals());
    for (std::uint64_t index = 0; step && index < layout.chunks(); ++index)
        step = write_chunk(index, layout, links, out);
    if (!step)
        return step;
    const std::uint64_t total = out.total() + checkpoint_trailer_bytes;
    return sink(make_trailer(out.hash(), total));
}

} // namespace forge
