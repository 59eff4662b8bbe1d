// SPDX-License-Identifier: Apache-2.0
//
// The documents hold together: each link leads somewhere, each page is in the reading order, and
// the first five minutes work as they are told.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "program.h"

namespace hf {
namespace {

namespace fs = std::filesystem;
using test::ScratchDirectory;
using test::text_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path root = HOLDFAST_SOURCE_DIR;

/// The text outside boxes and quoted code.
std::string prose_of(const std::string& markdown) {
  static const std::regex code("`[^`]*`");
  std::string prose;
  std::istringstream in(markdown);
  bool in_box = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) in_box = !in_box;
    if (!in_box && !line.starts_with("```") && !line.starts_with("    ")) {
      prose += std::regex_replace(line, code, "``");
    } else if (line.starts_with("    ") && !in_box && line.find("](") != std::string::npos) {
      prose += line;  // The continued line of a list.
    }
    prose += '\n';
  }
  return prose;
}

/// Where its links lead: "import.md#types", "#here", without those to other sites.
std::vector<std::string> links_of(const std::string& markdown) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  static const std::regex scheme("^[a-z]+:.*");
  const std::string prose = prose_of(markdown);
  std::vector<std::string> links;
  for (std::sregex_iterator at(prose.begin(), prose.end(), link), end; at != end; ++at) {
    const std::string target = (*at)[1];
    if (!std::regex_match(target, scheme)) links.push_back(target);
  }
  return links;
}

/// The anchors of its headings, as code hosts make them: small letters, digits, - and _; blanks
/// become -; the second of equals gets -1.
std::set<std::string> anchors_of(const std::string& markdown) {
  std::set<std::string> anchors;
  std::map<std::string, int> times;
  std::istringstream in(markdown);
  bool in_box = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) in_box = !in_box;
    const std::size_t text = line.find_first_not_of('#');
    if (in_box || text == 0 || text == std::string::npos || line[text] != ' ') continue;
    static const std::regex chinese_marks("，|。|、|：|；|！|？|（|）|「|」|《|》");
    std::string anchor;
    for (const char c : std::regex_replace(line.substr(text + 1), chinese_marks, "")) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x80 || std::isalnum(byte) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    const int n = times[anchor]++;
    anchors.insert(n == 0 ? anchor : fmt::format("{}-{}", anchor, n));
  }
  return anchors;
}

std::vector<fs::path> documents() {
  static const std::set<std::string> not_ours = {".git", "build", "data"};
  std::vector<fs::path> found;
  for (fs::recursive_directory_iterator at(root), end; at != end; ++at) {
    if (not_ours.contains(at->path().lexically_relative(root).string()) ||
        at->path().filename() == "node_modules") {
      at.disable_recursion_pending();
    } else if (at->path().extension() == ".md") {
      found.push_back(at->path());
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> dead_links(const fs::path& document, const std::string& markdown) {
  std::vector<std::string> dead;
  for (const std::string& link : links_of(markdown)) {
    const std::size_t hash = std::min(link.find('#'), link.size());
    const std::string path = link.substr(0, hash);
    const fs::path target = path.empty() ? document : document.parent_path() / path;
    const std::string anchor = hash < link.size() ? link.substr(hash + 1) : "";
    if (!path.empty() && !fs::exists(target)) {
      dead.push_back(link);
    } else if (!anchor.empty() && target.extension() == ".md" &&
               !anchors_of(path.empty() ? markdown : text_of(target)).contains(anchor)) {
      dead.push_back(link);
    }
  }
  return dead;
}

TEST(Documents, HaveNoDeadLink) {
  ASSERT_GT(documents().size(), 20u);
  for (const fs::path& document : documents()) {
    EXPECT_THAT(dead_links(document, text_of(document)), IsEmpty()) << document;
  }
}

TEST(Documents, ADeadLinkIsFound) {
  EXPECT_THAT(
      dead_links(root / "docs/x.md",
                 "# On `this` page\n[a](#on-this-page) [b](#on-that) [c](nowhere.md) `[d](no)`\n"
                 "[e](import.md#times) [f](import.md#tides) [g](https://example.org)\n"
                 "```\n[h](no)\n```\n"),
      ElementsAre("#on-that", "nowhere.md", "import.md#tides"));
}

TEST(Documents, AreAllInTheReadingOrder) {
  std::set<std::string> linked;
  for (const std::string& link : links_of(text_of(root / "docs/README.md"))) {
    linked.insert((root / "docs" / link).lexically_normal().string());
  }
  for (const fs::path& document : documents()) {
    const std::string path = document.lexically_relative(root).string();
    if (!path.starts_with("docs/") || path.starts_with("docs/decisions/")) continue;
    if (path == "docs/README.md") continue;
    EXPECT_TRUE(linked.contains(document.string())) << path << " is not in docs/README.md";
  }
}

TEST(Documents, BeginWithATitleAndThenSayWhatTheyAre) {
  for (const fs::path& document : documents()) {
    if (!document.lexically_relative(root).string().starts_with("docs/")) continue;
    const std::string text = text_of(document);
    EXPECT_TRUE(text.starts_with("# ")) << document;
    const std::size_t next = text.find_first_not_of('\n', text.find('\n'));
    ASSERT_NE(next, std::string::npos) << document;
    EXPECT_NE(text[next], '#') << document << " has a heading where it should say what it is";
  }
}

/// The boxes marked sh, one after the other.
std::string shell_of(const std::string& markdown) {
  std::string script;
  std::istringstream in(markdown);
  bool in_box = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      in_box = line == "```sh";
    } else if (in_box) {
      script += line + "\n";
    }
  }
  return script;
}

TEST(Documents, TheFirstFiveMinutesWorkAsTold) {
  if (std::system("command -v curl > /dev/null 2>&1") != 0) GTEST_SKIP() << "no curl here";
  const ScratchDirectory directory;
  // Tests run side by side, so the server has a port of its own.
  const std::string port = std::to_string(20'000 + ::getpid() % 10'000);
  std::string script = shell_of(text_of(root / "docs/getting-started.md"));
  const auto replace = [&](const std::string& from, const std::string& to) {
    const std::size_t at = script.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    script.replace(at, from.size(), to);
  };
  replace("holdfast serve &", "holdfast serve --listen 127.0.0.1:" + port + " &\n" +
                                  "for n in {1..300}; do curl -fs http://127.0.0.1:" + port +
                                  "/readyz > ready && break; sleep 0.1; done");
  replace("127.0.0.1:8400", "127.0.0.1:" + port);
  test::write_text(directory / "told.sh",
                   "set -euo pipefail\ncd \"$(dirname \"$0\")\"\n"
                   "unset LANG LC_ALL LC_MESSAGES\n"
                   "trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\nPATH='" +
                       fs::path(HOLDFAST_PROGRAM).parent_path().string() + "':$PATH\n" + script);
  const int status = std::system(
      fmt::format("bash '{}' > '{}' 2>&1", directory / "told.sh", directory / "shown").c_str());
  const std::string shown = text_of(directory / "shown");
  EXPECT_EQ(status, 0) << shown;
  for (const std::string_view told :
       {"every row is a purchase", "6 events of 3 new people", "Jan 2026", "orders",
        "{\"success\":true}", "Collect events"}) {
    EXPECT_THAT(shown, HasSubstr(std::string(told)));
  }
}

}  // namespace
}  // namespace hf
