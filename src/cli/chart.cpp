// SPDX-License-Identifier: Apache-2.0
#include "cli/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hf {
namespace {

constexpr int margin = 2;

int room(const Terminal& terminal) {
  constexpr int unlimited = 1 << 20;
  return terminal.width == 0 ? unlimited : std::max(1, terminal.width - margin);
}

// Chinese has no blanks to break at: any of its characters may end a line.
std::size_t end_of_word(std::string_view text, std::size_t at) {
  const auto is_ascii = [&](std::size_t i) { return static_cast<unsigned char>(text[i]) < 0x80; };
  if (is_ascii(at)) {
    while (at < text.size() && text[at] == ' ') ++at;
    while (at < text.size() && text[at] != ' ' && is_ascii(at)) ++at;
  } else {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  // No line begins with what closes.
  for (const std::string_view closing : {"，", "。", "；", "：", "）", "、"}) {
    if (text.substr(at).starts_with(closing)) return at + closing.size();
  }
  return at;
}

}  // namespace

std::string chart_head(const ChartScreen& screen, std::span<const Warning> warnings,
                       const Terminal& terminal, Words) {
  std::string out =
      "\n  " + bold(cut(harmless(screen.title), room(terminal)), terminal.color) + "\n";
  std::string facts = chart_foot(std::span(&screen.subtitle, 1), terminal);
  facts.pop_back();
  out += dim(facts, terminal.color) + "\n\n";
  for (const Warning& warning : warnings) {
    const std::string line = "! " + warning.message;
    out += chart_foot(std::span(&line, 1), terminal);
  }
  return out;
}

std::string group_head(const Bucket& bucket, const Terminal& terminal, Words words) {
  return "  " + bold(cut(bucket_text(bucket, words), room(terminal)), terminal.color) + "\n";
}

std::string chart_foot(std::span<const std::string> sentences, const Terminal& terminal) {
  std::string out;
  for (const std::string& sentence : sentences) {
    std::string line;
    for (std::size_t at = 0; at < sentence.size();) {
      const std::size_t end = end_of_word(sentence, at);
      std::string_view word = std::string_view(sentence).substr(at, end - at);
      if (!line.empty() && display_width(line) + display_width(word) > room(terminal)) {
        out += "  " + line + "\n";
        line.clear();
      }
      while (line.empty() && word.starts_with(' ')) word.remove_prefix(1);
      line += word;
      at = end;
    }
    out += "  " + line + "\n";
  }
  return out;
}

// Eighths of a character, so that small differences can be seen.
std::string bar(double share, int width) {
  constexpr std::string_view eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int units = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width * 8));
  std::string out;
  for (int i = 0; i < units / 8; ++i) out += "█";
  return out + std::string(eighths[units % 8]);
}

std::string bucket_text(const Bucket& bucket, Words words) {
  switch (bucket.kind) {
    case Bucket::Kind::missing: return std::string(words("(none)", "（无）"));
    case Bucket::Kind::other: return std::string(words("(other)", "（其他）"));
    case Bucket::Kind::value: break;
  }
  return harmless(bucket.text);
}

std::string count_text(std::int64_t count) {
  const auto digits = with_separators(static_cast<std::uint64_t>(count < 0 ? -count : count));
  return count < 0 ? "-" + digits : digits;
}

std::string share_text(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 0) return "-";
  return fmt::format("{:.1f}%",
                     100.0 * static_cast<double>(numerator) / static_cast<double>(denominator));
}

int ChartColumn::width() const {
  int width = display_width(heading);
  for (const std::string& cell : cells) width = std::max(width, display_width(cell));
  return width;
}

std::vector<std::size_t> columns_that_fit(std::span<const ChartColumn> columns,
                                          std::span<const std::size_t> importance, int width) {
  std::vector<std::size_t> shown = {0};
  int taken = margin + columns[0].width();
  for (const std::size_t i : importance) {
    taken += 1 + columns[i].width();
    if (width > 0 && taken > width) break;
    shown.push_back(i);
  }
  std::ranges::sort(shown);
  return shown;
}

}  // namespace hf
