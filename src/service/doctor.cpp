// SPDX-License-Identifier: Apache-2.0
#include "service/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "calendar/zone.h"
#include "log/duplicate_run.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "service/verify.h"
#include "store/manifest.h"
#include "store/part.h"

namespace hf {
namespace {

constexpr std::uint64_t manifest_bytes_max = std::uint64_t{1} << 30;
constexpr std::size_t cache_bytes = std::size_t{1} << 20;
// Room that is not to be used up by plan: who runs out of space needs some to get out of it.
constexpr std::uint64_t reserve_bytes_max = std::uint64_t{1} << 30;
// Of records that are in parts already, so much of the log has its frame headers read.
constexpr std::uint64_t old_log_bytes_read_max = std::uint64_t{1} << 30;
// Compaction keeps about three groups of parts of each size, and sizes grow by four.
constexpr std::uint64_t part_groups_max = 32;
constexpr std::uint64_t files_besides_parts = 64;
constexpr std::uint64_t records_a_second = 1'000'000;  // That a start reads: docs/performance.md.
constexpr TimestampMs clock_slack_ms = 1'000;
constexpr int looks_max = 5;

struct ReasonInfo {
  std::string_view name;
  Severity severity;
  FindingArea area;
};

constexpr ReasonInfo reasons[] = {
    {"directory_private", Severity::fine, FindingArea::directory},
    {"no_directory", Severity::broken, FindingArea::directory},
    {"no_data_directory", Severity::broken, FindingArea::directory},
    {"is_backup", Severity::broken, FindingArea::directory},
    {"not_readable", Severity::broken, FindingArea::directory},
    {"not_writable", Severity::warning, FindingArea::directory},
    {"directory_open", Severity::advice, FindingArea::directory},
    {"data_open", Severity::warning, FindingArea::directory},
    {"unreadable", Severity::broken, FindingArea::directory},
    {"no_writer", Severity::fine, FindingArea::writer},
    {"written_by", Severity::fine, FindingArea::writer},
    {"disk_ample", Severity::fine, FindingArea::disk},
    {"disk_nearly_full", Severity::warning, FindingArea::disk},
    {"disk_full", Severity::broken, FindingArea::disk},
    {"manifest_sound", Severity::fine, FindingArea::manifest},
    {"manifest_missing", Severity::broken, FindingArea::manifest},
    {"manifest_to_come", Severity::advice, FindingArea::manifest},
    {"manifest_damaged", Severity::broken, FindingArea::manifest},
    {"manifest_newer", Severity::broken, FindingArea::manifest},
    {"left_over_manifest", Severity::advice, FindingArea::manifest},
    {"parts_listed", Severity::fine, FindingArea::parts},
    {"part_missing", Severity::broken, FindingArea::parts},
    {"part_damaged", Severity::broken, FindingArea::parts},
    {"part_newer", Severity::broken, FindingArea::parts},
    {"part_size", Severity::broken, FindingArea::parts},
    {"many_small_parts", Severity::advice, FindingArea::parts},
    {"log_none", Severity::fine, FindingArea::log},
    {"log_read", Severity::fine, FindingArea::log},
    {"log_missing", Severity::broken, FindingArea::log},
    {"log_begins_late", Severity::broken, FindingArea::log},
    {"log_ends_early", Severity::broken, FindingArea::log},
    {"log_damaged", Severity::broken, FindingArea::log},
    {"log_newer", Severity::broken, FindingArea::log},
    {"old_log_damaged", Severity::warning, FindingArea::log},
    {"log_torn", Severity::advice, FindingArea::log},
    {"message_keys_read", Severity::fine, FindingArea::message_keys},
    {"message_keys_young", Severity::fine, FindingArea::message_keys},
    {"message_keys_missing", Severity::advice, FindingArea::message_keys},
    {"message_keys_damaged", Severity::warning, FindingArea::message_keys},
    {"message_keys_ahead", Severity::advice, FindingArea::message_keys},
    {"state_read", Severity::fine, FindingArea::state},
    {"state_damaged", Severity::broken, FindingArea::state},
    {"state_newer", Severity::broken, FindingArea::state},
    {"imports_done", Severity::fine, FindingArea::imports},
    {"import_unfinished", Severity::advice, FindingArea::imports},
    {"rejects_waiting", Severity::advice, FindingArea::imports},
    {"left_over_files", Severity::advice, FindingArea::left_over},
    {"clock_right", Severity::fine, FindingArea::clock},
    {"clock_behind_log", Severity::warning, FindingArea::clock},
    {"timezone_unknown", Severity::warning, FindingArea::clock},
    {"open_files_ample", Severity::fine, FindingArea::open_files},
    {"open_files_few", Severity::warning, FindingArea::open_files},
    {"version", Severity::fine, FindingArea::version},
    {"contents_sound", Severity::fine, FindingArea::contents},
    {"contents_damaged", Severity::broken, FindingArea::contents},
    {"contents_not_read", Severity::advice, FindingArea::contents},
};
static_assert(std::size(reasons) == finding_reasons);

const ReasonInfo& info_of(FindingReason reason) {
  return reasons[static_cast<std::size_t>(reason)];
}

/// The version in the header of a part or log file, where that is sound and newer than `known`:
/// magic, u16 version, .., u32 CRC-32C of the bytes before.
std::optional<std::uint64_t> newer_version(const Env& env, const std::string& path,
                                           std::string_view magic, std::uint16_t known) {
  constexpr std::size_t header_bytes = 64;
  const auto file = env.files.open(path, OpenMode::read);
  if (!file) return std::nullopt;
  std::string header(header_bytes, '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(header)));
  if (!got || *got < header_bytes || !header.starts_with(magic)) return std::nullopt;
  const auto version = load_le<std::uint16_t>(header.data() + magic.size());
  const auto crc = load_le<std::uint32_t>(header.data() + header_bytes - 4);
  if (version <= known || crc != crc32c(header.substr(0, header_bytes - 4))) return std::nullopt;
  return version;
}

/// The same of a manifest's text.
std::optional<std::uint64_t> newer_manifest_version(std::string_view bytes) {
  constexpr std::string_view begin = "holdfast manifest ";
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  if (!line.starts_with(begin)) return std::nullopt;
  std::uint64_t version = 0;
  const auto [end, error] =
      std::from_chars(line.data() + begin.size(), line.data() + line.size(), version);
  const bool is_whole =
      line.size() < bytes.size() &&
      line.ends_with(fmt::format("={:08x}", crc32c(bytes.substr(line.size() + 1))));
  if (error != std::errc{} || version <= 1 || !is_whole) return std::nullopt;
  return version;
}

/// The fewest runs that follow one another from `from` to `to` (docs/format/duplicates.md): what a
/// crash left beside them does not count. None where some are missing.
std::vector<OffsetRange> live_runs(std::vector<OffsetRange> runs, Offset from, Offset to) {
  std::ranges::sort(runs, {}, &OffsetRange::first);
  std::map<Offset, std::vector<OffsetRange>> ways = {{from, {}}};  // The best one to each offset.
  for (const OffsetRange& run : runs) {
    const auto before = ways.find(run.first);
    if (before == ways.end()) continue;
    std::vector<OffsetRange> way = before->second;
    way.push_back(run);
    const auto known = ways.find(run.end);
    if (known == ways.end() || way.size() < known->second.size()) ways[run.end] = std::move(way);
  }
  const auto found = ways.find(to);
  return found == ways.end() ? std::vector<OffsetRange>() : found->second;
}

/// One look at a directory, which may change meanwhile.
class Look {
 public:
  Look(const Env& env, const std::string& directory, const DiagnosisOptions& options)
      : env_(env), directory_(directory), options_(options), cache_(cache_bytes) {}

  void run() {
    if (check_directory()) {
      check_writer();
      check_manifest();
      if (manifest_) {
        check_parts();
        check_log();
        check_message_keys();
        check_imports();
        check_left_over();
        check_clock();
        check_open_files();
      }
      check_state();
      // Last, because what is needed depends on the parts; shown where it belongs.
      check_disk();
    }
    note(FindingReason::version, {{"program", HOLDFAST_VERSION},
                                  {"manifest", std::uint64_t{1}},
                                  {"log", std::uint64_t{log_format::version}},
                                  {"part", std::uint64_t{part_format::version}},
                                  {"message_keys", std::uint64_t{1}}});
    std::ranges::stable_sort(found_.findings, {}, [](const Finding& finding) {
      return std::pair(area_of(finding.reason), severity_of(finding.reason) != Severity::fine);
    });
  }

  /// Whether somebody replaced the manifest or began or ended to write while we looked: then what
  /// we miss may never have been missing.
  [[nodiscard]] bool has_changed() const {
    const auto holder = env_.files.lock_holder(directory_ + "/LOCK");
    if (holder && *holder != holder_) return true;
    if (manifest_bytes_.empty()) return env_.files.exists(manifest_path());
    const auto bytes = read_file(env_, manifest_path(), manifest_bytes_max);
    return !bytes || *bytes != manifest_bytes_;
  }

  /// Whether the manifest of this moment names the part, as the one we began with does.
  [[nodiscard]] bool is_still_named(const PartEntry& entry) const {
    const auto bytes = read_file(env_, manifest_path(), manifest_bytes_max);
    const auto now = bytes ? decode_manifest(*bytes) : *manifest_;
    if (!now) return true;
    const auto names = [&](const std::vector<PartEntry>& parts) {
      return std::ranges::find(parts, entry.file, &PartEntry::file) != parts.end();
    };
    return names(now->parts) || names(now->first_seen);
  }

  [[nodiscard]] bool has_manifest() const { return manifest_.has_value(); }
  [[nodiscard]] const std::optional<std::string>& holder() const { return holder_; }
  [[nodiscard]] Diagnosis take() { return std::move(found_); }

 private:
  void note(FindingReason reason, std::initializer_list<FindingValue> values = {}) {
    found_.findings.push_back({reason, values});
  }
  /// Notes why something could not be read, each once: one bad disk or one wrong owner gives the
  /// same trouble with every file.
  void note(const Error& error) {
    const bool is_barred = error.code == ErrorCode::permission_denied;
    const auto reason = is_barred ? FindingReason::not_readable : FindingReason::unreadable;
    if (seen_reasons_.insert(reason).second) note(reason, {{"what", error.message}});
  }
  [[nodiscard]] std::string manifest_path() const { return directory_ + "/MANIFEST"; }
  [[nodiscard]] std::string below(std::string_view name) const {
    return fmt::format("{}/{}", directory_, name);
  }
  /// Empty where the directory is not there.
  [[nodiscard]] std::vector<std::string> names_below(std::string_view name) {
    auto names = env_.files.list(below(name));
    if (names) return *std::move(names);
    if (names.error().code != ErrorCode::not_found) note(names.error());
    return {};
  }
  [[nodiscard]] Result<std::uint64_t> size_of(const std::string& path) const {
    HF_TRY(const auto file, env_.files.open(path, OpenMode::read));
    return file->size();
  }

  bool check_directory();
  void check_access();
  void check_writer();
  void check_disk();
  void check_manifest();
  void check_parts();
  void check_part(const PartEntry& entry);
  void check_log();
  void look_at_old_log(Offset first, Offset next, std::uint64_t& bytes_left);
  bool read_log_file(Offset first, std::optional<Offset> next, Offset from);
  Result<void> read_records(const LogFrame& frame);
  void note_log_damage(const Error& error, const std::string& path, FindingReason reason);
  void check_message_keys();
  Result<void> read_message_keys();
  void check_state();
  void check_imports();
  void check_left_over();
  void check_clock();
  void check_open_files();

  Env env_;
  const std::string& directory_;
  const DiagnosisOptions& options_;
  PageCache cache_;
  Diagnosis found_;
  std::set<FindingReason> seen_reasons_;  // Of those that are noted once.
  std::optional<std::string> holder_;
  std::uint64_t files_beside_ = 0;  // Of data, where there is no manifest.
  std::string manifest_bytes_;
  std::optional<Manifest> manifest_;

  // Of the log, as far as it could be read.
  bool log_is_whole_ = false;
  Offset log_first_ = 1;
  Offset log_end_ = 1;
  std::uint64_t pending_records_ = 0;
  bool has_logged_events_ = false;
  TimestampMs newest_ms_ = 0;
  Settings settings_;
  std::vector<std::string> left_over_;
  std::uint64_t key_files_ = 0;
};

bool Look::check_directory() {
  const auto access = env_.files.access(directory_);
  if (!access) {
    if (access.error().code == ErrorCode::not_found) {
      note(FindingReason::no_directory, {{"path", directory_}});
    } else if (access.error().reason == "not_a_directory") {
      note(FindingReason::no_data_directory, {{"path", directory_}});
    } else {
      note(access.error());
    }
    return false;
  }
  const auto names = env_.files.list(directory_);
  if (!names) {
    if (names.error().reason == "not_a_directory") {
      note(FindingReason::no_data_directory, {{"path", directory_}});
    } else {
      note(names.error());
    }
    return false;
  }
  if (!std::ranges::binary_search(*names, std::string("MANIFEST"))) {
    std::uint64_t files = 0;
    for (const std::string_view name : {"parts", "log"}) files += names_below(name).size();
    const bool is_backup = std::ranges::binary_search(*names, std::string("BACKUP"));
    if (is_backup || files == 0) {
      note(is_backup ? FindingReason::is_backup : FindingReason::no_data_directory,
           {{"path", directory_}});
      return false;
    }
    files_beside_ = files;
  }
  check_access();
  return true;
}

void Look::check_access() {
  bool names_open = false;
  bool data_open = false;
  for (const std::string_view name :
       {"", "/MANIFEST", "/LOCK", "/parts", "/log", "/duplicates", "/rejects", "/state.sqlite"}) {
    const std::string path = fmt::format("{}{}", directory_, name);
    const auto access = env_.files.access(path);
    if (!access) continue;  // Not there yet; or barred by the directory above, told with that.
    if (name.empty()) names_open = access->open_to_others;
    if (name == "/MANIFEST") data_open = names_open && access->open_to_others;
    if (!access->readable && seen_reasons_.insert(FindingReason::not_readable).second) {
      note(FindingReason::not_readable, {{"what", "cannot read: " + path}});
    }
    const bool is_replaced = name == "/MANIFEST";  // By rename: its own mode does not matter.
    if (!access->writable && !is_replaced &&
        seen_reasons_.insert(FindingReason::not_writable).second) {
      note(FindingReason::not_writable, {{"path", path}});
    }
  }
  note(data_open    ? FindingReason::data_open
       : names_open ? FindingReason::directory_open
                    : FindingReason::directory_private,
       {{"path", directory_}});
}

void Look::check_writer() {
  const auto holder = env_.files.lock_holder(below("LOCK"));
  if (!holder) return note(holder.error());
  holder_ = *holder;
  if (holder_) {
    note(FindingReason::written_by, {{"holder", *holder_}});
  } else {
    note(FindingReason::no_writer);
  }
}

void Look::check_disk() {
  const auto space = env_.files.space(directory_);
  if (!space) return note(space.error());
  const std::uint64_t log_file_bytes = LogWriter::Options().file_bytes;
  const std::uint64_t log_step_bytes = log_file_bytes / 2;  // A file's room is doubled.
  std::uint64_t largest = 0;
  if (manifest_) {
    for (const PartEntry& part : manifest_->parts) largest = std::max(largest, part.bytes);
  }
  // A compaction writes parts no larger than the largest beside those they replace, a flush one
  // part, and the log goes on meanwhile.
  const std::uint64_t needed = 2 * largest + log_file_bytes;
  const std::uint64_t reserve = std::min(reserve_bytes_max, space->total_bytes / 20);
  const auto reason = space->free_bytes < log_step_bytes     ? FindingReason::disk_full
                      : space->free_bytes < needed + reserve ? FindingReason::disk_nearly_full
                                                             : FindingReason::disk_ample;
  note(reason, {{"free_bytes", space->free_bytes},
                {"total_bytes", space->total_bytes},
                {"needed_bytes", needed},
                {"reserve_bytes", reserve}});
}

void Look::check_manifest() {
  auto bytes = read_file(env_, manifest_path(), manifest_bytes_max);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::not_found) return note(bytes.error());
    if (holder_) {
      return note(FindingReason::manifest_to_come,
                  {{"path", manifest_path()}, {"holder", *holder_}});
    }
    return note(FindingReason::manifest_missing,
                {{"path", manifest_path()}, {"files", files_beside_}});
  }
  manifest_bytes_ = *std::move(bytes);
  auto manifest = decode_manifest(manifest_bytes_);
  if (manifest) {
    manifest_ = *std::move(manifest);
    settings_ = manifest_->settings;
    note(FindingReason::manifest_sound, {{"generation", manifest_->generation}});
  } else if (const auto version = newer_manifest_version(manifest_bytes_)) {
    note(FindingReason::manifest_newer, {{"path", manifest_path()}, {"version", *version}});
  } else {
    note(FindingReason::manifest_damaged,
         {{"path", manifest_path()}, {"what", manifest.error().message}});
  }
  // A writer may be at it just now.
  const std::string temporary = manifest_path() + ".tmp";
  if (!holder_ && env_.files.exists(temporary)) {
    note(FindingReason::left_over_manifest, {{"path", temporary}});
  }
}

// Parts.

void Look::check_parts() {
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t groups = 0;
  for (std::size_t i = 0; i < manifest_->parts.size(); ++i) {
    const PartEntry& part = manifest_->parts[i];
    bytes += part.bytes;
    if (manifest_->is_visible(part)) events += part.rows;
    const bool goes_on = i > 0 && part.group != 0 && part.group == manifest_->parts[i - 1].group;
    if (!goes_on) ++groups;
  }
  const std::uint64_t files = manifest_->parts.size();
  note(FindingReason::parts_listed, {{"files", files}, {"bytes", bytes}, {"events", events}});
  for (const PartEntry& part : manifest_->parts) check_part(part);
  for (const PartEntry& part : manifest_->first_seen) check_part(part);
  if (groups > part_groups_max) {
    note(FindingReason::many_small_parts, {{"files", files}, {"groups", groups}});
  }
}

void Look::check_part(const PartEntry& entry) {
  const std::string path = below("parts/" + entry.file);
  auto file = env_.files.open(path, OpenMode::read);
  if (!file) {
    if (file.error().code != ErrorCode::not_found) return note(file.error());
    if (!is_still_named(entry)) return;  // Its owner has put others in its place meanwhile.
    return note(FindingReason::part_missing, {{"path", path}, {"events", entry.rows}});
  }
  const auto size = (*file)->size();
  if (!size) return note(size.error());
  if (*size != entry.bytes) {
    return note(FindingReason::part_size,
                {{"path", path}, {"bytes", *size}, {"expected_bytes", entry.bytes}});
  }
  const auto part = Part::open(*std::move(file), path, cache_);
  if (!part) {
    if (part.error().code != ErrorCode::data_loss) return note(part.error());
    if (const auto version = newer_version(env_, path, part_format::magic, part_format::version)) {
      return note(FindingReason::part_newer, {{"path", path}, {"version", *version}});
    }
    return note(FindingReason::part_damaged, {{"path", path}, {"what", part.error().message}});
  }
  const bool as_told =
      (*part)->row_count() == entry.rows && (*part)->persons().size() == entry.persons &&
      (*part)->time_min() == entry.time_min && (*part)->time_max() == entry.time_max;
  const bool is_known = (*part)->persons().back() < manifest_->next_person;
  if (!as_told || !is_known) {
    note(FindingReason::part_damaged,
         {{"path", path},
          {"what", fmt::format("{}: {}", path,
                               as_told ? "a person beyond those the manifest knows"
                                       : "another part than the manifest tells of")}});
  }
}

// The log.

void Look::note_log_damage(const Error& error, const std::string& path, FindingReason reason) {
  if (error.code != ErrorCode::data_loss) return note(error);
  if (const auto version = newer_version(env_, path, log_format::magic, log_format::version)) {
    return note(FindingReason::log_newer, {{"path", path}, {"version", *version}});
  }
  note(reason, {{"what", error.message}});
}

void Look::check_log() {
  const std::string directory = below("log");
  const Offset needed = manifest_->log_end;
  auto listed = list_log_files(env_, directory);
  if (!listed && listed.error().code != ErrorCode::not_found) return note(listed.error());
  std::vector<Offset> files = listed ? *std::move(listed) : std::vector<Offset>();
  // The newest may have been made and nothing more: as if it were not there.
  if (!files.empty() && (files.size() > 1 || files.back() == 1)) {
    const std::string newest = directory + "/" + log_file_name(files.back());
    const auto file = LogFileReader::open(env_, directory, files.back());
    if (!file && file.error().reason == "bad_log" &&
        is_unfinished_log_file(env_, newest).value_or(false)) {
      left_over_.push_back(newest);
      files.pop_back();
    }
  }
  if (files.empty()) {
    log_is_whole_ = needed == 1;
    if (log_is_whole_) return note(FindingReason::log_none);
    return note(FindingReason::log_missing, {{"path", directory}, {"needed", needed}});
  }

  std::uint64_t bytes = 0;
  std::uint64_t kept_bytes = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto size = size_of(directory + "/" + log_file_name(files[i]));
    if (!size) {
      // Removed since it was listed, because nobody needs it any more.
      if (size.error().code != ErrorCode::not_found) note(size.error());
      continue;
    }
    bytes += *size;
    if (i + 1 < files.size() && files[i + 1] <= needed) kept_bytes += *size;
  }
  log_first_ = files.front();
  log_is_whole_ = true;
  if (files.front() > needed) {
    log_is_whole_ = false;
    note(FindingReason::log_begins_late,
         {{"path", directory}, {"first", files.front()}, {"needed", needed}});
  }
  const auto after = std::ranges::upper_bound(files, needed);
  const auto begin = after == files.begin() ? after : after - 1;
  for (auto file = begin; file != files.end() && log_is_whole_; ++file) {
    const auto next = file + 1 == files.end() ? std::optional<Offset>() : *(file + 1);
    log_is_whole_ = read_log_file(*file, next, needed);
  }
  if (log_is_whole_ && log_end_ < needed) {
    log_is_whole_ = false;
    note(FindingReason::log_ends_early,
         {{"path", directory}, {"end", log_end_}, {"needed", needed}});
  }
  if (log_is_whole_) {
    note(FindingReason::log_read, {{"files", std::uint64_t{files.size()}},
                                   {"bytes", bytes},
                                   {"kept_bytes", kept_bytes},
                                   {"first", log_first_},
                                   {"end", log_end_},
                                   {"pending_records", pending_records_},
                                   {"start_ms", pending_records_ * 1'000 / records_a_second}});
  }
  std::uint64_t bytes_left = old_log_bytes_read_max;
  for (auto file = begin; file != files.begin();) {
    const Offset next = *file--;
    look_at_old_log(*file, next, bytes_left);
  }
}

/// Reads what a start reads: of the newest file all, of one before it what is from `from` on. False
/// where it cannot be read to its end.
bool Look::read_log_file(Offset first, std::optional<Offset> next, Offset from) {
  const std::string path = below("log/" + log_file_name(first));
  const auto give_up = [&](const Error& error) {
    note_log_damage(error, path, FindingReason::log_damaged);
    return false;
  };
  auto file = LogFileReader::open(env_, below("log"), first);
  if (!file) return give_up(file.error());
  if (next) {
    if (const auto skipped = file->skip_to(from); !skipped) return give_up(skipped.error());
  }
  while (true) {
    const auto frame = file->next();
    if (!frame) return give_up(frame.error());
    if (!*frame) break;
    if (const auto read = read_records(**frame); !read) return give_up(read.error());
  }
  log_end_ = file->next_offset();
  newest_ms_ = file->received_at_ms();
  if (next && (file->is_torn() || *next != log_end_)) {
    return give_up({ErrorCode::data_loss, "bad_log",
                    fmt::format("{}: at byte {}: record {} is missing; the next file begins with "
                                "record {}",
                                path, file->position(), log_end_, *next)});
  }
  // Beside a writer it is the frame that is being written.
  if (!next && file->is_torn() && !holder_) {
    note(FindingReason::log_torn, {{"path", path}, {"position", file->position()}});
  }
  return true;
}

Result<void> Look::read_records(const LogFrame& frame) {
  if (frame.end <= manifest_->log_end) return {};
  const auto bad = [&](Offset offset, std::string_view why) {
    return fail(ErrorCode::data_loss, "bad_log",
                fmt::format("{}: record {}: {}", below("log"), offset, why));
  };
  FrameRecords records(frame.payload);
  std::vector<PropertyView> scratch;
  Offset offset = frame.first;
  for (; const auto bytes = records.next(); ++offset) {
    if (offset < manifest_->log_end) continue;
    const auto record = decode_record(*bytes, scratch);
    if (!record) return bad(offset, record.error().message);
    ++pending_records_;
    if (std::holds_alternative<EventRecord>(*record)) has_logged_events_ = true;
    if (const auto* settings = std::get_if<SettingsRecord>(&*record)) {
      if (settings->timezone) settings_.timezone = *settings->timezone;
    }
  }
  if (!records.ok() || offset != frame.end) {
    return bad(frame.first, "its frame holds other records than it says");
  }
  return {};
}

/// A file whose records are all in parts: it is read again only to know repeated messages.
void Look::look_at_old_log(Offset first, Offset next, std::uint64_t& bytes_left) {
  const std::string path = below("log/" + log_file_name(first));
  const auto give_up = [&](const Error& error) {
    if (error.code == ErrorCode::not_found) return;  // Removed meanwhile: it was to go.
    note_log_damage(error, path, FindingReason::old_log_damaged);
  };
  auto file = LogFileReader::open(env_, below("log"), first);
  if (!file) return give_up(file.error());
  const auto size = size_of(path);
  if (!size) return give_up(size.error());
  if (*size > bytes_left) {
    bytes_left = 0;
    return;
  }
  bytes_left -= *size;
  if (const auto skipped = file->skip_to(next); !skipped) return give_up(skipped.error());
  // Its last seal may be missing, and says nothing.
  const bool is_whole =
      file->next_offset() == next && file->position() <= *size + log_format::seal_bytes;
  if (is_whole) return;
  const auto frame = file->next();
  if (!frame) return give_up(frame.error());
  give_up({ErrorCode::data_loss, "bad_log",
           fmt::format("{}: at byte {}: record {} is missing; the next file begins with record {}",
                       path, file->position(), file->next_offset(), next)});
}

// What is known of messages.

void Look::check_message_keys() {
  if (!log_is_whole_) return;  // What they are to agree with.
  Result<void> outcome;
  // A writer merges files, and removes those it merged.
  for (int look = 0; look < looks_max; ++look) {
    outcome = read_message_keys();
    if (outcome || outcome.error().code != ErrorCode::not_found) break;
  }
  if (outcome) return;
  const bool is_damage =
      outcome.error().code == ErrorCode::data_loss || outcome.error().code == ErrorCode::not_found;
  if (!is_damage) return note(outcome.error());
  note(FindingReason::message_keys_damaged,
       {{"what", outcome.error().message}, {"unread_records", log_end_ - log_first_}});
}

/// Errors: not_found where a file goes away meanwhile; data_loss; those of the file system.
Result<void> Look::read_message_keys() {
  const std::string directory = below("duplicates");
  const std::uint64_t records = log_end_ - log_first_;
  const auto names = env_.files.list(directory);
  if (!names) {
    if (names.error().code != ErrorCode::not_found) return std::unexpected(names.error());
    // Whoever writes events makes it first.
    const bool was_there =
        has_logged_events_ || std::ranges::any_of(manifest_->parts, [](const PartEntry& part) {
          return part.import == 0 && part.imports.empty();
        });
    if (was_there) {
      note(FindingReason::message_keys_missing, {{"path", directory}, {"unread_records", records}});
    }
    return {};
  }
  std::vector<OffsetRange> runs;
  std::vector<std::string> left_over;
  for (const std::string& name : *names) {
    if (name.ends_with(".tmp")) left_over.push_back(fmt::format("{}/{}", directory, name));
    if (!name.ends_with(".run")) continue;
    const auto range = parse_duplicate_run_name(name);
    if (!range) {
      return fail(ErrorCode::data_loss, "bad_duplicates",
                  fmt::format("{}/{}: no name of a run", directory, name));
    }
    runs.push_back(*range);
  }
  if (runs.empty()) {
    left_over_.insert(left_over_.end(), left_over.begin(), left_over.end());
    if (records > 0) note(FindingReason::message_keys_young, {{"unread_records", records}});
    return {};
  }
  const OffsetRange newest = *std::ranges::max_element(runs, {}, &OffsetRange::end);
  HF_TRY(const auto last, DuplicateRun::open(env_, directory, newest));
  const std::vector<OffsetRange> live =
      live_runs(runs, last->info().complete_from, last->info().range.end);
  if (live.empty()) {
    return fail(ErrorCode::not_found, "bad_duplicates",
                fmt::format("{}: runs are missing between the records {} and {}", directory,
                            last->info().complete_from, newest.end));
  }
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  for (const OffsetRange& range : runs) {
    if (std::ranges::find(live, range) == live.end()) {
      left_over.push_back(fmt::format("{}/{}", directory, duplicate_run_name(range)));
      continue;
    }
    HF_TRY(const auto run, DuplicateRun::open(env_, directory, range));
    keys += run->info().keys;
    bytes += run->disk_bytes();
  }
  key_files_ = live.size();
  left_over_.insert(left_over_.end(), left_over.begin(), left_over.end());
  // A writer goes on while we read, first the log, then this.
  if (newest.end > log_end_ && !holder_) {
    note(FindingReason::message_keys_ahead, {{"path", directory},
                                             {"end", newest.end},
                                             {"log_end", log_end_},
                                             {"unread_records", records}});
    return {};
  }
  note(FindingReason::message_keys_read,
       {{"keys", keys},
        {"files", key_files_},
        {"bytes", bytes},
        {"unread_records", log_end_ - std::min(log_end_, std::max(newest.end, log_first_))}});
  return {};
}

// The rest.

void Look::check_state() {
  const auto is_there = has_state(env_, directory_, options_.state_file);
  if (!is_there) return note(is_there.error());
  if (!*is_there) return;
  const auto check = options_.state_file->check(below(state_file_name));
  if (!check) {
    if (check.error().code == ErrorCode::not_found) return;
    if (check.error().reason != "newer_state") return note(check.error());
    return note(FindingReason::state_newer, {{"what", check.error().message}});
  }
  note(FindingReason::state_read,
       {{"sources", check->sources}, {"keys", check->keys}, {"refusals", check->refusals}});
  for (const std::string& damage : check->damage) {
    note(FindingReason::state_damaged, {{"what", damage}});
  }
}

void Look::check_imports() {
  std::uint64_t done = 0;
  std::uint64_t events = 0;
  std::uint64_t rejected_rows = 0;
  std::uint64_t rejecting_imports = 0;
  std::string reject_path;
  for (const ImportRecord& import : manifest_->imports) {
    if (import.state != ImportState::done) continue;
    ++done;
    events += import.counts.events;
    const std::string path = below(fmt::format("rejects/import-{}.csv", import.id));
    if (import.counts.rejected == 0 || !env_.files.exists(path)) continue;
    rejected_rows += import.counts.rejected;
    ++rejecting_imports;
    reject_path = path;
  }
  if (done > 0) note(FindingReason::imports_done, {{"imports", done}, {"events", events}});
  for (const ImportRecord& import : manifest_->imports) {
    if (import.state != ImportState::running) continue;
    std::string file = import.files.empty() ? "" : import.files.front().name;
    if (import.files.size() > 1) file += fmt::format(" +{}", import.files.size() - 1);
    note(FindingReason::import_unfinished, {{"import", std::uint64_t{import.id}},
                                            {"file", file},
                                            {"events", import.counts.events},
                                            {"holder", holder_.value_or("")}});
  }
  if (rejecting_imports > 0) {
    note(FindingReason::rejects_waiting,
         {{"rows", rejected_rows}, {"imports", rejecting_imports}, {"path", reject_path}});
  }
}

void Look::check_left_over() {
  if (holder_) return;  // What it is about to name cannot be told from what a crash left.
  std::set<std::string> listed;
  for (const auto* parts : {&manifest_->parts, &manifest_->first_seen}) {
    for (const PartEntry& part : *parts) listed.insert(part.file);
  }
  for (const std::string& name : names_below("parts")) {
    if (!listed.contains(name)) left_over_.push_back(below("parts/" + name));
  }
  listed.clear();
  for (const ImportRecord& import : manifest_->imports) {
    if (import.state == ImportState::undone || import.reject_bytes == 0) continue;
    listed.insert(fmt::format("import-{}.csv", import.id));
  }
  for (const std::string& name : names_below("rejects")) {
    if (!listed.contains(name)) left_over_.push_back(below("rejects/" + name));
  }
  if (left_over_.empty()) return;
  std::uint64_t bytes = 0;
  for (const std::string& path : left_over_) bytes += size_of(path).value_or(0);
  note(FindingReason::left_over_files, {{"files", std::uint64_t{left_over_.size()}},
                                        {"bytes", bytes},
                                        {"path", left_over_.front()}});
}

void Look::check_clock() {
  const auto zone = Zone::load(env_, settings_.timezone);
  if (!zone) note(FindingReason::timezone_unknown, {{"timezone", settings_.timezone}});
  const TimestampMs now = std::max<TimestampMs>(env_.clock.now_ms(), 0);
  const FindingValue now_value = {"now_ms", static_cast<std::uint64_t>(now)};
  const FindingValue newest = {"newest_ms", static_cast<std::uint64_t>(newest_ms_)};
  if (now + clock_slack_ms < newest_ms_) {
    note(FindingReason::clock_behind_log, {now_value, newest});
  } else if (zone) {
    note(FindingReason::clock_right, {now_value, newest, {"timezone", settings_.timezone}});
  }
}

void Look::check_open_files() {
  if (!options_.open_files_max) return;
  const std::uint64_t needed = manifest_->parts.size() + key_files_ + files_besides_parts;
  const bool is_ample = *options_.open_files_max >= needed;
  note(is_ample ? FindingReason::open_files_ample : FindingReason::open_files_few,
       {{"allowed", *options_.open_files_max}, {"needed", needed}});
}

/// Has everything read, and adds what was not known already.
void read_contents(const Env& env, const std::string& directory, const DiagnosisOptions& options,
                   const std::optional<std::string>& holder, Diagnosis& diagnosis) {
  const auto note = [&](FindingReason reason, std::initializer_list<FindingValue> values) {
    diagnosis.findings.push_back({reason, values});
  };
  if (holder) return note(FindingReason::contents_not_read, {{"holder", *holder}});
  const auto found = verify_data(env, directory, options.on_file, options.state_file);
  if (!found) {
    const Error& error = found.error();
    if (error.reason == "locked") {
      const auto now = env.files.lock_holder(directory + "/LOCK");
      return note(FindingReason::contents_not_read,
                  {{"holder", now ? now->value_or("") : std::string()}});
    }
    return note(error.code == ErrorCode::permission_denied ? FindingReason::not_readable
                                                           : FindingReason::unreadable,
                {{"what", error.message}});
  }
  if (found->damage.empty()) {
    return note(FindingReason::contents_sound, {{"parts", found->parts},
                                                {"events", found->part_events},
                                                {"records", found->log_records},
                                                {"keys", found->duplicate_keys}});
  }
  const auto is_known = [&](const std::string& damage) {
    return std::ranges::any_of(diagnosis.findings, [&](const Finding& finding) {
      return std::ranges::any_of(finding.values, [&](const FindingValue& value) {
        const auto* text = std::get_if<std::string>(&value.value);
        return value.name == "what" && text != nullptr && *text == damage;
      });
    });
  };
  for (const std::string& damage : found->damage) {
    if (!is_known(damage)) note(FindingReason::contents_damaged, {{"what", damage}});
  }
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::fine: return "fine";
    case Severity::advice: return "advice";
    case Severity::warning: return "warning";
    case Severity::broken: return "broken";
  }
  HF_ASSERT(false);
}

std::string_view to_string(FindingArea area) {
  switch (area) {
    case FindingArea::directory: return "directory";
    case FindingArea::writer: return "writer";
    case FindingArea::disk: return "disk";
    case FindingArea::manifest: return "manifest";
    case FindingArea::parts: return "parts";
    case FindingArea::log: return "log";
    case FindingArea::message_keys: return "message_keys";
    case FindingArea::state: return "state";
    case FindingArea::imports: return "imports";
    case FindingArea::left_over: return "left_over";
    case FindingArea::clock: return "clock";
    case FindingArea::open_files: return "open_files";
    case FindingArea::version: return "version";
    case FindingArea::contents: return "contents";
  }
  HF_ASSERT(false);
}

std::string_view to_string(FindingReason reason) { return info_of(reason).name; }
Severity severity_of(FindingReason reason) { return info_of(reason).severity; }
FindingArea area_of(FindingReason reason) { return info_of(reason).area; }

std::uint64_t Finding::number(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &FindingValue::name);
  HF_ASSERT(found != values.end());
  return std::get<std::uint64_t>(found->value);
}

const std::string& Finding::text(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &FindingValue::name);
  HF_ASSERT(found != values.end());
  return std::get<std::string>(found->value);
}

Severity Diagnosis::worst() const {
  Severity worst = Severity::fine;
  for (const Finding& finding : findings) worst = std::max(worst, severity_of(finding.reason));
  return worst;
}

bool Diagnosis::has_data() const {
  return std::ranges::none_of(findings, [](const Finding& finding) {
    return finding.reason == FindingReason::no_directory ||
           finding.reason == FindingReason::no_data_directory ||
           finding.reason == FindingReason::is_backup;
  });
}

Diagnosis diagnose(const Env& env, const std::string& directory, const DiagnosisOptions& options) {
  for (int looks = 1;; ++looks) {
    Look look(env, directory, options);
    look.run();
    if (looks < looks_max && look.has_changed()) continue;
    Diagnosis diagnosis = look.take();
    if (options.deep && look.has_manifest()) {
      read_contents(env, directory, options, look.holder(), diagnosis);
    }
    return diagnosis;
  }
}

}  // namespace hf
