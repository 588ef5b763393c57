// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/local_socket.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace forge {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

namespace {

constexpr std::size_t connections_max = 32;
constexpr std::chrono::seconds silence_max{30};

/// The folder opened once, so that the address of a socket in it stays short whatever its path is (sun_path holds 107
/// bytes), and does not change when the path does.
class folder_handle {
public:
    explicit folder_handle(const std::filesystem::path& folder) : fd_(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
    ~folder_handle() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    folder_handle(const folder_handle&) = delete;
    folder_handle& operator=(const folder_handle&) = delete;
    [[nodiscard]] bool open() const { return fd_ >= 0; }
    [[nodiscard]] std::string address(const std::filesystem::path& name) const { return fmt::format("/proc/self/fd/{}/{}", fd_, name.string()); }

private:
    int fd_;
};

error io_error(const char* what, const std::filesystem::path& where, int number, const char* hint) {
    return {number == EACCES || number == EPERM ? errc::permission_denied : errc::io_failed, fmt::format("{}: {}", what, std::strerror(number)), where.string(), hint};
}

std::array<std::uint8_t, 4> length_bytes(std::size_t n) {
    return {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 24)};
}
std::size_t length_of(const std::array<std::uint8_t, 4>& b) { return b[0] | std::size_t{b[1]} << 8 | std::size_t{b[2]} << 16 | std::size_t{b[3]} << 24; }

bool same_user(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == ::geteuid() || peer.uid == 0);
}

} // namespace

struct local_server::inner {
    std::size_t connections = 0; // before io, whose end still counts sessions down
    asio::io_context io{1};
    local::acceptor acceptor{io};
    local_handler handler;
    std::filesystem::path socket;
    std::thread thread;

    class session : public std::enable_shared_from_this<session> {
    public:
        session(inner& server, local::socket socket) : server_(server), socket_(std::move(socket)), deadline_(server.io) { ++server_.connections; }
        ~session() { --server_.connections; }
        void read() {
            deadline_.expires_after(silence_max);
            deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& status) {
                if (const auto self = weak.lock(); self && !status)
                    self->close();
            });
            asio::async_read(socket_, asio::buffer(length_), [self = shared_from_this()](const boost::system::error_code& status, std::size_t) {
                const std::size_t n = length_of(self->length_);
                if (status || n == 0 || n > local_message_max)
                    return self->close();
                self->text_.resize(n);
                asio::async_read(self->socket_, asio::buffer(self->text_), [self](const boost::system::error_code& body, std::size_t) {
                    if (body)
                        return self->close();
                    self->answer();
                });
            });
        }

    private:
        void answer() {
            text_ = server_.handler(text_);
            if (text_.empty() || text_.size() > local_message_max)
                return close();
            length_ = length_bytes(text_.size());
            const std::array<asio::const_buffer, 2> both{asio::buffer(length_), asio::buffer(text_)};
            asio::async_write(socket_, both, [self = shared_from_this()](const boost::system::error_code& status, std::size_t) {
                if (status)
                    return self->close();
                self->read();
            });
        }
        void close() {
            deadline_.cancel();
            boost::system::error_code ignored;
            socket_.close(ignored);
        }
        inner& server_;
        local::socket socket_;
        asio::steady_timer deadline_;
        std::array<std::uint8_t, 4> length_{};
        std::string text_;
    };

    void accept() {
        acceptor.async_accept([this](const boost::system::error_code& status, local::socket peer) {
            if (status == asio::error::operation_aborted)
                return;
            if (!status && connections < connections_max && same_user(peer.native_handle()))
                std::make_shared<session>(*this, std::move(peer))->read();
            if (status) { // out of descriptors, say: not at full speed
                auto pause = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(100));
                return pause->async_wait([this, pause](const boost::system::error_code& waited) {
                    if (!waited)
                        accept();
                });
            }
            accept();
        });
    }
};

local_server::local_server(std::unique_ptr<inner> i) : inner_(std::move(i)) {}
local_server::local_server(local_server&&) noexcept = default;
local_server& local_server::operator=(local_server&&) noexcept = default;

local_server::~local_server() {
    if (!inner_)
        return;
    inner_->io.stop();
    if (inner_->thread.joinable())
        inner_->thread.join();
    std::error_code ignored;
    std::filesystem::remove(inner_->socket, ignored);
}

result<local_server> local_server::listen(const std::filesystem::path& socket, local_handler handler) {
    const auto folder = socket.parent_path();
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return io_error("cannot create the folder of the control socket", folder, errno, "is the run directory writable?");
    if (::chmod(folder.c_str(), 0700) != 0)
        return io_error("cannot make the folder of the control socket private", folder, errno, "does it belong to you?");
    if (ask_local(socket, "?", std::chrono::milliseconds(500)))
        return error{errc::locked, "another process listens there", socket.string(), "forge status shows the campaign that runs"};
    std::error_code ignored;
    std::filesystem::remove(socket, ignored);
    auto i = std::make_unique<inner>();
    i->handler = std::move(handler);
    i->socket = socket;
    const folder_handle at(folder);
    boost::system::error_code status;
    i->acceptor.open(local(), status);
    if (!status && at.open())
        i->acceptor.bind(local::endpoint(at.address(socket.filename())), status);
    if (!status && at.open())
        i->acceptor.listen(asio::socket_base::max_listen_connections, status);
    if (status || !at.open())
        return io_error("cannot listen on the control socket", socket, status ? status.value() : EIO, "a file system without sockets? choose another --out");
    ::chmod(socket.c_str(), 0600); // the folder keeps others out already
    i->accept();
    i->thread = std::thread([server = i.get()] { server->io.run(); });
    return local_server(std::move(i));
}

result<std::string> ask_local(const std::filesystem::path& socket, std::string_view request, std::chrono::milliseconds patience) {
    const error nobody{errc::not_found, "no campaign listens there", socket.string(), "forge status; forge run starts or continues a campaign"};
    const folder_handle folder(socket.parent_path());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!folder.open() || fd < 0) {
        if (fd >= 0)
            ::close(fd);
        return nobody;
    }
    const struct closer {
        int fd;
        ~closer() { ::close(fd); }
    } closing{fd};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = folder.address(socket.filename());
    if (path.size() >= sizeof address.sun_path)
        return nobody;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const timeval limit{static_cast<time_t>(patience.count() / 1000), static_cast<suseconds_t>(patience.count() % 1000 * 1000)};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return nobody;
    const auto all = [fd](char* data, std::size_t size, bool sending) {
        while (size > 0) {
            const auto n = sending ? ::send(fd, data, size, MSG_NOSIGNAL) : ::recv(fd, data, size, 0);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return false;
            data += n;
            size -= static_cast<std::size_t>(n);
        }
        return true;
    };
    const error silent{errc::interrupted, "the campaign did not answer in time; whether the request was carried out is not known", socket.string(), "forge op list"};
    auto length = length_bytes(request.size());
    std::string text(reinterpret_cast<const char*>(length.data()), length.size());
    text += request;
    if (!all(text.data(), text.size(), true) || !all(reinterpret_cast<char*>(length.data()), length.size(), false))
        return silent;
    const std::size_t n = length_of(length);
    if (n == 0 || n > local_message_max)
        return error{errc::malformed, fmt::format("an answer of {} bytes", n), socket.string(), "are both programs of the same version?"};
    text.assign(n, '\0');
    if (!all(text.data(), n, false))
        return silent;
    return text;
}

} // namespace forge
