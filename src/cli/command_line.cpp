// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <sstream>
#include <string>
#include <vector>

#include "cli/command_table.h"
#include "cli/session.h"

namespace hf {

int run_command_line(int argc, char** argv, const Env& env, const Adapters& adapters) {
  return run_command(env, adapters, {argv + 1, argv + argc}, nullptr);
}

int run_command(const Env& env, const Adapters& adapters, const std::vector<std::string>& arguments,
                const Serving* serving) {
  CLI::App app(
      "Holdfast keeps customers: it measures who stays, from your events, exactly.\n"
      "Start with:  holdfast demo");
  app.name("holdfast");
  app.set_version_flag("--version", HOLDFAST_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 not found, 4 refused in the\n"
      "present state, 5 damaged data, 130 stopped by Ctrl-C.");

  Session session(env, adapters, arguments, serving);
  app.add_option("--data", session.data, "Data directory")
      ->envname("HOLDFAST_DATA")
      ->capture_default_str();
  app.add_option("--lang", session.language, "Language of what is shown: en or zh (default: LANG)")
      ->check(CLI::IsMember({"en", "zh"}));
  app.add_option("--color", session.color, "Colours: auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_option("--memory", session.memory_mib, "MiB that questions may keep of decoded data")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();

  std::function<int()> chosen;
  CommandTable table(app, session, chosen);
  add_demo_command(table);
  add_import_command(table);
  add_append_command(table);
  add_serve_command(table);
  add_access_commands(table);
  add_owner_commands(table);
  add_query_commands(table);
  add_activity_commands(table);
  add_sql_commands(table);
  add_person_commands(table);
  add_settings_command(table);
  add_verify_command(table);
  add_backup_commands(table);
  add_doctor_command(table);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    print(out.str());
    print_error(err.str());
    return code == 0 ? 0 : 2;
  }
  if (serving != nullptr) {
    if (!table.is_owning()) {
      return report({ErrorCode::invalid_argument, "not_for_server",
                     "this command does not run within a server"});
    }
    session.data = serving->data;
  }
  return chosen();
}

}  // namespace hf
