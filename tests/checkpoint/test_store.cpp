// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/checkpoint/store_fixture.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <ranges>

using namespace forge;
using namespace forge::testing;
using Catch::Matchers::Contains;

namespace {

/// The operating system, whose n-th call from now fails with `cause`; also interrupts and shortens writes.
class faulty_calls final : public os_calls {
public:
    mutable int until_fault = -1; ///< calls before the one that fails; -1: none fails
    int cause = EIO;
    bool awkward = false; ///< every other write is interrupted, the others write 7 bytes at most
    mutable int calls = 0;
    mutable std::map<int, int> fsyncs; ///< by descriptor
    mutable std::vector<std::string> order;

    int open(const char* path, int flags, mode_t mode) const override {
        return fails("open") ? -1 : real().open(path, flags, mode);
    }
    ssize_t write(int fd, const void* data, std::size_t n) const override {
        if (fails("write"))
            return -1;
        if (awkward && calls % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        return real().write(fd, data, awkward ? std::min<std::size_t>(n, 7) : n);
    }
    int fsync(int fd) const override {
        ++fsyncs[fd];
        return fails("fsync") ? -1 : real().fsync(fd);
    }
    int rename(const char* from, const char* to) const override {
        return fails("rename") ? -1 : real().rename(from, to);
    }
    int unlink(const char* path) const override { return real().unlink(path); }

private:
    bool fails(const char* what) const {
        ++calls;
        if (order.empty() || order.back() != what)
            order.emplace_back(what);
        if (until_fault < 0 || until_fault-- > 0)
            return false;
        errno = cause;
        return true;
    }
};

} // namespace

TEST_CASE("what was put is mapped back, byte by byte, and listed") {
    folder f;
    const auto store = open_store(f.path / "deep" / "store");
    for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{1234567}}) {
        const auto bytes = content(n, 1);
        const auto stored = put(store, fmt::format("c0-{}.ckpt", n), bytes);
        REQUIRE(stored.ok());
        CHECK(stored->bytes == n);
        CHECK(stored->hash == sha256_of(bytes));
        CHECK(holds(store, stored->name, bytes));
    }
    const auto names = store.list();
    REQUIRE(names.ok());
    CHECK(names->size() == 4);
    CHECK(files_in(store.folder()) == 4);
    CHECK(store.map("c9").reason().code == errc::not_found);
}

TEST_CASE("putting again replaces the whole file and leaves old mappings alone") {
    folder f;
    const auto store = open_store(f.path);
    REQUIRE(put(store, "x", content(10000, 1)).ok());
    const auto before = store.map("x");
    REQUIRE(before.ok());
    REQUIRE(put(store, "x", content(50, 2)).ok());
    CHECK(std::ranges::equal(before->bytes(), content(10000, 1)));
    CHECK(holds(store, "x", content(50, 2)));
}

TEST_CASE("names that leave the folder or look temporary are refused") {
    folder f;
    const auto store = open_store(f.path);
    for (const std::string name : {"", ".", "..", ".hidden", "a/b", "../x", "x.tmp.1.2"}) {
        INFO(name);
        CHECK(put(store, name, content(5, 0)).reason().code == errc::invalid_argument);
        CHECK(store.map(name).reason().code == errc::invalid_argument);
    }
    CHECK(files_in(f.path) == 0);
}

TEST_CASE("a verifier that refuses leaves the old generation intact and no temporary file") {
    folder f;
    const auto store = open_store(f.path);
    const auto old = content(3000, 1);
    REQUIRE(put(store, "x", old).ok());
    bool saw_all = false;
    const auto refused = put(store, "x", content(4000, 2), [&](std::span<const std::byte> bytes) -> result<void> {
        saw_all = std::ranges::equal(bytes, content(4000, 2));
        return error{errc::physics_mismatch, "the plaquette does not fit", "", ""};
    });
    CHECK(saw_all);
    CHECK(refused.reason().code == errc::physics_mismatch);
    CHECK(holds(store, "x", old));
    CHECK(files_in(f.path) == 1);
}

TEST_CASE("a source that fails leaves nothing behind and its error comes out") {
    folder f;
    const auto store = open_store(f.path);
    const auto failed = store.put("x",
                                  [&](const byte_sink& sink) -> result<void> {
                                      if (auto taken = sink(content(100, 0)); !taken)
                                          return taken;
                                      return error{errc::device_failed, "the device went away", "", ""};
                                  },
                                  {});
    CHECK(failed.reason().code == errc::device_failed);
    CHECK(files_in(f.path) == 0);
}

TEST_CASE("interrupted and short writes are gone on with") {
    folder f;
    faulty_calls os;
    os.awkward = true;
    const auto store = open_store(f.path, os);
    const auto bytes = content(1000, 3);
    REQUIRE(put(store, "x", bytes).ok());
    CHECK(holds(store, "x", bytes));
    CHECK(os.calls > 200);
}

TEST_CASE("the steps come in the order that survives a power cut") {
    folder f;
    faulty_calls os;
    const auto store = open_store(f.path, os);
    os.order.clear();
    REQUIRE(put(store, "x", content(1000, 3)).ok());
    CHECK(os.order == std::vector<std::string>{"open", "write", "fsync", "rename", "open", "fsync"});
}

TEST_CASE("whichever system call fails, a complete generation is there, the error names path and cause") {
    for (int cause : {EIO, ENOSPC, EDQUOT, EFBIG}) {
        bool came_through = false;
        for (int n = 0; !came_through && n < 50; ++n) {
            folder f;
            faulty_calls os;
            const auto store = open_store(f.path, os);
            const auto old = content(3000, 1), fresh = content(5000, 2);
            REQUIRE(put(store, "x", old).ok());
            os.cause = cause;
            os.until_fault = n;
            os.fsyncs.clear();
            const auto done = put(store, "x", fresh);
            INFO("call " << n << ", errno " << cause);
            CHECK(files_in(f.path) == 1);
            if (done) {
                came_through = true;
                CHECK(n == 7); // open, write, write, fsync, rename, open, fsync
                CHECK(holds(store, "x", fresh));
                break;
            }
            CHECK(done.reason().code == (cause == EIO ? errc::io_failed : errc::no_space));
            CHECK_THAT(done.reason().where, Contains(f.path.string()));
            CHECK_THAT(done.reason().what, Contains(std::strerror(cause)) && Contains(std::to_string(cause)));
            CHECK(holds(store, "x", n < 5 ? old : fresh)); // after the rename the new one is in place
            for (const auto& [fd, times] : os.fsyncs)
                CHECK(times <= 1); // never again on the same descriptor (descriptor numbers differ within a put)
            os.until_fault = -1;
            CHECK(put(store, "x", fresh).ok()); // and the store is usable
        }
        CHECK(came_through);
    }
}

TEST_CASE("pruning keeps the newest two that verify, whatever it is asked") {
    folder f;
    const auto store = open_store(f.path);
    std::vector<std::string> names;
    for (int i = 9; i >= 0; --i)
        names.push_back(fmt::format("c0-{}", i));
    for (const auto& name : names)
        REQUIRE(put(store, name, content(100, static_cast<unsigned>(name.back()))).ok());
    REQUIRE(put(store, "c1-0", content(5, 5)).ok());
    const byte_verifier good = [](std::span<const std::byte> bytes) -> result<void> {
        if (bytes.size() == 100 &&
            std::ranges::equal(bytes.subspan(1), content(100, static_cast<unsigned>(bytes[0])) | std::views::drop(1)))
            return {};
        return error{errc::checksum_mismatch, "rotten", "", ""};
    };
    SECTION("all good") {
        const auto report = store.prune(names, 0, good);
        REQUIRE(report.ok());
        CHECK(report->kept == std::vector<std::string>{"c0-9", "c0-8"});
        CHECK(report->deleted.size() == 8);
        CHECK(store.list()->size() == 3);
        CHECK(holds(store, "c1-0", content(5, 5)));
    }
    SECTION("the newest is rotten: it stays as evidence and two good ones stay as well") {
        std::ofstream(f.path / "c0-9") << "rot";
        fs::remove(f.path / "c0-7");
        const auto report = store.prune(names, 3, good);
        REQUIRE(report.ok());
        CHECK(report->bad == std::vector<std::string>{"c0-9", "c0-7"});
        CHECK(report->kept == std::vector<std::string>{"c0-8", "c0-6", "c0-5"});
        CHECK(store.list()->size() == 5);
    }
    SECTION("nothing verifies: nothing is deleted") {
        const auto report = store.prune(names, 2, [](auto) { return error{errc::checksum_mismatch, "", "", ""}; });
        REQUIRE(report.ok());
        CHECK(report->kept.empty());
        CHECK(report->deleted.empty());
        CHECK(store.list()->size() == 11);
    }
    SECTION("again and again, as a chain does: there are never more than asked, never fewer than two") {
        for (int i = 10; i < 60; ++i) {
            names.insert(names.begin(), fmt::format("c0-{}", i));
            REQUIRE(put(store, names.front(), content(100, static_cast<unsigned>(i))).ok());
            const auto report = store.prune(names, 2, good);
            REQUIRE(report.ok());
            names = report->kept;
            CHECK(store.list()->size() == 3);
        }
    }
}

TEST_CASE("a folder gets its name only when everything in it is on the disk, and the name is then, too") {
    folder f;
    const auto from = f.path / "fresh", to = f.path / "run";
    fs::create_directories(from / "deep");
    std::ofstream(from / "a") << "one";
    std::ofstream(from / "deep" / "b") << "two";
    faulty_calls calls;
    REQUIRE(put_folder(from, to, calls).ok());
    CHECK(fs::exists(to / "deep" / "b"));
    CHECK_FALSE(fs::exists(from));
    CHECK(calls.order.back() == "fsync"); // of the parent, after the name
    CHECK(std::count(calls.order.begin(), calls.order.end(), "rename") == 1);
    const int all = calls.calls;
    REQUIRE(all >= 10); // two files, two folders, the parent: opened and synced; and the name

    for (int n = 0; n < all; ++n) {
        CAPTURE(n);
        fs::remove_all(from);
        fs::remove_all(to);
        fs::create_directories(from / "deep");
        std::ofstream(from / "a") << "one";
        std::ofstream(from / "deep" / "b") << "two";
        faulty_calls failing;
        failing.until_fault = n;
        REQUIRE_FALSE(put_folder(from, to, failing).ok());
        // Before the name is given nothing is there under it; afterwards all of it is, and the caller knows that it may not last.
        const bool named = std::find(failing.order.begin(), failing.order.end(), "rename") != failing.order.end() && failing.order.back() != "rename";
        CHECK(fs::exists(to / "a") == named);
        CHECK(fs::exists(to / "deep" / "b") == named);
        CHECK(fs::exists(from / "a") == !named);
    }
}
