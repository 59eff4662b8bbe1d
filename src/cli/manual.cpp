// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/help_screen.h"

namespace hf {
namespace {

/// Text that roff shows as it is.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;  // Else a hyphen, which nobody could copy into a shell.
      case '\'': out += "\\(aq"; break;
      case '"': out += "\\(dq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      default: out += c;
    }
  }
  return out;
}

/// A line of running text: roff breaks it at blanks by itself, and elsewhere where it is told. At
/// its begin a dot would be a request.
std::string line_of(std::string_view text) {
  std::string out = text.starts_with('.') ? "\\&" : "";
  for (const std::string_view piece : breakable_pieces(text)) {
    out += escaped(piece);
    if (!piece.ends_with(' ')) out += "\\:";
  }
  if (out.ends_with("\\:")) out.resize(out.size() - 2);
  return out + "\n";
}

/// A line that is shown as it stands.
std::string literal_line(std::string_view text) {
  return (text.starts_with('.') ? "\\&" : "") + escaped(text) + "\n";
}

class Manual {
 public:
  Manual(const CommandInfo& program, std::string_view version, Words words)
      : program_(program), words_(words) {
    out_ = fmt::format(
        ".\\\" SPDX-License-Identifier: Apache-2.0\n"
        ".\\\" Printed by `holdfast man`.\n"
        ".TH HOLDFAST 1 \"\" \"Holdfast {}\" \"{}\"\n.nr HY 0\n.ds AD l\n.ad l\n",
        version, words("Holdfast Manual", "Holdfast 手册"));
  }

  void section(std::string_view english, std::string_view chinese) {
    out_ += fmt::format(".SH \"{}\"\n", words_(english, chinese));
  }
  void text(std::string_view english, std::string_view chinese) {
    out_ += line_of(words_(english, chinese));
  }
  void raw(std::string_view roff) { out_ += roff; }

  void item(std::string_view name, std::string_view said) {
    out_ += fmt::format(".TP\n.B {}\n", escaped(name));
    out_ += line_of(said);
  }

  void option(const OptionInfo& option) {
    std::string tag;
    for (const std::string& name : option.names) {
      tag += fmt::format("{}\\fB{}\\fR", tag.empty() ? "" : ", ", escaped(name));
    }
    if (option.is_positional()) {
      tag = fmt::format("\\fI{}\\fR", escaped(option_usage(option)));
    } else if (!option.is_flag()) {
      tag += fmt::format(" \\fI{}\\fR", escaped(option.argument));
    }
    out_ += ".TP\n" + tag + "\n" + line_of(option_text(option, words_));
  }

  void options(const CommandInfo& command) {
    for (const OptionInfo& each : command.options) {
      // --help is the same everywhere, and told once.
      if (command.path.empty() || each.name() != "--help") option(each);
    }
  }

  void examples(const CommandInfo& command) {
    if (command.examples.empty()) return;
    out_ += ".PP\n" + line_of(words_("Examples:", "示例："));
    for (const ExampleInfo& example : command.examples) {
      if (!example.remark.empty()) out_ += ".PP\n" + line_of(example.remark + ":");
      out_ += (example.remark.empty() ? ".PP\n.RS 4\n.EX\n" : ".RS 4\n.EX\n") +
              literal_line(example.line) + ".EE\n.RE\n";
    }
  }

  void command(const CommandInfo& told) {
    out_ += fmt::format(".SS \"{}\"\n", escaped(command_usage(told, words_)));
    out_ += line_of(told.description + std::string(words_(".", "。")));
    options(told);
    examples(told);
    for (const CommandInfo& each : told.commands) command(each);
  }

  void groups() {
    std::vector<std::string> done;
    for (const CommandInfo& first : program_.commands) {
      if (std::ranges::find(done, first.group) != done.end()) continue;
      done.push_back(first.group);
      out_ += fmt::format(".SH \"{}: {}\"\n", words_("COMMANDS", "命令"), escaped(first.group));
      for (const CommandInfo& each : program_.commands) {
        if (each.group == first.group) command(each);
      }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  const CommandInfo& program_;
  Words words_;
  std::string out_;
};

}  // namespace

std::string render_manual(const CommandInfo& program, std::string_view version, Words words) {
  Manual manual(program, version, words);
  manual.section("NAME", "名称");
  manual.raw("holdfast \\- " +
             escaped(words("measure who stays, from your events, exactly",
                           "依据您的事件，精确衡量谁留下来")) +
             "\n");
  manual.section("SYNOPSIS", "概要");
  manual.raw(fmt::format(".B holdfast\n{}\n", words("[\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...",
                                                    "[\\fI选项\\fR] \\fI命令\\fR ...")));
  manual.section("DESCRIPTION", "描述");
  manual.text(program.description, program.description);
  manual.raw(".PP\n");
  manual.text(
      "Events lie in a data directory: imported from files, appended from standard input, or sent "
      "to the server that `holdfast serve' runs. Questions read them there, also while others "
      "write. Commands that change the store are carried out by the server, where one runs on the "
      "same directory.",
      "事件存放在数据目录中：可从文件导入，从标准输入追加，或发送到 holdfast serve 运行的服务器。"
      "查询直接读取该目录，写入期间也可进行。若有服务器在使用同一目录，改动存储的命令由该服务器执行"
      "。");
  manual.examples(program);
  manual.section("OPTIONS", "选项");
  manual.text("These are understood by every command, before or behind its name.",
              "每个命令都接受下列选项，可写在命令名之前或之后。");
  manual.options(program);
  manual.groups();
  manual.section("FILES", "文件");
  manual.item(
      "data",
      words("The data directory, unless --data or HOLDFAST_DATA names another. Its "
            "files are readable for their owner alone.",
            "数据目录，除非用 --data 或 HOLDFAST_DATA 指定其他目录。其中的文件只有所有者可读。"));
  manual.item("data/rejects", words("Rows of imports that could not be events, with line, column "
                                    "and reason.",
                                    "导入时无法成为事件的行，注明行、列和原因。"));
  manual.section("ENVIRONMENT", "环境变量");
  manual.item("HOLDFAST_DATA",
              words("The data directory, unless --data names it.", "数据目录；--data 优先。"));
  manual.item(
      "LC_ALL, LC_MESSAGES, LANG",
      words("The language: Chinese where the first of these that is set begins with zh, else "
            "English. --lang goes before them.",
            "语言：其中第一个已设置的变量以 zh 开头则为中文，否则为英文。--lang 优先。"));
  manual.item("NO_COLOR, TERM, COLORTERM",
              words("Whether and how to colour what a terminal shows; see --color.",
                    "终端输出是否及如何着色；参见 --color。"));
  manual.section("EXIT STATUS", "退出状态");
  for (const ExitCode& each : exit_codes()) {
    manual.item(std::to_string(each.code), words(each.english, each.chinese));
  }
  manual.section("SEE ALSO", "参见");
  manual.raw(".BR curl (1),\n.BR duckdb (1),\n.BR man (1)\n");
  manual.raw(".PP\n");
  manual.text(
      "The documentation, from a first look to the bytes on disk: docs/README.md of the source.",
      "完整文档，从入门到磁盘格式：源码中的 docs/README.md。");
  return manual.take();
}

}  // namespace hf
