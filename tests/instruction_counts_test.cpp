// SPDX-License-Identifier: Apache-2.0
//
// Time on a shared machine says little; instructions do not swing. Each kernel's count must be
// within a tenth of the figure in instruction_counts.txt: above, something has become slower;
// below, the figure is to be lowered, so that the gain is kept.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <sstream>

#include "base/bitmap.h"
#include "program.h"

namespace hf::test {
namespace {

constexpr const char* figures_path = HOLDFAST_SOURCE_DIR "/tests/instruction_counts.txt";

using Counts = std::map<std::string, std::uint64_t>;  // By kernel.

/// Lines "width kernel count"; those that begin with # say something.
std::map<std::string, Counts> recorded() {
  std::map<std::string, Counts> figures;
  std::istringstream lines(text_of(figures_path));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string width, kernel;
    std::uint64_t count = 0;
    words >> width >> kernel >> count;
    figures[width][kernel] = count;
  }
  return figures;
}

/// What callgrind writes for each dump: its name in the line "desc: Trigger: Client Request: name",
/// its instructions in "totals: n".
Counts counted_at(std::string_view width) {
  const ScratchDirectory scratch;
  const std::string out = scratch / "counts";
  const std::string command = fmt::format(
      "HOLDFAST_SIMD={} valgrind --tool=callgrind --instr-atstart=no "
      "--callgrind-out-file={} {} >{} 2>&1",
      width, out, HOLDFAST_COUNTED_QUESTIONS, scratch / "log");
  EXPECT_EQ(std::system(command.c_str()), 0) << text_of(scratch / "log");
  Counts counts;
  for (int dump = 1; std::filesystem::exists(fmt::format("{}.{}", out, dump)); ++dump) {
    std::istringstream lines(text_of(fmt::format("{}.{}", out, dump)));
    std::string name;
    std::uint64_t total = 0;
    for (std::string line; std::getline(lines, line);) {
      constexpr std::string_view trigger = "desc: Trigger: Client Request: ";
      if (line.starts_with(trigger)) name = line.substr(trigger.size());
      if (line.starts_with("totals: ")) total = std::stoull(line.substr(8));
    }
    if (!name.empty()) counts[name] = total;
  }
  return counts;
}

class InstructionCounts : public testing::TestWithParam<SimdWidth> {};

TEST_P(InstructionCounts, AreWithinATenthOfWhatIsRecorded) {
  const std::string width(to_string(GetParam()));
  if (GetParam() > widest_simd()) GTEST_SKIP() << "this processor has no " << width;
  const Counts figures = recorded()[width];
  const Counts counts = counted_at(width);
  std::string now;
  for (const auto& [kernel, count] : counts) now += fmt::format("{} {} {}\n", width, kernel, count);
  ASSERT_FALSE(counts.empty());
  for (const auto& [kernel, figure] : figures) {
    ASSERT_TRUE(counts.contains(kernel)) << kernel;
  }
  for (const auto& [kernel, count] : counts) {
    ASSERT_TRUE(figures.contains(kernel)) << kernel << " is not recorded; now\n" << now;
    const std::uint64_t figure = figures.at(kernel);
    EXPECT_LE(count * 10, figure * 11) << kernel << " has become slower; now\n" << now;
    EXPECT_GE(count * 10, figure * 9) << kernel << " has become faster; record\n" << now;
  }
}

// Valgrind knows no AVX-512.
INSTANTIATE_TEST_SUITE_P(EachWidth, InstructionCounts,
                         testing::Values(SimdWidth::sse42, SimdWidth::avx2),
                         [](const auto& width) { return std::string(to_string(width.param)); });

}  // namespace
}  // namespace hf::test
