// SPDX-License-Identifier: Apache-2.0
//
// The command line teaches itself: help, completion and manual are read from the commands, and
// here every command is held to have something to say, in both languages.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "cli/command_line.h"
#include "cli/command_tree.h"
#include "cli/completion_scripts.h"
#include "cli/help_screen.h"
#include "cli/help_words.h"
#include "cli/manual.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::ScratchDirectory;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Words english = {Language::english};
constexpr Words chinese = {Language::chinese};

const CommandInfo& program() {
  static const CommandInfo tree = describe_command_line(english);
  return tree;
}

std::vector<const CommandInfo*> all_commands(const CommandInfo& command) {
  std::vector<const CommandInfo*> all = {&command};
  for (const CommandInfo& each : command.commands) {
    for (const CommandInfo* below : all_commands(each)) all.push_back(below);
  }
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(CommandHelp, EveryCommandAndOptionSaysWhatItIs) {
  for (const CommandInfo* command : all_commands(program())) {
    SCOPED_TRACE("holdfast " + command->path);
    EXPECT_THAT(command->description, Not(IsEmpty()));
    EXPECT_THAT(command->description, Not(testing::EndsWith(".")));
    for (const OptionInfo& option : command->options) {
      EXPECT_THAT(option.description, Not(IsEmpty())) << option.name();
    }
  }
}

TEST(CommandHelp, EveryExampleIsUnderstoodByTheProgram) {
  for (const CommandInfo* command : all_commands(program())) {
    SCOPED_TRACE("holdfast " + command->path);
    EXPECT_THAT(command->examples, Not(IsEmpty()));
    std::size_t own = 0;
    for (const ExampleInfo& example : command->examples) {
      const auto arguments = arguments_of_line(example.line);
      if (!arguments) continue;  // What another program does with ours: curl.
      ++own;
      const auto understood = understand_command_line(*arguments, english);
      EXPECT_TRUE(understood) << example.line << ": " << understood.error().message;
    }
    EXPECT_GT(own, 0u) << "no example of it";
    // Where there is something to choose, an example of a choice.
    const bool has_choice = std::ranges::any_of(command->options, [](const OptionInfo& option) {
      return !option.is_positional() && option.name() != "--help" && !option.values.empty();
    });
    if (has_choice || !command->commands.empty()) {
      EXPECT_GE(command->examples.size(), 2u);
    }
  }
}

TEST(CommandHelp, AWrongExampleWouldBeSeen) {
  const auto told = [](std::string_view line) {
    const auto understood = understand_command_line(*arguments_of_line(line), english);
    return understood ? std::string() : std::string(understood.error().reason);
  };
  EXPECT_EQ(told("holdfast retention --period month"), "");
  EXPECT_EQ(told("holdfast retenton"), "unknown_command");
  EXPECT_EQ(told("echo '{}' | holdfast retention --periode month"), "unknown_option");
  EXPECT_EQ(told("holdfast trend buy --format xml"), "invalid_value");
  EXPECT_EQ(told("holdfast export"), "missing_argument");
}

TEST(CommandHelp, LinesAreReadAsAShellReadsThem) {
  const auto words = [](std::string_view line) { return *arguments_of_line(line); };
  EXPECT_THAT(words("holdfast trend '*:unique' --by \"a b\""),
              ElementsAre("trend", "*:unique", "--by", "a b"));
  EXPECT_THAT(words("echo 'x | y' | holdfast query - > out"), ElementsAre("query", "-"));
  EXPECT_THAT(words("KEY=$(holdfast key create --kind read)"),
              ElementsAre("key", "create", "--kind", "read"));
  EXPECT_THAT(words("holdfast backup \"/b/$(date +%F)\" --format json"),
              ElementsAre("backup", "/b/$(date +%F)", "--format", "json"));
  EXPECT_EQ(arguments_of_line("curl http://127.0.0.1"), std::nullopt);
}

TEST(CommandHelp, IsEightyToAHundredColumnsWideInBothLanguages) {
  for (const Words words : {english, chinese}) {
    const CommandInfo tree = describe_command_line(words);
    for (const CommandInfo* command : all_commands(tree)) {
      for (const int width : {0, 80, 100, 200}) {
        const std::string help = render_help(tree, *command, {.width = width}, words);
        for (const std::string& line : lines_of(help)) {
          EXPECT_LE(display_width(line), 100) << command->path << ": " << line;
        }
      }
    }
  }
}

TEST(CommandHelp, IsWholeInChinese) {
  const CommandInfo tree = describe_command_line(chinese);
  const auto all = all_commands(tree);
  const auto originals = all_commands(program());
  ASSERT_EQ(all.size(), originals.size());
  const auto known = known_help_texts();
  const std::set<std::string_view> texts(known.begin(), known.end());
  EXPECT_EQ(texts.size(), known.size()) << "a text stands twice in help_words.cpp";
  std::set<std::string, std::less<>> used;
  const auto is_known = [&](const std::string& text) {
    used.insert(text);
    EXPECT_TRUE(texts.contains(text)) << "no Chinese in help_words.cpp: " << text;
  };
  for (const CommandInfo* command : originals) {
    SCOPED_TRACE("holdfast " + command->path);
    is_known(command->description);
    if (!command->path.empty() && command->path == command->name) is_known(command->group);
    for (const OptionInfo& option : command->options) is_known(option.description);
    for (const ExampleInfo& example : command->examples) {
      if (!example.remark.empty()) is_known(example.remark);
    }
  }
  for (const std::string_view text : known) {
    EXPECT_TRUE(used.contains(text)) << "nobody says this any more: " << text;
  }
}

TEST(CommandHelp, TextIsBrokenAtBlanksAndBetweenChineseCharacters) {
  EXPECT_THAT(wrapped("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("unbreakable", 4), ElementsAre("unbreakable"));
  EXPECT_THAT(wrapped("", 10), ElementsAre(""));
  EXPECT_THAT(wrapped("谁会再次购买，谁不会", 12), ElementsAre("谁会再次购", "买，谁不会"));
}

TEST(CommandLine, TellsWhatWasProbablyMeant) {
  struct Case {
    std::vector<std::string> arguments;
    std::string_view told;
  };
  const Case cases[] = {
      {{"retenton"}, "no command retenton; did you mean retention? (unknown_command)"},
      {{"key", "crate"}, "no command key crate; did you mean create? (unknown_command)"},
      {{"zzzzzz"}, "no command zzzzzz (unknown_command)"},
      {{"retention", "--perod", "day"}, "no option --perod; did you mean --period?"},
      {{"retention", "--perod=day"}, "no option --perod; did you mean --period?"},
      {{"retention", "--dta", "x"}, "no option --dta; did you mean --data?"},
      {{"trend", "a", "--format", "jsn"}, "takes table, json or csv, not jsn; did you mean json?"},
      {{"serve", "--threads", "many"}, "--threads takes a number, not many (invalid_value)"},
      {{"serve", "--threads"}, "--threads needs a value: --threads N (missing_value)"},
      {{"export"}, "FILE is missing: holdfast export [OPTIONS] FILE (missing_argument)"},
      {{"verify", "everything"}, "(unexpected_argument)"},
      {{"serve", "--threads", "99"}, "99"},
      {{"--lang", "zh", "retenton"}, "没有命令 retenton；您是不是要 retention？"},
  };
  const ScratchDirectory directory;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    const Ended ended = test::run(directory, c.arguments);
    EXPECT_EQ(ended.code, 2);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, AllOf(testing::StartsWith("holdfast: "), HasSubstr(c.told),
                                 HasSubstr(" --help\n")));
  }
}

TEST(CommandLine, WithoutACommandShowsWhichThereAre) {
  const ScratchDirectory directory;
  const Ended nothing = test::run(directory, {});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, AllOf(HasSubstr("Collect events\n"), HasSubstr("  retention  ")));
  const Ended person = test::run(directory, {"person"});
  EXPECT_EQ(person.code, 2);
  EXPECT_THAT(person.err, HasSubstr("  unlink  "));
}

TEST(CommandLine, HelpSpeaksTheLanguageAskedForWhereverItIsSaid) {
  const ScratchDirectory directory;
  EXPECT_THAT(test::run(directory, {"--lang", "zh", "--help"}).out, HasSubstr("用法\n"));
  EXPECT_THAT(test::run(directory, {"retention", "--help", "--lang=zh"}).out, HasSubstr("示例\n"));
  EXPECT_THAT(test::run(directory, {"retention", "--help"}).out, HasSubstr("Examples\n"));
  EXPECT_EQ(test::run(directory, {"--version"}).out, HOLDFAST_VERSION "\n");
}

// -- Completion -----------------------------------------------------------------------------------

/// What bash offers for the last word of `line`, by the script as printed.
std::vector<std::string> offered_by_bash(const ScratchDirectory& directory,
                                         const std::string& line) {
  const std::string script = directory / "completion.bash";
  test::write_text(script, test::run(directory, {"completion", "bash"}).out);
  // bash makes words of = and : by themselves, and hands them over like that.
  const std::string driver = directory / "driver.bash";
  test::write_text(driver,
                   "set -u\n. \"$1\"\nline=$2\n"
                   "read -r -a COMP_WORDS <<< \"${line//=/ = }\"\n"
                   "[[ $line == *' ' || $line == *= ]] && COMP_WORDS+=('')\n"
                   "[[ $line == *= ]] && unset 'COMP_WORDS[-1]'\n"
                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                   "[[ $(complete -p holdfast) == *'-F _holdfast holdfast' ]] || exit 9\n"
                   "_holdfast\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const std::string out = directory / "offered";
  const std::string command =
      fmt::format("cd '{}' && bash --norc '{}' '{}' '{}' > '{}' 2> '{}'", directory / "", driver,
                  script, line, out, directory / "bash_errors");
  EXPECT_EQ(std::system(command.c_str()), 0) << line;
  EXPECT_EQ(test::text_of(directory / "bash_errors"), "") << line;
  return lines_of(test::text_of(out));
}

TEST(Completion, BashOffersCommandsOptionsValuesAndFiles) {
  const ScratchDirectory directory;
  test::write_text(directory / "orders of May.csv", "");
  std::filesystem::create_directory(directory / "shop");
  const auto offered = [&](const std::string& line) { return offered_by_bash(directory, line); };
  EXPECT_THAT(offered("holdfast re"), ElementsAre("retention", "restore"));
  EXPECT_THAT(offered("holdfast "), AllOf(Contains("demo"), Contains("completion")));
  EXPECT_THAT(offered("holdfast key "), ElementsAre("create", "list", "revoke"));
  EXPECT_THAT(offered("holdfast key create --k"), ElementsAre("--kind"));
  EXPECT_THAT(offered("holdfast key create --kind "), ElementsAre("write", "read", "admin"));
  EXPECT_THAT(offered("holdfast key create --kind=a"), ElementsAre("admin"));
  EXPECT_THAT(offered("holdfast key create --kind="), ElementsAre("write", "read", "admin"));
  EXPECT_THAT(offered("holdfast key create --kind read --l"), ElementsAre("--label", "--lang"));
  EXPECT_THAT(offered("holdfast --data shop retention --per"),
              ElementsAre("--period", "--periods"));
  EXPECT_THAT(offered("holdfast --lang zh retention --format c"), ElementsAre("csv"));
  EXPECT_THAT(offered("holdfast retention --period m"), ElementsAre("month"));
  EXPECT_THAT(offered("holdfast retention --color "), ElementsAre("auto", "always", "never"));
  EXPECT_THAT(offered("holdfast --data s"), ElementsAre("shop"));
  EXPECT_THAT(offered("holdfast --data o"), ElementsAre(""));
  EXPECT_THAT(offered("holdfast import ord"), ElementsAre("orders of May.csv"));
  EXPECT_THAT(offered("holdfast import l"), ElementsAre("list"));
  EXPECT_THAT(offered("holdfast completion "), ElementsAre("bash", "zsh", "fish"));
  // The value of an option is no command.
  EXPECT_THAT(offered("holdfast --lang import --"), Not(Contains("--map")));
}

TEST(Completion, AnOptionTakesAValueInEveryCommandOrInNone) {
  std::map<std::string, bool> flags;
  for (const CommandInfo* command : all_commands(program())) {
    for (const OptionInfo& option : command->options) {
      for (const std::string& name : option.names) {
        EXPECT_EQ(flags.emplace(name, option.is_flag()).first->second, option.is_flag())
            << command->path << " " << name;
      }
    }
  }
}

bool has_program(const std::string& name) {
  return std::system(fmt::format("command -v {} > /dev/null 2>&1", name).c_str()) == 0;
}

TEST(Completion, ZshReadsItsScriptAndOffersCommands) {
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh here";
  const ScratchDirectory directory;
  test::write_text(directory / "_holdfast", test::run(directory, {"completion", "zsh"}).out);
  // A real line editor in a pseudo terminal, which lists on the second tab; ends when it has shown
  // what is expected.
  test::write_text(directory / "driver.zsh", R"(zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; LISTMAX=9999; stty columns 200 rows 200; setopt no_always_last_prompt'
zpty -w shell "fpath=('$1' \$fpath); autoload -Uz compinit; compinit -u -D; echo re''ady"
zpty -r shell out '*ready*'
zpty -w -n shell "$2"$'\t\t'
zpty -r shell out "*$3*"
)");
  const auto offers = [&](const std::string& line, const std::string& expected) {
    return std::system(fmt::format("cd '{0}' && timeout 60 zsh -f driver.zsh '{0}' '{1}' '{2}'",
                                   directory / "", line, expected)
                           .c_str()) == 0;
  };
  EXPECT_TRUE(offers("holdfast ", "retention*Who comes back"));
  EXPECT_TRUE(offers("holdfast key ", "create*Make a key*revoke"));
  EXPECT_TRUE(offers("holdfast key create --kind ", "admin*read*write"));
  EXPECT_TRUE(offers("holdfast --lang zh retention --per", "Columns after the first"));
}

TEST(Completion, FishOffersCommandsOptionsAndValues) {
  if (!has_program("fish")) GTEST_SKIP() << "no fish here";
  const ScratchDirectory directory;
  test::write_text(directory / "holdfast.fish", test::run(directory, {"completion", "fish"}).out);
  const auto offered = [&](const std::string& line) {
    const std::string out = directory / "offered";
    EXPECT_EQ(
        std::system(fmt::format("cd '{0}' && HOME='{0}' XDG_CONFIG_HOME='{0}' fish --no-config -c "
                                "'source holdfast.fish; complete -C \"{1}\"' > '{2}' 2>&1",
                                directory / "", line, out)
                        .c_str()),
        0);
    std::vector<std::string> names;
    for (const std::string& each : lines_of(test::text_of(out))) {
      names.push_back(each.substr(0, each.find('\t')));
    }
    return names;
  };
  EXPECT_THAT(offered("holdfast re"), testing::UnorderedElementsAre("retention", "restore"));
  EXPECT_THAT(offered("holdfast key "), testing::UnorderedElementsAre("create", "list", "revoke"));
  EXPECT_THAT(offered("holdfast key create --kind "),
              testing::UnorderedElementsAre("write", "read", "admin"));
  EXPECT_THAT(offered("holdfast --lang zh retention --period m"), ElementsAre("month"));
  EXPECT_THAT(offered("holdfast retention --per"),
              testing::UnorderedElementsAre("--period", "--periods"));
}

// -- Manual ---------------------------------------------------------------------------------------

TEST(Manual, TellsEveryCommandAndOption) {
  const std::string manual = render_manual(program(), "1.2.3", english);
  for (const CommandInfo* command : all_commands(program())) {
    if (command->path.empty()) continue;
    std::string usage = command->path;
    if (const std::size_t dash = usage.find('-'); dash != std::string::npos) {
      usage.insert(dash, "\\");  // As roff has it.
    }
    EXPECT_THAT(manual, HasSubstr(".SS \"holdfast " + usage)) << usage;
  }
  EXPECT_THAT(manual, AllOf(HasSubstr(".TH HOLDFAST 1 \"\" \"Holdfast 1.2.3\""),
                            HasSubstr("\\fB\\-\\-count\\-return\\fR \\fIWHICH\\fR"),
                            HasSubstr(".SH \"EXIT STATUS\"")));
  for (const std::string& line : lines_of(manual)) {
    EXPECT_THAT(line, Not(testing::StartsWith("'")));
    EXPECT_FALSE(line.empty());
  }
}

TEST(Manual, GroffTakesItWithoutAWarning) {
  if (!has_program("groff")) GTEST_SKIP() << "no groff here";
  const ScratchDirectory directory;
  for (const std::string language : {"en", "zh"}) {
    test::write_text(directory / "holdfast.1",
                     test::run(directory, {"man", "--lang", language}).out);
    EXPECT_EQ(
        std::system(fmt::format("cd '{0}' && groff -k -man -Tutf8 -ww -rLL=100n holdfast.1 > shown "
                                "2> warnings",
                                directory / "")
                        .c_str()),
        0);
    EXPECT_EQ(test::text_of(directory / "warnings"), "") << language;
    EXPECT_THAT(test::text_of(directory / "shown"), HasSubstr("HOLDFAST_DATA"));
  }
}

}  // namespace
}  // namespace hf
