// SPDX-License-Identifier: AGPL-3.0-only
// Runs a program as its own process: output to files (no pipe can fill), a bound on its time, signals at will.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace forge::test {

inline std::string read_all(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

/// Asks `condition` every 5 ms. @return false when it did not hold within `seconds`.
inline bool eventually(double seconds, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// A fresh folder that goes with the object.
class scratch_folder {
public:
    scratch_folder() {
        auto name = (std::filesystem::temp_directory_path() / "forge-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("no temporary folder: " + name);
        path_ = name;
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

struct process_result {
    int exit_code = -1; ///< -1 when a signal ended it
    int signal = 0;
    bool timed_out = false;
    std::string out;
    std::string err;
};

struct process_options {
    std::filesystem::path folder;   ///< working folder; empty: the caller's
    std::uint64_t file_size_max = 0; ///< RLIMIT_FSIZE in bytes; 0: none
};

/// A started program. The destructor kills it; it dies with the test, too.
class process {
public:
    process(const std::vector<std::string>& command, const process_options& options = {}) {
        std::vector<char*> arguments;
        std::vector<std::string> copy = command;
        for (auto& a : copy)
            arguments.push_back(a.data());
        arguments.push_back(nullptr);
        const auto out = (output_.path() / "out").string();
        const auto err = (output_.path() / "err").string();
        const auto folder = options.folder.string();
        const rlimit limit{options.file_size_max, options.file_size_max};
        pid_ = ::fork();
        if (pid_ < 0)
            throw std::runtime_error("fork failed");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int out_file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            const int err_file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(out_file, STDOUT_FILENO);
            ::dup2(err_file, STDERR_FILENO);
            if ((!folder.empty() && ::chdir(folder.c_str()) != 0) ||
                (options.file_size_max > 0 && ::setrlimit(RLIMIT_FSIZE, &limit) != 0))
                ::_exit(126);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    ~process() {
        if (running())
            stop(SIGKILL, 10.0);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void send(int signal) const {
        if (!ended_)
            ::kill(pid_, signal);
    }
    [[nodiscard]] bool running() {
        if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_)
            ended_ = true;
        return !ended_;
    }
    [[nodiscard]] std::string err() const { return read_all(output_.path() / "err"); }

    /// Waits; kills and says so when it takes longer than `seconds`.
    process_result wait(double seconds = 60.0) {
        process_result r;
        if (!eventually(seconds, [this] { return !running(); })) {
            r.timed_out = true;
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, &status_, 0);
            ended_ = true;
        }
        if (WIFEXITED(status_))
            r.exit_code = WEXITSTATUS(status_);
        if (WIFSIGNALED(status_))
            r.signal = WTERMSIG(status_);
        r.out = read_all(output_.path() / "out");
        r.err = err();
        return r;
    }
    process_result stop(int signal, double seconds = 30.0) {
        send(signal);
        return wait(seconds);
    }

private:
    scratch_folder output_;
    pid_t pid_ = -1;
    int status_ = 0;
    bool ended_ = false;
};

/// The program under test, from the folder FORGE_BIN.
inline std::vector<std::string> forge_command(const std::vector<std::string>& arguments) {
    const char* folder = std::getenv("FORGE_BIN");
    std::vector<std::string> command{folder != nullptr ? std::string(folder) + "/forge" : "forge"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

inline process_result run_forge(const std::vector<std::string>& arguments, const process_options& options = {}) {
    return process(forge_command(arguments), options).wait();
}

} // namespace forge::test
