// SPDX-License-Identifier: Apache-2.0
#include "cli/import_screen.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace hf {
namespace {

constexpr std::int64_t redraw_ns = 200'000'000;
constexpr std::size_t example_columns_max = 40;

std::string shortened(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (text.size() <= example_columns_max) return text;
  std::size_t end = example_columns_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "..";
}

std::string meaning(const FieldMapping& field, const ImportMapping& mapping, Words words) {
  switch (field.role) {
    case FieldRole::person: return std::string(words("person", "人"));
    case FieldRole::anonymous: return std::string(words("anonymous id", "匿名 ID"));
    case FieldRole::event: return std::string(words("event", "事件"));
    case FieldRole::message_id: return std::string(words("message id", "消息 ID"));
    case FieldRole::channel: return std::string(words("channel", "渠道"));
    case FieldRole::ignored: return std::string(words("ignored", "忽略"));
    case FieldRole::time:
    case FieldRole::received_at: {
      const std::string name(field.role == FieldRole::time ? words("time", "时间")
                                                           : words("received at", "接收时间"));
      const std::string format =
          field.time.style == TimeStyle::pattern ? " " + field.time.pattern : "";
      return fmt::format("{}{}, {}", name, format, mapping.timezone);
    }
    case FieldRole::property: break;
  }
  const std::string_view type = field.type == CellType::number    ? words("number", "数字")
                                : field.type == CellType::boolean ? words("boolean", "布尔")
                                                                  : words("text", "文本");
  return field.property == field.column ? std::string(type)
                                        : fmt::format("{} {}", type, "-> " + field.property);
}

}  // namespace

std::string render_plan(const ImportPlan& plan, Words words) {
  const ImportMapping& mapping = plan.mapping;
  std::string out;
  int width = 8;
  for (const FieldMapping& field : mapping.fields) {
    width = std::max(width, display_width(shortened(field.column)));
  }
  for (const FieldMapping& field : mapping.fields) {
    out += fmt::format("  {}  {}  {}\n", pad_right(shortened(field.column), width),
                       pad_right(meaning(field, mapping, words), 26), shortened(field.example));
  }
  if (!mapping.constant_event.empty()) {
    out += fmt::format("  {}  {}  {}\n", pad_right(words("(every row)", "（每行）"), width),
                       pad_right(words("event", "事件"), 26), mapping.constant_event);
  }
  for (const std::string& remark : plan.remarks) out += "  ! " + remark + "\n";
  return out;
}

std::string render_outcome(const ImportOutcome& outcome, double seconds, Words words) {
  std::string out;
  for (const std::string& name : outcome.skipped_files) {
    out += fmt::format(fmt::runtime(words("{}: imported before, nothing added\n",
                                          "{}：此前已导入，未添加任何内容\n")),
                       name);
  }
  if (outcome.nothing_new) return out;
  if (outcome.resumed) {
    out += fmt::format(fmt::runtime(words("went on at row {}\n", "从第 {} 行继续\n")),
                       with_separators(outcome.resumed_at_row + 1));
  }
  const ImportCounts& counts = outcome.counts;
  const auto counted = [](std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", with_separators(count), count == 1 ? one : many);
  };
  out += words.language == Language::english
             ? fmt::format("import {}: {} of {} in {:.1f} s", outcome.id,
                           counted(counts.events, "event", "events"),
                           counted(outcome.persons_new, "new person", "new people"), seconds)
             : fmt::format("导入 {}：{} 个事件，{} 位新用户，用时 {:.1f} 秒", outcome.id,
                           with_separators(counts.events), with_separators(outcome.persons_new),
                           seconds);
  if (seconds >= 0.5) {  // A rate over less says more about starting up.
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(outcome.rows_this_run) / seconds);
    out += fmt::format(fmt::runtime(words(" ({} rows/s)", "（{} 行/秒）")), with_separators(rate));
  }
  out += '\n';
  const auto note = [&](std::uint64_t count, std::string_view english, std::string_view chinese) {
    if (count > 0) {
      out += fmt::format("  {}: {}\n", words(english, chinese), with_separators(count));
    }
  };
  note(counts.duplicates, "left out, their message id was there already",
       "因消息 ID 重复而略过的事件");
  note(counts.times_ahead, "times more than 24 h ahead, set to the time received, raw time kept",
       "超前 24 小时以上的时间，改用接收时间，原始时间保留");
  note(counts.big_numbers, "numbers beyond 64 bits x 10^-9, kept exactly as text",
       "超出 64 位 x 10^-9 的数字，按文本精确保存");
  note(outcome.cells_kept_as_text,
       "cells of number or boolean columns that are neither, kept as text",
       "数字或布尔列中既非数字也非布尔的单元格，按文本保存");
  if (counts.rejected > 0) {
    note(counts.rejected, "rows rejected", "被拒绝的行");
    out += fmt::format(fmt::runtime(words("    line, column and reason of each: {}\n",
                                          "    各行的行号、列号和原因：{}\n")),
                       outcome.reject_path);
  }
  return out;
}

ProgressLine::ProgressLine(Clock& clock, Words words)
    : clock_(clock),
      words_(words),
      interactive_(::isatty(STDERR_FILENO) == 1),
      started_ns_(clock.monotonic_ns()),
      phase_started_ns_(started_ns_) {}

ProgressLine::~ProgressLine() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressLine::show(const ImportProgress& progress) {
  if (!interactive_) return;
  const std::int64_t now = clock_.monotonic_ns();
  if (progress.phase != phase_) {
    phase_ = progress.phase;
    phase_started_ns_ = now;
    phase_bytes_ = progress.bytes_done;
  }
  if (now - started_ns_ < redraw_ns || now - drawn_ns_ < redraw_ns) return;
  drawn_ns_ = now;
  drawn_ = true;
  const double seconds = static_cast<double>(now - phase_started_ns_) / 1e9;
  std::string line(progress.phase == ImportProgress::Phase::digest ? words_("reading", "读取")
                                                                   : words_("importing", "导入"));
  if (progress.bytes_total > 0) {
    const double share =
        static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total);
    line += fmt::format(" {:3.0f}%", std::min(share, 1.0) * 100);
  }
  if (progress.rows > 0) {
    line += fmt::format("  {} {}  {} {}", with_separators(progress.rows), words_("rows", "行"),
                        with_separators(static_cast<std::uint64_t>(
                            static_cast<double>(progress.rows) / std::max(seconds, 0.001))),
                        words_("rows/s", "行/秒"));
  }
  const std::uint64_t done = progress.bytes_done - std::min(progress.bytes_done, phase_bytes_);
  if (progress.bytes_total > progress.bytes_done && done > 0 && seconds > 1) {
    const double left = static_cast<double>(progress.bytes_total - progress.bytes_done) /
                        static_cast<double>(done) * seconds;
    line += fmt::format("  {:.0f} {}", left, words_("s left", "秒后完成"));
  }
  if (progress.rejected > 0) {
    line +=
        fmt::format("  {} {}", with_separators(progress.rejected), words_("rejected", "行被拒绝"));
  }
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
}

}  // namespace hf
