// SPDX-License-Identifier: AGPL-3.0-only
// Disks that are full or read-only, and writers that die.
#include "tests/checkpoint/store_fixture.hpp"

#include <csignal>
#include <fstream>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace forge;
using namespace forge::testing;

TEST_CASE("a file-size limit is no space, and passes when it is lifted") {
    folder f;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const auto store = checkpoint_store::open(f.path);
        const rlimit tight{100000, RLIM_INFINITY};
        const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
        if (!store || !put(*store, "x", content(90000, 1)) || ::setrlimit(RLIMIT_FSIZE, &tight) != 0)
            ::_exit(2);
        const auto refused = put(*store, "x", content(200000, 2));
        if (refused.ok() || refused.reason().code != errc::no_space || refused.reason().hint.empty())
            ::_exit(3);
        if (!holds(*store, "x", content(90000, 1)) || files_in(f.path) != 1)
            ::_exit(4);
        if (::setrlimit(RLIMIT_FSIZE, &all) != 0 || !put(*store, "x", content(200000, 2)))
            ::_exit(5);
        ::_exit(holds(*store, "x", content(200000, 2)) ? 0 : 6);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a full disk keeps the old generation, and works again when there is space") {
    folder f;
    const auto disk = f.path / "disk";
    fs::create_directory(disk);
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=256k") != 0) {
        WARN("skipped: mounting a tmpfs needs root");
        return;
    }
    struct unmount {
        fs::path at;
        ~unmount() { ::umount2(at.c_str(), MNT_DETACH); }
    } const guard{disk};
    const auto store = open_store(disk / "store");
    const auto old = content(60000, 1), fresh = content(100000, 2);
    REQUIRE(put(store, "x", old).ok());
    std::ofstream(disk / "ballast") << std::string(120000, 'b');
    const auto refused = put(store, "x", fresh);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.reason().code == errc::no_space);
    CHECK(holds(store, "x", old));
    CHECK(files_in(disk / "store") == 1);
    fs::remove(disk / "ballast");
    CHECK(put(store, "x", fresh).ok());
    CHECK(holds(store, "x", fresh));

    CHECK(::mount("none", disk.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=256k") == 0);
    CHECK(put(store, "x", old).reason().code == errc::permission_denied);
    CHECK(holds(store, "x", fresh));
}

TEST_CASE("a folder that may not be written is permission_denied") {
    folder f;
    const auto store = open_store(f.path / "store");
    REQUIRE(put(store, "x", content(10, 1)).ok());
    fs::permissions(f.path / "store", fs::perms::owner_read | fs::perms::owner_exec);
    fs::permissions(f.path, fs::perms::all);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) // root may write everywhere
            ::_exit(9);
        const auto refused = put(store, "x", content(10, 2));
        ::_exit(!refused.ok() && refused.reason().code == errc::permission_denied ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    fs::permissions(f.path / "store", fs::perms::owner_all);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(holds(store, "x", content(10, 1)));
}

TEST_CASE("opening removes what dead writers left and nothing of the living") {
    folder f;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) { // a writer that hangs in the middle
        const auto store = checkpoint_store::open(f.path);
        if (store)
            static_cast<void>(store->put("slow",
                                         [&](const byte_sink& sink) -> result<void> {
                                             static_cast<void>(sink(content(100, 0)));
                                             if (::write(ready[1], "x", 1) == 1)
                                                 for (;;)
                                                     ::pause();
                                             return {};
                                         },
                                         {}));
        ::_exit(1);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
    std::ofstream(f.path / "old.ckpt.tmp.1.00000000deadbeef") << "half";
    {
        const auto store = open_store(f.path);
        CHECK(store.list()->empty());
        CHECK(files_in(f.path) == 1); // the living writer's
        CHECK(fs::directory_iterator(f.path)->path().filename().string().starts_with("slow.tmp."));
    }
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    open_store(f.path);
    CHECK(files_in(f.path) == 0);
}

TEST_CASE("kill -9 while writing leaves the old file or the new one, complete") {
    folder f;
    const auto store = open_store(f.path);
    const auto a = content(700000, 1), b = content(700000, 2);
    REQUIRE(put(store, "x", a).ok());
    for (int kill = 0; kill < 20; ++kill) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0)
            for (int k = 0;; ++k)
                static_cast<void>(put(store, "x", k % 2 == 0 ? b : a));
        ::usleep(static_cast<useconds_t>(1000 + 977 * kill));
        ::kill(child, SIGKILL);
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        const auto again = open_store(f.path);
        CHECK(files_in(f.path) == 1);
        CHECK((holds(again, "x", a) || holds(again, "x", b)));
    }
}
