// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/operation_json.hpp"

namespace forge::app {

namespace {

std::string text_of(const nlohmann::json& j, const char* key) {
    const auto at = j.is_object() ? j.find(key) : j.end();
    return j.is_object() && at != j.end() && at->is_string() ? at->get<std::string>() : std::string();
}

} // namespace

nlohmann::json to_json(const operation_report& r) {
    nlohmann::json j{{"id", r.id}, {"verb", name_of(r.verb)}, {"object", r.object}, {"target", r.target}, {"state", name_of(r.state)}, {"text", r.text}, {"seconds_s", r.seconds}};
    if (const auto& t = r.times)
        j["times"] = {{"drain_s", t->drain_s}, {"snapshot_s", t->snapshot_s}, {"copy_out_s", t->copy_out_s}, {"seal_s", t->seal_s},
                      {"grant_s", t->grant_s}, {"copy_in_s", t->copy_in_s}, {"upload_s", t->upload_s}};
    return j;
}

std::optional<operation_report> report_from(const nlohmann::json& j) {
    const auto verb = verb_from(text_of(j, "verb"));
    const auto state = operation_state_from(text_of(j, "state"));
    if (!verb || !state || text_of(j, "id").empty())
        return std::nullopt;
    const auto seconds = j.find("seconds_s");
    std::optional<migration_times> times;
    if (const auto t = j.find("times"); t != j.end() && t->is_object()) {
        const auto part = [&t](const char* key) {
            const auto at = t->find(key);
            return at != t->end() && at->is_number() ? at->get<double>() : 0.0;
        };
        times = migration_times{part("drain_s"), part("snapshot_s"), part("copy_out_s"), part("seal_s"), part("grant_s"), part("copy_in_s"), part("upload_s")};
    }
    return operation_report{text_of(j, "id"), *verb, text_of(j, "object"), text_of(j, "target"), *state, text_of(j, "text"),
                            seconds != j.end() && seconds->is_number() ? seconds->get<double>() : 0.0, times};
}

nlohmann::json to_json(const operation_request& r) {
    return {{"id", r.id}, {"verb", name_of(r.verb)}, {"object", r.object}, {"target", r.target}, {"dry_run", r.dry_run}};
}

std::optional<operation_request> request_from(const nlohmann::json& j) {
    const auto verb = verb_from(text_of(j, "verb"));
    if (!verb || text_of(j, "id").empty())
        return std::nullopt;
    const auto dry = j.find("dry_run");
    return operation_request{text_of(j, "id"), *verb, text_of(j, "object"), text_of(j, "target"), dry != j.end() && dry->is_boolean() && dry->get<bool>()};
}

nlohmann::json to_json(const error& e) {
    return {{"code", static_cast<int>(e.code)}, {"what", e.what}, {"where", e.where}, {"hint", e.hint}};
}

error error_from(const nlohmann::json& j) {
    error e{errc::internal, text_of(j, "what"), text_of(j, "where"), text_of(j, "hint")};
    const auto code = j.is_object() ? j.find("code") : j.end();
    if (j.is_object() && code != j.end() && code->is_number_integer() && code->get<int>() >= 0 && code->get<int>() <= static_cast<int>(errc::internal))
        e.code = static_cast<errc>(code->get<int>());
    return e;
}

result<std::vector<operation_report>> operations_in(ledger& book) {
    const auto events = book.events();
    if (!events)
        return events.reason();
    std::vector<operation_report> all;
    for (const auto& e : *events) {
        if (e.kind != "operation")
            continue;
        const auto r = report_from(nlohmann::json::parse(e.json, nullptr, false));
        if (!r)
            continue;
        const auto known = std::find_if(all.begin(), all.end(), [&r](const auto& o) { return o.id == r->id; });
        if (known != all.end())
            *known = *r;
        else
            all.push_back(*r);
    }
    return all;
}

} // namespace forge::app
