// SPDX-License-Identifier: AGPL-3.0-only
// Writes the seeds of the corpora anew, after a change of a format. Usage: make_corpus FOLDER
#include "libactors/transport/frame.hpp"
#include "libactors/transport/invite.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/stream_message.hpp"

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
}
