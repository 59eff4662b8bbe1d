// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::uint64_t manifest_bytes_max = 1u << 30;

void fill(const Env& env, Hash128& out) {
  env.random.fill(std::as_writable_bytes(std::span(&out, 1)));
}

/// The imports whose parts are seen.
std::set<std::uint32_t> visible_imports(const Manifest& manifest) {
  std::set<std::uint32_t> out;
  for (const ImportRecord& import : manifest.imports) {
    if (import.state == ImportState::done) out.insert(import.id);
  }
  return out;
}

std::string reject_file(std::uint32_t import) { return fmt::format("import-{}.csv", import); }

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const Env& env, const std::string& directory,
                                           Access access, const Options& options) {
  auto store = std::unique_ptr<Store>(new Store(env, directory, options));
  const std::string manifest_path = directory + "/MANIFEST";
  if (access == Access::read) {
    if (!env.files.exists(manifest_path)) {
      return fail(ErrorCode::not_found, "no_data_directory",
                  fmt::format("no Holdfast data in {}: import something into it first", directory));
    }
  } else {
    HF_CHECK(env.files.make_directories(directory));
    HF_TRY(store->lock_,
           env.files.lock(directory + "/LOCK", fmt::format("process {}", ::getpid())));
    HF_CHECK(env.files.make_directories(store->parts_directory()));
    HF_CHECK(env.files.make_directories(store->rejects_directory()));
    HF_CHECK(env.files.sync_directory(directory));
  }
  if (env.files.exists(manifest_path)) {
    if (access == Access::own) {
      HF_CHECK(store->load_manifest());
      HF_CHECK(store->remove_unlisted_files());
      // What a process left behind in the log is made durable before anything is built on it.
      if (env.files.exists(store->log_directory())) HF_CHECK(store->log());
      HF_CHECK(store->catch_up());
      return store;
    }
    // The owner may end a log file between our look at the manifest and our look at the log.
    for (int attempt = 0;; ++attempt) {
      HF_CHECK(store->load_manifest());
      const auto caught_up = store->catch_up();
      if (caught_up) return store;
      if (caught_up.error().reason != "log_deleted" || attempt == 10) {
        return std::unexpected(caught_up.error());
      }
    }
  }
  // Parts are written only below a durable manifest, and the log only beside one. Without it nobody
  // knows which of them count, and a fresh one would have them all removed.
  std::size_t left = 0;
  for (const std::string& below : {store->parts_directory(), store->log_directory()}) {
    if (!env.files.exists(below)) continue;
    HF_TRY(const auto names, env.files.list(below));
    left += names.size();
  }
  if (left > 0) {
    return fail(ErrorCode::data_loss, "bad_manifest",
                fmt::format("manifest: missing beside {} files in {}", left, directory));
  }
  Manifest first;
  fill(env, first.store_id);
  env.random.fill(std::as_writable_bytes(std::span(first.hash_key)));
  HF_CHECK(store->commit(std::move(first)));
  return store;
}

Result<void> Store::load_manifest() {
  HF_TRY(const std::string bytes, read_file(env_, directory_ + "/MANIFEST", manifest_bytes_max));
  HF_TRY(manifest_, decode_manifest(bytes));
  settings_ = manifest_.settings;
  links_ = manifest_.links;
  applied_end_ = manifest_.log_end;
  head_.clear();
  people_.reset();
  return {};
}

Result<void> Store::catch_up() {
  if (!env_.files.exists(log_directory())) {
    if (manifest_.log_end == 1) return {};
    return fail(ErrorCode::data_loss, "bad_log",
                fmt::format("{}: the log is not there", log_directory()));
  }
  HF_TRY(LogReader reader, LogReader::open(env_, log_directory(), manifest_.log_end));
  while (true) {
    HF_TRY(const auto frame, reader.next());
    if (!frame) break;
    HF_CHECK(apply(*frame));
  }
  if (applied_end_ < manifest_.log_end) {
    return fail(ErrorCode::data_loss, "bad_log",
                fmt::format("{}: the log ends before record {}, but record {} was there",
                            log_directory(), applied_end_, manifest_.log_end - 1));
  }
  return {};
}

Result<void> Store::apply(const LogFrame& frame) {
  FrameRecords records(frame.payload);
  std::vector<PropertyView> scratch;
  Offset offset = frame.first;
  while (const auto bytes = records.next()) {
    const Offset at = offset++;
    if (at < applied_end_) continue;  // In parts already; a frame is read whole.
    const auto record = decode_record(*bytes, scratch);
    auto outcome = record ? apply(*record, frame.received_at_ms)
                          : Result<void>(std::unexpected(record.error()));
    if (!outcome) {
      outcome.error().message =
          fmt::format("{}: record {}: {}", log_directory(), at, outcome.error().message);
      return outcome;
    }
    applied_end_ = at + 1;
  }
  if (!records.ok() || offset != frame.end) {
    return fail(ErrorCode::data_loss, "bad_log",
                fmt::format("{}: the frame of record {} holds other records than it says",
                            log_directory(), frame.first));
  }
  return {};
}

Result<void> Store::apply(const LogRecord& record, TimestampMs received_at_ms) {
  const auto decide = [&](LinkDecision decision) {
    if (people_) people_->decide(decision);
    links_.push_back(std::move(decision));
  };
  if (const auto* logged = std::get_if<EventRecord>(&record)) {
    EventView event = logged->event;
    event.received_at_ms = received_at_ms;
    head_.add(event, logged->source);
    if (people_) {
      const bool ahead = event.time_ms > received_at_ms + limits::ahead_ms_max;
      people_->note(event, ahead ? received_at_ms : event.time_ms);
    }
  } else if (const auto* link = std::get_if<LinkRecord>(&record)) {
    decide({.linked = true, .a = link->a, .b = link->b, .time_ms = link->time_ms});
  } else if (const auto* unlink = std::get_if<UnlinkRecord>(&record)) {
    decide({.linked = false, .a = unlink->a, .b = unlink->b});
  } else if (const auto* settings = std::get_if<SettingsRecord>(&record)) {
    if (settings->timezone) settings_.timezone = *settings->timezone;
    if (settings->currency) settings_.currency = *settings->currency;
    if (settings->week_start) settings_.week_start = *settings->week_start;
  } else {
    return fail(ErrorCode::data_loss, "bad_record",
                "of a kind that this version of the program does not write");
  }
  return {};
}

Result<LogWriter*> Store::log() {
  HF_ASSERT(lock_ != nullptr);
  if (!log_) {
    HF_TRY(log_, LogWriter::open(env_, log_directory(), options_.log, manifest_.log_end));
  }
  return log_.get();
}

Result<LogWriter::Appended> Store::append(FrameBuilder& frame) {
  HF_CHECK(check_certain());
  HF_TRY(LogWriter* const writer, log());
  HF_TRY(const LogWriter::Appended appended, writer->append(frame));
  HF_CHECK(apply({.first = appended.first,
                  .end = appended.end,
                  .received_at_ms = appended.received_at_ms,
                  .payload = frame.payload()}));
  return appended;
}

Result<void> Store::flush() {
  HF_ASSERT(lock_ != nullptr);
  if (applied_end_ == manifest_.log_end) return {};
  HF_CHECK(check_certain());
  HF_TRY(People* const people, this->people());
  Manifest next = manifest_;
  if (head_.rows() > 0) {
    const PartBuilder::Target target{
        .directory = parts_directory(),
        .file = fmt::format("{:08}.part", next.next_part),
        .source = {},
        .hash_key = manifest_.hash_key,
        .canonical = [&](const Hash128& key) { return people->canonical(key); },
        .keep_duplicates = true};
    HF_TRY(const PartSummary summary, head_.gather().write(env_, target, people->registry(), {}));
    ++next.next_part;
    next.parts.push_back({.file = target.file,
                          .import = 0,
                          .rows = summary.rows,
                          .persons = summary.persons,
                          .bytes = summary.bytes,
                          .time_min = summary.time_min,
                          .time_max = summary.time_max});
  }
  next.next_person = people->registry().next();
  next.data_version += applied_end_ - next.log_end;
  next.log_end = applied_end_;
  next.settings = settings_;
  next.links = links_;
  HF_CHECK(commit(std::move(next)));
  head_.clear();
  return {};
}

std::string Store::reject_path(std::uint32_t import) const {
  return rejects_directory() + "/" + reject_file(import);
}

Result<std::shared_ptr<const Part>> Store::open_part(const std::string& file) {
  if (const auto found = open_parts_.find(file); found != open_parts_.end()) {
    return found->second.part;
  }
  HF_TRY(auto part, Part::open(env_, parts_directory() + "/" + file, cache_));
  if (part->persons().back() >= manifest_.next_person) {
    return fail(ErrorCode::data_loss, "bad_part",
                fmt::format("{}: a person beyond those the manifest knows", part->path()));
  }
  open_parts_.emplace(file, OpenPart{part, nullptr});
  return part;
}

Result<Snapshot> Store::snapshot() {
  Snapshot snapshot;
  snapshot.person_end = manifest_.next_person;
  snapshot.data_version = manifest_.data_version + (applied_end_ - manifest_.log_end);
  std::vector<PartRuns> runs;
  bool says_who_is_who = head_.rows() > 0 || !links_.empty();
  static const auto no_owners = std::make_shared<const std::vector<OwnerRun>>();
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry)) continue;
    HF_TRY(auto part, open_part(entry.file));
    says_who_is_who = says_who_is_who || part->has_links() || part->has_shared_runs();
    if (part->has_shared_runs()) {
      auto& owners = open_parts_.at(entry.file).owners;
      if (!owners) {
        HF_TRY(auto cut, owner_runs(*part));
        owners = std::make_shared<const std::vector<OwnerRun>>(std::move(cut));
      }
      runs.push_back({part, owners});
    } else {
      runs.push_back({part, no_owners});
    }
    snapshot.parts.push_back(std::move(part));
  }
  if (!says_who_is_who) return snapshot;
  HF_TRY(People* const people, this->people());
  HF_TRY(const auto head, head_.parts(people->registry(), cache_));
  for (const auto& part : head) {
    runs.push_back({part, no_owners});
    snapshot.parts.push_back(part);
  }
  snapshot.moved = find_moved_runs(runs, *people->belonging());
  snapshot.person_end = people->registry().next();
  return snapshot;
}

Result<People*> Store::people() {
  if (people_) return &*people_;
  People people(manifest_.hash_key, manifest_.next_person);
  for (const PartEntry& entry : manifest_.parts) {
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people.add_part(*part, manifest_.is_visible(entry)));
  }
  for (const LinkDecision& decision : links_) people.decide(decision);
  // Events of the head that came before anybody asked.
  HF_TRY(const auto head, head_.parts(people.registry(), cache_));
  for (const auto& part : head) HF_CHECK(people.add_links(*part));
  people_ = std::move(people);
  return &*people_;
}

Result<PersonRegistry*> Store::persons() {
  HF_TRY(People* const people, this->people());
  return &people->registry();
}

Result<std::vector<std::shared_ptr<const Part>>> Store::parts_of(std::uint32_t import) {
  std::vector<std::shared_ptr<const Part>> parts;
  for (const PartEntry& entry : manifest_.parts) {
    if (entry.import != import) continue;
    HF_TRY(parts.emplace_back(), open_part(entry.file));
  }
  return parts;
}

Result<void> Store::commit(Manifest next) {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  next.generation = manifest_.generation + 1;
  auto replaced = replace_file(env_, directory_ + "/MANIFEST", encode_manifest(next));
  if (!replaced) {
    in_doubt_ = true;
    return replaced;
  }
  const bool others_visible = visible_imports(manifest_) != visible_imports(next);
  if (next.settings != manifest_.settings) settings_ = next.settings;
  manifest_ = std::move(next);
  if (others_visible && people_) HF_CHECK(renew_links());
  return {};
}

Result<void> Store::renew_links() {
  people_->clear_links();
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry)) continue;
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people_->add_links(*part));
  }
  HF_TRY(const auto head, head_.parts(people_->registry(), cache_));
  for (const auto& part : head) HF_CHECK(people_->add_links(*part));
  for (const LinkDecision& decision : links_) people_->decide(decision);
  return {};
}

Result<void> Store::check_certain() const {
  if (!in_doubt_) return {};
  return fail(ErrorCode::failed_precondition, "manifest_in_doubt",
              "an earlier change of the manifest failed and may be on disk or not: open the data "
              "directory again");
}

Result<void> Store::remove_unlisted_files() {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  std::set<std::string> parts;
  for (const PartEntry& part : manifest_.parts) parts.insert(part.file);
  std::erase_if(open_parts_, [&](const auto& open) { return !parts.contains(open.first); });
  HF_CHECK(keep_only(parts_directory(), parts));
  // Rejected rows are personal data: what is undone, or was never part of the store, leaves none.
  std::set<std::string> rejects;
  for (const ImportRecord& import : manifest_.imports) {
    if (import.state == ImportState::undone || import.reject_bytes == 0) continue;
    rejects.insert(reject_file(import.id));
  }
  return keep_only(rejects_directory(), rejects);
}

Result<void> Store::keep_only(const std::string& directory, const std::set<std::string>& listed) {
  HF_TRY(const auto names, env_.files.list(directory));
  bool removed = false;
  for (const std::string& name : names) {
    if (listed.contains(name)) continue;
    std::string path = directory;
    path.append("/").append(name);
    HF_CHECK(env_.files.remove(path));
    removed = true;
  }
  if (removed) HF_CHECK(env_.files.sync_directory(directory));
  return {};
}

}  // namespace hf
