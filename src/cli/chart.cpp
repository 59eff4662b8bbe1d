// SPDX-License-Identifier: Apache-2.0
#include "cli/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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
  for (const std::string_view closing : {"，", "。", "；", "：", "）", "、", "%", "~"}) {
    if (text.substr(at).starts_with(closing)) return at + closing.size();
  }
  return at;
}

}  // namespace

std::string chart_head(const ChartScreen& screen, std::span<const Warning> warnings,
                       const Terminal& terminal) {
  std::string out =
      "\n  " + bold(cut(harmless(screen.title), room(terminal)), terminal.color) + "\n";
  std::string facts = chart_foot(std::span(&screen.subtitle, 1), terminal);
  facts.pop_back();
  out += dim(facts, terminal.color) + "\n";
  out += chart_foot(screen.notes, terminal) + "\n";
  for (const Warning& warning : warnings) {
    const std::string line = "! " + warning.message;
    out += chart_foot(std::span(&line, 1), terminal);
  }
  return out;
}

std::string group_head(const BucketPath& bucket, const Terminal& terminal, Words words) {
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
        while (line.ends_with(' ')) line.pop_back();
        out += "  " + line + "\n";
        line.clear();
      }
      while (line.empty() && word.starts_with(' ')) word.remove_prefix(1);
      line += cut(word, room(terminal));
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

std::string sparkline(std::span<const double> shares, int width) {
  constexpr std::string_view ticks[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto columns = std::min(static_cast<std::size_t>(std::max(width, 0)), shares.size());
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t first = i * shares.size() / columns;
    const std::size_t end = (i + 1) * shares.size() / columns;
    double sum = 0;
    for (std::size_t k = first; k < end; ++k) sum += std::clamp(shares[k], 0.0, 1.0);
    const double share = sum / static_cast<double>(end - first);
    out += ticks[static_cast<std::size_t>(std::ceil(share * 8))];
  }
  return out;
}

int name_width(const Terminal& terminal) {
  constexpr int least = 12;
  constexpr int most = 40;
  return terminal.width == 0 ? most : std::clamp(terminal.width / 3, least, most);
}

std::string bucket_text(const BucketPath& path, Words words) {
  std::string out;
  for (const Bucket& bucket : path) {
    if (!out.empty()) out += " · ";
    switch (bucket.kind) {
      case Bucket::Kind::missing: out += words("(none)", "（无）"); break;
      case Bucket::Kind::other: out += words("(other)", "（其他）"); break;
      case Bucket::Kind::value: out += harmless(bucket.text); break;
    }
  }
  return out;
}

std::string event_text(std::string_view label, Words words) {
  return label == "any event" ? std::string(words("any event", "任意事件")) : harmless(label);
}

std::string count_text(std::int64_t count) {
  const auto digits = with_separators(static_cast<std::uint64_t>(count < 0 ? -count : count));
  return count < 0 ? "-" + digits : digits;
}

std::string share_text(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 0) return "-";
  const double percent = 100.0 * static_cast<double>(numerator) / static_cast<double>(denominator);
  return percent > 0 && percent < 0.05 ? "<0.1%" : fmt::format("{:.1f}%", percent);
}

int ChartColumn::width() const {
  int width = display_width(heading);
  for (const std::string& cell : cells) width = std::max(width, display_width(cell));
  return width;
}

ChartTable::ChartTable(std::vector<ChartColumn> columns, std::span<const std::size_t> importance,
                       const Terminal& terminal, bool has_bars)
    : width_(margin + columns[0].width()), terminal_(terminal) {
  // Air between the columns, where the bar does not need it.
  constexpr int bar_width_wanted = 24;
  int airy_width = width_ + (has_bars ? 2 + bar_width_wanted : 0);
  for (const std::size_t i : importance) airy_width += gap_ + columns[i].width();
  if (terminal.width > 0 && airy_width > terminal.width) gap_ = 1;
  std::vector<std::size_t> shown = {0};
  for (const std::size_t i : importance) {
    const int wider = width_ + gap_ + columns[i].width();
    if (terminal.width > 0 && wider > terminal.width) break;
    width_ = wider;
    shown.push_back(i);
  }
  hidden_ = importance.size() + 1 - shown.size();
  std::ranges::sort(shown);
  for (const std::size_t i : shown) columns_.push_back(std::move(columns[i]));
  // A name alone may be wider than the terminal.
  if (terminal.width == 0 || width_ <= terminal.width) return;
  ChartColumn& names = columns_[0];
  names.heading = cut(names.heading, room(terminal));
  for (std::string& name : names.cells) name = cut(name, room(terminal));
  width_ = terminal.width;
}

int ChartTable::bar_width() const {
  if (terminal_.width == 0) return bar_width_default;
  const int left = terminal_.width - width_ - 2;
  return left < bar_width_min ? 0 : std::min(left, bar_width_max);
}

std::string ChartTable::render(std::span<const std::string> bars) const {
  const auto line = [&](auto&& text_of) {
    std::string out(margin, ' ');
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const int width = columns_[i].width();
      out += i == 0 ? pad_right(text_of(columns_[i]), width)
                    : std::string(static_cast<std::size_t>(gap_), ' ') +
                          pad_left(text_of(columns_[i]), width);
    }
    return out;
  };
  const auto trimmed = [](std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    return text + "\n";
  };
  std::string heading = trimmed(line([](const ChartColumn& c) { return c.heading; }));
  heading.pop_back();
  std::string out = bold(heading, terminal_.color) + "\n";
  for (std::size_t row = 0; row < columns_[0].cells.size(); ++row) {
    const std::string& bar = bars[row];
    out += trimmed(line([&](const ChartColumn& c) { return c.cells[row]; }) +
                   (bar.empty() ? "" : "  " + bar));
  }
  return out;
}

std::string hidden_columns(std::size_t hidden, Words words) {
  if (hidden == 0) return "";
  return fmt::format(
      fmt::runtime(words("; {0} more column{1}: widen the window", "；另有 {0} 列，请加宽窗口")),
      hidden, hidden == 1 ? "" : "s");
}

}  // namespace hf
