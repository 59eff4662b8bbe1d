// SPDX-License-Identifier: Apache-2.0
//
// Every sync, checksum check and order of steps that HF_SITE names is needed: with any one of them
// left out, the crash and damage tests of its layer fail. And so a sync without a name, or a test
// that lost its teeth, does not go unseen.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace hf {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

/// Layer -> names of its sites, as the sources have them.
std::map<std::string, std::set<std::string>> sites() {
  std::map<std::string, std::set<std::string>> found;
  const std::regex site(R"re(HF_SITE\("([^"]+)"\))re");
  const fs::path source = fs::path(HOLDFAST_SOURCE_DIR) / "src";
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string layer = fs::relative(entry.path(), source).begin()->string();
    for (auto at = std::sregex_iterator(text.begin(), text.end(), site);
         at != std::sregex_iterator(); ++at) {
      EXPECT_TRUE(found[layer].insert((*at)[1]).second) << (*at)[1] << " stands twice";
    }
  }
  return found;
}

/// Exit code 0: all crash and damage tests of the layer pass.
bool passes_without(const std::string& layer, const std::string& site) {
  const std::string command = fmt::format(
      "HOLDFAST_LEAVE_OUT='{}' '{}/{}_sites' --gtest_fail_fast --gtest_brief=1 "
      "--gtest_filter='*Crash*:*Damage*' >/dev/null 2>&1",
      site, HOLDFAST_BUILD_DIR, layer);
  return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe)
}

TEST(Sites, AreEachMissedByTheTestsOfTheirLayer) {
  const auto all = sites();
  ASSERT_FALSE(all.empty());
  for (const auto& [layer, names] : all) {
    ASSERT_TRUE(passes_without(layer, "nothing")) << layer;
    for (const std::string& name : names) {
      EXPECT_FALSE(passes_without(layer, name)) << name << " can be left out unnoticed";
    }
  }
}

}  // namespace
}  // namespace hf
