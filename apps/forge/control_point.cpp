// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/control_point.hpp"

#include "apps/forge/operation_json.hpp"
#include "apps/forge/status_file.hpp"

namespace forge::app {

namespace {

constexpr std::chrono::seconds patience{10};

nlohmann::json answer_to(const nlohmann::json& request, const campaign& plan, campaign_runtime& runtime) {
    const auto ask = request.is_object() ? request.value("ask", std::string()) : std::string();
    if (ask == "status")
        return {{"data", status_json(plan, runtime.status())}};
    if (ask == "operate") {
        const auto r = request_from(request["request"]);
        if (!r)
            return {{"error", to_json(error{errc::malformed, "this is no operation that this version knows", "control socket", "are both programs of the same version?"})}};
        const auto report = runtime.operate(*r);
        return report ? nlohmann::json{{"data", to_json(*report)}} : nlohmann::json{{"error", to_json(report.reason())}};
    }
    return {{"error", to_json(error{errc::unsupported, "unknown request \"" + ask + "\"", "control socket", "are both programs of the same version?"})}};
}

} // namespace

result<local_server> open_control_point(const run_folder& folder, const campaign& plan, campaign_runtime& runtime) {
    return local_server::listen(folder.control_socket(), [plan, &runtime](std::string_view text) {
        try {
            return answer_to(nlohmann::json::parse(text, nullptr, false), plan, runtime).dump();
        } catch (const std::exception& e) {
            return nlohmann::json{{"error", to_json(error{errc::internal, e.what(), "control socket", "report this"})}}.dump();
        }
    });
}

result<nlohmann::json> ask_campaign(const run_folder& folder, const nlohmann::json& request) {
    const auto text = ask_local(folder.control_socket(), request.dump(), patience);
    if (!text)
        return text.reason();
    auto answer = nlohmann::json::parse(*text, nullptr, false);
    if (answer.is_object() && answer.contains("data"))
        return answer["data"];
    if (answer.is_object() && answer.contains("error"))
        return error_from(answer["error"]);
    return error{errc::malformed, "the campaign's answer is not understood", folder.control_socket().string(), "are both programs of the same version?"};
}

} // namespace forge::app
