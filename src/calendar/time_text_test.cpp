// SPDX-License-Identifier: Apache-2.0
#include "calendar/time_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

namespace hf {
namespace {

using Expected = std::expected<TimestampMs, TimeError>;
constexpr std::unexpected<TimeError> not_a_time{TimeError::not_a_time};
constexpr std::unexpected<TimeError> out_of_range{TimeError::out_of_range};

std::shared_ptr<const Zone> load(std::string_view name) {
  return Zone::load(real_env(), name).value();
}

TimestampMs utc(std::string_view text) { return parse_rfc3339(text).value(); }

std::string shown(const Expected& time) {
  if (time) return format_rfc3339(*time, *Zone::utc());
  return time.error() == TimeError::not_a_time ? "not_a_time" : "out_of_range";
}

TimeFormat pattern(std::string_view text) { return {TimeStyle::pattern, std::string(text)}; }

TEST(ParseTime, ReadsIso) {
  const struct {
    std::string_view text;
    std::string_view expected;
  } cases[] = {
      {"2010-12-01", "2010-12-01T00:00:00Z"},
      {"2010-12-01 08:26", "2010-12-01T08:26:00Z"},
      {"2010-12-01T08:26", "2010-12-01T08:26:00Z"},
      {"2010-12-01t08:26z", "2010-12-01T08:26:00Z"},
      {"2010-12-01 08:26:05", "2010-12-01T08:26:05Z"},
      {"2010-12-01T08:26:05", "2010-12-01T08:26:05Z"},
      {"2010-12-01 08:26:05.1", "2010-12-01T08:26:05.100Z"},
      {"2010-12-01 08:26:05,25", "2010-12-01T08:26:05.250Z"},
      {"2010-12-01 08:26:05.123999", "2010-12-01T08:26:05.123Z"},
      {"2010-12-01 08:26:05.000000000001", "2010-12-01T08:26:05Z"},
      {"2010-12-01T08:26:05Z", "2010-12-01T08:26:05Z"},
      {"2010-12-01 08:26:05 UTC", "2010-12-01T08:26:05Z"},
      {"2010-12-01T08:26:05+01:00", "2010-12-01T07:26:05Z"},
      {"2010-12-01T08:26:05+0100", "2010-12-01T07:26:05Z"},
      {"2010-12-01 08:26:05+01", "2010-12-01T07:26:05Z"},
      {"2010-12-01 08:26:05 -0330", "2010-12-01T11:56:05Z"},
      {"2010-12-01T08:26+01:00", "2010-12-01T07:26:00Z"},
      {"2010-12-01T08:26:05.123-05:00", "2010-12-01T13:26:05.123Z"},
      {"  2010-12-01 08:26:05\t", "2010-12-01T08:26:05Z"},
      {"2010-12-01 08:26:05  ", "2010-12-01T08:26:05Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
      {"2017-01-01 05:29:60+05:30", "2017-01-01T00:00:00Z"},
      {"2016-12-31 23:59:60.5", "2017-01-01T00:00:00.500Z"},
      {"1970-01-01 00:00:00", "1970-01-01T00:00:00Z"},
      {"2100-12-31 23:59:59.999", "2100-12-31T23:59:59.999Z"},
      {"2024-02-29 00:00:00", "2024-02-29T00:00:00Z"},
      {"2100-02-29 00:00:00", "not_a_time"},
      {"2023-02-29", "not_a_time"},
      {"2023-02-30 00:00:00", "not_a_time"},
      {"2023-13-01 00:00:00", "not_a_time"},
      {"2023-00-01 00:00:00", "not_a_time"},
      {"2023-01-00 00:00:00", "not_a_time"},
      {"2023-01-01 24:00:00", "not_a_time"},
      {"2023-01-01 00:60:00", "not_a_time"},
      {"2023-01-01 00:00:60", "not_a_time"},
      {"2023-01-01 00:00:61", "not_a_time"},
      {"2023-01-01 0:00:00", "not_a_time"},
      {"2023-1-1", "not_a_time"},
      {"2023-01-01 ", "2023-01-01T00:00:00Z"},
      {"2023-01-01T", "not_a_time"},
      {"2023-01-01 08", "not_a_time"},
      {"2023-01-01 08:00:", "not_a_time"},
      {"2023-01-01 08:00:00.", "not_a_time"},
      {"2023-01-01 08:00:00x", "not_a_time"},
      {"2023-01-01 08:00:00+1", "not_a_time"},
      {"2023-01-01 08:00:00+24:00", "not_a_time"},
      {"2023-01-01 08:00:00+01:60", "not_a_time"},
      {"2023-01-01 08:00:00+01:", "not_a_time"},
      {"2023-01-01  08:00:00", "not_a_time"},
      {"2023-01-01Z", "not_a_time"},
      {"2023/01/01 08:00:00", "not_a_time"},
      {"20x3-01-01 08:00:00", "not_a_time"},
      {"", "not_a_time"},
      {" ", "not_a_time"},
      {"1969-12-31 23:59:59", "out_of_range"},
      {"1969-12-31 23:59:59-00:01", "1970-01-01T00:00:59Z"},
      {"1970-01-01 00:00:00+00:01", "out_of_range"},
      {"2101-01-01", "out_of_range"},
      {"2101-01-01T00:00:00+01:00", "2100-12-31T23:00:00Z"},
      {"0000-01-01 00:00:00", "out_of_range"},
      {"9999-12-31 23:59:59", "out_of_range"},
      {"0001-02-29", "not_a_time"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(shown(parse_time(c.text, TimeFormat{}, *Zone::utc())), c.expected) << c.text;
  }
}

TEST(ParseTime, ReadsCompactAndEpochs) {
  const struct {
    TimeStyle style;
    std::string_view text;
    std::string_view expected;
  } cases[] = {
      {TimeStyle::compact, "20101201", "2010-12-01T00:00:00Z"},
      {TimeStyle::compact, "20101201T082600", "2010-12-01T08:26:00Z"},
      {TimeStyle::compact, "20101201T0826", "2010-12-01T08:26:00Z"},
      {TimeStyle::compact, "20101201T0826Z", "2010-12-01T08:26:00Z"},
      {TimeStyle::compact, "20101201T0826 +01", "2010-12-01T07:26:00Z"},
      {TimeStyle::compact, "20101201082600", "2010-12-01T08:26:00Z"},
      {TimeStyle::compact, "20101201T082600.5+0100", "2010-12-01T07:26:00.500Z"},
      {TimeStyle::compact, "201012010826", "not_a_time"},
      {TimeStyle::compact, "20101301", "not_a_time"},
      {TimeStyle::compact, "2010121", "not_a_time"},
      {TimeStyle::compact, "201012011", "not_a_time"},
      {TimeStyle::compact, "20101201T", "not_a_time"},
      {TimeStyle::epoch_s, "0", "1970-01-01T00:00:00Z"},
      {TimeStyle::epoch_s, "-0", "1970-01-01T00:00:00Z"},
      {TimeStyle::epoch_s, "1291191960", "2010-12-01T08:26:00Z"},
      {TimeStyle::epoch_s, " 1291191960.1239 ", "2010-12-01T08:26:00.123Z"},
      {TimeStyle::epoch_s, "4133980799.9999", "2100-12-31T23:59:59.999Z"},
      {TimeStyle::epoch_s, "4133980800", "out_of_range"},
      {TimeStyle::epoch_s, "-1", "out_of_range"},
      {TimeStyle::epoch_s, "-0.001", "out_of_range"},
      {TimeStyle::epoch_s, "99999999999999999999999999", "out_of_range"},
      {TimeStyle::epoch_s, "1e9", "not_a_time"},
      {TimeStyle::epoch_s, "+1", "not_a_time"},
      {TimeStyle::epoch_s, "1.", "not_a_time"},
      {TimeStyle::epoch_s, ".5", "not_a_time"},
      {TimeStyle::epoch_s, "", "not_a_time"},
      {TimeStyle::epoch_s, "-", "not_a_time"},
      {TimeStyle::epoch_ms, "1291191960123", "2010-12-01T08:26:00.123Z"},
      {TimeStyle::epoch_ms, "1291191960123.9", "2010-12-01T08:26:00.123Z"},
      {TimeStyle::epoch_ms, "4133980800000", "out_of_range"},
      {TimeStyle::epoch_us, "1291191960123456", "2010-12-01T08:26:00.123Z"},
      {TimeStyle::epoch_us, "99999999999999999999999999", "out_of_range"},
  };
  for (const auto& c : cases) {
    const TimeFormat format{c.style, ""};
    EXPECT_EQ(shown(parse_time(c.text, format, *Zone::utc())), c.expected) << c.text;
  }
}

TEST(ParseTime, ReadsPatterns) {
  const struct {
    std::string_view pattern;
    std::string_view text;
    std::string_view expected;
  } cases[] = {
      {"%m/%d/%Y %H:%M", "12/1/2010 8:26", "2010-12-01T08:26:00Z"},
      {"%d.%m.%Y", "1.12.2010", "2010-12-01T00:00:00Z"},
      {"%d.%m.%y", "01.12.10", "2010-12-01T00:00:00Z"},
      {"%m/%d/%y", "1/2/69", "out_of_range"},
      {"%m/%d/%y", "1/2/70", "1970-01-02T00:00:00Z"},
      {"%m/%d/%y", "1/2/68", "2068-01-02T00:00:00Z"},
      {"%d %b %Y", "1 dec 2010", "2010-12-01T00:00:00Z"},
      {"%d %B %Y", "1 December 2010", "2010-12-01T00:00:00Z"},
      {"%d %b %Y", "1 Dezember 2010", "not_a_time"},
      {"%b %e, %Y", "May 3, 2010", "2010-05-03T00:00:00Z"},
      {"%a, %d %b %Y %H:%M:%S %z", "Wed, 01 Dec 2010 08:26:05 +0100", "2010-12-01T07:26:05Z"},
      {"%a %b %e %H:%M:%S %Y", "Wed Dec  1 08:26:05 2010", "2010-12-01T08:26:05Z"},
      {"%d/%b/%Y:%H:%M:%S %z", "01/Dec/2010:08:26:05 -0500", "2010-12-01T13:26:05Z"},
      {"%m/%d/%Y %I:%M %p", "12/1/2010 12:05 AM", "2010-12-01T00:05:00Z"},
      {"%m/%d/%Y %I:%M %p", "12/1/2010 12:05 pm", "2010-12-01T12:05:00Z"},
      {"%m/%d/%Y %I:%M %p", "12/1/2010 1:05 PM", "2010-12-01T13:05:00Z"},
      {"%m/%d/%Y %I:%M %p", "12/1/2010 13:05 PM", "not_a_time"},
      {"%m/%d/%Y %I:%M %p", "12/1/2010 0:05 AM", "not_a_time"},
      {"%m/%d/%Y %H:%M %p", "12/1/2010 8:05 PM", "2010-12-01T20:05:00Z"},
      {"%Y-%m-%d %H:%M:%S.%f", "2010-12-01 08:26:05.123456789", "2010-12-01T08:26:05.123Z"},
      {"%Y-%m-%d %H:%M:%S.%f", "2010-12-01 08:26:05.1234567890", "not_a_time"},
      {"%Y-%m-%d", "2010-12-1", "2010-12-01T00:00:00Z"},
      {"%Y-%m-%d", "10-12-1", "not_a_time"},
      {"%s", "1291191960", "2010-12-01T08:26:00Z"},
      {"%s", "99999999999999999999999", "out_of_range"},
      {"100%% %Y%m%d", "100%   20101201", "2010-12-01T00:00:00Z"},
      {"%Y-%m-%d %H", "2010-12-01 25", "not_a_time"},
      {"%Y-%m-%d", "2010-12-01 ", "2010-12-01T00:00:00Z"},
      {"%Y-%m-%d", "2010-12-01x", "not_a_time"},
      {"%Y-%m-%d", "2010-02-30", "not_a_time"},
      {"%Y-%m-%d %", "2010-02-20 ", "not_a_time"},
      {"%Q", "1", "not_a_time"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(shown(parse_time(c.text, pattern(c.pattern), *Zone::utc())), c.expected)
        << c.pattern << " on " << c.text;
  }
}

TEST(ParseTime, ReadsLocalTimesInTheirZone) {
  const auto berlin = load("Europe/Berlin");
  EXPECT_EQ(parse_time("2010-12-01 08:26:00", TimeFormat{}, *berlin), utc("2010-12-01T07:26:00Z"));
  EXPECT_EQ(parse_time("2010-07-01 08:26", TimeFormat{}, *berlin), utc("2010-07-01T06:26:00Z"));
  EXPECT_EQ(parse_time("2010-07-01T08:26:00Z", TimeFormat{}, *berlin), utc("2010-07-01T08:26:00Z"));
  EXPECT_EQ(parse_time("7/1/2010", pattern("%m/%d/%Y"), *berlin), utc("2010-06-30T22:00:00Z"));
  EXPECT_EQ(parse_time("1970-01-01 00:59:59", TimeFormat{}, *berlin), Expected(out_of_range));
  const auto new_york = load("America/New_York");
  EXPECT_EQ(parse_time("1969-12-31 19:00:00", TimeFormat{}, *new_york), 0);
  EXPECT_EQ(parse_time("2100-12-31 19:00:00", TimeFormat{}, *new_york), Expected(out_of_range));
}

// A blank in front keeps the shortcut from seeing the text, and so does a pattern.
TEST(ParseTime, ShortcutAgreesWithTheLongWay) {
  const auto zone = load("America/St_Johns");
  const TimeFormat same_pattern = pattern("%Y-%m-%d %H:%M:%S");
  std::mt19937_64 random(1);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 300'000; ++i) {
    std::string text = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", 1968 + below(135),
                                   below(13), below(33), below(25), below(61), below(61));
    const int kind = below(5);
    if (kind == 0) text[static_cast<std::size_t>(below(19))] = static_cast<char>(below(256));
    if (kind == 1) text += ".5";
    if (kind == 2) text += "+02:30";
    if (kind == 3) text += " UTC";
    const Expected quick = parse_time(text, TimeFormat{}, *zone);
    ASSERT_EQ(quick, parse_time(" " + text, TimeFormat{}, *zone)) << text;
    if (kind == 4) {
      ASSERT_EQ(quick, parse_time(text, same_pattern, *zone)) << text;
    }
  }
}

RC_GTEST_PROP(ParseTime, NeverReadsPastAnyText, (const std::string& text)) {
  // The copy is exact, so that the sanitizer sees one byte too many.
  const std::vector<char> exact(text.begin(), text.end());
  const std::string_view view(exact.data(), exact.size());
  for (const TimeStyle style : {TimeStyle::iso, TimeStyle::compact, TimeStyle::epoch_s,
                                TimeStyle::epoch_ms, TimeStyle::epoch_us, TimeStyle::pattern}) {
    (void)parse_time(view, {style, "%d %b %Y %H:%M:%S.%f %p %z %s"}, *Zone::utc());
    (void)parse_time("01 Jan 2010 01:02:03.4 PM Z 5", {style, text}, *Zone::utc());
  }
  (void)parse_rfc3339(view);
  (void)is_time_pattern(view);
}

TEST(IsTimePattern, AsksForADayAndKnownConversions) {
  for (const std::string_view text :
       {"%m/%d/%Y", "%e %b %y", "%s", "%a, %d %B %Y %I:%M%p", "%%%s"}) {
    EXPECT_TRUE(is_time_pattern(text)) << text;
  }
  for (const std::string_view text :
       {"", "%", "%Y-%m", "%Y-%d", "%m-%d", "%H:%M", "%Y-%m-%d %", "%Y-%m-%d %Q", "Ymd", "%%s"}) {
    EXPECT_FALSE(is_time_pattern(text)) << text;
  }
}

TEST(RecognizeTime, FindsTheOneFormat) {
  struct Case {
    std::vector<std::string_view> samples;
    TimeFormat expected;
    bool ambiguous = false;
  };
  const Case cases[] = {
      {{"2010-12-01 08:26:00"}, {TimeStyle::iso, ""}},
      {{"2010-12-01", "2010-12-01T08:26:00.5Z", "", "  "}, {TimeStyle::iso, ""}},
      {{"2019-10-01 00:00:00 UTC"}, {TimeStyle::iso, ""}},
      {{"2010-12-01", "0001-01-01"}, {TimeStyle::iso, ""}},
      {{"20101201", "20101231"}, {TimeStyle::compact, ""}},
      {{"20101201T082600"}, {TimeStyle::compact, ""}},
      {{"20101201082600"}, {TimeStyle::compact, ""}},
      {{"1291191960", "631152000"}, {TimeStyle::epoch_s, ""}},
      {{"1291191960.25"}, {TimeStyle::epoch_s, ""}},
      {{"1291191960123"}, {TimeStyle::epoch_ms, ""}},
      {{"1291191960123456"}, {TimeStyle::epoch_us, ""}},
      {{"12/1/2010 8:26", "12/13/2010 10:00"}, pattern("%m/%d/%Y %H:%M")},
      {{"13/1/2010 8:26", "1/12/2010 10:00"}, pattern("%d/%m/%Y %H:%M")},
      {{"12/1/2010 8:26", "1/12/2010 10:00"}, pattern("%m/%d/%Y %H:%M"), true},
      {{"12/1/2010"}, pattern("%m/%d/%Y"), true},
      {{"31/12/10"}, pattern("%d/%m/%y")},
      {{"1.12.2010", "24.12.2010"}, pattern("%d.%m.%Y")},
      {{"1.12.2010 8:26:05"}, pattern("%d.%m.%Y %H:%M:%S")},
      {{"2010/12/01 08:26"}, pattern("%Y/%m/%d %H:%M")},
      {{"2010-1-5"}, pattern("%Y-%m-%d")},
      {{"01-12-2010", "13-12-2010"}, pattern("%d-%m-%Y")},
      {{"1 Dec 2010"}, pattern("%d %b %Y")},
      {{"1 December 2010 08:26"}, pattern("%d %b %Y %H:%M")},
      {{"01-DEC-10"}, pattern("%d-%b-%y")},
      {{"Dec 1, 2010"}, pattern("%b %d, %Y")},
      {{"12/31/2010, 8:26:00 PM"}, pattern("%m/%d/%Y, %I:%M:%S %p")},
      {{"01/Dec/2010:08:26:05 -0500"}, pattern("%d/%b/%Y:%H:%M:%S %z")},
      {{"Wed, 01 Dec 2010 08:26:05 GMT"}, pattern("%a, %d %b %Y %H:%M:%S %z")},
      {{"Wed Dec  1 08:26:05 2010"}, pattern("%a %b %e %H:%M:%S %Y")},
  };
  for (const Case& c : cases) {
    const auto recognized = recognize_time(c.samples);
    ASSERT_TRUE(recognized.has_value()) << c.samples[0];
    EXPECT_EQ(recognized->format, c.expected) << c.samples[0] << ": " << recognized->format.pattern;
    EXPECT_EQ(recognized->ambiguous, c.ambiguous) << c.samples[0];
  }
}

TEST(RecognizeTime, BearsOneSlipInTenAndNotTwo) {
  for (const std::string_view good : {"2010-12-01", "13/1/2010 8:26", "1291191960", "1 Dec 2010"}) {
    const auto expected = recognize_time(std::vector{good});
    ASSERT_TRUE(expected.has_value()) << good;
    for (const std::string_view slip : {"n/a", "yesterday", "7"}) {
      std::vector<std::string_view> samples(10, good);
      samples[0] = slip;
      const auto recognized = recognize_time(samples);
      ASSERT_TRUE(recognized.has_value()) << good << " and " << slip;
      EXPECT_EQ(recognized->format, expected->format) << good << " and " << slip;
      samples[5] = slip;
      EXPECT_FALSE(recognize_time(samples).has_value()) << good << " and twice " << slip;
    }
  }
  // What reads all goes before what reads nearly all.
  std::vector<std::string_view> samples(20, "1/2/2010");
  samples[7] = "13/2/2010";
  EXPECT_EQ(recognize_time(samples)->format, pattern("%d/%m/%Y"));
}

TEST(RecognizeTime, FindsNothingWhereThereIsNone) {
  const std::vector<std::string_view> cases[] = {
      {},
      {"", " "},
      {"17850"},
      {"536365", "1291191960"},
      {"1291191960", "1291191960123"},
      {"-1291191960"},
      {"99999999"},
      {"0001-01-01"},
      {"9.99", "12.50"},
      {"13/13/2010"},
      {"13/1/2010", "1/13/2010"},
      {"2010-12-01", "12/1/2010"},
      {"C536379"},
      {"May"},
      {"08:26"},
      {"true"},
  };
  for (const auto& samples : cases) {
    EXPECT_FALSE(recognize_time(samples).has_value())
        << (samples.empty() ? std::string_view("nothing") : samples[0]);
  }
}

TEST(FormatRfc3339, ShowsTheZonesOffset) {
  EXPECT_EQ(format_rfc3339(0, *Zone::utc()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(1, *Zone::utc()), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(format_rfc3339(-1, *Zone::utc()), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(utc("2026-01-31T07:00:00Z"), *load("Europe/Berlin")),
            "2026-01-31T08:00:00+01:00");
  EXPECT_EQ(format_rfc3339(utc("2026-01-31T07:00:00.5Z"), *load("America/St_Johns")),
            "2026-01-31T03:30:00.500-03:30");
  EXPECT_EQ(format_rfc3339(utc("2026-01-31T07:00:00Z"), *load("Europe/London")),
            "2026-01-31T07:00:00Z");
  EXPECT_EQ(format_rfc3339(0, *load("Africa/Monrovia")), "1969-12-31T23:16:00-00:44");
}

TEST(FormatRfc3339, RoundTripsInEveryZone) {
  std::mt19937_64 random(3);
  for (const std::string_view name : {"UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia",
                                      "Africa/Monrovia", "Asia/Kathmandu", "Pacific/Chatham"}) {
    const auto zone = load(name);
    for (int i = 0; i < 20'000; ++i) {
      const auto at = static_cast<TimestampMs>(random() % timestamp_end_ms);
      const std::string text = format_rfc3339(at, *zone);
      ASSERT_EQ(parse_rfc3339(text), at) << text;
      ASSERT_EQ(parse_time(text, TimeFormat{}, *zone), at) << text;
    }
  }
}

TEST(ParseRfc3339, IsStrict) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026-01-31",
                                      "2026-01-31T08:00:00",
                                      "2026-01-31 08:00:00Z",
                                      "2026-01-31T08:00Z",
                                      "2026-01-31T08:00+01Z",
                                      "2026-01-31T08:00:00+0100",
                                      "2026-01-31T08:00:00+01",
                                      "2026-01-31T08:00:00 Z",
                                      "2026-01-31T08:00:00,5Z",
                                      "2026-01-31T08:00:00.Z",
                                      "2026-01-31T08:00:00UTC",
                                      "2026-01-31T08:00:00ZZ",
                                      " 2026-01-31T08:00:00Z",
                                      "2026-01-31T08:00:00Z ",
                                      "2026-02-30T08:00:00Z",
                                      "2026-01-31T24:00:00Z",
                                      "2026-01-31T08:00:60Z",
                                      "1969-12-31T23:59:59Z",
                                      "2101-01-01T00:00:00Z",
                                      "2026-01-31T08:00:00+24:00",
                                      "2026-01-31T08:00:00+01:60",
                                      "2026-01-31T08:00:00.5+01:0",
                                      "20260131T080000Z....."}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_rfc3339("1970-01-01t00:00:00z"), 0);
  EXPECT_EQ(parse_rfc3339("1970-01-01T01:00:00.0019999+01:00"), 1);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:00:00-01:00"), 0);
  EXPECT_EQ(parse_rfc3339("1972-06-30T23:59:60Z"), utc("1972-07-01T00:00:00Z"));
}

}  // namespace
}  // namespace hf
