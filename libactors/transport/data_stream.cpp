// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/data_stream.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/transport/greeting.hpp"
#include "libactors/transport/random.hpp"
#include "libactors/transport/tls_pipe.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace forge {

digest total_of(const stream_progress& p) {
    sha256 hash;
    hash.add(encode(p.offer)).add(std::as_bytes(std::span(p.key)));
    for (const auto& c : p.chunks)
        hash.add(std::as_bytes(std::span(c)));
    return hash.finish();
}

namespace tls {

namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point start) { return std::chrono::duration<double>(steady::now() - start).count(); }

error out_of_turn(const char* what) { return {errc::malformed, what, "data stream", ""}; }

/// One buffer for frame header, chunk header and bytes, so that a chunk is one write.
constexpr std::chrono::milliseconds refusal_idle{1000};
constexpr std::size_t checked_at_once = 64u << 10; // stays in the cache
constexpr std::size_t payload_at = frame_header_bytes + chunk_header_bytes;

class sender {
public:
    sender(tls_pipe& pipe, const stream_source& source, const stream_offer& offer)
        : pipe_(pipe), source_(source), offer_(offer),
          buffer_(payload_at + static_cast<std::size_t>(std::min<std::uint64_t>(offer.chunk_bytes, offer.length))) {}

    result<stream_report> run() {
        const auto start = steady::now();
        if (auto sent = pipe_.write_frame(frame_type::offer, encode(offer_)); !sent)
            return sent.reason();
        const auto bytes = pipe_.read_frame(frame_type::want);
        if (!bytes)
            return bytes.reason();
        const auto want = decode_stream_want(*bytes, offer_);
        if (!want)
            return out_of_turn("the receiver wants what was not offered");
        FORGE_FAILPOINT_RETURN("transport.stream_offered");
        credits_ = want->credits;
        sent_ = {offer_, want->key, {}};
        checker_.emplace(want->key);
        stream_report report{offer_.length, 0, {}, 0.0};
        for (std::uint64_t k = 0; k < offer_.chunks(); ++k) {
            // Chunks of an earlier attempt are only checked: the total proves that the source is still the same.
            if (auto done = k < want->first ? check_chunk(k) : send_chunk(k); !done)
                return done.reason();
            report.moved += k < want->first ? 0 : offer_.bytes_of(k);
        }
        report.total = total_of(sent_);
        if (auto sent = pipe_.write_frame(frame_type::finished, std::as_bytes(std::span(report.total))); !sent)
            return sent.reason();
        FORGE_FAILPOINT_RETURN("transport.stream_sent");
        if (auto stored = await_stored(report.total); !stored)
            return stored.reason();
        report.seconds = seconds_since(start);
        return report;
    }

private:
    std::span<std::byte> bytes_of(std::uint64_t k) { return std::span(buffer_).subspan(payload_at, offer_.bytes_of(k)); }

    result<void> check_chunk(std::uint64_t k) {
        if (auto got = source_.read(k * offer_.chunk_bytes, bytes_of(k)); !got)
            return got;
        sent_.chunks.push_back(checker_->of(bytes_of(k)));
        return {};
    }

    result<void> send_chunk(std::uint64_t k) {
        if (auto checked = check_chunk(k); !checked)
            return checked;
        if (k == 0)
            FORGE_FAILPOINT_RETURN("transport.stream_first_chunk");
        if (k == offer_.chunks() / 2)
            FORGE_FAILPOINT_RETURN("transport.stream_middle_chunk");
        while (credits_ == 0)
            if (auto more = take_credit(); !more)
                return more;
        --credits_;
        const std::size_t n = offer_.bytes_of(k);
        const auto frame = encode(frame_header{frame_type::chunk, static_cast<std::uint32_t>(chunk_header_bytes + n)});
        const auto chunk = encode(chunk_header{k, sent_.chunks.back()});
        std::ranges::copy(frame, buffer_.begin());
        std::ranges::copy(chunk, buffer_.begin() + frame_header_bytes);
        return pipe_.write(std::span(buffer_).first(payload_at + n));
    }

    result<void> take_credit() {
        const auto bytes = pipe_.read_frame(frame_type::credit);
        if (!bytes)
            return bytes.reason();
        byte_reader in(*bytes);
        const std::uint32_t more = in.u32();
        if (more == 0 || more > window_max || credits_ + more > window_max)
            return out_of_turn("the receiver gives credits that no window allows");
        credits_ += more;
        return {};
    }

    result<void> await_stored(const digest& total) {
        for (;;) { // credits of the last chunks may still be under way
            const auto header = pipe_.read_header();
            if (!header)
                return header.reason();
            std::vector<std::byte> payload(header->length);
            if (auto got = pipe_.read(payload); !got)
                return got;
            if (header->type == frame_type::credit)
                continue;
            if (header->type == frame_type::refused)
                return decode_refusal(payload, "data stream");
            if (header->type != frame_type::stored)
                return out_of_turn("the receiver answers out of turn");
            if (!std::ranges::equal(payload, std::as_bytes(std::span(total))))
                return error{errc::checksum_mismatch, "the receiver stored other bytes", "data stream", "send again"};
            return {};
        }
    }

    tls_pipe& pipe_;
    const stream_source& source_;
    const stream_offer offer_;
    std::vector<std::byte> buffer_;
    stream_progress sent_;
    std::optional<chunk_checker> checker_;
    std::uint32_t credits_ = 0;
};

/// Tells the sender why, and returns the reason. What it has under way, at most a window, is read and thrown away:
/// closing before would reset the connection, and the reset would take the words with it.
error refuse(tls_pipe& pipe, error why) {
    pipe.set_idle(refusal_idle);
    if (pipe.write_frame(frame_type::refused, encode_refusal(why))) {
        std::vector<std::byte> waste(checked_at_once);
        for (std::size_t n = 0; n < window_max * chunk_bytes_max && pipe.read(waste).ok();)
            n += waste.size();
    }
    return why;
}

class receiver {
public:
    receiver(tls_pipe& pipe, const stream_sink& sink, stream_progress& progress, std::uint32_t window)
        : pipe_(pipe), sink_(sink), progress_(progress), window_(std::clamp<std::uint32_t>(window, 1, window_max)) {}

    result<stream_report> run() {
        const auto start = steady::now();
        if (auto agreed = agree(); !agreed)
            return agreed.reason();
        const stream_offer& offer = progress_.offer;
        stream_report report{offer.length, 0, {}, 0.0};
        const stream_want want{progress_.chunks.size(), window_, progress_.key};
        checker_.emplace(progress_.key);
        if (auto sent = pipe_.write_frame(frame_type::want, encode(want)); !sent)
            return sent.reason();
        buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(offer.chunk_bytes, offer.length)));
        for (std::uint64_t k = want.first; k < offer.chunks(); ++k) {
            if (auto taken = take_chunk(k); !taken)
                return taken.reason();
            report.moved += offer.bytes_of(k);
            if (auto given = give_credit(offer.chunks() - k - 1); !given)
                return given.reason();
        }
        report.total = total_of(progress_);
        if (auto same = compare_total(report.total); !same)
            return same.reason();
        FORGE_FAILPOINT_RETURN("transport.stream_compared");
        if (auto sent = pipe_.write_frame(frame_type::stored, std::as_bytes(std::span(report.total))); !sent)
            return sent.reason();
        report.seconds = seconds_since(start);
        return report;
    }

private:
    result<void> agree() {
        const auto bytes = pipe_.read_frame(frame_type::offer);
        if (!bytes)
            return bytes.reason();
        const auto offer = decode_stream_offer(*bytes);
        if (!offer)
            return out_of_turn("the sender's offer is malformed");
        if (offer->length > sink_.length_max)
            return refuse(pipe_, {errc::no_space,
                                  fmt::format("{} bytes are offered, {} are expected at most", offer->length, sink_.length_max),
                                  "data stream", ""});
        if (!progress_.chunks.empty() && !(progress_.offer == *offer))
            return refuse(pipe_, {errc::conflict, "another offer than in the attempt before", "data stream", "start again"});
        progress_.offer = *offer;
        if (progress_.chunks.empty())
            progress_.key = random_array<16>();
        return {};
    }

    result<void> take_chunk(std::uint64_t k) {
        const auto header = pipe_.read_header();
        if (!header)
            return header.reason();
        if (header->type != frame_type::chunk)
            return out_of_turn("the sender interrupts its chunks");
        std::array<std::byte, chunk_header_bytes> head{};
        if (auto got = pipe_.read(head); !got)
            return got;
        const auto chunk = decode_chunk_header(head, progress_.offer, k, header->length);
        if (!chunk)
            return out_of_turn("the sender sends a chunk out of turn");
        const auto bytes = std::span(buffer_).first(progress_.offer.bytes_of(k));
        checker_->start();
        for (std::size_t at = 0; at < bytes.size(); at += checked_at_once) { // while the next piece is under way
            const auto piece = bytes.subspan(at, std::min(checked_at_once, bytes.size() - at));
            if (auto got = pipe_.read(piece); !got)
                return got;
            checker_->add(piece);
        }
        if (checker_->finish() != chunk->check)
            return refuse(pipe_, {errc::checksum_mismatch, fmt::format("chunk {} arrived with a wrong check value", k), "data stream",
                                  "retry; when it happens again, check the sender's memory"});
        if (auto stored = sink_.store(k * progress_.offer.chunk_bytes, bytes); !stored)
            return refuse(pipe_, stored.reason());
        progress_.chunks.push_back(chunk->check);
        FORGE_FAILPOINT_RETURN("transport.stream_chunk_stored");
        return {};
    }

    /// Half a window at a time: fewer messages, and the sender still never waits on a healthy network.
    result<void> give_credit(std::uint64_t chunks_left) {
        ++owed_;
        if (owed_ * 2 < window_ || chunks_left == 0)
            return {};
        const auto more = byte_writer{}.u32(std::exchange(owed_, 0)).bytes();
        return pipe_.write_frame(frame_type::credit, more);
    }

    result<void> compare_total(const digest& total) {
        const auto sent = pipe_.read_frame(frame_type::finished);
        if (!sent)
            return sent.reason();
        if (std::ranges::equal(*sent, std::as_bytes(std::span(total))))
            return {};
        progress_ = {};
        return refuse(pipe_, {errc::checksum_mismatch, "the whole differs from what the sender has now", "data stream",
                              "the source changed between two attempts: start again"});
    }

    tls_pipe& pipe_;
    const stream_sink& sink_;
    stream_progress& progress_;
    const std::uint32_t window_;
    std::uint32_t owed_ = 0;
    std::optional<chunk_checker> checker_;
    std::vector<std::byte> buffer_;
};

} // namespace

result<stream_report> send_stream(tls_pipe& pipe, const stream_source& source, const stream_options& options) {
    pipe.set_idle(options.idle);
    const std::size_t chunk = std::clamp(options.chunk_bytes, chunk_bytes_min, chunk_bytes_max);
    if (source.length > stream_bytes_max)
        return error{errc::invalid_argument, "more bytes than a data stream carries", "", ""};
    return sender(pipe, source, {source.length, static_cast<std::uint32_t>(chunk)}).run();
}

result<stream_report> receive_stream(tls_pipe& pipe, const stream_sink& sink, stream_progress& progress,
                                     const stream_options& options) {
    pipe.set_idle(options.idle);
    return receiver(pipe, sink, progress, options.window).run();
}

} // namespace tls

} // namespace forge
