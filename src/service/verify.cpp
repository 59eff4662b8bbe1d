// SPDX-License-Identifier: Apache-2.0
#include "service/verify.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/hash.h"
#include "log/duplicate_index.h"
#include "log/log_reader.h"
#include "log/record.h"
#include "store/manifest.h"
#include "store/store.h"

namespace hf {
namespace {

constexpr std::size_t cache_bytes = std::size_t{64} << 20;
constexpr std::uint64_t manifest_bytes_max = std::uint64_t{1} << 30;
constexpr std::uint64_t reject_file_bytes_max = std::uint64_t{1} << 32;

class Verifier {
 public:
  Verifier(const Env& env, const std::string& directory,
           const std::function<void(const std::string&)>& on_file, const StateFile* state_file)
      : env_(env),
        directory_(directory),
        on_file_(on_file),
        state_file_(state_file),
        cache_(cache_bytes) {}

  Result<Verification> run() {
    const std::string manifest_path = directory_ + "/MANIFEST";
    if (!env_.files.exists(manifest_path)) {
      return fail(ErrorCode::not_found, "no_data_directory",
                  fmt::format("no Holdfast data in {}", directory_));
    }
    // Held while files are read: nobody changes them.
    auto store = Store::open(env_, directory_, Store::Access::own);
    HF_CHECK(note(store));
    on_file_(manifest_path);
    HF_TRY(const std::string bytes, read_file(env_, manifest_path, manifest_bytes_max));
    const auto manifest = decode_manifest(bytes);
    HF_CHECK(note(manifest));
    if (manifest) {
      for (const PartEntry& entry : manifest->parts) HF_CHECK(check_part(entry, *manifest));
      for (const PartEntry& entry : manifest->first_seen) HF_CHECK(check_part(entry, *manifest));
      for (const ImportRecord& import : manifest->imports) HF_CHECK(check_rejects(import));
    }
    HF_CHECK(check_log(manifest ? manifest->log_end : 1));
    HF_CHECK(check_duplicates());
    HF_CHECK(check_state());
    return std::move(found_);
  }

 private:
  /// Damage is noted, once; another error is handed on.
  template <class T>
  Result<void> note(const Result<T>& outcome) {
    if (outcome) return {};
    const bool is_damage = outcome.error().code == ErrorCode::data_loss ||
                           outcome.error().code == ErrorCode::not_found;
    if (!is_damage) return std::unexpected(outcome.error());
    note(outcome.error().message);
    return {};
  }
  void note(const std::string& message) {
    if (std::ranges::find(found_.damage, message) == found_.damage.end()) {
      found_.damage.push_back(message);
    }
  }

  Result<void> check_part(const PartEntry& entry, const Manifest& manifest) {
    const std::string path = directory_ + "/parts/" + entry.file;
    on_file_(path);
    ++found_.parts;
    const auto part = Part::open(env_, path, cache_);
    HF_CHECK(note(part));
    if (!part) return {};
    found_.part_events += (*part)->row_count();
    HF_CHECK(note((*part)->verify()));
    const bool as_told =
        (*part)->row_count() == entry.rows && (*part)->persons().size() == entry.persons &&
        (*part)->file_bytes() == entry.bytes && (*part)->time_min() == entry.time_min &&
        (*part)->time_max() == entry.time_max;
    if (!as_told) note(fmt::format("{}: another part than the manifest tells of", path));
    if ((*part)->persons().back() >= manifest.next_person) {
      note(fmt::format("{}: a person beyond those the manifest knows", path));
    }
    return {};
  }

  Result<void> check_rejects(const ImportRecord& import) {
    if (import.reject_bytes == 0 || import.state == ImportState::undone) return {};
    const std::string path = fmt::format("{}/rejects/import-{}.csv", directory_, import.id);
    on_file_(path);
    const auto bytes = read_file(env_, path, reject_file_bytes_max);
    HF_CHECK(note(bytes));
    if (!bytes) return {};
    // A running import may have written more than it has told of.
    const std::string_view told = std::string_view(*bytes).substr(0, import.reject_bytes);
    if (told.size() < import.reject_bytes || crc32c(told) != import.reject_crc32c) {
      note(fmt::format("{}: not the rejected rows that the import wrote", path));
    }
    return {};
  }

  Result<void> check_log(Offset needed_from) {
    const std::string log = directory_ + "/log";
    if (!env_.files.exists(log)) return {};
    HF_TRY(const auto files, list_log_files(env_, log));
    if (files.empty()) return {};
    found_.log_files = files.size();
    on_file_(log);
    if (files.front() > needed_from) {
      note(fmt::format("{}: begins with record {}, record {} is needed", log, files.front(),
                       needed_from));
    }
    auto reader = LogReader::open(env_, log, files.front());
    HF_CHECK(note(reader));
    std::vector<PropertyView> scratch;
    while (reader) {
      const auto frame = reader->next();
      HF_CHECK(note(frame));
      if (!frame || !*frame) break;
      FrameRecords records((*frame)->payload);
      Offset offset = (*frame)->first;
      for (; const auto bytes = records.next(); ++offset) {
        ++found_.log_records;
        if (const auto record = decode_record(*bytes, scratch); !record) {
          note(fmt::format("{}: record {}: {}", log, offset, record.error().message));
        }
      }
      if (!records.ok() || offset != (*frame)->end) {
        note(fmt::format("{}: the frame of record {} holds other records than it says", log,
                         (*frame)->first));
      }
    }
    return {};
  }

  Result<void> check_duplicates() {
    const std::string directory = directory_ + "/duplicates";
    if (!env_.files.exists(directory)) return {};
    on_file_(directory);
    const auto index = DuplicateIndex::open(env_, directory, {});
    HF_CHECK(note(index));
    if (!index) return {};
    found_.duplicate_keys = (*index)->size().keys;
    return note((*index)->verify());
  }

  Result<void> check_state() {
    HF_TRY(const bool is_there, has_state(env_, directory_, state_file_));
    if (!is_there) return {};
    const std::string path = fmt::format("{}/{}", directory_, state_file_name);
    on_file_(path);
    HF_TRY(found_.state, state_file_->check(path));
    for (const std::string& damage : found_.state->damage) note(damage);
    return {};
  }

  Env env_;
  const std::string& directory_;
  const std::function<void(const std::string&)>& on_file_;
  const StateFile* state_file_;  // Null where there is no state.
  PageCache cache_;
  Verification found_;
};

}  // namespace

Result<Verification> verify_data(const Env& env, const std::string& directory,
                                 const std::function<void(const std::string& path)>& on_file,
                                 const StateFile* state_file) {
  return Verifier(env, directory, on_file, state_file).run();
}

}  // namespace hf
