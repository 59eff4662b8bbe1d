// SPDX-License-Identifier: Apache-2.0
#include "service/backup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/json.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "cli/command_table.h"
#include "cli/state_text.h"
#include "service/restore.h"

namespace hf {
namespace {

constexpr std::int64_t redraw_ns = 200'000'000;

/// One line on standard error, where that is a terminal; wiped when it goes.
class CopyLine {
 public:
  explicit CopyLine(Clock& clock) : clock_(clock), interactive_(::isatty(STDERR_FILENO) == 1) {}
  ~CopyLine() {
    if (drawn_ns_ != 0) fmt::print(stderr, "\r\x1b[K");
  }
  CopyLine(const CopyLine&) = delete;
  CopyLine& operator=(const CopyLine&) = delete;

  void show(const CopyProgress& progress) {
    if (!interactive_) return;
    const std::int64_t now = clock_.monotonic_ns();
    if (drawn_ns_ != 0 && now - drawn_ns_ < redraw_ns) return;
    drawn_ns_ = now;
    std::string share;
    if (progress.bytes_total > 0) {
      const double part =
          static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total);
      share = fmt::format("{:3.0f}%  ", std::min(part, 1.0) * 100);
    }
    fmt::print(stderr, "\r\x1b[K{}{}  {}", share, human_bytes(progress.bytes_done), progress.file);
    std::fflush(stderr);
  }

 private:
  Clock& clock_;
  bool interactive_;
  std::int64_t drawn_ns_ = 0;
};

/// Without links and dots, so that one directory in another is seen.
std::string plain_path(const std::string& path) {
  std::error_code failed;
  const auto plain = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : plain.string();
}

std::string summary_json(const BackupSummary& summary, std::string_view directory,
                         const Hash128& epoch) {
  const BackupRecord& record = summary.record;
  JsonWriter out;
  const auto put = [&](std::string_view name, std::uint64_t value) {
    out.key(name).raw(std::to_string(value));
  };
  out.begin_object();
  out.key("directory").text(directory);
  out.key("created_at_ms").integer(record.created_at_ms);
  out.key("program").text(record.program);
  out.key("store_id").text(record.store_id.hex());
  out.key("epoch").text(epoch.hex());
  put("generation", record.generation);
  put("data_version", record.data_version);
  put("log_begin", record.log_begin);
  put("log_end", record.log_end);
  put("parts", summary.parts);
  put("part_events", summary.part_events);
  put("log_files", summary.log_files);
  put("log_records", summary.log_records);
  put("bytes", summary.bytes);
  out.key("state");
  if (summary.state) {
    out.begin_object();
    put("sources", summary.state->sources);
    put("keys", summary.state->keys);
    put("refusals", summary.state->refusals);
    out.end_object();
  } else {
    out.null();
  }
  out.end_object();
  return out.take() + "\n";
}

std::string summary_text(const BackupSummary& summary, Words words) {
  const auto line = [&](std::string_view english, std::string_view chinese,
                        const std::string& text) {
    return fmt::format("{}  {}\n", pad_right(words(english, chinese), 6), text);
  };
  return line("parts", "分片",
              fmt::format(fmt::runtime(words("{} files, {} events", "{} 个文件，{} 个事件")),
                          with_separators(summary.parts), with_separators(summary.part_events))) +
         line("log", "日志",
              fmt::format(fmt::runtime(words("{} files, {} records", "{} 个文件，{} 条记录")),
                          with_separators(summary.log_files),
                          with_separators(summary.log_records))) +
         (summary.state ? line("state", "状态", state_text(*summary.state, words)) : "") +
         line("size", "大小", human_bytes(summary.bytes));
}

struct BackupArguments {
  std::string directory;  // Of the backup.
  std::string format = "text";
};

Result<int> back_up(Session& session, const BackupArguments& arguments) {
  const StopOnSignal signals;
  const auto summary = [&] {
    CopyLine line(session.env().clock);
    return backup_data(session.env(), plain_path(session.data), plain_path(arguments.directory),
                       {.on_progress = [&](const CopyProgress& p) { line.show(p); },
                        .stop = &StopOnSignal::stop()},
                       session.adapters().state_file);
  }();
  HF_CHECK(summary);
  if (arguments.format == "json") {
    print(summary_json(*summary, arguments.directory, summary->record.epoch));
    return 0;
  }
  const Words words = session.words();
  print(summary_text(*summary, words));
  print(
      fmt::format(fmt::runtime(words("backed up to {}\n", "已备份到 {}\n")), arguments.directory));
  return 0;
}

Result<int> restore(Session& session, const BackupArguments& arguments) {
  const StopOnSignal signals;
  const auto summary = [&] {
    CopyLine line(session.env().clock);
    return restore_data(session.env(), plain_path(arguments.directory), plain_path(session.data),
                        {.on_progress = [&](const CopyProgress& p) { line.show(p); },
                         .stop = &StopOnSignal::stop()},
                        session.adapters().state_file);
  }();
  HF_CHECK(summary);
  if (arguments.format == "json") {
    print(summary_json(summary->backup, session.data, summary->epoch));
    return 0;
  }
  const Words words = session.words();
  print(summary_text(summary->backup, words));
  print(fmt::format(
      fmt::runtime(words("restored to {}, as of {}\n", "已恢复到 {}，数据截至 {}\n")), session.data,
      format_rfc3339(summary->backup.record.created_at_ms / 1000 * 1000, *Zone::utc())));
  return 0;
}

}  // namespace

void add_backup_commands(CommandTable& table) {
  Session& session = table.session();
  const auto add = [&](const char* name, const char* description, const char* examples,
                       const char* directory_name, const char* directory_description, auto run) {
    const auto arguments = std::make_shared<BackupArguments>();
    CLI::App* command = table.add(name, description, examples, [&session, arguments, run] {
      return reported([&] { return run(session, *arguments); });
    });
    command->add_option(directory_name, arguments->directory, directory_description)
        ->type_name("DIR")
        ->required();
    command->add_option("--format", arguments->format, "Form of the report")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
  };
  add("backup",
      "Copy the data directory, also while it is written to: all that was acknowledged before",
      "  holdfast backup /backup/shop-2026-01-31 --data /srv/shop\n"
      "  holdfast backup \"/backup/$(date +%F)\" --format json",
      "TO", "Directory to make; must be absent or empty", back_up);
  add("restore", "Make a data directory of a backup, checking every byte of it",
      "  holdfast restore /backup/shop-2026-01-31 --data /srv/restored\n"
      "  holdfast restore /backup/shop-2026-01-31 --data /srv/restored --format json",
      "FROM", "Directory that `holdfast backup` made; --data must be absent or empty", restore);
}

}  // namespace hf
