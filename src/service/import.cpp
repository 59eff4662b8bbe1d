// SPDX-License-Identifier: Apache-2.0
#include "service/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <unordered_map>

#include "base/assert.h"
#include "base/hash.h"
#include "base/site.h"
#include "service/import_input.h"
#include "service/logged_frames.h"
#include "store/part_builder.h"

namespace hf {
namespace {

constexpr std::size_t digest_block_bytes = 4u << 20;
constexpr std::uint64_t progress_rows = 1u << 15;
constexpr std::size_t rejects_in_memory_max = 8u << 20;
constexpr int runs_max = 3;

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<ImportedFile> digest_file(const Env& env, const std::string& path,
                                 const ImportControl& control, ImportProgress& progress) {
  HF_TRY(const auto file, env.files.open(path, OpenMode::read));
  ImportedFile out{.name = std::string(file_name(path))};
  HF_TRY(out.bytes, file->size());
  StreamHash128 hash;
  std::vector<std::byte> block(digest_block_bytes);
  for (std::uint64_t at = 0;;) {
    HF_TRY(const std::size_t n, file->read_at(at, block));
    if (n == 0) break;
    hash.update(std::span(block).first(n));
    at += n;
    progress.bytes_done += n;
    control.on_progress(progress);
    if (control.stop != nullptr && control.stop->load(std::memory_order_relaxed)) {
      return fail(ErrorCode::cancelled, "cancelled", "stopped on request");
    }
  }
  out.digest = "xxh3-128:" + hash.digest().hex();
  return out;
}

/// A field of the reject file. Control characters become their pictures (U+2400 and on): the file
/// has one line a row, and showing it does nothing to a terminal.
std::string csv_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20) {
      out += {'\xe2', '\x90', static_cast<char>(0x80 + code)};
    } else if (code == 0x7f) {
      out += "\xe2\x90\xa1";
    } else {
      if (c == '"') out += '"';
      out += c;
    }
  }
  return text.find_first_of(",\"") == std::string_view::npos ? out : "\"" + out + "\"";
}

/// One run of an import: reads rows, fills builders, hands them to the writer.
class ImportRun {
 public:
  ImportRun(const Env& env, const WithStore& with_store, SqlEngine* engine, const ImportPlan& plan,
            const ImportControl& control)
      : env_(env), with_store_(with_store), engine_(engine), plan_(plan), control_(control) {}

  Result<ImportOutcome> run() {
    HF_TRY(zone_, Zone::load(env_, plan_.mapping.timezone));
    for (int runs = 1;; ++runs) {
      HF_CHECK(with_store_([&](Store& store) -> Result<void> {
        choose_files(store.manifest());
        return files_.empty() ? Result<void>() : begin(store, runs > 1);
      }));
      if (files_.empty()) {
        outcome_.nothing_new = true;
        return outcome_;
      }
      auto rows = read_rows();
      // The writer must be at rest before anything it uses goes, also after an error.
      auto written = wait_for_writer();
      if (rows && written) written = hand_over();
      if (rows && written) written = wait_for_writer();
      if (!rows || !written) {
        Error error = rows ? std::move(written).error() : std::move(rows).error();
        if (error.reason == "rejected_row") {
          HF_CHECK(with_store_([&](Store& store) { return drop(store); }));
        }
        return std::unexpected(std::move(error));
      }
      bool is_shown = false;
      HF_CHECK(with_store_([&](Store& store) -> Result<void> {
        HF_TRY(const bool outdated, is_outdated(store));
        if (outdated) return {};
        is_shown = true;
        return finish(store);
      }));
      if (is_shown) return outcome_;
      if (runs == runs_max) {
        return fail(
            ErrorCode::unavailable, "data_changing",
            fmt::format("while it was imported, events with message ids of the file kept coming in "
                        "or events were taken away; disable source \"{}\" meanwhile",
                        plan_.mapping.source));
      }
    }
  }

 private:
  /// A full builder and what must be durable together with it.
  struct Batch {
    PartBuilder builder;
    std::string rejects;
    ImportRecord::Position position;
    std::uint64_t rejected;
  };

  [[nodiscard]] bool imported_before(const Manifest& manifest, const std::string& digest) const {
    return std::ranges::any_of(manifest.imports, [&](const ImportRecord& import) {
      return import.state == ImportState::done && import.mapping == mapping_ &&
             std::ranges::find(import.files, digest, &ImportedFile::digest) != import.files.end();
    });
  }

  void choose_files(const Manifest& manifest) {
    mapping_ = canonical_json(plan_.mapping);
    files_.clear();
    outcome_ = {};
    // One SELECT sees all files together: it was run before only over exactly these.
    const bool all_together = !plan_.mapping.sql.empty();
    std::vector<std::size_t> fresh;
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      const bool repeated = std::ranges::any_of(fresh, [&](std::size_t j) {
        return !all_together && plan_.files[j].digest == plan_.files[i].digest;
      });
      if (!repeated && !(imported_before(manifest, plan_.files[i].digest) && !all_together))
        fresh.push_back(i);
    }
    if (all_together && std::ranges::any_of(manifest.imports, [&](const ImportRecord& r) {
          return r.state == ImportState::done && r.mapping == mapping_ &&
                 std::ranges::equal(r.files, plan_.files, {}, &ImportedFile::digest,
                                    &ImportedFile::digest);
        })) {
      fresh.clear();
    }
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      if (std::ranges::find(fresh, i) == fresh.end()) {
        outcome_.skipped_files.push_back(plan_.files[i].name);
      } else {
        files_.push_back(i);
      }
    }
  }

  Result<void> begin(Store& store, bool again) {
    // What came by the log is in parts, where message ids are looked for.
    HF_CHECK(store.flush());
    Manifest next = store.manifest();
    ImportRecord* record = nullptr;
    for (ImportRecord& import : next.imports) {
      const bool same = import.state == ImportState::running && import.mapping == mapping_ &&
                        std::ranges::equal(import.files, files_, {}, &ImportedFile::digest,
                                           [&](std::size_t i) { return plan_.files[i].digest; });
      if (same) record = &import;
    }
    if (record == nullptr) {
      if (again) return undone();
      record = &next.imports.emplace_back();
      record->id = next.next_import++;
      record->started_at_ms = env_.clock.now_ms();
      record->mapping = mapping_;
      record->data_version = next.data_version;
      for (const std::size_t i : files_) record->files.push_back(plan_.files[i]);
    } else if (again || must_start_over(*record, next)) {
      std::erase_if(next.parts, [&](const PartEntry& part) { return part.import == record->id; });
      record->data_version = next.data_version;
      record->counts = {};
      record->position = {};
      record->reject_bytes = 0;
      record->reject_crc32c = 0;
    } else {
      outcome_.resumed = true;
      outcome_.resumed_at_row =
          record->counts.events + record->counts.duplicates + record->counts.rejected;
    }
    // The first import settles whose days we count, where nobody has yet.
    if (next.imports.size() == 1 && !plan_.options.overrides.timezone.empty() &&
        next.settings.timezone == Settings{}.timezone) {
      next.settings.timezone = plan_.mapping.timezone;
    }
    outcome_.id = record->id;
    record_ = *record;
    HF_CHECK(store.commit(std::move(next)));
    HF_CHECK(store.remove_unlisted_files());
    appended_from_ = store.applied_end();
    builder_.emplace(record_.started_at_ms);
    reject_path_ = store.reject_path(record_.id);
    rejects_file_.reset();
    reject_bytes_ = record_.reject_bytes;
    reject_crc32c_ = record_.reject_crc32c;
    position_ = record_.position;
    progress_ = {};
    bytes_before_ = 0;
    return {};
  }

  std::unexpected<Error> undone() const {
    return fail(ErrorCode::cancelled, "undone",
                fmt::format("import {} was taken back while it ran", record_.id));
  }

  /// What the parts of an unfinished import hold may not be what they would hold today.
  [[nodiscard]] bool must_start_over(const ImportRecord& record, const Manifest& manifest) const {
    // A SELECT need not give its rows in the same order twice.
    if (!plan_.mapping.sql.empty()) return true;
    // Persons and message ids that came, or went, meanwhile.
    if (record.data_version != manifest.data_version) return true;
    // Rows before the position would pass unseen.
    return plan_.options.strict && record.counts.rejected > 0;
  }

  Result<std::unique_ptr<RowSource>> open_rows(std::size_t file, RowPosition at) {
    std::vector<std::string> paths;  // Without those imported before.
    for (const std::size_t i : files_) paths.push_back(plan_.options.files[i]);
    return open_import_rows({env_, engine_, plan_.mapping, zone_}, std::move(paths), file, at);
  }

  Result<void> read_rows() {
    const ImportRecord::Position start = record_.position;
    for (const std::size_t i : files_) progress_.bytes_total += plan_.files[i].bytes;
    if (plan_.mapping.is_table()) progress_.bytes_total = 0;
    const std::size_t inputs = plan_.mapping.is_table() ? 1 : files_.size();
    for (std::size_t file = start.file; file < inputs; ++file) {
      ImportRecord::Position from;
      if (file == start.file) from = start;
      from.file = static_cast<std::uint32_t>(file);
      HF_CHECK(read_file_rows(from));
      if (!plan_.mapping.is_table()) bytes_before_ += plan_.files[files_[file]].bytes;
    }
    return {};
  }

  Result<void> read_file_rows(const ImportRecord::Position& from) {
    // Content hashes count occurrences from the file's first row, and a cursor cannot seek: then
    // the rows before are read again and passed over.
    const bool replay = plan_.mapping.identify_rows || plan_.mapping.is_table();
    HF_TRY(const auto rows,
           open_rows(from.file, replay ? RowPosition{} : RowPosition{from.line, from.offset}));
    position_ = from;
    if (replay) position_.row = 0;
    occurrences_.clear();
    while (true) {
      HF_TRY(auto next, rows->next());
      if (std::holds_alternative<End>(next)) break;
      ++position_.row;
      const bool passed_over = position_.row <= from.row && replay;
      if (auto* row = std::get_if<EventRow>(&next)) {
        if (plan_.mapping.identify_rows) identify(*row);
        if (!passed_over) builder_->add(row->event);
      } else if (!passed_over) {
        HF_CHECK(reject(std::get<RejectedRow>(next)));
      }
      if (passed_over) continue;
      ++outcome_.rows_this_run;
      if (position_.row % progress_rows == 0) report(*rows);
      if (control_.stop != nullptr && control_.stop->load(std::memory_order_relaxed)) {
        return fail(ErrorCode::cancelled, "cancelled", "stopped on request");
      }
      if (is_full()) {
        set_position(*rows);
        HF_CHECK(hand_over());
      }
    }
    set_position(*rows);
    report(*rows);
    outcome_.cells_kept_as_text += rows->cells_kept_as_text();
    ++position_.file;
    position_ = {.file = position_.file};
    return {};
  }

  [[nodiscard]] bool is_full() const {
    return builder_->full() || rejects_.size() > rejects_in_memory_max ||
           (control_.rows_per_part != 0 && builder_->rows() >= control_.rows_per_part);
  }

  void set_position(const RowSource& rows) {
    position_.line = rows.position().line;
    position_.offset = rows.position().offset;
  }

  void report(const RowSource& rows) {
    progress_.phase = ImportProgress::Phase::rows;
    progress_.bytes_done = bytes_before_ + rows.consumed();
    progress_.rows = outcome_.rows_this_run;
    progress_.rejected = rejected_;
    control_.on_progress(progress_);
  }

  void identify(EventRow& row) {
    if (!row.event.message_id.empty()) return;
    const Hash128 hash = xxh3_128(row.text);
    row_id_ = fmt::format("row:{}:{}", hash.hex(), ++occurrences_[hash]);
    row.event.message_id = row_id_;
  }

  Result<void> reject(const RejectedRow& row) {
    const bool is_table = plan_.mapping.is_table();
    const std::string& name =
        is_table ? record_.files.front().name : record_.files[position_.file].name;
    if (plan_.options.strict) {
      return fail(ErrorCode::failed_precondition, "rejected_row",
                  fmt::format("{}: {} {}{}: {}: {}", name, is_table ? "row" : "line", row.line,
                              row.column != 0 ? fmt::format(", column {}", row.column) : "",
                              row.reason, row.message));
    }
    rejects_ +=
        fmt::format("{},{},{},{},{},{},{}\n", csv_quoted(name), row.line, row.offset, row.column,
                    row.reason, csv_quoted(row.message), csv_quoted(row.excerpt));
    ++rejected_;
    return {};
  }

  /// Gives the builder to the writer and starts a fresh one.
  Result<void> hand_over() {
    HF_CHECK(wait_for_writer());
    auto batch = std::make_shared<Batch>(
        Batch{std::move(*builder_), std::move(rejects_), position_, rejected_});
    rejects_.clear();
    rejected_ = 0;
    builder_.emplace(record_.started_at_ms);
    if (control_.background_writes) {
      writer_ = std::async(std::launch::async, [this, batch] { return write(*batch); });
      return {};
    }
    return write(*batch);
  }

  Result<void> wait_for_writer() {
    if (!writer_.valid()) return {};
    return writer_.get();
  }

  Result<void> write(Batch& batch) {
    return with_store_([&](Store& store) { return write(batch, store); });
  }

  /// Makes one batch durable: rejects, part, then the manifest that speaks of both.
  Result<void> write(Batch& batch, Store& store) {
    Manifest next = store.manifest();
    ImportRecord* const record = next.find_import(record_.id);
    if (record == nullptr || record->state != ImportState::running) return undone();
    if (!batch.rejects.empty()) HF_CHECK(append_rejects(batch.rejects));
    HF_TRY(PersonRegistry* const persons, store.persons());
    const PersonOrdinal persons_before = persons->next();
    HF_TRY(const auto known, known_parts(store));
    const PartBuilder::Target target{.directory = store.parts_directory(),
                                     .file = store.next_part_file(),
                                     .source = plan_.mapping.source,
                                     .hash_key = next.hash_key,
                                     .zone = store.zone(),
                                     .postings = store.options().postings};
    HF_TRY(const PartSummary summary, batch.builder.write(env_, target, *persons, known));
    if (summary.rows > 0) {
      next.parts.push_back(PartEntry::of(target.file, summary));
      next.parts.back().import = record_.id;
    }
    next.next_person = persons->next();
    outcome_.persons_new += persons->next() - persons_before;
    record->counts.events += summary.rows;
    record->counts.duplicates += summary.duplicates;
    record->counts.rejected += batch.rejected;
    record->counts.times_ahead += batch.builder.times_ahead();
    record->counts.big_numbers += batch.builder.big_numbers();
    record->reject_bytes = reject_bytes_;
    record->reject_crc32c = reject_crc32c_;
    record->position = batch.position;
    return store.commit(std::move(next));
  }

  /// Where the message ids of rows that were there before are looked for.
  Result<std::vector<std::shared_ptr<const Part>>> known_parts(Store& store) const {
    HF_TRY(Snapshot visible, store.snapshot());
    HF_TRY(const auto own, store.parts_of(record_.id));
    visible.parts.insert(visible.parts.end(), own.begin(), own.end());
    return std::move(visible.parts);
  }

  /// True where what was written is not what would be written now. An event with the message id of
  /// a row was appended since begin(): that is acknowledged, and the row is the one to go. Or
  /// something was taken away: rows may have been left out because of it, and hidden parts were not
  /// looked at, or were though they come later.
  Result<bool> is_outdated(Store& store) const {
    std::vector<std::vector<Hash128>> own;
    HF_TRY(const auto parts, store.parts_of(record_.id));
    for (const auto& part : parts) {
      HF_TRY(auto keys, part->message_keys());
      if (!keys.empty()) own.push_back(std::move(keys));
    }
    const auto is_own = [&](const Hash128& key) {
      return std::ranges::any_of(own, [&](const std::vector<Hash128>& of_part) {
        return std::ranges::binary_search(of_part, key);
      });
    };
    bool outdated = false;
    HF_CHECK(for_each_logged_frame(
        store, appended_from_, [&](const LoggedFrame& logged) -> Result<void> {
          outdated = outdated || logged.takes_away || std::ranges::any_of(logged.keys, is_own);
          return {};
        }));
    return outdated;
  }

  Result<void> append_rejects(std::string_view rejects) {
    FileSystem& files = env_.files;
    if (!rejects_file_) {
      HF_TRY(rejects_file_,
             files.open(reject_path_, reject_bytes_ == 0 ? OpenMode::create : OpenMode::update));
      // A crash may have left rows that will be rejected again.
      HF_CHECK(rejects_file_->truncate(reject_bytes_));
      if (reject_bytes_ == 0 && HF_SITE("import.rejects.directory_sync")) {
        HF_CHECK(files.sync_directory(reject_path_.substr(0, reject_path_.find_last_of('/'))));
      }
    }
    std::string text;
    if (reject_bytes_ == 0) text = "file,line,offset,column,reason,message,excerpt\n";
    text += rejects;
    HF_CHECK(rejects_file_->write_at(reject_bytes_, std::as_bytes(std::span(text))));
    if (HF_SITE("import.rejects.sync")) HF_CHECK(rejects_file_->sync());
    reject_bytes_ += text.size();
    reject_crc32c_ = crc32c(text, reject_crc32c_);
    return {};
  }

  /// The record in the log is what makes the parts seen; the manifest follows it.
  Result<void> finish(Store& store) {
    const ImportRecord* record = store.manifest().find_import(record_.id);
    if (record == nullptr || record->state != ImportState::running) return undone();
    ImportPartsRecord shown{.import = record_.id};
    for (const PartEntry& part : store.manifest().parts) {
      if (part.import == record_.id) shown.parts.push_back(part.file);
    }
    FrameBuilder frame;
    frame.add(encode_record(shown));
    HF_CHECK(store.append(frame));
    record = store.manifest().find_import(record_.id);
    outcome_.counts = record->counts;
    if (record->counts.rejected > 0) outcome_.reject_path = reject_path_;
    return {};
  }

  /// Leaves nothing of the import but the number it had.
  Result<void> drop(Store& store) {
    Manifest next = store.manifest();
    std::erase_if(next.imports, [&](const ImportRecord& r) { return r.id == record_.id; });
    std::erase_if(next.parts, [&](const PartEntry& part) { return part.import == record_.id; });
    // Settings that came by the log are not this import's to take back.
    if (next.imports.empty() && next.log_end == 1) next.settings.timezone = Settings{}.timezone;
    HF_CHECK(store.commit(std::move(next)));
    return store.remove_unlisted_files();
  }

  Env env_;
  const WithStore& with_store_;
  SqlEngine* engine_;
  const ImportPlan& plan_;
  const ImportControl& control_;
  std::string mapping_;
  std::vector<std::size_t> files_;    // Indexes of plan_.files that are not in the store yet.
  std::shared_ptr<const Zone> zone_;  // Of times without one.
  ImportRecord record_;               // As begin() found or made it.
  Offset appended_from_ = 0;          // What came since then lies in the log from here on.
  ImportOutcome outcome_;
  ImportProgress progress_;
  std::uint64_t bytes_before_ = 0;

  // Of the reading thread:
  std::optional<PartBuilder> builder_;
  std::string rejects_;
  std::uint64_t rejected_ = 0;
  ImportRecord::Position position_;
  std::unordered_map<Hash128, std::uint32_t> occurrences_;
  std::string row_id_;

  // Of the writer, while `writer_` is valid:
  std::string reject_path_;
  std::unique_ptr<File> rejects_file_;
  std::uint64_t reject_bytes_ = 0;
  std::uint32_t reject_crc32c_ = 0;
  std::future<Result<void>> writer_;  // Last: its destructor waits for the others' user.
};

}  // namespace

Result<ImportOutcome> run_import(const Env& env, const WithStore& with_store, SqlEngine* engine,
                                 const ImportPlan& plan, const ImportControl& control) {
  ImportPlan with_digests = plan;
  ImportProgress progress{.phase = ImportProgress::Phase::digest};
  for (const std::string& path : plan.options.files) {
    HF_TRY(auto file, digest_file(env, path, control, progress));
    with_digests.files.push_back(std::move(file));
  }
  ImportRun run(env, with_store, engine, with_digests, control);
  return run.run();
}

Result<ImportOutcome> run_import(Store& store, SqlEngine* engine, const ImportPlan& plan,
                                 const ImportControl& control) {
  const WithStore with_store = [&](const StoreStep& step) { return step(store); };
  return run_import(store.env(), with_store, engine, plan, control);
}

Result<ImportRecord> undo_import(Store& store, std::uint32_t id) {
  const ImportRecord* record = store.manifest().find_import(id);
  if (record == nullptr) {
    return fail(ErrorCode::not_found, "no_import", fmt::format("there is no import {}", id));
  }
  if (record->state == ImportState::undone) {
    return fail(ErrorCode::failed_precondition, "already_undone",
                fmt::format("import {} is undone already", id));
  }
  if (record->state == ImportState::done) {
    FrameBuilder frame;
    frame.add(encode_record(ImportPartsRecord{.import = id, .undone = true}));
    HF_CHECK(store.append(frame));
    HF_CHECK(store.flush());  // No file goes before the manifest says so.
    // Its rows may lie among those of others by now.
    HF_CHECK(store.compact(Store::CompactionKind::clean));
  } else {
    Manifest next = store.manifest();
    next.find_import(id)->state = ImportState::undone;
    next.find_import(id)->finished_at_ms = store.env().clock.now_ms();
    std::erase_if(next.parts, [&](const PartEntry& part) { return part.import == id; });
    HF_CHECK(store.commit(std::move(next)));
  }
  HF_CHECK(store.remove_unlisted_files());
  return *store.manifest().find_import(id);
}

}  // namespace hf
