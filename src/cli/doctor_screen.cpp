// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "base/json.h"
#include "calendar/time_text.h"

namespace hf {
namespace {

constexpr int label_width = 14;
constexpr int mark_width = 2;
constexpr std::size_t like_findings_shown = 8;

/// A path or message may hold anything, also what moves the cursor.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

/// Makes the sentences of one finding. A text's {} are the values, in the order of each language's
/// own {0}, {1}.
class Teller {
 public:
  Teller(const Finding& finding, const Zone& zone, Words words)
      : finding_(finding), zone_(zone), words_(words) {}

  [[nodiscard]] FindingText tell() const;

 private:
  template <class... Values>
  [[nodiscard]] std::string say(std::string_view english, std::string_view chinese,
                                const Values&... values) const {
    return fmt::format(fmt::runtime(words_(english, chinese)), values...);
  }
  [[nodiscard]] std::string text(std::string_view name) const { return plain(finding_.text(name)); }
  [[nodiscard]] std::string count(std::string_view name) const {
    return with_separators(finding_.number(name));
  }
  /// "1 event", "2 events", "2 个事件"
  [[nodiscard]] std::string count_of(std::string_view name, std::string_view one,
                                     std::string_view many, std::string_view chinese) const {
    const bool is_one = finding_.number(name) == 1;
    return fmt::format("{} {}", count(name), words_(is_one ? one : many, chinese));
  }
  [[nodiscard]] std::string events(std::string_view name) const {
    return count_of(name, "event", "events", "个事件");
  }
  [[nodiscard]] std::string records(std::string_view name) const {
    return count_of(name, "record", "records", "条记录");
  }
  [[nodiscard]] std::string files(std::string_view name) const {
    return count_of(name, "file", "files", "个文件");
  }
  [[nodiscard]] std::string bytes(std::string_view name) const {
    return human_bytes(finding_.number(name));
  }
  [[nodiscard]] std::string time(std::string_view name) const {
    const auto ms = static_cast<TimestampMs>(finding_.number(name));
    return format_rfc3339(ms / 1'000 * 1'000, zone_);
  }
  [[nodiscard]] std::string duration(std::uint64_t seconds) const {
    if (seconds >= 2 * 86'400) return say("{} days", "{} 天", seconds / 86'400);
    if (seconds >= 2 * 3'600) return say("{} hours", "{} 小时", seconds / 3'600);
    if (seconds >= 2 * 60) return say("{} minutes", "{} 分钟", seconds / 60);
    return say("{} s", "{} 秒", seconds);
  }
  /// What reading so many records adds to a start, where one would notice.
  [[nodiscard]] std::string start_time(std::uint64_t ms) const {
    if (ms < 1'000) return {};
    return say(" (about {} at the next start)", "（下次启动约需 {}）", duration(ms / 1'000));
  }
  [[nodiscard]] std::string restore() const {
    return say(
        "restore the newest backup into an empty directory, and keep this one until that "
        "has worked (docs/backup.md)",
        "将最新备份恢复到空目录；成功之前请保留本目录（docs/backup.md）");
  }
  [[nodiscard]] std::string newer_program() const {
    return say("use the newer version of holdfast that wrote it", "请使用写入它的较新版 holdfast");
  }
  [[nodiscard]] std::string make_one() const {
    return say("name the right one with --data, or make one: holdfast import FILE",
               "用 --data 指定正确的目录，或新建一个：holdfast import FILE");
  }
  [[nodiscard]] FindingText tell_log() const;
  [[nodiscard]] FindingText tell_message_keys() const;
  [[nodiscard]] FindingText tell_import() const;
  [[nodiscard]] FindingText tell_open_files() const;

  const Finding& finding_;
  const Zone& zone_;
  Words words_;
};

FindingText Teller::tell_log() const {
  std::string seen = files("files") + say(", {}", "，{}", bytes("bytes"));
  if (finding_.number("pending_records") == 0) {
    seen += say("; all in parts", "；已全部写入分片");
  } else {
    seen += say("; {} not in parts yet", "；{}尚未写入分片", records("pending_records"));
    seen += start_time(finding_.number("start_ms"));
  }
  if (finding_.number("kept_bytes") > 0) {
    seen += say("; {} kept to know repeated messages", "；保留 {} 用于识别重复消息",
                bytes("kept_bytes"));
  }
  return {seen, {}};
}

FindingText Teller::tell_message_keys() const {
  std::string seen =
      say("{} in {}, {}", "{} 个，{}，{}", count("keys"), files("files"), bytes("bytes"));
  if (finding_.number("unread_records") > 0) {
    seen += say("; the next append reads {} more", "；下次 append 启动时再读取 {}",
                records("unread_records"));
  }
  return {seen, {}};
}

FindingText Teller::tell_import() const {
  const std::string holder = text("holder");
  const std::string go_on =
      say("run the same command again and it goes on from there, or take it away: holdfast import "
          "undo {}",
          "重新运行同一命令即可继续，或撤销它：holdfast import undo {}", finding_.number("import"));
  if (holder.empty()) {
    return {say("import {} of {} was left unfinished; its {} so far are not seen",
                "导入 {}（{}）未完成；已写入的 {}尚不可见", finding_.number("import"), text("file"),
                events("events")),
            go_on};
  }
  return {say("import {} of {} is not finished; {} so far", "导入 {}（{}）尚未完成；已写入 {}",
              finding_.number("import"), text("file"), events("events")),
          say("nothing to do where {} is that import; else, once that has ended: {}",
              "若 {} 正是该导入，则无需处理；否则待其结束后：{}", holder, go_on)};
}

FindingText Teller::tell_open_files() const {
  // A round number with room to grow.
  std::uint64_t wanted = 1'024;
  while (wanted < 2 * finding_.number("needed")) wanted *= 2;
  return {
      say("{} allowed at a time, {} needed", "最多同时打开 {} 个，需要 {} 个", count("allowed"),
          count("needed")),
      say("raise the limit before starting: ulimit -n {0}, or LimitNOFILE={0} in a systemd unit",
          "启动前提高上限：ulimit -n {0}，或在 systemd 单元中设置 LimitNOFILE={0}", wanted)};
}

FindingText Teller::tell() const {
  switch (finding_.reason) {
    case FindingReason::directory_private:
      return {say("{}, for its owner alone", "{}，仅所有者可访问", text("path")), {}};
    case FindingReason::no_directory:
      return {say("there is no {}", "{} 不存在", text("path")), make_one()};
    case FindingReason::no_data_directory:
      return {say("there is no Holdfast data in {}", "{} 中没有 Holdfast 数据", text("path")),
              make_one()};
    case FindingReason::is_backup:
      return {say("{} is a backup, not a data directory", "{} 是备份，不是数据目录", text("path")),
              say("restore it into an empty directory: holdfast restore {} --data DIRECTORY",
                  "将它恢复到空目录：holdfast restore {} --data 目录", text("path"))};
    case FindingReason::not_readable:
      return {say("no permission: {}", "没有权限：{}", text("what")),
              say("run as the user who owns the files, or give them to the user who is to: chown "
                  "-R USER DIRECTORY",
                  "以文件所有者身份运行，或将文件交给运行者：chown -R 用户 目录")};
    case FindingReason::not_writable:
      return {say("no permission to write {}: no event can be taken in",
                  "没有写入权限：{}，无法接收事件", text("path")),
              say("run as the user who owns it; what root made: chown -R USER DIRECTORY",
                  "以其所有者身份运行；若由 root 创建：chown -R 用户 目录")};
    case FindingReason::directory_open:
      return {say("{}; other users of this machine can list it, not read it",
                  "{}；本机其他用户可以列出其中的文件名，但不能读取内容", text("path")),
              fmt::format("chmod 700 {}", text("path"))};
    case FindingReason::data_open:
      return {say("{}; other users of this machine can read the data",
                  "{}；本机其他用户可以读取数据", text("path")),
              fmt::format("chmod -R go-rwx {}", text("path"))};
    case FindingReason::unreadable:
      return {say("cannot be read: {}", "无法读取：{}", text("what")),
              say("look for errors of the disk in the system's log (dmesg); have a backup at hand",
                  "查看系统日志（dmesg）中的磁盘错误，并备好备份")};

    case FindingReason::no_writer: return {say("nobody", "无"), {}};
    case FindingReason::written_by: return {say("{}, at work", "{}，运行中", text("holder")), {}};

    case FindingReason::disk_ample:
      return {say("{} free of {}; {} and a reserve of {} are needed",
                  "共 {1}，可用 {0}；需要 {2}，另留 {3}", bytes("free_bytes"), bytes("total_bytes"),
                  bytes("needed_bytes"), bytes("reserve_bytes")),
              {}};
    case FindingReason::disk_nearly_full:
      return {say("{} free of {}, where {} and a reserve of {} are needed",
                  "共 {1}，仅余 {0}；需要 {2}，另留 {3}", bytes("free_bytes"), bytes("total_bytes"),
                  bytes("needed_bytes"), bytes("reserve_bytes")),
              say("make room, or move to a larger disk: full, it stops what takes events in",
                  "请清理空间或换用更大的磁盘：磁盘写满后将无法接收事件")};
    case FindingReason::disk_full:
      return {say("full: {} free of {}, too little for the log to grow",
                  "已满：共 {1}，仅余 {0}，日志无法继续增长", bytes("free_bytes"),
                  bytes("total_bytes")),
              say("make room, then start again what takes events in; until then questions are "
                  "answered and no event is taken",
                  "请清理空间，然后重新启动写入进程；在此之前可以查询，但不接收事件")};

    case FindingReason::manifest_sound:
      return {say("sound, generation {}", "完好，第 {} 代", count("generation")), {}};
    case FindingReason::manifest_missing:
      return {say("{} is missing beside {}: it was lost, or a restore or copy was cut off",
                  "缺少 {}，但有 {}：它已丢失，或恢复、复制过程中断", text("path"),
                  count_of("files", "file of data", "files of data", "个数据文件")),
              restore()};
    case FindingReason::manifest_to_come:
      return {say("{} is not there yet", "{} 尚未生成", text("path")),
              say("wait until {} has ended", "请等待 {} 结束", text("holder"))};
    case FindingReason::manifest_damaged:
      return {say("{} is damaged: {}", "{} 已损坏：{}", text("path"), text("what")), restore()};
    case FindingReason::manifest_newer:
      return {say("{} is of version {}, this program knows 1", "{} 的版本为 {}，本程序只支持 1",
                  text("path"), finding_.number("version")),
              newer_program()};
    case FindingReason::left_over_manifest:
      return {say("{} was left by a crash", "{} 为崩溃残留", text("path")),
              say("nothing to do: the next change replaces it", "无需处理：下次更改时会被替换")};

    case FindingReason::parts_listed:
      return {say("{}, {}, {}", "{}，{}，{}", files("files"), bytes("bytes"), events("events")),
              {}};
    case FindingReason::part_missing:
      return {say("{} is missing, with {}", "缺少 {}，其中有 {}", text("path"), events("events")),
              say("put the file back if it was moved away; else {}",
                  "若文件被移走，请放回原处；否则{}", restore())};
    case FindingReason::part_damaged:
      return {say("damaged: {}", "已损坏：{}", text("what")), restore()};
    case FindingReason::part_newer:
    case FindingReason::log_newer:
      return {say("{} is of version {}, this program knows 1", "{} 的版本为 {}，本程序只支持 1",
                  text("path"), finding_.number("version")),
              newer_program()};
    case FindingReason::part_size:
      return {say("{} has {} bytes, and should have {}", "{} 为 {} 字节，应为 {} 字节",
                  text("path"), count("bytes"), count("expected_bytes")),
              restore()};
    case FindingReason::many_small_parts:
      return {say("{} stretches of parts where a tenth would do: questions take longer",
                  "共有 {} 段分片，远多于所需：查询会变慢", count("groups")),
              say("let holdfast append run for a while: it joins them as it goes",
                  "让 holdfast append 运行一段时间：它会逐步合并")};

    case FindingReason::log_none: return {say("empty", "空"), {}};
    case FindingReason::log_read: return tell_log();
    case FindingReason::log_missing:
      return {say("{} holds no log, and {} records were written",
                  "{} 中没有日志，而此前已写入 {} 条记录", text("path"),
                  with_separators(finding_.number("needed") - 1)),
              say("put its files back if they were moved away; else {}",
                  "若文件被移走，请放回原处；否则{}", restore())};
    case FindingReason::log_begins_late:
      return {
          say("{} begins with record {}, and {} is needed", "{} 从第 {} 条记录开始，而需要第 {} 条",
              text("path"), count("first"), count("needed")),
          say("put the older files back if they were moved away; else {}",
              "若较早的文件被移走，请放回原处；否则{}", restore())};
    case FindingReason::log_ends_early:
      return {say("{} ends before record {}, and {} was written",
                  "{} 在第 {} 条记录之前结束，而第 {} 条已写入", text("path"), count("end"),
                  with_separators(finding_.number("needed") - 1)),
              say("put the newer files back if they were moved away; else {}",
                  "若较新的文件被移走，请放回原处；否则{}", restore())};
    case FindingReason::log_damaged:
      return {say("damaged: {}", "已损坏：{}", text("what")), restore()};
    case FindingReason::old_log_damaged:
      return {say("damaged, though its records are in parts: {}",
                  "已损坏，但其中的记录已写入分片：{}", text("what")),
              say("no event is lost; check the disk. The file goes by itself when its messages are "
                  "older than seven days",
                  "没有丢失事件；请检查磁盘。其中的消息超过七天后，该文件会自动删除")};
    case FindingReason::log_torn:
      return {say("{} ends, at byte {}, with what was never finished",
                  "{} 末尾（第 {} 字节起）有未写完的内容", text("path"), count("position")),
              say("nothing to do: it was never acknowledged, and the next start cuts it off",
                  "无需处理：它从未被确认，下次启动时会被截去")};

    case FindingReason::message_keys_read: return tell_message_keys();
    case FindingReason::message_keys_young:
      return {say("none on disk yet; the next append reads {}",
                  "尚未落盘；下次 append 启动时读取 {}", records("unread_records")),
              {}};
    case FindingReason::message_keys_missing:
      return {say("{} is not there", "{} 不存在", text("path")),
              say("nothing to do: the next append makes it anew from {}",
                  "无需处理：下次 append 启动时由 {}重建", records("unread_records"))};
    case FindingReason::message_keys_damaged:
      return {say("damaged: {}", "已损坏：{}", text("what")),
              say("start append anew: it makes them from {}; then check the disk",
                  "重新启动 append：它会由 {}重建；然后检查磁盘", records("unread_records"))};
    case FindingReason::message_keys_ahead:
      return {say("{} knows records up to {}, the log ends with {}",
                  "{} 记到第 {} 条记录，而日志止于第 {} 条", text("path"),
                  with_separators(finding_.number("end") - 1),
                  with_separators(finding_.number("log_end") - 1)),
              say("nothing to do: the next append makes it anew from {}",
                  "无需处理：下次 append 启动时由 {}重建", records("unread_records"))};

    case FindingReason::state_read:
      return {say("{}, {}, {}", "{}，{}，{}", count_of("sources", "source", "sources", "个来源"),
                  count_of("keys", "key", "keys", "个密钥"),
                  count_of("refusals", "refused event", "refused events", "个被拒事件")),
              {}};
    case FindingReason::state_damaged:
      return {say("damaged: {}", "已损坏：{}", text("what")), restore()};
    case FindingReason::state_newer:
      return {say("of a newer version: {}", "由较新版本写入：{}", text("what")), newer_program()};

    case FindingReason::imports_done:
      return {say("{} done, {}", "{} 个已完成，{}", count("imports"), events("events")), {}};
    case FindingReason::import_unfinished: return tell_import();
    case FindingReason::rejects_waiting: {
      const bool is_one = finding_.number("imports") == 1;
      const std::string rows =
          count_of("rows", "row was rejected", "rows were rejected", "行被拒绝");
      return {is_one ? say("{}: {}", "{}：{}", rows, text("path"))
                     : say("{} in {} imports, the last: {}", "{}，涉及 {} 个导入，最近一个：{}",
                           rows, count("imports"), text("path")),
              say("the file has line and reason of each; to have them, mend the input, undo the "
                  "import, import again",
                  "文件中有每行的行号和原因；如需补录：修正输入，撤销该导入，再重新导入")};
    }

    case FindingReason::left_over_files:
      return {say("{}, {}, left by a crash: {}", "崩溃残留 {}，{}：{}", files("files"),
                  bytes("bytes"), text("path")),
              say("nothing to do: the next start removes them", "无需处理：下次启动时会被删除")};

    case FindingReason::clock_right: {
      std::string seen = say("{}, days of {}", "{}，按 {} 计日", time("now_ms"), text("timezone"));
      if (finding_.number("newest_ms") > 0) {
        seen += say("; the last record came {}", "；最近一条记录收于 {}", time("newest_ms"));
      }
      return {seen, {}};
    }
    case FindingReason::clock_behind_log:
      return {say("the clock says {}, but the last record came {}",
                  "时钟显示 {}，而最近一条记录收于 {}", time("now_ms"), time("newest_ms")),
              say("set the clock right; until it has caught up, in {}, everything counts as "
                  "received at that last moment",
                  "请校准时钟；在它追上之前（还需 {}），所有事件的接收时间都记为最后那一刻",
                  duration((finding_.number("newest_ms") - finding_.number("now_ms")) / 1'000))};
    case FindingReason::timezone_unknown:
      return {say("this machine does not know the workspace's zone {}", "本机不认识工作区时区 {}",
                  text("timezone")),
              say("install the package tzdata, or set TZDIR; until then questions are refused",
                  "请安装 tzdata 软件包，或设置 TZDIR；在此之前无法查询")};

    case FindingReason::open_files_ample: {
      FindingText told = tell_open_files();
      told.act.clear();
      return told;
    }
    case FindingReason::open_files_few: return tell_open_files();

    case FindingReason::version:
      return {say("{}; formats: manifest {}, log {}, part {}, message keys {}",
                  "{}；格式：清单 {}，日志 {}，分片 {}，消息键 {}", text("program"),
                  finding_.number("manifest"), finding_.number("log"), finding_.number("part"),
                  finding_.number("message_keys")),
              {}};

    case FindingReason::contents_sound:
      return {say("all read, all sound: {}, {} in the log, {} message keys",
                  "已全部读取，一切完好：{}，日志中 {}，{} 个消息键", events("events"),
                  records("records"), count("keys")),
              {}};
    case FindingReason::contents_damaged:
      return {say("damaged: {}", "已损坏：{}", text("what")), restore()};
    case FindingReason::contents_not_read:
      return {say("not read, because {} is at work", "{} 正在运行，因此未读取", text("holder")),
              say("run holdfast doctor --deep when it has ended",
                  "待其结束后运行 holdfast doctor --deep")};
  }
  HF_ASSERT(false);
}

std::string_view label_of(FindingArea area, Words words) {
  switch (area) {
    case FindingArea::directory: return words("directory", "目录");
    case FindingArea::writer: return words("writer", "写入进程");
    case FindingArea::disk: return words("disk", "磁盘");
    case FindingArea::manifest: return words("manifest", "清单");
    case FindingArea::parts: return words("parts", "分片");
    case FindingArea::log: return words("log", "日志");
    case FindingArea::message_keys: return words("message keys", "消息键");
    case FindingArea::state: return words("state", "状态");
    case FindingArea::imports: return words("imports", "导入");
    case FindingArea::left_over: return words("left over", "残留文件");
    case FindingArea::clock: return words("clock", "时钟");
    case FindingArea::open_files: return words("open files", "打开文件");
    case FindingArea::version: return words("version", "版本");
    case FindingArea::contents: return words("contents", "内容");
  }
  HF_ASSERT(false);
}

struct Mark {
  std::string_view sign;
  std::string_view color;  // Of the terminal's own sixteen, so that it suits its background.
};

Mark mark_of(Severity severity) {
  switch (severity) {
    case Severity::fine: return {"✓", "32"};
    case Severity::advice: return {"·", "36"};
    case Severity::warning: return {"!", "33"};
    case Severity::broken: return {"✗", "31"};
  }
  HF_ASSERT(false);
}

std::string in_color(std::string_view text, std::string_view color, ColorMode mode) {
  return mode == ColorMode::none ? std::string(text)
                                 : fmt::format("\x1b[{}m{}\x1b[0m", color, text);
}

/// Columns of a text in colours.
int visible_width(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t escape = std::min(text.find('\x1b'), text.size());
    plain += text.substr(0, escape);
    text.remove_prefix(escape);
    if (!text.empty()) text.remove_prefix(text.find('m') + 1);
  }
  return display_width(plain);
}

/// Cuts the text into lines of at most `width` columns, at blanks and around wide characters; what
/// has neither stays whole. 0: one line.
std::vector<std::string> lines_of(std::string_view text, int width) {
  std::vector<std::string> lines(1);
  for (std::size_t at = 0; at < text.size();) {
    // The next piece that stays whole: a wide character, or up to the next blank or wide one.
    std::size_t end = at;
    bool is_wide = false;
    while (end < text.size() && text[end] != ' ' && !is_wide) {
      std::size_t next = end + 1;
      while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
      is_wide = display_width(text.substr(end, next - end)) == 2;
      if (is_wide && end > at) break;
      end = next;
    }
    std::size_t after = end;
    while (after < text.size() && text[after] == ' ') ++after;
    const std::string_view piece = text.substr(at, end - at);
    const bool fits = display_width(lines.back()) + display_width(piece) <= width;
    if (width > 0 && !fits && !lines.back().empty()) {
      lines.back().erase(lines.back().find_last_not_of(' ') + 1);
      lines.emplace_back();
    }
    lines.back() += text.substr(at, after - at);
    at = after;
  }
  lines.back().erase(lines.back().find_last_not_of(' ') + 1);
  return lines;
}

/// `begin`, and after it the text, as many lines as the terminal needs, one below the other.
std::string hanging(const std::string& begin, std::string_view text, const Terminal& terminal) {
  const int indent = visible_width(begin);
  const int width = terminal.width > 0 ? std::max(20, terminal.width - indent) : 0;
  std::string out = begin;
  bool is_first = true;
  for (const std::string& line : lines_of(text, width)) {
    if (!is_first) out += std::string(static_cast<std::size_t>(indent), ' ');
    out += line + "\n";
    is_first = false;
  }
  return out;
}

std::string summary_of(const Diagnosis& diagnosis, const Terminal& terminal, Words words) {
  std::array<std::uint64_t, 4> counts{};
  for (const Finding& finding : diagnosis.findings) {
    ++counts[static_cast<std::size_t>(severity_of(finding.reason))];
  }
  const auto count = [&](Severity severity) { return counts[static_cast<std::size_t>(severity)]; };
  const Severity worst = diagnosis.worst();
  if (worst <= Severity::advice) {
    const std::string_view what = worst == Severity::fine ? words("all is well", "一切正常")
                                                          : words("nothing is wrong", "没有问题");
    return in_color(what, mark_of(Severity::fine).color, terminal.color);
  }
  std::string what;
  const auto add = [&](Severity severity, std::string_view one, std::string_view many,
                       std::string_view chinese) {
    const std::uint64_t n = count(severity);
    if (n == 0) return;
    if (!what.empty()) what += words(", ", "，");
    what += fmt::format(fmt::runtime(words(n == 1 ? one : many, chinese)), n);
  };
  add(Severity::broken, "{} thing is broken", "{} things are broken", "{} 处故障");
  add(Severity::warning, "{} warning", "{} warnings", "{} 个警告");
  return in_color(what, mark_of(worst).color, terminal.color);
}

}  // namespace

FindingText tell(const Finding& finding, const Zone& zone, Words words) {
  return Teller(finding, zone, words).tell();
}

std::string render_diagnosis(const Diagnosis& diagnosis, const Zone& zone, const Terminal& terminal,
                             Words words) {
  std::string out;
  const std::span<const Finding> all = diagnosis.findings;
  for (std::size_t at = 0; at < all.size();) {
    // A disk that loses one file may lose a hundred: one word of what to do is enough.
    const FindingReason reason = all[at].reason;
    const std::string act = tell(all[at], zone, words).act;
    std::size_t end = at + 1;
    while (end < all.size() && all[end].reason == reason &&
           tell(all[end], zone, words).act == act) {
      ++end;
    }
    const bool is_first = at == 0 || area_of(all[at - 1].reason) != area_of(reason);
    const bool is_troubled = std::ranges::any_of(all, [&](const Finding& other) {
      return area_of(other.reason) == area_of(reason) &&
             severity_of(other.reason) >= Severity::warning;
    });
    const Mark mark = mark_of(severity_of(reason));
    // A fact beside what is wrong with it is no good news.
    const bool is_marked = severity_of(reason) != Severity::fine || !is_troubled;
    const std::string sign = is_marked ? in_color(mark.sign, mark.color, terminal.color) : " ";
    const std::string label =
        bold(pad_right(label_of(area_of(reason), words), label_width), terminal.color);
    const std::string no_label(label_width, ' ');
    for (std::size_t i = at; i < end; ++i) {
      std::string begin = sign + " " + (is_first && i == at ? label : no_label);
      if (i - at == like_findings_shown && end - i > 1) {
        out +=
            fmt::format(fmt::runtime(words("{}and {} more\n", "{}另有 {} 处\n")), begin, end - i);
        break;
      }
      out += hanging(begin, tell(all[i], zone, words).seen, terminal);
    }
    if (!act.empty()) {
      const std::string margin(mark_width + label_width, ' ');
      out += hanging(margin + in_color("→ ", mark.color, terminal.color), act, terminal);
    }
    at = end;
  }
  return diagnosis.has_data() ? out + "\n" + summary_of(diagnosis, terminal, words) + "\n" : out;
}

std::string diagnosis_json(const Diagnosis& diagnosis, const std::string& directory,
                           const Zone& zone, Words words) {
  JsonWriter out;
  out.begin_object();
  out.key("directory").text(directory);
  out.key("severity").text(to_string(diagnosis.worst()));
  out.key("findings").begin_array();
  for (const Finding& finding : diagnosis.findings) {
    out.begin_object();
    out.key("area").text(to_string(area_of(finding.reason)));
    out.key("reason").text(to_string(finding.reason));
    out.key("severity").text(to_string(severity_of(finding.reason)));
    out.key("values").begin_object();
    for (const FindingValue& value : finding.values) {
      out.key(value.name);
      if (const auto* number = std::get_if<std::uint64_t>(&value.value)) {
        out.raw(std::to_string(*number));
      } else {
        out.text(std::get<std::string>(value.value));
      }
    }
    out.end_object();
    const FindingText told = tell(finding, zone, words);
    out.key("seen").text(told.seen);
    if (!told.act.empty()) out.key("act").text(told.act);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

}  // namespace hf
