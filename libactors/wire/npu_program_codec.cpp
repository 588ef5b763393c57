// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/npu_program_codec.hpp"

#include "libactors/wire/capnp_message.hpp"
#include "npu_program.capnp.h"

namespace forge {

namespace {

/// First eight bytes of the file's data: "MFNPUPR" and 0, as a little-endian number.
constexpr std::uint64_t npu_program_magic = 0x00525055504e464d;
constexpr std::size_t name_bytes_max = 256;
constexpr std::size_t heads_max = 4096;

using float_list = capnp::List<float>;

void put(float_list::Builder to, const std::vector<float>& from) {
    for (unsigned k = 0; k < from.size(); ++k)
        to.set(k, from[k]);
}

std::vector<float> taken(float_list::Reader from) {
    std::vector<float> all(from.size());
    for (unsigned k = 0; k < from.size(); ++k)
        all[k] = from[k];
    return all;
}

std::size_t words_of(const std::vector<float>& x) { return x.size() / 2 + 2; }

std::vector<std::byte> joined(one_segment_builder& message) {
    const auto pieces = message.finish();
    std::vector<std::byte> bytes(pieces.table.size() + pieces.segment.size());
    std::copy(pieces.segment.begin(), pieces.segment.end(), std::copy(pieces.table.begin(), pieces.table.end(), bytes.begin()));
    return bytes;
}

std::vector<std::byte> payload_of(const npu_program& p) {
    std::size_t words = 64 + p.name.size() / word_bytes + words_of(p.reservoir) + words_of(p.examples);
    for (const auto& h : p.heads)
        words += 16 + h.spec.name.size() / word_bytes + words_of(h.weights) + words_of(h.bias);
    one_segment_builder message(words);
    auto root = message.root<disk::NpuProgram>();
    root.setName(text_of(p.name));
    root.setInputs(p.inputs);
    root.setUnits(p.units);
    root.setLeak(p.leak);
    root.setFeatureVersion(p.feature_version);
    put(root.initReservoir(static_cast<unsigned>(p.reservoir.size())), p.reservoir);
    auto heads = root.initHeads(static_cast<unsigned>(p.heads.size()));
    for (unsigned k = 0; k < p.heads.size(); ++k) {
        const auto& h = p.heads[k];
        heads[k].setName(text_of(h.spec.name));
        heads[k].setDim(h.spec.dim);
        heads[k].setActivation(static_cast<std::uint8_t>(h.spec.activation));
        put(heads[k].initWeights(static_cast<unsigned>(h.weights.size())), h.weights);
        put(heads[k].initBias(static_cast<unsigned>(h.bias.size())), h.bias);
    }
    put(root.initExamples(static_cast<unsigned>(p.examples.size())), p.examples);
    return joined(message);
}

error malformed(std::string what, const std::string& where) {
    return {errc::malformed, std::move(what), where, "write the program again: forge npu deploy --save"};
}

result<void> read_program(disk::NpuProgram::Reader root, const std::string& where, npu_program& p) {
    // Each text and list is fetched once: every fetch counts against the traversal limit.
    const auto name = root.getName();
    const auto heads = root.getHeads();
    if (name.size() > name_bytes_max || heads.size() > heads_max)
        return malformed(fmt::format("a name of {} bytes and {} heads: at most {} and {}", name.size(), heads.size(), name_bytes_max, heads_max),
                         where);
    p.name.assign(name.begin(), name.end());
    p.inputs = root.getInputs();
    p.units = root.getUnits();
    p.leak = root.getLeak();
    p.feature_version = root.getFeatureVersion();
    p.reservoir = taken(root.getReservoir());
    p.examples = taken(root.getExamples());
    for (const auto h : heads) {
        program_head head;
        const auto head_name = h.getName();
        if (head_name.size() > name_bytes_max)
            return malformed(fmt::format("a head's name of {} bytes: at most {}", head_name.size(), name_bytes_max), where);
        head.spec = {{head_name.begin(), head_name.end()}, h.getDim(), static_cast<head_activation>(h.getActivation())};
        head.weights = taken(h.getWeights());
        head.bias = taken(h.getBias());
        p.heads.push_back(std::move(head));
    }
    return {};
}

/// The payload and its hash, both still unjudged but for the outer message.
result<void> open_file(disk::NpuProgramFile::Reader root, const std::string& where, std::span<const std::byte>& payload, digest& stored) {
    if (root.getMagic() != npu_program_magic)
        return malformed("this is not a program file of forge", where);
    if (root.getFormatVersion() > npu_program_format_version)
        return error{errc::version_too_new,
                     fmt::format("program format {} is newer than {}, the newest that this program reads", root.getFormatVersion(),
                                 npu_program_format_version),
                     where, "upgrade forge"};
    if (root.getFormatVersion() != npu_program_format_version)
        return malformed(fmt::format("there is no program format {}", root.getFormatVersion()), where);
    payload = bytes_of(root.getPayload());
    if (!read_digest(root.getSha256(), stored))
        return malformed("the hash is not a SHA-256", where);
    return {};
}

} // namespace

result<std::vector<std::byte>> encode_npu_program(const npu_program& p) {
    if (auto sound = validate(p); !sound)
        return sound.reason();
    if (p.name.size() > name_bytes_max || p.heads.size() > heads_max ||
        std::any_of(p.heads.begin(), p.heads.end(), [](const auto& h) { return h.spec.name.size() > name_bytes_max; }))
        return error{errc::invalid_argument,
                     fmt::format("a name is longer than {} bytes, or there are more than {} heads", name_bytes_max, heads_max), "program " + p.name,
                     ""};
    const auto payload = payload_of(p);
    if (payload.size() > npu_program_bytes_max - 4096)
        return error{errc::invalid_argument, fmt::format("{} bytes are more than a program file holds ({})", payload.size(), npu_program_bytes_max),
                     "program " + p.name, "fewer examples"};
    one_segment_builder message(32 + payload.size() / word_bytes);
    auto root = message.root<disk::NpuProgramFile>();
    root.setMagic(npu_program_magic);
    root.setFormatVersion(npu_program_format_version);
    root.setSha256(data_of(sha256_of(payload)));
    root.setPayload(data_of(payload));
    return joined(message);
}

result<stored_npu_program> decode_npu_program(std::span<const std::byte> file) {
    if (file.size() > npu_program_bytes_max)
        return malformed(fmt::format("{} bytes are more than the {} that are accepted", file.size(), npu_program_bytes_max), "program file");
    std::vector<std::uint64_t> aligned((file.size() + word_bytes - 1) / word_bytes); // Cap'n Proto reads whole words
    if (!file.empty())
        std::memcpy(aligned.data(), file.data(), file.size());
    auto rest = std::as_bytes(std::span(aligned)).first(file.size());
    const auto outer = one_segment_reader::take(rest, "program file", 0);
    if (!outer)
        return outer.reason();
    std::span<const std::byte> payload;
    stored_npu_program stored;
    const auto opened =
        outer->read<disk::NpuProgramFile>([&](disk::NpuProgramFile::Reader root) { return open_file(root, outer->where(), payload, stored.sha256); });
    if (!opened)
        return opened.reason();
    if (!rest.empty())
        return malformed(fmt::format("{} bytes behind its end", rest.size()), "program file");
    if (sha256_of(payload) != stored.sha256)
        return error{errc::checksum_mismatch, "the SHA-256 of the program is not the one in its file: bytes have changed", "program file",
                     "take another copy"};
    const auto inner = one_segment_reader::take(payload, "program", 0);
    if (!inner)
        return inner.reason();
    auto read = inner->read<disk::NpuProgram>([&](disk::NpuProgram::Reader root) { return read_program(root, inner->where(), stored.program); });
    if (read && !payload.empty())
        return malformed(fmt::format("{} bytes behind its end", payload.size()), "program");
    if (read)
        read = validate(stored.program);
    if (!read)
        return read.reason();
    return stored;
}

} // namespace forge
