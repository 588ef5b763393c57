// SPDX-License-Identifier: AGPL-3.0-only
// forge: campaigns of lattice gauge theory on every device of a machine.
#include "apps/forge/campaign_files.hpp"
#include "apps/forge/check_commands.hpp"
#include "apps/forge/cluster_commands.hpp"
#include "apps/forge/device_command.hpp"
#include "apps/forge/gauge_commands.hpp"
#include "apps/forge/npu_commands.hpp"
#include "apps/forge/operation_commands.hpp"
#include "apps/forge/report.hpp"
#include "apps/forge/run_command.hpp"
#include "apps/forge/status_command.hpp"
#include "apps/forge/topo_commands.hpp"

#include <iostream>

int main(int argc, char** argv) {
    using namespace forge::app;
    CLI::App root{"metalforge: SU(3) Markov chains on all the devices of a machine", "forge"};
    root.set_version_flag("--version", program_version());
    root.require_subcommand(1);
    root.footer("Exit codes: 0 done, 1 internal, 2 usage, 3 not found, 4 refused, 5 outcome unknown, 6 integrity failure, 9 partial.\n"
                "First steps: forge device list; forge run apps/examples/deconfinement.toml");
    cli_state state;
    add_run_command(root, state);
    add_status_command(root, state);
    add_report_command(root, state);
    add_device_commands(root, state);
    add_route_command(root, state);
    add_chain_commands(root, state);
    add_cluster_commands(root, state);
    add_node_commands(root, state);
    add_operation_commands(root, state);
    add_gauge_commands(root, state);
    add_npu_commands(root, state);
    add_topo_commands(root, state);
    add_check_commands(root, state);
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int code = root.exit(e);
        return code == 0 ? 0 : 2;
    } catch (const forge::failure& f) {
        report_error(state, f.reason());
    } catch (const std::exception& e) {
        report_error(state, {forge::errc::internal, e.what(), "", "report this with the command that led here"});
    }
    return state.exit_code;
}
