// SPDX-License-Identifier: Apache-2.0
//
// What a terminal needs to know: its width, its colours, how wide a text is on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hf {

enum class ColorMode : std::uint8_t { none, palette256, truecolor };

struct Terminal {
  bool interactive = false;  ///< Standard output is a terminal.
  int width = 0;             ///< Columns; 0 where output goes to a file or pipe.
  ColorMode color = ColorMode::none;
};

/// Looks at standard output and the environment (NO_COLOR, COLORTERM, TERM).
/// `color` is auto, always or never.
[[nodiscard]] Terminal detect_terminal(std::string_view color);

/// Columns that `text` takes: East Asian wide characters take two, combining ones none.
[[nodiscard]] int display_width(std::string_view text);
/// Blanks before (after) so that the text takes `width` columns; longer texts stay whole.
[[nodiscard]] std::string pad_left(std::string_view text, int width);
[[nodiscard]] std::string pad_right(std::string_view text, int width);
/// The text, or as much of its beginning as takes `width` columns with an ellipsis behind it.
[[nodiscard]] std::string cut(std::string_view text, int width);
/// What came from outside, without what moves the cursor or changes the terminal.
[[nodiscard]] std::string harmless(std::string_view text);

struct Rgb {
  std::uint8_t red;
  std::uint8_t green;
  std::uint8_t blue;
};
/// `text` on a background colour, in black or white, whichever can be read.
[[nodiscard]] std::string on_background(std::string_view text, Rgb background, ColorMode mode);
/// `text` in that colour.
[[nodiscard]] std::string in_color(std::string_view text, Rgb ink, ColorMode mode);
[[nodiscard]] std::string bold(std::string_view text, ColorMode mode);
[[nodiscard]] std::string dim(std::string_view text, ColorMode mode);

/// 8911407 as "8,911,407".
[[nodiscard]] std::string with_separators(std::uint64_t value);
/// "1.4 GB", "412 kB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

}  // namespace hf
