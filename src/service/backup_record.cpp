// SPDX-License-Identifier: Apache-2.0
#include "service/backup_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/json.h"
#include "base/site.h"

namespace hf {
namespace {

constexpr std::string_view title = "holdfast backup ";
/// Version 2 has a state.
constexpr std::string_view version_without_state = "1";
constexpr std::string_view version_with_state = "2";
constexpr std::string_view checksum = " crc32c=";
constexpr std::string_view digest_kind = "xxh3-128:";

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::data_loss, "bad_backup",
              fmt::format("{}: {}", backup_format::record_file, why));
}

/// Reads members of an object; false once one was missing or wrong.
class Members {
 public:
  explicit Members(const Json& object) : object_(object), ok_(object.is_object()) {}

  template <class Integer>
  void read(std::string_view name, Integer& out) {
    const Json* json = find(name);
    if (json == nullptr) return;
    const char* end = json->text.data() + json->text.size();
    const auto [at, error] = std::from_chars(json->text.data(), end, out);
    ok_ = ok_ && json->is_number() && error == std::errc{} && at == end;
  }
  void read(std::string_view name, std::string& out) {
    const Json* json = find(name);
    if (json == nullptr) return;
    ok_ = ok_ && json->is_text();
    out = json->text;
  }
  /// `kind` and 32 hexadecimal digits.
  void read(std::string_view name, Hash128& out, std::string_view kind = {}) {
    std::string text;
    read(name, text);
    const std::string_view digits =
        std::string_view(text).substr(std::min(kind.size(), text.size()));
    if (!text.starts_with(kind) || digits.size() != 32) {
      ok_ = false;
      return;
    }
    for (const auto& [from, half] :
         {std::pair(digits.data(), &out.high), std::pair(digits.data() + 16, &out.low)}) {
      const auto [at, error] = std::from_chars(from, from + 16, *half, 16);
      ok_ = ok_ && error == std::errc{} && at == from + 16;
    }
  }
  const std::vector<Json>& list(std::string_view name) {
    static const std::vector<Json> none;
    const Json* json = find(name);
    if (json == nullptr) return none;
    ok_ = ok_ && json->is_array();
    return json->array;
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  const Json* find(std::string_view name) {
    const Json* json = object_.is_object() ? object_.find(name) : nullptr;
    ok_ = ok_ && json != nullptr;
    return json;
  }
  const Json& object_;
  bool ok_;
};

/// Nothing outside the backup, and of the directory that is restored nothing but copies.
bool is_place(std::string_view name, std::string_view version) {
  if (name == backup_format::manifest_file) return true;
  if (name == backup_format::state_copy) return version == version_with_state;
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view directory = name.substr(0, slash);
  const std::string_view file = name.substr(slash + 1);
  const bool known = directory == backup_format::parts || directory == backup_format::rejects ||
                     directory == backup_format::log;
  return known && !file.empty() && file.front() != '.' &&
         file.find('/') == std::string_view::npos && file.find('\0') == std::string_view::npos;
}

}  // namespace

std::string backup_format::below(std::string_view directory, std::string_view file) {
  return fmt::format("{}/{}", directory, file);
}

std::string backup_format::reject_file_name(std::uint32_t import) {
  return fmt::format("import-{}.csv", import);
}

const CopiedFile* BackupRecord::find(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &CopiedFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::string encode_backup(const BackupRecord& record) {
  JsonWriter out;
  const auto put = [&](std::string_view name, std::uint64_t value) {
    out.key(name).raw(std::to_string(value));
  };
  out.begin_object();
  out.key("created_at_ms").integer(record.created_at_ms);
  out.key("program").text(record.program);
  out.key("store_id").text(record.store_id.hex());
  out.key("epoch").text(record.epoch.hex());
  put("generation", record.generation);
  put("data_version", record.data_version);
  put("log_begin", record.log_begin);
  put("log_end", record.log_end);
  out.key("files").begin_array();
  for (const CopiedFile& file : record.files) {
    out.begin_object().key("name").text(file.name);
    put("bytes", file.bytes);
    out.key("digest").text(std::string(digest_kind) + file.digest.hex()).end_object();
  }
  out.end_array().end_object();
  const std::string body = out.take() + "\n";
  const std::string_view version = record.find(backup_format::state_copy) == nullptr
                                       ? version_without_state
                                       : version_with_state;
  return fmt::format("{}{}{}{:08x}\n{}", title, version, checksum, crc32c(body), body);
}

Result<BackupRecord> decode_backup(std::string_view bytes) {
  if (!bytes.starts_with(title)) return bad("not the record of a backup");
  bytes.remove_prefix(title.size());
  const std::size_t digits = std::min(bytes.find_first_not_of("0123456789"), bytes.size());
  const std::string_view version = bytes.substr(0, digits);
  if (version != version_without_state && version != version_with_state) {
    if (version.empty()) return bad("not the record of a backup");
    return fail(ErrorCode::failed_precondition, "newer_backup",
                fmt::format("{}: of version {}; this program knows versions up to {}: use a newer "
                            "one",
                            backup_format::record_file, version, version_with_state));
  }
  bytes.remove_prefix(digits);
  const std::size_t newline = bytes.find('\n');
  if (newline == std::string_view::npos) return bad("cut off");
  const std::string_view body = bytes.substr(newline + 1);
  if (HF_SITE("backup.record.checksum") &&
      bytes.substr(0, newline) != fmt::format("{}{:08x}", checksum, crc32c(body))) {
    return bad("checksum does not match");
  }
  const Result<Json> json = parse_json(body);
  if (!json) return bad(json.error().message);
  Members in(*json);
  BackupRecord record;
  in.read("created_at_ms", record.created_at_ms);
  in.read("program", record.program);
  in.read("store_id", record.store_id);
  in.read("epoch", record.epoch);
  in.read("generation", record.generation);
  in.read("data_version", record.data_version);
  in.read("log_begin", record.log_begin);
  in.read("log_end", record.log_end);
  std::set<std::string_view> names;
  record.files.reserve(in.list("files").size());
  for (const Json& item : in.list("files")) {
    Members file(item);
    CopiedFile& out = record.files.emplace_back();
    file.read("name", out.name);
    file.read("bytes", out.bytes);
    file.read("digest", out.digest, digest_kind);
    if (!file.ok() || !is_place(out.name, version) || !names.insert(out.name).second) {
      return bad("a wrong file: " + out.name);
    }
  }
  if (!in.ok() || record.log_begin == 0 || record.log_begin > record.log_end) {
    return bad("a member is missing or wrong");
  }
  return record;
}

}  // namespace hf
