// SPDX-License-Identifier: Apache-2.0
#include "cli/command_tree.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <span>

#include "cli/help_words.h"
#include "predicate/nearest_name.h"

namespace hf {
namespace {

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// What CLI11 tells of an option's argument: "TEXT", "DIR", "TEXT:{table,json}", "N:INT in [1 -
/// 64]".
struct ArgumentType {
  std::string name;
  std::vector<std::string> values;
  std::string range;
};

ArgumentType read_type(const std::string& told) {
  ArgumentType type;
  const std::size_t colon = told.find(':');
  type.name = told.substr(0, colon);
  if (colon == std::string::npos) return type;
  const std::string rule = told.substr(colon + 1);
  if (rule.starts_with('{') && rule.ends_with('}')) {
    type.values = split(std::string_view(rule).substr(1, rule.size() - 2), ',');
  }
  const std::size_t open = rule.find(" in [");
  if (open != std::string::npos && rule.ends_with(']')) {
    type.range = rule.substr(open + 5, rule.size() - open - 6);
    if (const std::size_t dash = type.range.find(" - "); dash != std::string::npos) {
      type.range.replace(dash, 3, "..");
    }
  }
  return type;
}

std::string upper(std::string_view name) {
  std::string text(name.substr(std::min(name.find_first_not_of('-'), name.size())));
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

void settle_argument(OptionInfo& info, ArgumentType type) {
  info.values = std::move(type.values);
  info.range = std::move(type.range);
  info.is_open = info.values.empty();
  const bool is_said = type.name != "TEXT";
  if (type.name == "UINT" || type.name == "INT" || type.name == "FLOAT") {
    info.argument = "N";
  } else if (!is_said && !info.values.empty()) {
    info.argument = upper(info.name());
  } else {
    info.argument = is_said ? type.name : "VALUE";
  }
  if (info.argument == "PERIOD") info.values = {"hour", "day", "week", "month", "quarter", "year"};
  if (!info.values.empty()) {
    info.completion = Completion::values;
  } else if (info.argument == "DIR") {
    info.completion = Completion::directories;
  } else if (!is_said || info.argument.ends_with("FILE")) {
    info.completion = Completion::files;  // Of what is not said, what a shell offers by itself.
  }
}

OptionInfo describe_option(const CLI::Option& option, Words words) {
  OptionInfo info;
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  info.description = help_text(one_line(option.get_description()), words);
  info.variable = option.get_envname();
  info.is_required = option.get_required();
  info.is_repeatable = option.get_items_expected_max() > 1;
  if (option.get_items_expected_max() > 0) {
    settle_argument(info, read_type(option.get_type_name()));
    info.standard = option.get_default_str();
  }
  if (info.names.empty()) info.argument = upper(option.get_name(true));
  return info;
}

ExampleInfo describe_example(std::string_view line, Words words) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  char quote = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quote == 0 && c == ' ' && line.substr(at).starts_with("  ")) {
      const std::string_view remark = line.substr(line.find_first_not_of(' ', at));
      return {std::string(line.substr(0, at)), std::string(help_text(remark, words))};
    }
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
  }
  return {std::string(line), ""};
}

CommandInfo describe(const CLI::App& app, const std::string& above, Words words) {
  CommandInfo info;
  info.name = app.get_name();
  if (app.get_parent() != nullptr) info.path = above.empty() ? info.name : above + " " + info.name;
  info.group = help_text(app.get_group(), words);
  info.description = help_text(one_line(app.get_description()), words);
  info.needs_command = app.get_require_subcommand_min() > 0;
  // Arguments, then options; what every command has is told last.
  const auto place = [&](const CLI::Option* option) {
    if (!option->nonpositional()) return 0;
    return option == app.get_help_ptr() || option == app.get_version_ptr() ? 2 : 1;
  };
  for (const int wanted : {0, 1, 2}) {
    for (const CLI::Option* option : app.get_options({})) {
      if (place(option) == wanted) info.options.push_back(describe_option(*option, words));
    }
  }
  for (const std::string& line : split(app.get_footer(), '\n')) {
    if (!line.empty()) info.examples.push_back(describe_example(line, words));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    info.commands.push_back(describe(*command, info.path, words));
  }
  return info;
}

/// "a", "a or b", "a, b or c".
std::string alternatives(const std::vector<std::string>& values, Words words) {
  std::string text;
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (n > 0) text += n + 1 == values.size() ? words(" or ", " 或 ") : words(", ", "、");
    text += values[n];
  }
  return text;
}

std::string suggestion(std::string_view given, std::vector<std::string_view> known, Words words) {
  const auto near = near_miss(given, known);
  if (!near) return "";
  return fmt::format(fmt::runtime(words("; did you mean {}?", "；您是不是要 {}？")), *near);
}

/// A command and those it is below of, the program last: options of all of them may be given.
using Trail = std::vector<const CommandInfo*>;

const OptionInfo* find_option(const Trail& trail, std::string_view name) {
  for (const CommandInfo* command : trail) {
    for (const OptionInfo& option : command->options) {
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
    }
  }
  return nullptr;
}

Mistake unknown_option(const Trail& trail, std::string_view name, Words words) {
  std::vector<std::string_view> known;
  for (const CommandInfo* command : trail) {
    for (const OptionInfo& option : command->options) {
      known.insert(known.end(), option.names.begin(), option.names.end());
    }
  }
  return {"unknown_option", fmt::format(fmt::runtime(words("no option {}{}", "没有选项 {}{}")),
                                        name, suggestion(name, known, words))};
}

Mistake unknown_command(const CommandInfo& command, std::string_view name, Words words) {
  std::vector<std::string_view> known;
  for (const CommandInfo& each : command.commands) known.push_back(each.name);
  const std::string typed =
      command.path.empty() ? std::string(name) : fmt::format("{} {}", command.path, name);
  return {"unknown_command", fmt::format(fmt::runtime(words("no command {}{}", "没有命令 {}{}")),
                                         typed, suggestion(name, known, words))};
}

std::optional<Mistake> wrong_value(const OptionInfo& option, const std::string& value,
                                   Words words) {
  const auto say = [&](const std::string& takes, const std::string& nearest) {
    return Mistake{
        "invalid_value",
        fmt::format(fmt::runtime(words("{} takes {}, not {}{}", "{} 可取 {}，不能是 {}{}")),
                    option.name(), takes, value, nearest)};
  };
  if (!option.is_open) {
    if (std::ranges::find(option.values, value) != option.values.end()) return std::nullopt;
    return say(alternatives(option.values, words),
               suggestion(value, {option.values.begin(), option.values.end()}, words));
  }
  const bool is_number =
      !value.empty() && value.find_first_not_of("0123456789.-+eE") == std::string::npos;
  if (option.argument == "N" && !is_number) {
    return say(std::string(words("a number", "数字")), "");
  }
  return std::nullopt;
}

}  // namespace

std::string_view OptionInfo::name() const {
  const auto long_one =
      std::ranges::find_if(names, [](const std::string& n) { return n.starts_with("--"); });
  if (long_one != names.end()) return *long_one;
  return names.empty() ? argument : names.front();
}

const CommandInfo* CommandInfo::find(std::string_view wanted) const {
  const auto found = std::ranges::find(commands, wanted, &CommandInfo::name);
  return found == commands.end() ? nullptr : &*found;
}

CommandInfo describe_commands(const CLI::App& app, Words words) { return describe(app, "", words); }

std::string option_usage(const OptionInfo& option) {
  if (option.is_positional()) {
    const std::string name = option.argument + (option.is_repeatable ? ".." : "");
    return option.is_required ? name : "[" + name + "]";
  }
  std::string usage;
  for (const std::string& name : option.names) usage += (usage.empty() ? "" : ", ") + name;
  return option.is_flag() ? usage : usage + " " + option.argument;
}

std::string command_usage(const CommandInfo& command, Words words) {
  std::string usage = "holdfast";
  if (!command.path.empty()) usage += " " + command.path;
  usage += words(" [OPTIONS]", " [选项]");
  for (const OptionInfo& option : command.options) {
    if (option.is_required && !option.is_positional()) usage += " " + option_usage(option);
  }
  for (const OptionInfo& option : command.options) {
    if (option.is_positional()) usage += " " + option_usage(option);
  }
  if (command.commands.empty()) return usage;
  return usage + std::string(command.needs_command ? words(" COMMAND", " 命令")
                                                   : words(" [COMMAND]", " [命令]"));
}

std::string option_text(const OptionInfo& option, Words words) {
  std::string text = option.description;
  if (!option.is_open) {
    // "Form of the file: csv or parquet (default: by its name)".
    const std::size_t end = std::min(text.find(words(" (default", "（默认")), text.size());
    text.insert(end, std::string(words(": ", "：")) + alternatives(option.values, words));
  }
  std::vector<std::string> notes;
  if (!option.range.empty()) notes.push_back(option.range);
  if (!option.standard.empty()) {
    notes.push_back(fmt::format(fmt::runtime(words("default: {}", "默认：{}")), option.standard));
  }
  if (!option.variable.empty()) {
    notes.push_back(fmt::format(fmt::runtime(words("or ${}", "或 ${}")), option.variable));
  }
  if (option.is_required && !option.is_positional()) {
    notes.emplace_back(words("required", "必填"));
  }
  if (option.is_repeatable && !option.is_positional()) {
    notes.emplace_back(words("can be repeated", "可重复"));
  }
  if (notes.empty()) return text;
  // A default that the description tells is a note, too.
  const std::string_view close = words(")", "）");
  const bool has_notes =
      text.find(words(" (default", "（默认")) != std::string::npos && text.ends_with(close);
  if (has_notes) text.resize(text.size() - close.size());
  for (std::size_t n = 0; n < notes.size(); ++n) {
    text += n == 0 && !has_notes ? words(" (", "（") : words("; ", "；");
    text += notes[n];
  }
  text += close;
  return text;
}

std::string summary(const CommandInfo& command) {
  std::size_t end = command.description.size();
  for (const std::string_view mark : {". ", "; ", "。", "；"}) {
    end = std::min(end, command.description.find(mark));
  }
  return command.description.substr(0, end);
}

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> codes = {
      {0, "done", "完成"},
      {1, "failed: the disk, the network, a limit; doctor: warnings",
       "失败：磁盘、网络或限制；doctor：有警告"},
      {2, "wrong usage or input", "用法或输入有误"},
      {3, "not found", "未找到"},
      {4, "refused in the present state", "当前状态下不允许"},
      {5, "damaged data", "数据已损坏"},
      {130, "stopped by Ctrl-C", "被 Ctrl-C 中止"}};
  return codes;
}

std::optional<std::vector<std::string>> arguments_of_line(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  bool is_ours = false;
  // Ends a word, and is told whether the command ends with it.
  const auto end_word = [&](bool ends_command) {
    if (in_word && word == "holdfast" && !is_ours) {
      is_ours = true;
    } else if (in_word && is_ours) {
      words.push_back(word);
    }
    in_word = false;
    word.clear();
    return ends_command && is_ours;
  };
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == ' ') {
      (void)end_word(false);
    } else if (c == '|' || c == '&' || c == ';' || c == '>' || c == '<' || c == ')') {
      if (end_word(true)) break;
    } else if (line.substr(at).starts_with("$(") && !is_ours) {
      ++at;
      (void)end_word(false);
      word.clear();
    } else if (c == '\'' || c == '"') {
      in_word = true;
      for (++at; at < line.size() && line[at] != c; ++at) {
        if (c == '"' && line[at] == '\\' && at + 1 < line.size()) ++at;
        word += line[at];
      }
    } else {
      in_word = true;
      if (c == '\\' && at + 1 < line.size()) ++at;
      word += line[at];
    }
  }
  (void)end_word(false);
  if (!is_ours) return std::nullopt;
  return words;
}

std::optional<Mistake> find_mistake(const CommandInfo& program,
                                    const std::vector<std::string>& arguments, Words words,
                                    const CommandInfo*& command) {
  Trail trail = {&program};
  command = &program;
  std::size_t places_taken = 0;
  std::vector<std::string_view> given;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument.size() > 1 && argument.starts_with('-')) {
      const std::size_t equals = argument.find('=');
      const std::string name = argument.substr(0, equals);
      const OptionInfo* const option = find_option(trail, name);
      if (option == nullptr) return unknown_option(trail, name, words);
      given.push_back(option->name());
      if (option->is_flag()) continue;
      if (equals == std::string::npos && ++at == arguments.size()) {
        return Mistake{"missing_value",
                       fmt::format(fmt::runtime(words("{} needs a value: {}", "{} 需要一个值：{}")),
                                   name, option_usage(*option))};
      }
      const std::string value =
          equals == std::string::npos ? arguments[at] : argument.substr(equals + 1);
      if (auto mistake = wrong_value(*option, value, words)) return mistake;
    } else if (const CommandInfo* below = command->find(argument);
               below != nullptr && places_taken == 0) {
      command = below;
      trail.insert(trail.begin(), below);
    } else {
      ++places_taken;
      const bool has_places = std::ranges::any_of(command->options, &OptionInfo::is_positional);
      if (!command->commands.empty() && !has_places) {
        return unknown_command(*command, argument, words);
      }
    }
  }
  if (command->needs_command) {
    return Mistake{"missing_command", std::string(words("a command is missing", "缺少命令"))};
  }
  std::size_t places = 0;
  for (const OptionInfo& option : command->options) {
    const bool is_given = option.is_positional()
                              ? places++ < places_taken
                              : std::ranges::find(given, option.name()) != given.end();
    if (option.is_repeatable) places += arguments.size();
    if (option.is_required && !is_given) {
      return Mistake{"missing_argument",
                     fmt::format(fmt::runtime(words("{} is missing: {}", "缺少 {}：{}")),
                                 option.name(), command_usage(*command, words))};
    }
  }
  if (places_taken > places) {
    return Mistake{"unexpected_argument",
                   fmt::format(fmt::runtime(words("more arguments than there are places for: {}",
                                                  "参数过多：{}")),
                               command_usage(*command, words))};
  }
  return std::nullopt;
}

}  // namespace hf
