// SPDX-License-Identifier: Apache-2.0
//
// Holds the source tree to what CONTRIBUTING.md says of it: which way #include arrows point, which
// headers stay out of our headers, licence lines, file names, paths of one machine. Each rule is a
// function from text to complaints, so that a test can show it something wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace hf {
namespace {

namespace fs = std::filesystem;
using Complaints = std::vector<std::string>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path root = HOLDFAST_SOURCE_DIR;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::set<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

struct SourceFile {
  std::string path;  // From the top of the tree: "src/base/env.h".
  std::string text;
};

/// Everything we wrote: what git would take, were it asked; found without asking git, so that it
/// works in an unpacked archive too.
const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = [] {
    static constexpr std::array not_ours = {".git", "build", "data"};
    std::vector<SourceFile> found;
    for (fs::recursive_directory_iterator at(root), end; at != end; ++at) {
      const std::string path = at->path().lexically_relative(root).generic_string();
      if (std::ranges::find(not_ours, path) != not_ours.end() ||
          at->path().filename() == "node_modules") {
        at.disable_recursion_pending();
      } else if (at->is_regular_file()) {
        found.push_back({path, text_of(at->path())});
      }
    }
    std::ranges::sort(found, {}, &SourceFile::path);
    return found;
  }();
  return files;
}

bool is_cpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cpp"); }

Complaints complaints_about_tree(Complaints (*rule)(const SourceFile&)) {
  Complaints all;
  for (const SourceFile& file : tree()) std::ranges::move(rule(file), std::back_inserter(all));
  return all;
}

// -- Arrows ---------------------------------------------------------------------------------------

using Arrows = std::map<std::string, std::set<std::string>>;

Arrows parse_arrows(const std::string& text) {
  Arrows arrows;
  std::set<std::string> above;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with('#') || line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) {
      ADD_FAILURE() << "no layer: " << line;
      continue;
    }
    const std::string layer = line.substr(0, colon);
    std::set<std::string> targets = words_of(line.substr(colon + 1));
    if (targets.contains("*")) targets = above;
    for (const std::string& target : targets) {
      EXPECT_TRUE(above.contains(target)) << layer << " -> " << target << ", which is not above it";
    }
    EXPECT_TRUE(above.insert(layer).second) << "twice: " << layer;
    arrows[layer] = std::move(targets);
  }
  return arrows;
}

const Arrows& arrows() {
  static const Arrows parsed = parse_arrows(text_of(root / "tools/include_arrows.txt"));
  return parsed;
}

Complaints wrong_arrows(const SourceFile& file, const Arrows& allowed) {
  static const std::regex include(R"re(^\s*#\s*include\s*"([^"]*)")re");
  static const std::regex source(R"(^src/([^/]+)/.*)");
  std::smatch in;
  if (!is_cpp(file.path) || !std::regex_match(file.path, in, source)) return {};
  const std::string layer = in[1];
  if (!allowed.contains(layer)) return {file.path + ": no layer of tools/include_arrows.txt"};
  Complaints complaints;
  for (const std::string& line : lines_of(file.text)) {
    std::smatch match;
    if (!std::regex_search(line, match, include)) continue;
    const std::string header = match[1];
    const std::string target = header.substr(0, header.find('/'));
    if (header.find('/') == std::string::npos || header.starts_with('.')) {
      complaints.push_back(file.path + ": not from src/: " + header);
    } else if (target != layer && !allowed.at(layer).contains(target)) {
      complaints.push_back(file.path + ": " + layer + " may not include " + header);
    }
  }
  return complaints;
}

Complaints wrong_arrows_of_tree(const SourceFile& file) { return wrong_arrows(file, arrows()); }

TEST(IncludeArrows, PointOneWayInTheTree) {
  EXPECT_THAT(complaints_about_tree(wrong_arrows_of_tree), IsEmpty());
}

TEST(IncludeArrows, AWrongOneIsFound) {
  const Arrows allowed = parse_arrows("base:\nstore: base\nmetric: base store\ncli: *\n");
  EXPECT_THAT(wrong_arrows({"src/store/part.cpp",
                            "#include \"base/env.h\"\n"
                            "#include \"metric/funnel.h\"\n"},
                           allowed),
              ElementsAre("src/store/part.cpp: store may not include metric/funnel.h"));
  EXPECT_THAT(wrong_arrows({"src/store/part.cpp", "  #  include \"metric/funnel.h\""}, allowed),
              ElementsAre(HasSubstr("store may not include")));
  EXPECT_THAT(wrong_arrows({"src/base/env.cpp", "#include \"../store/part.h\"\n"}, allowed),
              ElementsAre(HasSubstr("not from src/")));
  EXPECT_THAT(wrong_arrows({"src/http/server.cpp", ""}, allowed),
              ElementsAre(HasSubstr("no layer")));
  EXPECT_THAT(
      wrong_arrows({"src/cli/main.cpp", "#include \"store/part.h\"\n#include <vector>\n"}, allowed),
      IsEmpty());
}

/// The USES of each hf_layer() of a CMakeLists.txt.
Arrows parse_uses(const std::string& cmake) {
  static const std::regex call(R"(hf_layer\(\s*(\w+)(?:\s+USES\s+([a-z\s]*))?)");
  Arrows uses;
  for (std::sregex_iterator at(cmake.begin(), cmake.end(), call), end; at != end; ++at) {
    uses[(*at)[1]] = words_of((*at)[2]);
  }
  return uses;
}

TEST(IncludeArrows, AreWhatCMakeLinks) {
  Arrows linked = parse_uses(text_of(root / "CMakeLists.txt"));
  for (const auto& [layer, targets] : arrows()) {
    if (layer == "app") continue;  // The program itself.
    EXPECT_EQ(linked[layer], targets) << layer;
    linked.erase(layer);
  }
  EXPECT_THAT(linked, IsEmpty());
}

TEST(IncludeArrows, ADifferentUsesIsSeen) {
  const Arrows uses =
      parse_uses("hf_layer(base LINK fmt::fmt)\nhf_layer(store   USES base event LINK z)\n");
  EXPECT_THAT(uses.at("base"), IsEmpty());
  EXPECT_THAT(uses.at("store"), ElementsAre("base", "event"));
}

// -- Headers that cost seconds of each file that reads them ---------------------------------------

Complaints heavy_headers(const SourceFile& file) {
  // Headers that must show one of these: the adapter's own, which speak DuckDB's C interface among
  // themselves, and the one that only the .cpp files of commands include.
  static const std::set<std::string> allowed = {
      "src/adapter/duckdb/events_table.h", "src/adapter/duckdb/session.h",
      "src/adapter/duckdb/table_reader.h", "src/cli/command_table.h"};
  static const std::regex heavy(
      R"re(^\s*#\s*include\s*[<"](simdjson\.h|duckdb\.h|duckdb\.hpp|CLI/[^>"]*|re2/[^>"]*)[>"])re");
  if (!file.path.starts_with("src/") || !file.path.ends_with(".h")) return {};
  if (allowed.contains(file.path)) return {};
  Complaints complaints;
  for (const std::string& line : lines_of(file.text)) {
    std::smatch match;
    if (std::regex_search(line, match, heavy)) {
      complaints.push_back(file.path + ": belongs in a .cpp file: " + match.str(1));
    }
  }
  return complaints;
}

TEST(HeavyHeaders, StayOutOfOurHeaders) {
  EXPECT_THAT(complaints_about_tree(heavy_headers), IsEmpty());
}

TEST(HeavyHeaders, OneInAHeaderIsFound) {
  EXPECT_THAT(heavy_headers({"src/event/reader.h", "#include <simdjson.h>\n"}),
              ElementsAre(HasSubstr("simdjson.h")));
  EXPECT_THAT(
      heavy_headers({"src/cli/options.h", "#include <CLI/CLI.hpp>\n#include \"re2/re2.h\"\n"}),
      ElementsAre(HasSubstr("CLI/CLI.hpp"), HasSubstr("re2/re2.h")));
  EXPECT_THAT(heavy_headers({"src/event/reader.cpp", "#include <simdjson.h>\n"}), IsEmpty());
}

// -- Licence --------------------------------------------------------------------------------------

Complaints missing_licence(const SourceFile& file) {
  static const std::set<std::string> scripts_without_ending = {"Makefile", ".ci/run",
                                                               ".clang-tidy"};
  const fs::path path = file.path;
  const std::string ending = path.extension();
  std::string comment;
  if (is_cpp(file.path)) {
    comment = "//";
  } else if (ending == ".sh" || ending == ".py" || ending == ".cmake" || ending == ".supp" ||
             path.filename() == "CMakeLists.txt" || scripts_without_ending.contains(file.path)) {
    comment = "#";
  } else {
    return {};
  }
  const std::vector<std::string> lines = lines_of(file.text);
  const std::size_t at = !lines.empty() && lines[0].starts_with("#!") ? 1 : 0;
  const std::string expected = comment + " SPDX-License-Identifier: Apache-2.0";
  if (lines.size() > at && lines[at] == expected) return {};
  return {file.path + ": line " + std::to_string(at + 1) + " is not " + expected};
}

TEST(Licence, IsNamedInEverySourceAndScript) {
  EXPECT_THAT(complaints_about_tree(missing_licence), IsEmpty());
}

TEST(Licence, AMissingLineIsFound) {
  EXPECT_THAT(missing_licence({"src/base/x.h", "#pragma once\n"}),
              ElementsAre(HasSubstr("line 1")));
  EXPECT_THAT(missing_licence({"tools/x.sh", "#!/bin/sh\necho\n"}),
              ElementsAre(HasSubstr("line 2")));
  EXPECT_THAT(missing_licence({"tools/x.sh", ""}), ElementsAre(HasSubstr("line 1")));
}

// -- Paths of one machine -------------------------------------------------------------------------

Complaints machine_paths(const SourceFile& file) {
  // Tests may write below the system's folder for temporary files; a tidy test has to name them.
  static const std::regex path(
      R"re((^|[\s"'`=(:])(/(?:home|root|work|tmp|Users|mnt)/[^\s"'`)]*))re");
  static const std::set<std::string> may_name_tmp = {"tests/", "bench/"};
  if (file.path == "tests/tidy_test.cpp" || file.text.find('\0') != std::string::npos) return {};
  const bool tmp_allowed =
      file.path.ends_with("_test.cpp") || std::ranges::any_of(may_name_tmp, [&](const auto& top) {
        return file.path.starts_with(top);
      });
  Complaints complaints;
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    std::smatch match;
    if (lines[n].size() > 10'000 || !std::regex_search(lines[n], match, path)) continue;
    if (tmp_allowed && match.str(2).starts_with("/tmp/")) continue;
    complaints.push_back(file.path + ":" + std::to_string(n + 1) +
                         ": path of one machine: " + match.str(2));
  }
  return complaints;
}

TEST(MachinePaths, AreNowhere) { EXPECT_THAT(complaints_about_tree(machine_paths), IsEmpty()); }

TEST(MachinePaths, OneIsFound) {
  EXPECT_THAT(machine_paths({"README.md", "a\ncd /home/ada/holdfast\n"}),
              ElementsAre(HasSubstr("README.md:2")));
  EXPECT_THAT(machine_paths({"src/base/env.cpp", "open(\"/tmp/x\")\n"}),
              ElementsAre(HasSubstr("/tmp/x")));
  EXPECT_THAT(machine_paths({"src/base/env_test.cpp", "open(\"/tmp/x\")\n"}), IsEmpty());
  EXPECT_THAT(machine_paths({"docs/api.md", "GET /api/v1/home/page, build/tmp/x\n"}), IsEmpty());
}

// -- Names ----------------------------------------------------------------------------------------

Complaints empty_names(const SourceFile& file) {
  static const std::regex empty(
      R"((^|.*_)(utils?|helpers?|common|misc|manager)(_(test|bench|fuzz))?)", std::regex::icase);
  const fs::path path = file.path;
  if (!is_cpp(file.path) || !std::regex_match(path.stem().string(), empty)) return {};
  return {file.path + ": the name does not say what the functions share"};
}

TEST(FileNames, SayWhatIsInside) { EXPECT_THAT(complaints_about_tree(empty_names), IsEmpty()); }

TEST(FileNames, OneThatDoesNotIsFound) {
  EXPECT_THAT(empty_names({"src/base/string_utils.h", ""}), ElementsAre(HasSubstr("string_utils")));
  EXPECT_THAT(empty_names({"src/base/Common.cpp", ""}), ElementsAre(HasSubstr("Common")));
  EXPECT_THAT(empty_names({"src/base/helpers_test.cpp", ""}), ElementsAre(HasSubstr("helpers")));
  EXPECT_THAT(empty_names({"src/base/community.cpp", ""}), IsEmpty());
}

// -- Fuzz targets ---------------------------------------------------------------------------------

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr) << command;
  if (pipe == nullptr) return {};
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), n);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(FuzzTargets, AreAllRunByMakeTestAndSoak) {
  std::vector<std::string> targets;
  for (const SourceFile& file : tree()) {
    if (file.path.starts_with("src/") && file.path.ends_with("_fuzz.cpp")) {
      targets.push_back(fs::path(file.path).stem().string());
    }
  }
  std::ranges::sort(targets);
  EXPECT_THAT(std::ranges::adjacent_find(targets), targets.end()) << "two fuzz targets of one name";
  EXPECT_EQ(lines_of(output_of("'" + (root / "tools/fuzz.sh").string() + "' --list")), targets);

  // The recipe lines of a Makefile target: from its name to the next line without a tab.
  const auto recipe_of = [&](const std::string& target) {
    std::string recipe;
    bool inside = false;
    for (const std::string& line : lines_of(text_of(root / "Makefile"))) {
      if (!line.starts_with('\t')) inside = line.starts_with(target + ":");
      if (inside) recipe += line + "\n";
    }
    return recipe;
  };
  EXPECT_THAT(recipe_of("test"), HasSubstr("tools/fuzz.sh 10"));
  EXPECT_THAT(recipe_of("soak"), HasSubstr("tools/fuzz.sh 60"));
}

}  // namespace
}  // namespace hf
