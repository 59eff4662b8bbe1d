// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace hf {
namespace {

constexpr int width_default = 100;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

char32_t next_character(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t out = lead < 0x80 ? lead : lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    out = out << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3f);
  }
  at += length;
  return out;
}

bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f);
}

// East Asian Width W and F of Unicode's EastAsianWidth.txt, in the blocks our texts can hold.
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) ||
         (c >= 0x3041 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
         (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) ||
         (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

// The nearest of the 6x6x6 colour cube.
int cube_color(Rgb color) {
  const auto level = [](std::uint8_t v) { return static_cast<int>(std::lround(v / 255.0 * 5)); };
  return 16 + 36 * level(color.red) + 6 * level(color.green) + level(color.blue);
}

double relative_luminance(Rgb color) {  // WCAG 2.2, "relative luminance".
  const auto linear = [](std::uint8_t v) {
    const double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

}  // namespace

Terminal detect_terminal(std::string_view color) {
  Terminal terminal;
  terminal.interactive = ::isatty(STDOUT_FILENO) == 1;
  if (terminal.interactive) {
    winsize size{};
    terminal.width = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
                         ? size.ws_col
                         : width_default;
  }
  const bool wanted =
      color == "always" || (color != "never" && terminal.interactive &&
                            environment("NO_COLOR").empty() && environment("TERM") != "dumb");
  if (wanted) {
    const std::string_view colors = environment("COLORTERM");
    terminal.color =
        colors == "truecolor" || colors == "24bit" ? ColorMode::truecolor : ColorMode::palette256;
  }
  return terminal;
}

int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    if (!is_combining(c)) width += is_wide(c) ? 2 : 1;
  }
  return width;
}

std::string pad_left(std::string_view text, int width) {
  const int missing = std::max(0, width - display_width(text));
  return std::string(static_cast<std::size_t>(missing), ' ') + std::string(text);
}

std::string pad_right(std::string_view text, int width) {
  const int missing = std::max(0, width - display_width(text));
  return std::string(text) + std::string(static_cast<std::size_t>(missing), ' ');
}

std::string cut(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::size_t fits = 0;
  int taken = 1;  // The ellipsis.
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    next_character(text, at);
    taken += display_width(text.substr(begin, at - begin));
    if (taken > width) break;
    fits = at;
  }
  return std::string(text.substr(0, fits)) + "…";
}

std::string harmless(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return out;
}

std::string on_background(std::string_view text, Rgb background, ColorMode mode) {
  if (mode == ColorMode::none) return std::string(text);
  const double luminance = relative_luminance(background);
  const bool dark_text = (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05);
  const std::string_view ink = dark_text ? "38;5;16" : "38;5;231";
  const std::string paper =
      mode == ColorMode::truecolor
          ? fmt::format("48;2;{};{};{}", background.red, background.green, background.blue)
          : fmt::format("48;5;{}", cube_color(background));
  return fmt::format("\x1b[{};{}m{}\x1b[0m", ink, paper, text);
}

std::string in_color(std::string_view text, Rgb ink, ColorMode mode) {
  if (mode == ColorMode::none || text.empty()) return std::string(text);
  const std::string color = mode == ColorMode::truecolor
                                ? fmt::format("38;2;{};{};{}", ink.red, ink.green, ink.blue)
                                : fmt::format("38;5;{}", cube_color(ink));
  return fmt::format("\x1b[{}m{}\x1b[0m", color, text);
}

std::string bold(std::string_view text, ColorMode mode) {
  return mode == ColorMode::none ? std::string(text) : fmt::format("\x1b[1m{}\x1b[0m", text);
}

std::string dim(std::string_view text, ColorMode mode) {
  return mode == ColorMode::none ? std::string(text) : fmt::format("\x1b[2m{}\x1b[0m", text);
}

std::string with_separators(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::string_view units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 || value >= 100 ? fmt::format("{:.0f} {}", value, units[unit])
                                   : fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace hf
