// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_scripts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace hf {
namespace {

constexpr std::string_view begin_of_scripts =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# Completion of holdfast {}; printed by `holdfast completion {}`.\n";

void for_each_command(const CommandInfo& command,
                      const std::function<void(const CommandInfo&)>& visit) {
  visit(command);
  for (const CommandInfo& each : command.commands) for_each_command(each, visit);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> command_names(const CommandInfo& command) {
  std::vector<std::string> names;
  for (const CommandInfo& each : command.commands) names.push_back(each.name);
  return names;
}

/// Names of all options that take a value. One name does so in every command or in none
/// (tests/command_help_test.cpp).
std::set<std::string> options_with_value(const CommandInfo& program) {
  std::set<std::string> names;
  for_each_command(program, [&](const CommandInfo& command) {
    for (const OptionInfo& option : command.options) {
      if (!option.is_flag()) names.insert(option.names.begin(), option.names.end());
    }
  });
  return names;
}

/// 'text', whatever is in it, for bash and zsh.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string function_name(const CommandInfo& command) {
  std::string name = "_holdfast";
  if (!command.path.empty()) name += "_" + command.path;
  std::ranges::replace(name, ' ', '_');
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string bash_action(const OptionInfo& option) {
  switch (option.completion) {
    case Completion::values: return "words " + quoted(joined(option.values, " "));
    case Completion::files: return "files";
    case Completion::directories: return "directories";
    case Completion::nothing: return "nothing";
  }
  return "nothing";
}

constexpr std::string_view bash_functions = R"(
_holdfast_matches() {  # words LIST | files | directories | nothing
  local line
  COMPREPLY=()
  case "$1" in
    words) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$2" -- "$current") ;;
    files | directories)
      compopt -o filenames 2>/dev/null
      local kind=-f
      [[ $1 == directories ]] && kind=-d
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$current")
      ;;
  esac
}

_holdfast() {
  local current="${COMP_WORDS[COMP_CWORD]}" option='' path='' word at
  # What stands before the cursor: the command, and the option that waits for its value. bash makes
  # three words of --format=csv.
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="${COMP_WORDS[at]}"
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $option ]]; then
      option=''
    elif [[ $word == -* ]]; then
      _holdfast_takes_value "$word" && option="$word"
    elif _holdfast_is_command "$path" "$word"; then
      path="${path:+$path }$word"
    fi
  done
  [[ $current == '=' ]] && current=''
  if [[ -n $option ]]; then
    _holdfast_value "$path" "$option"
  elif [[ $current == -* ]]; then
    _holdfast_options "$path"
  else
    _holdfast_words "$path"
  fi
}

complete -F _holdfast holdfast
)";

/// A value of zsh's _arguments: what is told of an option stands in brackets.
std::string zsh_told(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const OptionInfo& option) {
  switch (option.completion) {
    case Completion::values: return "(" + joined(option.values, " ") + ")";
    case Completion::files: return "_files";
    case Completion::directories: return "_files -/";
    case Completion::nothing: return "";
  }
  return "";
}

/// What _arguments takes for an option: one specification for each of its names.
std::vector<std::string> zsh_option(const OptionInfo& option) {
  std::vector<std::string> specifications;
  for (const std::string& name : option.names) {
    std::string text = option.is_repeatable ? "*" : fmt::format("({})", joined(option.names, " "));
    text += name;
    if (!option.is_flag() && name.starts_with("--")) text += "=";
    text += "[" + zsh_told(option.description) + "]";
    if (!option.is_flag()) text += ":" + zsh_told(option.argument) + ":" + zsh_action(option);
    specifications.push_back(quoted(text));
  }
  return specifications;
}

void write_zsh_function(const CommandInfo& command, const CommandInfo& program, std::string& out) {
  out += fmt::format("\n{}() {{\n", function_name(command));
  const bool has_commands = !command.commands.empty();
  if (has_commands) {
    out += "  local context state state_descr line\n  typeset -A opt_args\n  local -a commands\n";
    out += "  commands=(\n";
    for (const CommandInfo& each : command.commands) {
      std::string name = each.name + ":" + summary(each);
      out += "    " + quoted(name) + "\n";
    }
    out += "  )\n";
  }
  out += has_commands ? "  _arguments -C \\\n" : "  _arguments \\\n";
  std::set<std::string> told;
  const auto write_options = [&](const CommandInfo& of) {
    for (const OptionInfo& option : of.options) {
      if (option.is_positional() || !told.insert(std::string(option.name())).second) continue;
      if (&of != &command && option.name() == "--version") continue;
      for (const std::string& text : zsh_option(option)) out += "    " + text + " \\\n";
    }
  };
  write_options(command);
  if (&command != &program) write_options(program);
  if (has_commands) {
    out += "    '1: :->command' \\\n    '*:: :->arguments'\n";
    const auto place = std::ranges::find_if(command.options, &OptionInfo::is_positional);
    out += "  case $state in\n    command)\n      _describe -t commands command commands\n";
    if (place != command.options.end() && place->completion == Completion::files) {
      out += "      _files\n";
    }
    out += "      ;;\n    arguments)\n      case $line[1] in\n";
    for (const CommandInfo& each : command.commands) {
      out += fmt::format("        {}) {} ;;\n", each.name, function_name(each));
    }
    if (place != command.options.end() && place->completion == Completion::files) {
      out += "        *) _files ;;\n";
    }
    out += "      esac\n      ;;\n  esac\n";
  } else {
    for (const OptionInfo& option : command.options) {
      if (!option.is_positional()) continue;
      out += "    " +
             quoted(fmt::format("{}:{}:{}", option.is_repeatable ? "*" : "",
                                zsh_told(option.argument), zsh_action(option))) +
             " \\\n";
    }
    out += "    && return 0\n";
  }
  out += "}\n";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_arguments(const OptionInfo& option) {
  switch (option.completion) {
    case Completion::values: return " -x -a " + fish_quoted(joined(option.values, " "));
    case Completion::files: return " -r -F";
    case Completion::directories: return " -x -a '(__fish_complete_directories)'";
    case Completion::nothing: return " -x";
  }
  return "";
}

}  // namespace

std::string bash_completion(const CommandInfo& program) {
  std::string out = fmt::format(fmt::runtime(begin_of_scripts), "in bash", "bash");
  const std::set<std::string> with_value = options_with_value(program);
  out += fmt::format(
      "\n_holdfast_takes_value() {{\n  case \"$1\" in\n    {}) return 0 ;;\n  esac\n  return "
      "1\n}}\n",
      fmt::join(with_value, " | "));

  std::string commands;
  std::string options;
  std::string places;
  std::string values;
  for_each_command(program, [&](const CommandInfo& command) {
    for (const CommandInfo& each : command.commands) {
      commands += fmt::format("{}{}", commands.empty() ? "" : " | ",
                              quoted(command.path + "/" + each.name));
    }
    std::vector<std::string> names;
    std::string place = "nothing";
    for (const OptionInfo& option : command.options) {
      names.insert(names.end(), option.names.begin(), option.names.end());
      if (option.is_positional()) {
        place = bash_action(option);
      } else if (!option.is_flag()) {
        std::vector<std::string> keys;
        for (const std::string& name : option.names) {
          // Options of the program are understood behind every command.
          keys.push_back(command.path.empty() ? "*/" + name : quoted(command.path + "/" + name));
        }
        const std::string line = fmt::format("    {}) _holdfast_matches {} ;;\n",
                                             joined(keys, " | "), bash_action(option));
        values.insert(command.path.empty() ? values.size() : 0, line);
      }
    }
    if (!command.path.empty()) {
      for (const OptionInfo& option : program.options) {
        if (option.name() != "--version")
          names.insert(names.end(), option.names.begin(), option.names.end());
      }
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    options += fmt::format("    {}) _holdfast_matches words {} ;;\n", quoted(command.path),
                           quoted(joined(names, " ")));
    const std::vector<std::string> below = command_names(command);
    if (below.empty()) {
      places += fmt::format("    {}) _holdfast_matches {} ;;\n", quoted(command.path), place);
    } else {
      places += fmt::format("    {})\n", quoted(command.path));
      if (place != "nothing") {
        places += fmt::format(
            "      _holdfast_matches {}\n      local found=(\"${{COMPREPLY[@]}}\")\n", place);
      }
      places += fmt::format("      _holdfast_matches words {}\n", quoted(joined(below, " ")));
      if (place != "nothing") places += "      COMPREPLY+=(\"${found[@]}\")\n";
      places += "      ;;\n";
    }
  });
  out += fmt::format(
      "\n_holdfast_is_command() {{\n  case \"$1/$2\" in\n    {}) return 0 ;;\n  esac\n  return "
      "1\n}}\n",
      commands);
  out += "\n_holdfast_options() {\n  case \"$1\" in\n" + options + "  esac\n}\n";
  out += "\n_holdfast_words() {\n  case \"$1\" in\n" + places + "  esac\n}\n";
  out += "\n_holdfast_value() {\n  case \"$1/$2\" in\n" + values + "  esac\n}\n";
  out += bash_functions;
  return out;
}

std::string zsh_completion(const CommandInfo& program) {
  std::string out =
      "#compdef holdfast\n" + fmt::format(fmt::runtime(begin_of_scripts), "in zsh", "zsh");
  for_each_command(program,
                   [&](const CommandInfo& command) { write_zsh_function(command, program, out); });
  // Read by `autoload` the file is the function; read by `source` it only defines it.
  out +=
      "\nif [ \"$funcstack[1]\" = \"_holdfast\" ]; then\n  _holdfast \"$@\"\nelse\n"
      "  compdef _holdfast holdfast\nfi\n";
  return out;
}

std::string fish_completion(const CommandInfo& program) {
  std::string out = fmt::format(fmt::runtime(begin_of_scripts), "in fish", "fish");
  std::vector<std::string> commands;
  for_each_command(program, [&](const CommandInfo& command) {
    if (!command.path.empty()) commands.push_back(fish_quoted(command.path));
  });
  out += fmt::format(R"(
function __holdfast_path
    set -l words (commandline -opc)
    set -l path ''
    set -l waits no
    for word in $words[2..-1]
        if test $waits = yes
            set waits no
        else if contains -- $word {}
            set waits yes
        else if not string match -q -- '-*' $word
            set -l longer (string trim -- "$path $word")
            contains -- $longer {}
            and set path $longer
        end
    end
    echo $path
end

function __holdfast_at
    test (__holdfast_path) = "$argv[1]"
end

complete -c holdfast -f
)",
                     fmt::join(options_with_value(program), " "), fmt::join(commands, " "));
  for_each_command(program, [&](const CommandInfo& command) {
    const std::string at =
        command.path.empty() ? "" : fmt::format(" -n \"__holdfast_at '{}'\"", command.path);
    const std::string here = fmt::format(" -n \"__holdfast_at '{}'\"", command.path);
    for (const CommandInfo& each : command.commands) {
      out += fmt::format("complete -c holdfast{} -a {} -d {}\n", here, each.name,
                         fish_quoted(summary(each)));
    }
    for (const OptionInfo& option : command.options) {
      if (option.is_positional()) {
        if (option.completion == Completion::files) {
          out += fmt::format("complete -c holdfast{} -F\n", here);
        } else if (option.completion != Completion::nothing) {
          out += fmt::format("complete -c holdfast{}{}\n", here, fish_arguments(option));
        }
        continue;
      }
      out += "complete -c holdfast" + at;
      for (const std::string& name : option.names) {
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!option.is_flag()) out += fish_arguments(option);
      out += " -d " + fish_quoted(option.description) + "\n";
    }
  });
  return out;
}

}  // namespace hf
