// SPDX-License-Identifier: Apache-2.0
//
// What the command line takes, described plainly: read from the commands themselves (CLI11's
// tree), and what help, completion and manual print. So none of them can tell something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/words.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's.
class App;
}

namespace hf {

/// What a shell offers where an argument is typed.
enum class Completion : std::uint8_t { nothing, values, files, directories };

struct OptionInfo {
  std::vector<std::string>
      names;                ///< "--breakdown", "--by"; empty: an argument known by its place.
  std::string argument;     ///< "DATE", "FILE"; empty: a flag, which takes none.
  std::string description;  ///< One line of text, with unit or form; without the values.
  std::vector<std::string> values;  ///< What it takes; of `is_open` ones, what it takes among more.
  bool is_open = true;
  std::string range;     ///< "1..64", empty without one.
  std::string standard;  ///< The default; empty where there is none or the description tells it.
  std::string variable;  ///< Of the environment, which gives it too; else empty.
  Completion completion = Completion::nothing;
  bool is_required = false;
  bool is_repeatable = false;
  [[nodiscard]] bool is_positional() const { return names.empty(); }
  [[nodiscard]] bool is_flag() const { return argument.empty(); }
  /// "--format", or "FILE".
  [[nodiscard]] std::string_view name() const;
};

struct ExampleInfo {
  std::string line;    ///< As one types it.
  std::string remark;  ///< Behind it; may be empty.
};

struct CommandInfo {
  std::string name;   ///< "create" of `holdfast key create`.
  std::string path;   ///< "key create"; empty: the program itself.
  std::string group;  ///< What one wants to do, of the program's own commands.
  std::string description;
  std::vector<OptionInfo> options;  ///< In the order in which they are told.
  std::vector<ExampleInfo> examples;
  std::vector<CommandInfo> commands;
  bool needs_command = false;  ///< Does nothing by itself.
  [[nodiscard]] const CommandInfo* find(std::string_view wanted) const;
};

/// The description of `app` and all below it, in `words`.
[[nodiscard]] CommandInfo describe_commands(const CLI::App& app, Words words);

/// "FILE..", "[FILE..]", "--format FORMAT": how an option is written.
[[nodiscard]] std::string option_usage(const OptionInfo& option);
/// "[OPTIONS] FILE..": what follows the command's name.
[[nodiscard]] std::string command_usage(const CommandInfo& command, Words words);
/// The description with values, range, default and variable.
[[nodiscard]] std::string option_text(const OptionInfo& option, Words words);
/// The description up to its first full stop or semicolon, for lists.
[[nodiscard]] std::string summary(const CommandInfo& command);

/// Why a program ends with which code.
struct ExitCode {
  int code;
  std::string_view english;
  std::string_view chinese;
};
[[nodiscard]] const std::vector<ExitCode>& exit_codes();

/// The words of a line that a shell would hand to its first `holdfast`, without that name; none
/// where it has no holdfast. Knows quotes, backslashes, pipes and `$(..)`, not more.
[[nodiscard]] std::optional<std::vector<std::string>> arguments_of_line(std::string_view line);

/// What is wrong with arguments that were not understood.
struct Mistake {
  std::string_view reason;  ///< unknown_command, unknown_option, invalid_value, missing_value, ..
  std::string message;      ///< With the near miss, where there is one.
};
/// `command` is set to the last command that was understood.
[[nodiscard]] std::optional<Mistake> find_mistake(const CommandInfo& program,
                                                  const std::vector<std::string>& arguments,
                                                  Words words, const CommandInfo*& command);

}  // namespace hf
