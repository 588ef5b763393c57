// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

namespace forge {

namespace {
constexpr std::size_t file_bytes_max = 4u << 20;
constexpr std::size_t files_max = 2; // beside the current one
} // namespace

struct run_log::inner {
    std::shared_ptr<spdlog::logger> logger;
};

run_log::run_log(std::unique_ptr<inner> i) : inner_(std::move(i)) {}
run_log::run_log(run_log&&) noexcept = default;
run_log& run_log::operator=(run_log&&) noexcept = default;
run_log::~run_log() = default;

result<run_log> run_log::open(const std::filesystem::path& file) {
    try {
        auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), file_bytes_max, files_max);
        auto i = std::make_unique<inner>();
        i->logger = std::make_shared<spdlog::logger>("run", std::move(sink));
        i->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ [%l] %v", spdlog::pattern_time_type::utc);
        i->logger->flush_on(spdlog::level::info);
        i->logger->set_error_handler([](const std::string&) {}); // a full disk is reported by those who write data
        return run_log(std::move(i));
    } catch (const spdlog::spdlog_ex& e) {
        return error{errc::io_failed, std::string("cannot open the log: ") + e.what(), file.string(), "check the folder's permissions and space"};
    }
}

void run_log::info(const std::string& text) { inner_->logger->info("{}", text); }
void run_log::warn(const std::string& text) { inner_->logger->warn("{}", text); }

} // namespace forge
