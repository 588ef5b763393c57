// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/identity.hpp"
#include "libactors/transport/secure_file.hpp"
#include "tests/transport/folder.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

namespace forge {

namespace {

namespace fs = std::filesystem;
using testing::folder;

const calendar_time now = std::chrono::system_clock::now();
const validity year = validity::of_days(now, 365);

struct cluster {
    authority ca = make_authority("lab", year).or_throw();
    node_identity node = make_identity(ca, "alpha", year).or_throw();
};

mode_t mode_of(const fs::path& file) {
    struct stat info {};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

template <class T>
void require_refused(const result<T>& r, errc code, const std::string& words, const std::string& where) {
    REQUIRE_FALSE(r.ok());
    CHECK(r.reason().code == code);
    CHECK_THAT(r.reason().what, Catch::Contains(words));
    CHECK_THAT(r.reason().where, Catch::EndsWith(where));
    CHECK_FALSE(r.reason().hint.empty());
}

} // namespace

TEST_CASE("an identity that was saved is loaded with the same fingerprint, and its keys are private") {
    const cluster c;
    const folder f;
    REQUIRE(save_authority(f.path, c.ca).ok());
    REQUIRE(save_identity(f.path, c.node).ok());
    CHECK(mode_of(f.path / "node.key") == 0600);
    CHECK(mode_of(f.path / "authority.key") == 0600);
    const auto node = load_identity(f.path, now);
    REQUIRE(node.ok());
    CHECK(node->name == "alpha");
    CHECK(node->fingerprint == c.node.fingerprint);
    CHECK(fingerprint_of(node->certificate_pem).or_throw() == c.node.fingerprint);
    CHECK(load_authority(f.path, now).ok());
    CHECK(std::distance(fs::directory_iterator(f.path), fs::directory_iterator()) == 4); // no temporary file stays
}

TEST_CASE("a key that others may read is refused with the command that mends it") {
    const cluster c;
    const folder f;
    REQUIRE(save_authority(f.path, c.ca).ok());
    REQUIRE(save_identity(f.path, c.node).ok());
    for (const auto mode : {0640, 0604, 0660, 0777}) {
        REQUIRE(::chmod((f.path / "node.key").c_str(), static_cast<mode_t>(mode)) == 0);
        const auto node = load_identity(f.path, now);
        require_refused(node, errc::permission_denied, "others may read", "node.key");
        CHECK_THAT(node.reason().hint, Catch::Contains("chmod 600"));
    }
    REQUIRE(::chmod((f.path / "authority.key").c_str(), 0644) == 0);
    require_refused(load_authority(f.path, now), errc::permission_denied, "others may read", "authority.key");
}

TEST_CASE("an identity with a foreign part is refused by the part's name") {
    const cluster c;
    const folder f;
    REQUIRE(save_identity(f.path, c.node).ok());

    SECTION("key of another node") {
        const auto other = make_identity(c.ca, "alpha", year).or_throw();
        REQUIRE(write_file_atomically(f.path / "node.key", other.key_pem, file_privacy::secret).ok());
        require_refused(load_identity(f.path, now), errc::conflict, "does not belong", "node.key");
    }
    SECTION("signed by another authority of the same name") {
        const auto foreign = make_authority("lab", year).or_throw();
        REQUIRE(write_file_atomically(f.path / "authority.crt", foreign.certificate_pem, file_privacy::open).ok());
        require_refused(load_identity(f.path, now), errc::permission_denied, "not signed", "node.crt");
    }
    SECTION("a node's certificate in the place of the authority") {
        REQUIRE(write_file_atomically(f.path / "authority.crt", c.node.certificate_pem, file_privacy::open).ok());
        require_refused(load_identity(f.path, now), errc::permission_denied, "not signed", "node.crt");
    }
    SECTION("expired, and not yet valid") {
        const auto old = make_identity(c.ca, "alpha", {now - std::chrono::hours(48), now - std::chrono::hours(24)}).or_throw();
        REQUIRE(save_identity(f.path, old).ok());
        require_refused(load_identity(f.path, now), errc::unsupported, "expired on", "node.crt");
        REQUIRE(save_identity(f.path, c.node).ok());
        require_refused(load_identity(f.path, now - std::chrono::hours(72)), errc::unsupported, "not valid before", "node.crt");
    }
    SECTION("no certificate, garbage, missing") {
        REQUIRE(write_file_atomically(f.path / "node.crt", "hello", file_privacy::open).ok());
        require_refused(load_identity(f.path, now), errc::malformed, "PEM", "node.crt");
        fs::remove(f.path / "node.key");
        require_refused(load_identity(f.path, now), errc::not_found, "opening", "node.key");
    }
}

TEST_CASE("only a request that proves its key and names its node is signed") {
    const cluster c;
    const auto request = make_signing_request("beta").or_throw();
    const auto signed_pem = sign_request(c.ca, request.request_pem, "beta", year);
    REQUIRE(signed_pem.ok());
    const auto node = assemble_identity(*signed_pem, request.key_pem, c.ca.certificate_pem, now);
    REQUIRE(node.ok());
    CHECK(node->name == "beta");

    CHECK(sign_request(c.ca, request.request_pem, "gamma", year).reason().code == errc::conflict);
    CHECK(sign_request(c.ca, "-----BEGIN", "beta", year).reason().code == errc::malformed);
    CHECK(sign_request(c.ca, std::string(request_bytes_max + 1, 'x'), "beta", year).reason().code == errc::malformed);
    // A change anywhere inside breaks the signature or the encoding; the frame and trailing white space do not count.
    std::string broken = request.request_pem;
    broken[100] = broken[100] == 'A' ? 'B' : 'A';
    CHECK(sign_request(c.ca, broken, "beta", year).reason().code == errc::malformed);
}

TEST_CASE("names are short and plain") {
    for (const auto* good : {"a", "node-1", "lab.example", "9"})
        CHECK(is_node_name(good));
    for (const auto* bad : {"", "-a", ".a", "A", "a b", "a/b", "a\n", "n\xc3\xb6"})
        CHECK_FALSE(is_node_name(bad));
    CHECK(is_node_name(std::string(63, 'a')));
    CHECK_FALSE(is_node_name(std::string(64, 'a')));
    CHECK(make_authority("Bad Name", year).reason().code == errc::invalid_argument);
    CHECK(make_signing_request("../x").reason().code == errc::invalid_argument);
}

TEST_CASE("a file that cannot be replaced keeps what it held") {
    const folder f;
    REQUIRE(write_file_atomically(f.path / "inner" / "x", "old", file_privacy::secret).ok());
    CHECK(mode_of(f.path / "inner") == 0700);
    CHECK(read_small_file(f.path / "inner" / "x", file_privacy::secret).or_throw() == "old");
    fs::create_directories(f.path / "folder" / "in the way");
    CHECK_FALSE(write_file_atomically(f.path / "folder", "new", file_privacy::open).ok());
    CHECK(std::distance(fs::directory_iterator(f.path), fs::directory_iterator()) == 2);
    CHECK(read_small_file(f.path / "folder", file_privacy::open).reason().code == errc::malformed);
}

} // namespace forge
