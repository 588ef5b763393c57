// SPDX-License-Identifier: AGPL-3.0-only
// Writes the seeds of the corpora anew, after a change of a format. Usage: make_corpus FOLDER
#include "libactors/formats/gauge_writer.hpp"
#include "libactors/learn/program_builder.hpp"
#include "libactors/transport/frame.hpp"
#include "libactors/transport/invite.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/stream_message.hpp"
#include "libactors/wire/checkpoint_codec.hpp"
#include "libactors/wire/conductor_model_codec.hpp"
#include "libactors/wire/npu_program_codec.hpp"

#include <filesystem>
#include <fstream>

namespace {

std::filesystem::path root;

template <class Bytes>
void seed(const char* name, const char* file, const Bytes& bytes) {
    std::filesystem::create_directories(root / name);
    std::ofstream(root / name / file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// A checkpoint of two sites without its trailer, which the target puts behind what it is given.
void seed_chain() {
    forge::chain_state s;
    s.campaign_seed = "s";
    s.trajectory = 5;
    s.links = forge::cold_start({{2, 1, 1, 1}});
    s.plaquette = forge::host_plaquette(s.links);
    std::vector<std::byte> bytes;
    forge::encode_checkpoint(s, [&](std::span<const std::byte> piece) -> forge::result<void> {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        return {};
    }).or_throw();
    seed("checkpoint", "whole", bytes);
    bytes.resize(bytes.size() - 64);
    seed("checkpoint", "no_trailer", bytes);
}

/// A program's file, and its payload, which the target puts into a file.
void seed_program() {
    const auto p = forge::program_builder().shape({.inputs = 2, .units = 3, .connectivity = 1.0})
                       .add_head("a", 1, forge::head_activation::sigmoid).add_head("b", 2, forge::head_activation::softmax).examples({1, 1, 1, 1, 1}).build().or_throw();
    const auto bytes = forge::encode_npu_program(p).or_throw();
    constexpr std::size_t payload_at = 8 * (1 + 1 + 2 + 2 + 4);
    seed("npu_program", "file", bytes);
    seed("npu_program", "payload", std::vector<std::byte>(bytes.begin() + payload_at, bytes.end()));
}

/// A model with every kind of entry, and the same without its trailer, which the target puts behind what it is given.
void seed_model() {
    forge::network_shape shape;
    shape.reservoir = {.inputs = 2, .units = 2, .connectivity = 1.0};
    shape.reservoirs = 2;
    shape.heads = {{"a", 2, forge::head_activation::softmax}, {"b", 1, forge::head_activation::linear}, {"c", 1, forge::head_activation::relu}};
    forge::conductor_model m;
    m.network = forge::echo_state_network::make(shape).or_throw();
    const auto whole = forge::ridge_readout::from_parts({0.1, 2.0, 9, {0.5, 1.0, -1.0}, {2, 1, 0, 1, 2, 1, 0, 1, 2}}).or_throw();
    const auto bare = forge::ridge_readout::from_weights({0.0, 1.0, 2.0}).or_throw();
    m.network.set_readouts("a", {{whole, whole}, {whole, whole}}).or_throw();
    m.network.set_readouts("b", {{bare}, {bare}}).or_throw();
    m.heads = {{"a", true, 0.9, 0.8, 0.5}, {"b", false, 0.1, std::nullopt, 0.5}, {"c", false, std::nullopt, std::nullopt, 0.5}};
    m.thermalisation = {{forge::extents{{4, 4, 4, 4}}, {}}};
    m.equilibrium = {forge::equilibrium_table::from_points(forge::extents{{4, 4, 4, 4}}, {{5.6, 4, 0.53, 0.01, 0.002, 0.06, 0.03, 0.01, 3.0, 0.2},
                                                                                         {5.7, 4, 0.55, 0.01, 0.002, 0.12, 0.06, 0.03, 30.0, 1.4},
                                                                                         {5.8, 4, 0.57, 0.01, 0.002, 0.24, 0.04, 0.01, 6.0, 0.4}})
                         .or_throw()};
    m.runs = {"r"};
    m.provenance = "p";
    auto bytes = forge::encode_model(m).or_throw();
    seed("conductor_model", "whole", bytes);
    bytes.resize(bytes.size() - 64);
    seed("conductor_model", "no_trailer", bytes);
}

std::string big_endian(std::uint32_t x) {
    std::string text(4, 0);
    for (int i = 0; i < 4; ++i)
        text[static_cast<std::size_t>(i)] = static_cast<char>(x >> (24 - 8 * i));
    return text;
}

/// Two sites in every format. MILC v5 by hand, because none is written: header, then unit links of 32 bits.
void seed_files() {
    const auto links = forge::cold_start({{2, 1, 1, 1}});
    std::filesystem::create_directories(root / "gauge_file");
    (void)forge::write_gauge_file(root / "gauge_file" / "nersc", links, forge::written_format::nersc, {.overwrite = true}).or_throw();
    (void)forge::write_gauge_file(root / "gauge_file" / "ildg", links, forge::written_format::ildg, {.overwrite = true}).or_throw();
    std::string milc = big_endian(20103);
    for (const std::uint32_t n : {2u, 1u, 1u, 1u})
        milc += big_endian(n);
    milc.append(64, ' ');
    milc += big_endian(0) + big_endian(0) + big_endian(0); // order, and the checksum, which is wrong
    for (int link = 0; link < 8; ++link)
        for (int entry = 0; entry < 18; ++entry)
            milc += big_endian(entry % 8 == 0 ? 0x3f800000u : 0u);
    seed("gauge_file", "milc", milc);
    seed("campaign", "small", std::string("name = \"a\"\nseed = \"s\"\nchains = 2\n[lattice]\nextents = [4, 4, 4, 4]\n"
                                          "[scan]\nbeta_min = 5.5\nbeta_max = 5.9\npoints = 4\n[hmc]\nsteps = 6\n"
                                          "[thermalisation]\ntrajectories = 2\n[measurement]\ntrajectories = 9\n"
                                          "[devices]\nsplit_cpu = 2\n[checkpoint]\ninterval_s = 0.3\n"));
    seed("predicate", "seed", std::string("chi > 10.0 and not (abs(delta_h) >= 1e-3 or accepted) or score.anomaly * 2 != -1"));
    seed("topology", "small", std::string("[[stage]]\nid = \"hmc\"\nkind = \"hmc_producer\"\ndevice = \"opencl:0\"\n"
                                          "needs = [\"batch_inference(8)\"]\npriority = 3\ndroppable = true\n"
                                          "[[stage]]\nid = \"steer\"\nkind = \"bayesian_steerer\"\nbuffer_depth = 9\n"
                                          "[[edge]]\nfrom = \"hmc\"\nto = \"steer\"\nchannel = \"filtered\"\npredicate = \"chi > 10.0\"\n"
                                          "[[edge]]\nfrom = \"steer\"\nto = \"hmc\"\nchannel = \"latest\"\n"));
}

} // namespace

int main(int, char** arguments) {
    using namespace forge;
    root = arguments[1];
    hello h;
    h.name = "alpha";
    h.cluster = "lab";
    seed("hello", "control", encode(h));
    h.kind = connection_kind::data;
    h.role = stream_role::send;
    h.transfer = 7;
    seed("hello", "data", encode(h));
    seed("frame_header", "hello", encode(frame_header{frame_type::hello, 60}));
    seed("frame_header", "chunk", encode(frame_header{frame_type::chunk, 1u << 20}));
    const stream_offer offer{3 * chunk_bytes_min - 5, static_cast<std::uint32_t>(chunk_bytes_min)};
    const auto with_offer = [&](const auto& rest) {
        const auto first = encode(offer);
        std::vector<std::byte> all(first.begin(), first.end());
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    };
    seed("stream_message", "want", with_offer(encode(stream_want{1, 8, {}})));
    seed("stream_message", "chunk", with_offer(encode(chunk_header{1, {}})));
    const auto now = std::chrono::system_clock::now();
    const auto request = make_signing_request("gamma").or_throw();
    seed("join_ask", "good", encode(join_ask{spoken_versions, 42, {}, "gamma", request.request_pem}));
    const authority ca = make_authority("lab", validity::of_days(now, 10)).or_throw();
    const auto list = allow_list().with(sha256_of("a"), "alpha").or_throw().with(sha256_of("b"), "beta").or_throw();
    seed("join_grant", "good", encode(join_grant{{}, "lab", ca.certificate_pem, ca.certificate_pem, list}));
    invite_book book;
    const auto code = book.issue(sha256_of("ca"), {1, 2, 3}, std::chrono::hours(1), now).or_throw();
    seed("invite", "code", to_text(code));
    seed("membership", "book", to_text(book));
    seed("membership", "list", to_text(list.without("beta").or_throw()));
    seed_chain();
    seed_program();
    seed_model();
    seed_files();
}
