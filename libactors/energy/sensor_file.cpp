// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/energy/sensor_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace forge::energy {

namespace {

error refused(int code, const std::filesystem::path& path) {
    const errc kind = code == ENOENT || code == ENODEV ? errc::not_found : code == EACCES || code == EPERM ? errc::permission_denied : errc::io_failed;
    return {kind, std::string("cannot read a sensor: ") + std::strerror(code), path.string(), ""};
}

} // namespace

result<std::string> read_sensor(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused(errno, path);
    std::array<char, 64> bytes{};
    const auto n = ::read(fd, bytes.data(), bytes.size());
    const int code = errno;
    ::close(fd);
    if (n < 0)
        return refused(code, path);
    std::string text(bytes.data(), static_cast<std::size_t>(n));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.pop_back();
    return text;
}

result<std::uint64_t> read_count(const std::filesystem::path& path) {
    const auto text = read_sensor(path);
    if (!text)
        return text.reason();
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (status != std::errc{} || end != text->data() + text->size())
        return error{errc::malformed, "a sensor says something that is no number: \"" + *text + "\"", path.string(), ""};
    return value;
}

std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> all;
    std::error_code code;
    for (std::filesystem::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
        all.push_back(at->path());
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace forge::energy
