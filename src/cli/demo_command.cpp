// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "cli/command_table.h"
#include "cli/import_command.h"
#include "cli/query_commands.h"
#include "cli/serve_command.h"

namespace hf {
namespace {

struct DemoArguments {
  std::string example;
  bool no_serve = false;
};

/// The folder of the program that runs; empty where the system does not tell.
std::string program_folder() {
  std::string path(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return {};
  path.resize(static_cast<std::size_t>(size));
  return path.substr(0, path.find_last_of('/'));
}

/// Beside the source, or installed beside the program.
Result<std::string> find_example(const Env& env, const std::string& given) {
  if (!given.empty()) return given;
  const std::string program = program_folder();
  for (const std::string& place : {std::string("examples/online_retail"),
                                   program + "/../share/holdfast/examples/online_retail",
                                   program + "/../../examples/online_retail"}) {
    if (env.files.exists(place + "/purchases.sql")) return place;
  }
  return fail(ErrorCode::not_found, "no_example",
              "the example is not here: say --example DIR (examples/online_retail of the source)");
}

Result<int> demo(Session& session, const DemoArguments& arguments) {
  HF_TRY(const std::string place, find_example(session.env(), arguments.example));
  ImportOptions options;
  options.files = {place + "/online_retail.csv.zst"};
  constexpr std::uint64_t sql_bytes_max = 1u << 20;
  HF_TRY(options.sql, read_file(session.env(), place + "/purchases.sql", sql_bytes_max));
  options.overrides.timezone = "Europe/London";
  HF_CHECK(import_and_tell(session, options, /*dry_run=*/false));
  RetentionArguments retention;
  retention.start = "purchase";
  retention.returning = "purchase";
  retention.entry = "first_time";
  retention.common.period = "month";
  const Words words = session.words();
  HF_TRY(const int code,
         show_retention(
             session, retention,
             {.title =
                  std::string(words("Online Retail: who buys again, by month of the first purchase",
                                    "Online Retail：按首购月份看谁会再次购买")),
              .next_command = fmt::format("holdfast --data {} retention --period month --entry "
                                          "first_time --breakdown country --top 3",
                                          session.data)}));
  if (code != 0 || arguments.no_serve) return code;
  print("\n");
  ServeArguments serving;
  serving.takes_any_port = true;
  return serve(session, serving);
}

}  // namespace

void add_demo_command(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<DemoArguments>();
  CLI::App* command = table.add(
      "demo",
      "Import a real shop's year of orders, show how it keeps its customers, and serve it to\n"
      "the browser until Ctrl-C",
      "  holdfast demo --data data/demo\n"
      "  holdfast demo --no-serve --lang zh",
      [&session, arguments] { return reported([&] { return demo(session, *arguments); }); });
  command->add_option("--example", arguments->example, "Directory of the example")
      ->type_name("DIR");
  command->add_flag("--no-serve", arguments->no_serve, "Show it and end");
}

}  // namespace hf
