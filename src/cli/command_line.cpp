// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/command_table.h"
#include "cli/help_screen.h"
#include "cli/help_words.h"
#include "cli/session.h"

namespace hf {
namespace {

/// The language is needed before anything is parsed: for help, and to say what is wrong.
Words words_of(const std::vector<std::string>& arguments) {
  constexpr std::string_view option = "--lang";
  std::string_view wanted;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view argument = arguments[at];
    if (argument == option && at + 1 < arguments.size()) {
      wanted = arguments[at + 1];
    } else if (argument.starts_with("--lang=")) {
      wanted = argument.substr(option.size() + 1);
    }
  }
  return {choose_language(wanted)};
}

/// "key create" of the last command that was chosen.
std::string chosen_path(const CLI::App* app) {
  std::string path;
  for (; app->get_parent() != nullptr; app = app->get_parent()) {
    path = path.empty() ? app->get_name() : app->get_name() + " " + path;
  }
  return path;
}

const CommandInfo& find_path(const CommandInfo& program, std::string_view path) {
  const CommandInfo* at = &program;
  while (!path.empty()) {
    const std::size_t blank = std::min(path.find(' '), path.size());
    const CommandInfo* below = at->find(path.substr(0, blank));
    if (below == nullptr) break;
    at = below;
    path.remove_prefix(std::min(blank + 1, path.size()));
  }
  return *at;
}

class CommandLine {
 public:
  CommandLine(const Env& env, const Adapters& adapters, const std::vector<std::string>& arguments,
              const Serving* serving)
      : arguments_(arguments),
        words_(words_of(arguments)),
        session_(env, adapters, arguments, serving),
        table_(app_, session_, chosen_) {
    app_.name("holdfast");
    app_.description("Holdfast keeps customers: it measures who stays, from your events, exactly");
    app_.footer(
        "  holdfast demo                      a first look, at a real shop\n"
        "  holdfast import orders.csv         your own data\n"
        "  holdfast retention --period month  who comes back\n"
        "  holdfast serve                     take events over HTTP, answer questions");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.set_version_flag("--version", HOLDFAST_VERSION, "Print the version and exit");
    app_.require_subcommand(1);
    app_.formatter_fn([this](const CLI::App* command, const std::string&, CLI::AppFormatMode) {
      return help(chosen_path(command));
    });
    add_global_options();
    add_commands();
  }

  void parse() { app_.parse(std::vector<std::string>(arguments_.rbegin(), arguments_.rend())); }

  /// Parses. An exit code where nothing is to be run: help was printed, or what is wrong.
  std::optional<int> understand() {
    try {
      parse();
    } catch (const CLI::CallForHelp&) {
      print(app_.help());
      return 0;
    } catch (const CLI::CallForVersion& version) {
      print(fmt::format("{}\n", version.what()));
      return 0;
    } catch (const CLI::ParseError& error) {
      return tell(error);
    }
    return std::nullopt;
  }

  /// What is wrong, after parse() threw `error`; `command` is set to where.
  Mistake mistake(const CLI::ParseError& error, const CommandInfo& program,
                  const CommandInfo*& command) const {
    auto found = find_mistake(program, arguments_, words_, command);
    if (found) return *std::move(found);
    return {"usage", fmt::format("{}{}", words_("", "命令行有误："), error.what())};
  }

  CommandInfo tree(Words words) const { return table_.tree(words); }
  [[nodiscard]] Words words() const { return words_; }
  Session& session() { return session_; }
  [[nodiscard]] bool is_owning() const { return table_.is_owning(); }
  int run() { return chosen_(); }

 private:
  [[nodiscard]] std::string help(std::string_view path) const {
    const CommandInfo program = tree(words_);
    return render_help(program, find_path(program, path), detect_terminal(session_.color), words_);
  }

  int tell(const CLI::ParseError& error) {
    const CommandInfo program = tree(words_);
    const CommandInfo* command = &program;
    const Mistake wrong = mistake(error, program, command);
    if (wrong.reason == "missing_command") {
      print_error(render_help(program, *command, {}, words_));
      return 2;
    }
    const int code = report({ErrorCode::invalid_argument, wrong.reason, wrong.message});
    print_error(
        fmt::format(fmt::runtime(words_("See holdfast{}{} --help\n", "参见 holdfast{}{} --help\n")),
                    command->path.empty() ? "" : " ", command->path));
    return code;
  }

  void add_global_options() {
    app_.add_option("--data", session_.data, "Data directory")
        ->envname("HOLDFAST_DATA")
        ->type_name("DIR")
        ->capture_default_str();
    app_.add_option("--lang", session_.language, "Language of what is shown (default: by LANG)")
        ->check(CLI::IsMember({"en", "zh"}));
    app_.add_option("--color", session_.color, "Colours")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN")
        ->capture_default_str();
    app_.add_option("--memory", session_.memory_mib, "MiB that questions may keep of decoded data")
        ->check(CLI::Range(1, 1 << 20))
        ->type_name("MIB")
        ->capture_default_str();
  }

  void add_commands() {
    table_.begin_group("Start");
    add_demo_command(table_);
    add_serve_command(table_);
    add_owner_commands(table_);
    table_.begin_group("Collect events");
    add_import_command(table_);
    add_append_command(table_);
    add_access_commands(table_);
    table_.begin_group("Measure");
    add_query_commands(table_);
    add_trend_command(table_);
    add_activity_commands(table_);
    add_funnel_command(table_);
    add_segment_size_command(table_);
    add_saved_commands(table_);
    add_sql_commands(table_);
    table_.begin_group("People");
    add_person_commands(table_);
    table_.begin_group("Keep it running");
    add_settings_command(table_);
    add_verify_command(table_);
    add_backup_commands(table_);
    add_doctor_command(table_);
    table_.begin_group("Learn");
    add_completion_command(table_);
    add_manual_command(table_);
  }

  const std::vector<std::string>& arguments_;
  Words words_;
  CLI::App app_;
  Session session_;
  std::function<int()> chosen_;
  CommandTable table_;
};

}  // namespace

int run_command_line(int argc, char** argv, const Env& env, const Adapters& adapters) {
  return run_command(env, adapters, {argv + 1, argv + argc}, nullptr);
}

int run_command(const Env& env, const Adapters& adapters, const std::vector<std::string>& arguments,
                const Serving* serving) {
  CommandLine line(env, adapters, arguments, serving);
  if (const auto code = line.understand()) return *code;
  if (serving != nullptr) {
    if (!line.is_owning()) {
      return report({ErrorCode::invalid_argument, "not_for_server",
                     "this command does not run within a server"});
    }
    line.session().data = serving->data;
  }
  return line.run();
}

CommandInfo describe_command_line(Words words) {
  const Adapters none;
  const std::vector<std::string> no_arguments;
  return CommandLine(real_env(), none, no_arguments, nullptr).tree(words);
}

Result<void> understand_command_line(const std::vector<std::string>& arguments, Words words) {
  const Adapters none;
  CommandLine line(real_env(), none, arguments, nullptr);
  try {
    line.parse();
  } catch (const CLI::Success&) {
    return {};  // Help, or the version.
  } catch (const CLI::ParseError& error) {
    const CommandInfo program = line.tree(words);
    const CommandInfo* command = nullptr;
    const Mistake wrong = line.mistake(error, program, command);
    return fail(ErrorCode::invalid_argument, wrong.reason, wrong.message);
  }
  return {};
}

}  // namespace hf
