// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/assert.h"
#include "base/site.h"
#include "identity/person_key.h"
#include "store/snapshot_index.h"

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

std::uint32_t leading_number(std::string_view name) {
  std::uint32_t number = 0;
  (void)std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
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
  }
  if (env.files.exists(manifest_path)) {
    if (access == Access::own) {
      HF_CHECK(store->load_manifest());
      HF_CHECK(store->remove_unlisted_files());
      // What a process left behind in the log is made durable before anything is built on it.
      if (env.files.exists(store->log_directory())) HF_CHECK(store->log());
      HF_CHECK(store->catch_up());
      HF_CHECK(store->settle());
      return store;
    }
    // Between our look at the manifest and our look at the rest, the owner may compact parts, end a
    // log file, and show an import that the manifest did not know.
    for (int attempt = 0;; ++attempt) {
      HF_CHECK(store->load_manifest());
      Result<void> seen = store->open_parts();
      if (seen) seen = store->catch_up();
      if (seen) return store;
      const bool was_overtaken = seen.error().code == ErrorCode::not_found ||
                                 seen.error().reason == "log_deleted" ||
                                 seen.error().reason == "bad_record";
      HF_TRY(const std::string now, read_file(env, manifest_path, manifest_bytes_max));
      HF_TRY(const Manifest newer, decode_manifest(now));
      const bool is_newer = newer.generation != store->manifest_.generation;
      if (!was_overtaken || !is_newer || attempt == 10) return std::unexpected(seen.error());
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
                fmt::format("manifest: missing beside {} files in {}; if a restore was cut off "
                            "here, empty the directory and restore again",
                            left, directory));
  }
  Manifest first;
  fill(env, first.store_id);
  fill(env, first.epoch);
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
  purges_.clear();
  must_flush_ = false;
  next_part_->store(manifest_.next_part);
  head_.clear();
  people_.reset();
  open_parts_.clear();
  return {};
}

Result<void> Store::open_parts() {
  for (const auto* parts : {&manifest_.parts, &manifest_.first_seen}) {
    for (const PartEntry& entry : *parts) HF_CHECK(open_part(entry.file));
  }
  return {};
}

Result<void> Store::settle() {
  // Where the disk is full, questions are answered all the same.
  if (must_flush_ && !flush()) return {};
  // An undone import may have rows among those of others.
  const bool any_undone = std::ranges::any_of(manifest_.parts, [&](const PartEntry& part) {
    return std::ranges::any_of(part.imports, [&](std::uint32_t id) { return is_undone(id); });
  });
  return any_undone ? compact(CompactionKind::clean) : Result<void>{};
}

bool Store::is_undone(std::uint32_t import) const {
  const ImportRecord* record = manifest_.find_import(import);
  return record != nullptr && record->state == ImportState::undone;
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
    if (settings->keep_events) settings_.keep_events = *settings->keep_events;
  } else if (const auto* erased = std::get_if<EraseRecord>(&record)) {
    must_flush_ = true;
    return erase(*erased);
  } else if (const auto* purge = std::get_if<PurgeRecord>(&record)) {
    must_flush_ = true;
    purges_.push_back(*purge);
  } else if (const auto* import = std::get_if<ImportPartsRecord>(&record)) {
    must_flush_ = true;
    return show_or_hide(*import, received_at_ms);
  } else {
    return fail(ErrorCode::data_loss, "bad_record",
                "of a kind that this version of the program does not write");
  }
  return {};
}

Result<void> Store::erase(const EraseRecord& record) {
  HF_TRY(People* const people, this->people());
  head_.erase(record.ids);
  people->erase(record.ids);
  manifest_.erased = people->erased();
  std::erase_if(links_, [&](const LinkDecision& link) {
    return std::ranges::find(record.ids, link.a) != record.ids.end() ||
           std::ranges::find(record.ids, link.b) != record.ids.end();
  });
  // What events of others say of these ids holds on.
  return note_links();
}

Result<void> Store::show_or_hide(const ImportPartsRecord& record, TimestampMs at_ms) {
  ImportRecord* const import = manifest_.find_import(record.import);
  if (import == nullptr) {
    return fail(ErrorCode::data_loss, "bad_record",
                fmt::format("of import {}, which the manifest does not know", record.import));
  }
  const ImportState state = record.undone ? ImportState::undone : ImportState::done;
  // The manifest may have been further than the log it is read with.
  if (import->state == state || import->state == ImportState::undone) return {};
  for (const std::string& file : record.parts) {
    if (std::ranges::find(manifest_.parts, file, &PartEntry::file) == manifest_.parts.end()) {
      return fail(ErrorCode::data_loss, "bad_record",
                  fmt::format("of import {}, whose part {} the manifest does not know",
                              record.import, file));
    }
  }
  import->state = state;
  import->finished_at_ms = at_ms;
  if (record.undone) {
    std::erase_if(manifest_.parts,
                  [&](const PartEntry& part) { return part.import == import->id; });
  }
  return people_ ? renew_links() : Result<void>{};
}

Result<LogWriter*> Store::log() {
  HF_ASSERT(lock_ != nullptr);
  if (!log_) {
    HF_TRY(log_, LogWriter::open(env_, log_directory(), options_.log, manifest_.log_end));
  }
  return log_.get();
}

Result<LogWriter::Appended> Store::append(FrameBuilder& frame, const WriteFrame& write) {
  HF_CHECK(check_certain());
  HF_TRY(LogWriter* const writer, log());
  HF_TRY(const LogWriter::Appended appended, write(*writer, frame));
  HF_CHECK(apply({.first = appended.first,
                  .end = appended.end,
                  .received_at_ms = appended.received_at_ms,
                  .payload = frame.payload()}));
  // The log has it; where the flush fails, the next one or the next start makes good for it.
  if (must_flush_) (void)flush();
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
        .file = next_part_file(),
        .source = {},
        .hash_key = manifest_.hash_key,
        .canonical = [&](const Hash128& key) { return people->canonical(key); },
        .zone = zone(),
        .keep_duplicates = true,
        .postings = options_.postings};
    HF_TRY(const PartSummary summary, head_.gather()->write(env_, target, people->registry(), {}));
    next.parts.push_back(PartEntry::of(target.file, summary));
  }
  next.next_person = people->registry().next();
  next.data_version += applied_end_ - next.log_end;
  next.log_end = applied_end_;
  next.settings = settings_;
  next.links = links_;
  for (const PurgeRecord& purge : purges_) next.purges.push_back({purge, next_part_->load()});
  HF_CHECK(commit(std::move(next)));
  head_.clear();
  purges_.clear();
  must_flush_ = false;
  return {};
}

Result<std::unique_ptr<Flush>> Store::begin_flush() {
  HF_ASSERT(lock_ != nullptr && head_.rows() > 0);
  HF_CHECK(check_certain());
  HF_TRY(People* const people, this->people());
  Flush::Work work{.events = head_.take(people->registry()),
                   .directory = parts_directory(),
                   .hash_key = manifest_.hash_key,
                   .placement = people->placement(),
                   .zone = zone(),
                   .postings = options_.postings,
                   .first_part = std::make_shared<const std::uint32_t>(next_part_->load()),
                   .log_end = applied_end_,
                   .links = links_};
  work.person_end = people->registry().next();
  work.file = next_part_file();
  compacting_.push_back(work.first_part);
  return std::make_unique<Flush>(env_, cache_, std::move(work));
}

Result<void> Store::finish_flush(std::unique_ptr<Flush> flush) {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  const Flush::Work& work = flush->work();
  // What was erased or purged meanwhile may be in the part.
  if (must_flush_ || !head_.holds(*work.events)) {
    flush->discard();
    return {};
  }
  Manifest next = manifest_;
  next.parts.push_back(flush->output());
  next.next_person = people_->registry().next();
  next.data_version += work.log_end - next.log_end;
  next.log_end = work.log_end;
  next.settings = settings_;  // Later ones are set again where the log is read from here on.
  next.links = work.links;
  HF_CHECK(commit(std::move(next)));
  open_parts_.emplace(work.file, OpenPart{flush->part().part, flush->part().owners, nullptr});
  head_.drop(*work.events);
  return {};
}

void Store::resign() {
  log_.reset();  // Before somebody else can own it.
  lock_.reset();
}

std::string Store::next_part_file() { return fmt::format("{:08}.part", next_part_->fetch_add(1)); }

std::string Store::reject_path(std::uint32_t import) const {
  return rejects_directory() + "/" + reject_file(import);
}

Result<std::shared_ptr<const Part>> Store::open_part(const std::string& file) {
  if (const auto found = open_parts_.find(file); found != open_parts_.end()) {
    return found->second.part;
  }
  HF_TRY(auto part, Part::open(env_, parts_directory() + "/" + file, cache_));
  const PersonOrdinal person_end =
      std::max(manifest_.next_person, people_ ? people_->registry().next() : 0);
  if (part->persons().back() >= person_end) {
    return fail(ErrorCode::data_loss, "bad_part",
                fmt::format("{}: a person beyond those the manifest knows", part->path()));
  }
  open_parts_.emplace(file, OpenPart{part, nullptr, nullptr});
  return part;
}

Result<PartRuns> Store::runs_of(const PartEntry& entry) {
  static const auto no_owners = std::make_shared<const OwnerRuns>();
  HF_TRY(auto part, open_part(entry.file));
  if (!part->has_shared_runs()) return PartRuns{std::move(part), no_owners};
  auto& owners = open_parts_.at(entry.file).owners;
  if (!owners) {
    HF_TRY(auto cut, owner_runs(*part));
    owners = std::make_shared<const OwnerRuns>(std::move(cut));
  }
  return PartRuns{std::move(part), owners};
}

Result<Snapshot> Store::snapshot() {
  Snapshot snapshot;
  snapshot.index = std::make_shared<SnapshotIndex>();
  snapshot.person_end = manifest_.next_person;
  snapshot.data_version = manifest_.data_version + (applied_end_ - manifest_.log_end);
  std::vector<PartRuns> runs;
  bool says_who_is_who = head_.rows() > 0 || !links_.empty() || !manifest_.erased.empty();
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry)) continue;
    HF_TRY(PartRuns part, runs_of(entry));
    says_who_is_who = says_who_is_who || part.part->has_links() || part.part->has_shared_runs();
    snapshot.parts.push_back(part.part);
    runs.push_back(std::move(part));
  }
  if (!says_who_is_who && manifest_.first_seen.empty()) return snapshot;
  HF_TRY(People* const people, this->people());
  HF_TRY(const auto head, head_.parts(people->registry(), cache_, {zone(), options_.postings}));
  static const auto no_owners = std::make_shared<const OwnerRuns>();
  for (const auto& part : head) {
    runs.push_back({part, no_owners});
    snapshot.parts.push_back(part);
  }
  snapshot.belonging = people->belonging();
  snapshot.person_end = people->registry().next();
  const bool is_same = last_ && last_->data_version == snapshot.data_version &&
                       last_->person_end == snapshot.person_end &&
                       last_->belonging == snapshot.belonging && last_->parts == snapshot.parts;
  if (is_same) return *last_;
  snapshot.moved = find_moved_runs(runs, *snapshot.belonging);
  if (!manifest_.first_seen.empty()) {
    Snapshot all{.belonging = snapshot.belonging,
                 .person_end = snapshot.person_end,
                 .data_version = snapshot.data_version,
                 .first_seen_parts = manifest_.first_seen.size(),
                 .index = std::make_shared<SnapshotIndex>()};
    std::vector<PartRuns> all_runs;
    for (const PartEntry& entry : manifest_.first_seen) {
      HF_TRY(all_runs.emplace_back(), runs_of(entry));
    }
    all_runs.insert(all_runs.end(), runs.begin(), runs.end());
    for (const PartRuns& part : all_runs) all.parts.push_back(part.part);
    all.moved = find_moved_runs(all_runs, *snapshot.belonging);
    snapshot.with_first_seen = std::make_shared<const Snapshot>(std::move(all));
  }
  last_ = snapshot;
  return snapshot;
}

Result<People*> Store::people() {
  if (people_) return &*people_;
  People people(manifest_.hash_key, manifest_.next_person, manifest_.erased);
  for (const PartEntry& entry : manifest_.parts) {
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people.add_part(*part, manifest_.is_visible(entry)));
  }
  for (const PartEntry& entry : manifest_.first_seen) {
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people.add_part(*part, true));
  }
  for (const LinkDecision& decision : links_) people.decide(decision);
  // Events of the head that came before anybody asked.
  HF_TRY(const auto head, head_.parts(people.registry(), cache_, {zone(), options_.postings}));
  for (const auto& part : head) HF_CHECK(people.add_links(*part));
  people_ = std::move(people);
  return &*people_;
}

Result<PersonRegistry*> Store::persons() {
  HF_TRY(People* const people, this->people());
  return &people->registry();
}

namespace {

/// True where rows of the part may be of one of these sources.
Result<bool> may_be_of(const Part& part, const std::set<std::string, std::less<>>& sources) {
  if (sources.contains(part.source())) return true;
  const auto column = part.find(part_format::ColumnRole::source);
  if (!column) return false;
  HF_TRY(const auto dictionary, part.dictionary(*column));
  for (std::uint32_t code = 0; code < dictionary->size(); ++code) {
    if (sources.contains(dictionary->at(code))) return true;
  }
  return false;
}

}  // namespace

Result<void> Store::find_imported(std::span<const Hash128> keys,
                                  const std::set<std::string, std::less<>>& sources,
                                  std::span<bool> known) {
  for (const PartEntry& entry : manifest_.parts) {
    const bool of_import = entry.import != 0 || !entry.imports.empty();
    if (!of_import || !manifest_.is_visible(entry)) continue;
    HF_TRY(const auto part, open_part(entry.file));
    HF_TRY(const bool concerned, may_be_of(*part, sources));
    if (!concerned) continue;
    auto& cached = open_parts_.at(entry.file).message_keys;
    if (!cached) {
      HF_TRY(auto of_part, part->message_keys());
      cached = std::make_shared<const std::vector<Hash128>>(std::move(of_part));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      known[i] = known[i] || std::ranges::binary_search(*cached, keys[i]);
    }
  }
  return {};
}

Result<std::vector<PersonId>> Store::ids_of(const PersonId& id) {
  HF_TRY(const Snapshot snapshot, this->snapshot());
  HF_TRY(People* const people, this->people());
  const std::vector<Hash128> keys = people->same_person(id);
  std::set<std::pair<bool, std::string>> found;  // User ids first.
  const auto note = [&](IdKind kind, std::string_view text) {
    if (text.empty()) return;
    const Hash128 key = person_key(manifest_.hash_key, kind, text);
    if (std::ranges::binary_search(keys, key)) found.emplace(kind != IdKind::user, text);
  };
  // Erased ones may still lie in the parts.
  const auto is_known = [&](IdKind kind, std::string_view text) {
    return people->registry().known(person_key(manifest_.hash_key, kind, text)).has_value();
  };
  const Snapshot& all = snapshot.with_first_seen ? *snapshot.with_first_seen : snapshot;
  for (const auto& part : all.parts) {
    HF_TRY(const auto ids, part->ids());
    for (const IdTable::Entry& entry : ids->entries) {
      const bool is_user = !entry.user_id.empty();
      if (!is_known(is_user ? IdKind::user : IdKind::anonymous,
                    is_user ? entry.user_id : entry.anonymous_id)) {
        continue;
      }
      note(IdKind::user, entry.user_id);
      note(IdKind::anonymous, entry.anonymous_id);
    }
    HF_TRY(const auto links, part->links());
    for (const LinkEvidence& link : links) {
      if (!is_known(IdKind::user, link.user_id)) continue;
      note(IdKind::user, link.other);
      note(IdKind::anonymous, link.other);
    }
  }
  for (const LinkDecision& link : links_) {
    note(link.a.kind, link.a.id);
    note(link.b.kind, link.b.id);
  }
  std::vector<PersonId> out;
  for (const auto& [is_anonymous, text] : found) {
    out.push_back({is_anonymous ? IdKind::anonymous : IdKind::user, text});
  }
  return out;
}

std::shared_ptr<const Zone> Store::zone() {
  if (zone_name_ != settings_.timezone) {
    // One that cannot be read is told where a question needs it.
    auto zone = Zone::load(env_, settings_.timezone);
    zone_ = zone ? *std::move(zone) : nullptr;
    zone_name_ = settings_.timezone;
  }
  return zone_;
}

Result<std::optional<PersonOrdinal>> Store::person_of(const PersonId& id) {
  HF_TRY(People* const people, this->people());
  const auto belonging = people->belonging();
  for (const Hash128& key : people->same_person(id)) {
    // Ids that only ever came beside others have no number.
    const auto owner = people->registry().known(key);
    if (!owner) continue;
    const PersonOrdinal person = belonging->person(*owner);
    if (person != Belonging::nobody) return person;
  }
  return std::nullopt;
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
  next.next_part = next_part_->load();
  auto replaced = replace_file(env_, directory_ + "/MANIFEST", encode_manifest(next));
  if (!replaced) {
    in_doubt_ = true;
    return replaced;
  }
  const bool others_visible = visible_imports(manifest_) != visible_imports(next);
  if (next.settings != manifest_.settings) settings_ = next.settings;
  last_.reset();  // Its files may go.
  manifest_ = std::move(next);
  if (others_visible && people_) HF_CHECK(renew_links());
  return {};
}

Result<void> Store::renew_links() {
  people_->clear_links();
  HF_CHECK(note_links());
  for (const LinkDecision& decision : links_) people_->decide(decision);
  return {};
}

Result<void> Store::note_links() {
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry)) continue;
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people_->add_links(*part));
  }
  for (const PartEntry& entry : manifest_.first_seen) {
    HF_TRY(const auto part, open_part(entry.file));
    HF_CHECK(people_->add_links(*part));
  }
  HF_TRY(const auto head, head_.parts(people_->registry(), cache_, {zone(), options_.postings}));
  for (const auto& part : head) HF_CHECK(people_->add_links(*part));
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
  for (const PartEntry& part : manifest_.first_seen) parts.insert(part.file);
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
  std::erase_if(compacting_, [](const auto& first) { return first.expired(); });
  for (const std::string& name : names) {
    if (listed.contains(name)) continue;
    // A compaction may be writing it.
    const std::uint32_t number = leading_number(name);
    if (std::ranges::any_of(compacting_, [&](const auto& first_part) {
          const auto first = first_part.lock();
          return first && number >= *first;
        })) {
      continue;
    }
    std::string path = directory;
    path.append("/").append(name);
    HF_CHECK(env_.files.remove(path));
    removed = true;
  }
  if (removed && HF_SITE("store.removal.directory_sync")) {
    HF_CHECK(env_.files.sync_directory(directory));
  }
  return {};
}

}  // namespace hf
