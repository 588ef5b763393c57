// SPDX-License-Identifier: AGPL-3.0-only
// Keeps a link to one peer up. Private to libactors/transport; loop's thread only.
#pragma once

#include "libactors/transport/hub_core.hpp"

#include <random>

namespace forge::tls {

class dialler : public std::enable_shared_from_this<dialler> {
public:
    dialler(hub_core& core, dial_id id, node_address peer);
    void start();
    void hang_up();

private:
    void attempt();
    void connect(const tcp::resolver::results_type& addresses);
    void shake(std::shared_ptr<tls_stream> stream);
    void failed(const error& why);
    void link_ended();
    void again();

    hub_core& core_;
    const dial_id id_;
    const node_address peer_;
    const std::string where_;
    asio::steady_timer timer_;
    tcp::resolver resolver_;
    std::shared_ptr<tls_stream> connecting_;
    steady::time_point up_since_;
    unsigned attempts_ = 0; ///< failures in a row
    std::string last_words_;
    bool stopped_ = false;
    std::minstd_rand jitter_;
};

} // namespace forge::tls
