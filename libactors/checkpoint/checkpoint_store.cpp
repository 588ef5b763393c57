// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/checkpoint/checkpoint_store.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/checkpoint/os_error.hpp"

#include <algorithm>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace forge {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_mark = ".tmp.";
constexpr int temporary_attempts = 100; // names collide once in 2^64; this many times only when something is wrong

bool is_temporary(std::string_view name) {
    return name.find(temporary_mark) != std::string_view::npos;
}

result<void> require_plain(std::string_view name) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos || is_temporary(name) || name.size() > 200)
        return error{errc::invalid_argument, "not a plain file name", std::string(name), ""};
    return {};
}

/// A descriptor that is closed; the value of close(2) does not matter after fsync.
class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

/// A temporary file under construction: removed again unless it was renamed. It is locked while it is written, so
/// that whoever opens the store can tell the living from the dead without trusting process ids.
class temporary_file {
public:
    static result<std::unique_ptr<temporary_file>> create(const os_calls& os, const fs::path& folder,
                                                          std::string_view name) {
        std::random_device entropy;
        for (int attempt = 0; attempt < temporary_attempts; ++attempt) {
            const auto number = (std::uint64_t{entropy()} << 32) | entropy();
            const fs::path path = folder / fmt::format("{}{}{}.{:016x}", name, temporary_mark, ::getpid(), number);
            const int fd = os.open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (fd < 0 && (errno == EEXIST || errno == EINTR))
                continue;
            if (fd < 0)
                return os_error("creating the temporary file", path, errno);
            auto file = std::make_unique<temporary_file>(os, path, fd);
            // Between open and flock a store that was just opened may take it for a leftover and remove it.
            struct stat info {};
            if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &info) == 0 && info.st_nlink == 1)
                return file;
        }
        return error{errc::io_failed, "cannot create a temporary file", (folder / name).string(), ""};
    }

    temporary_file(const os_calls& os, fs::path path, int fd) : os_(os), path_(std::move(path)), fd_(fd) {}
    ~temporary_file() {
        if (!renamed_)
            os_.unlink(path_.c_str());
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;

    result<void> append(std::span<const std::byte> bytes) {
        FORGE_FAILPOINT_RETURN("checkpoint.before_write");
        hash_.add(bytes);
        length_ += bytes.size();
        while (!bytes.empty()) {
            const ssize_t n = os_.write(fd_.get(), bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return os_error("write", path_, n == 0 ? EIO : errno);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
        FORGE_FAILPOINT_RETURN("checkpoint.after_write");
        return {};
    }
    /// Once. After a failure the kernel may have dropped the dirty pages and a second fsync would succeed for
    /// nothing, so the file is given up instead.
    result<void> sync() {
        FORGE_FAILPOINT_RETURN("checkpoint.before_fsync");
        if (os_.fsync(fd_.get()) != 0)
            return os_error("fsync", path_, errno);
        FORGE_FAILPOINT_RETURN("checkpoint.after_fsync");
        return {};
    }
    result<void> rename_to(const fs::path& target) {
        FORGE_FAILPOINT_RETURN("checkpoint.before_rename");
        if (os_.rename(path_.c_str(), target.c_str()) != 0)
            return os_error("rename", target, errno);
        renamed_ = true;
        FORGE_FAILPOINT_RETURN("checkpoint.after_rename");
        return {};
    }
    [[nodiscard]] const fs::path& path() const { return path_; }
    [[nodiscard]] digest hash() { return hash_.finish(); }
    [[nodiscard]] std::uint64_t length() const { return length_; }

private:
    const os_calls& os_;
    fs::path path_;
    descriptor fd_;
    sha256 hash_;
    std::uint64_t length_ = 0;
    bool renamed_ = false;
};

result<void> sync_folder(const os_calls& os, const fs::path& folder) {
    FORGE_FAILPOINT_RETURN("checkpoint.before_folder_fsync");
    const descriptor fd(os.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (fd.get() < 0)
        return os_error("opening the folder for fsync", folder, errno);
    if (os.fsync(fd.get()) != 0)
        return os_error("fsync of the folder", folder, errno);
    FORGE_FAILPOINT_RETURN("checkpoint.after_folder_fsync");
    return {};
}

result<void> verify_copy(const fs::path& path, const digest& expected, std::uint64_t length,
                         const byte_verifier& verify) {
    FORGE_FAILPOINT_RETURN("checkpoint.before_verify");
    auto copy = mapped_file::open(path);
    if (!copy)
        return copy.reason();
    if (copy->bytes().size() != length || sha256_of(copy->bytes()) != expected)
        return error{errc::checksum_mismatch, "other bytes came back from the disk than were written", path.string(),
                     "check memory and disk of this machine"};
    return verify ? verify(copy->bytes()) : result<void>();
}

/// Removes a temporary file whose writer is gone: the lock of a dead process is free.
void remove_leftover(const os_calls& os, const fs::path& path) {
    const descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() >= 0 && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0)
        os.unlink(path.c_str());
}

result<std::vector<std::string>> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code ec;
    for (fs::directory_iterator at(folder, ec), end; !ec && at != end; at.increment(ec))
        if (std::error_code type; at->is_regular_file(type))
            names.push_back(at->path().filename().string());
    if (ec)
        return os_error("reading the folder", folder, ec.value());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

result<checkpoint_store> checkpoint_store::open(const fs::path& folder, const os_calls& os) {
    std::error_code ec;
    const bool created = fs::create_directories(folder, ec);
    if (ec)
        return os_error("creating the folder", folder, ec.value());
    if (created && folder.has_parent_path())
        if (auto synced = sync_folder(os, folder.parent_path()); !synced)
            return synced.reason();
    const auto names = names_in(folder);
    if (!names)
        return names.reason();
    for (const auto& name : *names)
        if (is_temporary(name))
            remove_leftover(os, folder / name);
    return checkpoint_store(folder, os);
}

result<stored_file> checkpoint_store::put(std::string_view name, const byte_source& write,
                                          const byte_verifier& verify) const {
    if (auto plain = require_plain(name); !plain)
        return plain.reason();
    FORGE_FAILPOINT_RETURN("checkpoint.before_open");
    auto made = temporary_file::create(*os_, folder_, name);
    if (!made)
        return made.reason();
    temporary_file& file = **made;
    FORGE_FAILPOINT_RETURN("checkpoint.after_open");
    result<void> step = write([&](std::span<const std::byte> bytes) { return file.append(bytes); });
    if (step)
        step = file.sync();
    if (!step)
        return step.reason();
    const stored_file stored{std::string(name), file.length(), file.hash()};
    step = verify_copy(file.path(), stored.hash, stored.bytes, verify);
    if (step)
        FORGE_FAILPOINT_RETURN("checkpoint.after_verify");
    if (step)
        step = file.rename_to(folder_ / name);
    if (!step)
        return step.reason();
    if (step = sync_folder(*os_, folder_); !step) {
        error e = step.reason();
        e.what += fmt::format("; {} is complete but may not survive a power cut", name);
        return e;
    }
    return stored;
}

result<stored_file> checkpoint_store::put(std::string_view name, std::span<const std::span<const std::byte>> parts,
                                          const byte_verifier& verify) const {
    return put(
        name,
        [&](const byte_sink& sink) -> result<void> {
            for (const auto& part : parts)
                if (auto taken = sink(part); !taken)
                    return taken;
            return {};
        },
        verify);
}

result<std::vector<std::string>> checkpoint_store::list() const {
    auto names = names_in(folder_);
    if (!names)
        return names.reason();
    std::vector<std::string> finished = std::move(*names);
    std::erase_if(finished, [](const std::string& name) { return !require_plain(name); });
    return finished;
}

result<mapped_file> checkpoint_store::map(std::string_view name) const {
    if (auto plain = require_plain(name); !plain)
        return plain.reason();
    return mapped_file::open(folder_ / name);
}

result<checkpoint_store::prune_report> checkpoint_store::prune(std::span<const std::string> newest_first,
                                                               std::size_t keep, const byte_verifier& verify) const {
    keep = std::max<std::size_t>(keep, 2); // one generation may rot while the other is the last one that is good
    prune_report report;
    for (const auto& name : newest_first) {
        if (auto plain = require_plain(name); !plain)
            return plain.reason();
        if (report.kept.size() < keep) {
            const auto file = map(name);
            const bool good = file && (!verify || verify(file->bytes()));
            (good ? report.kept : report.bad).push_back(name);
            continue;
        }
        FORGE_FAILPOINT_RETURN("checkpoint.before_remove");
        if (os_->unlink((folder_ / name).c_str()) != 0 && errno != ENOENT)
            return os_error("deleting an old generation", folder_ / name, errno);
        report.deleted.push_back(name);
        FORGE_FAILPOINT_RETURN("checkpoint.after_remove");
    }
    return report;
}

result<void> put_folder(const fs::path& from, const fs::path& to, const os_calls& os) {
    std::error_code ec;
    std::vector<fs::path> folders{from};
    for (fs::recursive_directory_iterator at(from, ec), end; !ec && at != end; at.increment(ec)) {
        if (std::error_code type; at->is_directory(type)) {
            folders.push_back(at->path());
            continue;
        }
        const descriptor file(os.open(at->path().c_str(), O_RDONLY | O_CLOEXEC, 0));
        if (file.get() < 0)
            return os_error("opening for fsync", at->path(), errno);
        if (os.fsync(file.get()) != 0)
            return os_error("fsync", at->path(), errno);
    }
    if (ec)
        return os_error("reading the folder", from, ec.value());
    for (const auto& folder : folders)
        if (auto synced = sync_folder(os, folder); !synced)
            return synced;
    if (os.rename(from.c_str(), to.c_str()) != 0)
        return os_error("rename", to, errno);
    return sync_folder(os, to.has_parent_path() ? to.parent_path() : fs::path("."));
}

} // namespace forge
