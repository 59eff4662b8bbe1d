// SPDX-License-Identifier: Apache-2.0
#include "cli/help_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hf {
namespace {

constexpr int columns_min = 80;
constexpr int columns_max = 100;
constexpr int name_columns_max = 30;  // Longer names have a line of their own.

using Row = std::pair<std::string, std::string>;

class HelpScreen {
 public:
  HelpScreen(const Terminal& terminal, Words words)
      : width_(std::clamp(terminal.width, columns_min, columns_max)),
        color_(terminal.color),
        words_(words) {}

  void paragraph(std::string_view text) {
    for (const std::string& line : wrapped(text, width_)) out_ += line + "\n";
  }
  void heading(std::string_view text) { out_ += "\n" + bold(text, color_) + "\n"; }
  void line(const std::string& text) { out_ += text + "\n"; }

  void rows(const std::vector<Row>& all) {
    int names = 0;
    for (const auto& [name, text] : all) {
      if (display_width(name) <= name_columns_max) names = std::max(names, display_width(name));
    }
    for (const auto& [name, text] : all) {
      std::string begin = "  " + pad_right(name, names) + "  ";
      if (display_width(name) > name_columns_max) {
        out_ += "  " + name + "\n";
        begin = std::string(static_cast<std::size_t>(names) + 4, ' ');
      }
      for (const std::string& part : wrapped(text, width_ - names - 4)) {
        out_ += begin + part + "\n";
        begin = std::string(static_cast<std::size_t>(names) + 4, ' ');
      }
    }
  }

  void options(std::string_view title, const CommandInfo& command, bool positional) {
    std::vector<Row> all;
    for (const OptionInfo& option : command.options) {
      if (option.is_positional() == positional) {
        all.emplace_back(option_usage(option), option_text(option, words_));
      }
    }
    if (all.empty()) return;
    heading(title);
    rows(all);
  }

  void commands(std::string_view title, const CommandInfo& command) {
    if (command.commands.empty()) return;
    std::string group;
    std::vector<Row> all;
    const auto end_group = [&] {
      if (all.empty()) return;
      heading(command.path.empty() ? group : title);
      rows(all);
      all.clear();
    };
    // Names line up over all groups.
    int names = 0;
    for (const CommandInfo& each : command.commands) {
      names = std::max(names, display_width(each.name));
    }
    std::vector<std::string> groups;
    for (const CommandInfo& each : command.commands) {
      if (std::ranges::find(groups, each.group) == groups.end()) groups.push_back(each.group);
    }
    for (const std::string& wanted : groups) {
      group = wanted;
      for (const CommandInfo& each : command.commands) {
        if (each.group == wanted) all.emplace_back(pad_right(each.name, names), summary(each));
      }
      end_group();
    }
  }

  void examples(const CommandInfo& command) {
    if (command.examples.empty()) return;
    heading(words_("Examples", "示例"));
    int lines = 0;
    for (const ExampleInfo& example : command.examples) {
      if (!example.remark.empty()) lines = std::max(lines, display_width(example.line));
    }
    for (const ExampleInfo& example : command.examples) {
      if (example.remark.empty()) {
        line("  " + example.line);
      } else if (lines + 4 + display_width(example.remark) <= width_) {
        line("  " + pad_right(example.line, lines) + "  " + example.remark);
      } else {
        line("  # " + example.remark);
        line("  " + example.line);
      }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  int width_;
  ColorMode color_;
  Words words_;
  std::string out_;
};

}  // namespace

std::vector<std::string_view> breakable_pieces(std::string_view text) {
  constexpr std::string_view never_first = "，。；：、！？）」”";
  constexpr std::string_view never_last = "（「“";
  const auto is_wide = [](std::string_view c) { return display_width(c) == 2; };
  const auto is_among = [](std::string_view c, std::string_view all) {
    return c.size() > 1 && all.find(c) != std::string_view::npos;
  };
  std::vector<std::string_view> pieces;
  std::string_view before;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 1;
    while (at + size < text.size() &&
           (static_cast<unsigned char>(text[at + size]) & 0xc0) == 0x80) {
      ++size;
    }
    const std::string_view character = text.substr(at, size);
    const bool may_break =
        before == " " || ((is_wide(before) || is_wide(character)) && character != " " &&
                          !is_among(before, never_last) && !is_among(character, never_first));
    if (may_break && at > begin) {
      pieces.push_back(text.substr(begin, at - begin));
      begin = at;
    }
    before = character;
    at += size;
  }
  if (begin < text.size()) pieces.push_back(text.substr(begin));
  return pieces;
}

std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  const auto end_line = [&] {
    while (line.ends_with(' ')) line.pop_back();
    lines.push_back(std::move(line));
    line.clear();
  };
  for (const std::string_view piece : breakable_pieces(text)) {
    const int needed = display_width(piece) - (piece.ends_with(' ') ? 1 : 0);
    if (!line.empty() && display_width(line) + needed > width) end_line();
    line += piece;
  }
  if (!line.empty() || lines.empty()) end_line();
  return lines;
}

std::string render_help(const CommandInfo& program, const CommandInfo& command,
                        const Terminal& terminal, Words words) {
  HelpScreen screen(terminal, words);
  screen.paragraph(command.description);
  screen.heading(words("Usage", "用法"));
  screen.line("  " + command_usage(command, words));
  screen.options(words("Arguments", "参数"), command, true);
  screen.commands(words("Commands", "命令"), command);
  screen.options(words("Options", "选项"), command, false);
  if (!command.path.empty()) {
    CommandInfo everywhere;
    for (const OptionInfo& option : program.options) {
      const bool is_own = std::ranges::any_of(
          command.options, [&](const OptionInfo& own) { return own.name() == option.name(); });
      if (!is_own && option.name() != "--version") everywhere.options.push_back(option);
    }
    screen.options(words("Options of every command", "所有命令通用的选项"), everywhere, false);
  }
  screen.examples(command);
  if (command.path.empty()) {
    screen.heading(words("Exit codes", "退出码"));
    std::vector<Row> codes;
    for (const ExitCode& each : exit_codes()) {
      codes.emplace_back(std::to_string(each.code), words(each.english, each.chinese));
    }
    screen.rows(codes);
    screen.line("");
    screen.line(std::string(words("More of each command:  holdfast COMMAND --help",
                                  "各命令的说明：  holdfast 命令 --help")));
    screen.line(std::string(words("The whole manual:      holdfast man | man -l -",
                                  "完整手册：      holdfast man | man -l -")));
  } else if (!command.commands.empty()) {
    screen.line("");
    screen.paragraph(fmt::format(fmt::runtime(words("More of each: holdfast {} COMMAND --help",
                                                    "各命令的说明：holdfast {} 命令 --help")),
                                 command.path));
  }
  return screen.take();
}

}  // namespace hf
