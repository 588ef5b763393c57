// SPDX-License-Identifier: AGPL-3.0-only
// Events and decisions as lines: one walk over the fields writes and reads.
#include "libactors/control/supervision/ordering_record.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <concepts>
#include <type_traits>

namespace forge {

namespace {

// Written into records: append only.
constexpr std::array<std::string_view, 3> mode_names{"observe", "advise", "act"};
constexpr std::array<std::string_view, 3> objective_names{"automatic", "per_second", "per_joule"};
constexpr std::array<std::string_view, 4> surroundings_names{"device_joined", "device_left", "segment_changed", "user_asks"};
constexpr std::array<std::string_view, 6> kind_names{"look", "probe", "drop", "exclude", "hold", "switch_to"};

template <class E, std::size_t N>
bool enum_from(const std::array<std::string_view, N>& names, std::string_view text, E& e) {
    for (std::size_t k = 0; k < N; ++k)
        if (names[k] == text)
            return e = static_cast<E>(k), true;
    return false;
}
bool from_name(std::string_view t, policy_mode& e) { return enum_from(mode_names, t, e); }
bool from_name(std::string_view t, ordering_objective& e) { return enum_from(objective_names, t, e); }
bool from_name(std::string_view t, surroundings& e) { return enum_from(surroundings_names, t, e); }
bool from_name(std::string_view t, decision_kind& e) { return enum_from(kind_names, t, e); }
bool from_name(std::string_view t, energy_source& e) {
    const auto s = energy_source_from(t);
    return s ? (e = *s, true) : false;
}

class line_writer {
public:
    static constexpr bool reads = false;
    std::string line;
    void word(std::string_view w) { line += w; }
    void operator()(std::string_view name, const std::string& v) {
        head(name);
        line += '"';
        for (const char c : v)
            if (c == '\n')
                line += "\\n";
            else
                (c == '"' || c == '\\' ? line += '\\' : line) += c;
        line += '"';
    }
    void operator()(std::string_view name, bool v) { head(name), line += v ? "yes" : "no"; }
    template <class T>
        requires std::is_arithmetic_v<T>
    void operator()(std::string_view name, T v) {
        head(name), line += fmt::format("{}", v);
    }
    template <class E>
        requires std::is_enum_v<E>
    void operator()(std::string_view name, E v) {
        head(name), line += name_of(v);
    }
    void operator()(std::string_view name, const std::optional<double>& v) {
        if (v)
            (*this)(name, *v);
        else
            head(name), line += '-';
    }

private:
    void head(std::string_view name) { line += fmt::format(" {}=", name); }
};

class line_reader {
public:
    static constexpr bool reads = true;
    explicit line_reader(std::string_view line) : rest_(line) {}
    void word(std::string_view w) { take(w); }
    void operator()(std::string_view name, std::string& v) {
        head(name);
        take("\"");
        v.clear();
        while (good_ && !rest_.empty() && rest_.front() != '"') {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '\\') {
                good_ = !rest_.empty() && (rest_.front() == 'n' || rest_.front() == '"' || rest_.front() == '\\');
                if (!good_)
                    return;
                c = rest_.front() == 'n' ? '\n' : rest_.front();
                rest_.remove_prefix(1);
            }
            v += c;
        }
        take("\"");
    }
    void operator()(std::string_view name, bool& v) {
        const auto t = token(name);
        v = t == "yes";
        good_ = good_ && (v || t == "no");
    }
    template <class T>
        requires std::is_arithmetic_v<T>
    void operator()(std::string_view name, T& v) {
        const auto t = token(name);
        const auto [end, status] = std::from_chars(t.data(), t.data() + t.size(), v);
        good_ = good_ && status == std::errc{} && end == t.data() + t.size();
    }
    template <class E>
        requires std::is_enum_v<E>
    void operator()(std::string_view name, E& v) {
        good_ = from_name(token(name), v) && good_;
    }
    void operator()(std::string_view name, std::optional<double>& v) {
        const auto before = rest_;
        if (token(name) == "-") {
            v.reset();
            return;
        }
        rest_ = before;
        (*this)(name, v.emplace());
    }
    [[nodiscard]] bool done() const { return good_ && rest_.empty(); }

private:
    void take(std::string_view w) {
        good_ = good_ && rest_.starts_with(w);
        if (good_)
            rest_.remove_prefix(w.size());
    }
    void head(std::string_view name) {
        take(" ");
        take(name);
        take("=");
    }
    std::string_view token(std::string_view name) {
        head(name);
        const auto t = rest_.substr(0, rest_.find(' '));
        rest_.remove_prefix(t.size());
        return good_ ? t : std::string_view();
    }
    std::string_view rest_;
    bool good_ = true;
};

template <class V, class T>
void walk_sample(V& v, const std::string& prefix, T& s) {
    v(prefix + "n", s.n);
    v(prefix + "mean", s.mean);
    v(prefix + "error", s.error);
    v(prefix + "degrees", s.degrees);
}

template <class V, class T>
void walk(V& v, T& s)
    requires std::same_as<std::remove_const_t<T>, policy_settings>
{
    v.word("policy");
    v("mode", s.mode), v("objective", s.objective), v("watts_configured", s.watts_configured), v("seed", s.seed);
    v("planned_s", s.planned_s), v("budget_share", s.budget_share), v("reserve_share", s.reserve_share);
    v("warmup_blocks", s.warmup_blocks), v("rounds_min", s.rounds_min), v("rounds_max", s.rounds_max);
    v("threshold", s.threshold), v("repay_factor", s.repay_factor), v("switch_cost_s", s.switch_cost_s);
    v("switches_per_day", s.switches_per_day), v("drift_trigger", s.drift_trigger), v("dwell_blocks", s.dwell_blocks);
    v("dwell_blocks_max", s.dwell_blocks_max), v("near_share", s.near_share), v("retest_s", s.retest_s);
    v("empty_blocks_max", s.empty_blocks_max);
}

template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, block_measured>
{
    v.word("block");
    v("arm", e.arm), v("index", e.index), v("s", e.duration_s), v("trajectories", e.trajectories), v("joules", e.joules), v("source", e.source);
}
template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, ordering_applied>
{
    v.word("applied");
    v("arm", e.arm), v("pause_s", e.pause_s), v("by_user", e.by_user);
}
template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, arm_failed>
{
    v.word("failed");
    v("arm", e.arm), v("why", e.why);
}
template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, surroundings_changed>
{
    v.word("change");
    v("kind", e.kind), v("what", e.what);
}
template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, mode_changed>
{
    v.word("mode");
    v("mode", e.mode);
}
template <class V, class T>
void walk(V& v, T& e)
    requires std::same_as<std::remove_const_t<T>, plan_changed>
{
    v.word("plan");
    v("remaining_s", e.remaining_s);
}

template <class V, class T>
void walk(V& v, T& d)
    requires std::same_as<std::remove_const_t<T>, ordering_decision>
{
    v.word("decision");
    v("number", d.number), v("event", d.event), v("kind", d.kind), v("arm", d.arm), v("commanded", d.commanded), v("reason", d.reason);
    v("objective", d.objective), v("source", d.source), v("rounds", d.rounds);
    walk_sample(v, "gain_", d.log_gain);
    v("gain", d.gain), v("gain_lower", d.gain_lower), v("remaining_s", d.remaining_s), v("switch_cost_s", d.switch_cost_s);
    v("spent_s", d.spent_s), v("budget_s", d.budget_s);
    auto n = static_cast<std::uint32_t>(d.arms.size());
    v("arms", n);
    if constexpr (V::reads) {
        if (n > 1000) // more than anybody has: a broken line must not ask for memory
            n = 0;
        d.arms.resize(n);
    }
    for (auto& a : d.arms) {
        v("name", a.arm);
        walk_sample(v, "", a.log_ratio);
        v("lower", a.lower), v("upper", a.upper), v("in_race", a.in_race);
    }
}

template <class T>
std::string write(const T& value) {
    line_writer w;
    walk(w, value);
    return w.line;
}

template <class T>
result<T> read(std::string_view line) {
    T value;
    line_reader r(line);
    walk(r, value);
    if (!r.done())
        return error{errc::malformed, "not a line of the supervisor's journal", std::string(line.substr(0, 60)), ""};
    return value;
}

template <class T>
result<policy_event> read_event(std::string_view line) {
    auto e = read<T>(line);
    if (!e)
        return e.reason();
    return policy_event(std::move(*e));
}

} // namespace

std::string_view name_of(policy_mode m) noexcept { return mode_names[static_cast<std::size_t>(m)]; }
std::string_view name_of(ordering_objective o) noexcept { return objective_names[static_cast<std::size_t>(o)]; }
std::string_view name_of(surroundings s) noexcept { return surroundings_names[static_cast<std::size_t>(s)]; }
std::string_view name_of(decision_kind k) noexcept { return kind_names[static_cast<std::size_t>(k)]; }
std::optional<policy_mode> policy_mode_from(std::string_view name) noexcept {
    policy_mode m{};
    return from_name(name, m) ? std::optional(m) : std::nullopt;
}

std::string to_line(const policy_settings& s) { return write(s); }
std::string to_line(const policy_event& e) {
    return std::visit([](const auto& x) { return write(x); }, e);
}
std::string to_line(const ordering_decision& d) { return write(d); }

result<policy_settings> settings_from_line(std::string_view line) { return read<policy_settings>(line); }
result<ordering_decision> decision_from_line(std::string_view line) { return read<ordering_decision>(line); }
result<policy_event> event_from_line(std::string_view line) {
    const auto word = line.substr(0, line.find(' '));
    if (word == "applied")
        return read_event<ordering_applied>(line);
    if (word == "failed")
        return read_event<arm_failed>(line);
    if (word == "change")
        return read_event<surroundings_changed>(line);
    if (word == "mode")
        return read_event<mode_changed>(line);
    if (word == "plan")
        return read_event<plan_changed>(line);
    return read_event<block_measured>(line);
}

std::string to_text(const policy_log& log) {
    std::string text = to_line(log.settings) + "\n";
    for (const auto& arm : log.arms) {
        line_writer w;
        w.word("arm");
        w("name", arm);
        text += w.line + "\n";
    }
    for (const auto& e : log.events)
        text += to_line(e) + "\n";
    return text;
}

result<policy_log> policy_log_from_text(std::string_view text) {
    policy_log log;
    std::size_t number = 0;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ++number;
        const auto word = line.substr(0, line.find(' '));
        bool good = true;
        if (number == 1) {
            const auto s = settings_from_line(line);
            good = s.ok();
            if (good)
                log.settings = *s;
        } else if (word == "arm") {
            line_reader r(line);
            r.word("arm");
            r("name", log.arms.emplace_back());
            good = r.done();
        } else if (word != "decision") {
            auto e = event_from_line(line);
            good = e.ok();
            if (good)
                log.events.push_back(std::move(*e));
        }
        if (!good)
            return error{errc::malformed, "not a line of the supervisor's journal", fmt::format("line {}: {}", number, line.substr(0, 60)), ""};
    }
    if (number == 0)
        return error{errc::malformed, "the supervisor's journal is empty", "", ""};
    return log;
}

} // namespace forge
