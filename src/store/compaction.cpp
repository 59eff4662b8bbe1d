// SPDX-License-Identifier: Apache-2.0
#include "store/compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/assert.h"
#include "event/alias.h"
#include "store/decode_like.h"
#include "store/part_rows.h"
#include "store/snapshot.h"

namespace hf {
namespace {

std::unexpected<Error> cancelled() {
  return fail(ErrorCode::cancelled, "cancelled", "the compaction was no longer wanted");
}

constexpr std::size_t cache_bytes = std::size_t{128} << 20;
constexpr std::size_t groups_min = 4;
constexpr std::uint32_t rows_between_looks = 4096;

struct Group {
  std::size_t first = 0;  // In the list of parts.
  std::size_t last = 0;
  std::uint64_t rows = 0;
  bool visible = false;
};

std::vector<Group> groups_of(const Manifest& manifest) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < manifest.parts.size(); ++i) {
    const PartEntry& part = manifest.parts[i];
    const bool goes_on = i > 0 && part.group != 0 && part.group == manifest.parts[i - 1].group;
    if (!goes_on) groups.push_back({.first = i, .visible = manifest.is_visible(part)});
    groups.back().last = i + 1;
    groups.back().rows += part.rows;
  }
  return groups;
}

}  // namespace

std::pair<std::size_t, std::size_t> choose_compaction(const Manifest& manifest) {
  const std::vector<Group> groups = groups_of(manifest);
  std::pair<std::size_t, std::size_t> chosen{0, 0};
  std::uint64_t fewest = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t first = 0; first < groups.size(); ++first) {
    std::uint64_t rows = 0;
    std::uint64_t largest = 0;
    for (std::size_t last = first; last < groups.size() && groups[last].visible; ++last) {
      rows += groups[last].rows;
      largest = std::max(largest, groups[last].rows);
      if (last - first + 1 < groups_min || rows < 2 * largest || rows >= fewest) continue;
      fewest = rows;
      chosen = {groups[first].first, groups[last].last};
    }
  }
  return chosen;
}

std::pair<std::size_t, std::size_t> choose_full_compaction(const Manifest& manifest) {
  const std::vector<Group> groups = groups_of(manifest);
  for (std::size_t first = 0; first < groups.size(); ++first) {
    std::size_t last = first;
    while (last < groups.size() && groups[last].visible) ++last;
    if (last - first > 1) return {groups[first].first, groups[last - 1].last};
    first = last;
  }
  return {0, 0};
}

/// Takes rows person by person, cuts them into parts, and keeps the first of what is purged.
class Compaction::Writer {
 public:
  Writer(Compaction& owner, std::vector<PartRows>& rows, PersonRegistry& persons)
      : owner_(owner),
        work_(owner.work_),
        rows_(rows),
        persons_(persons),
        kept_(owner.env_.clock.now_ms()),
        firsts_(owner.env_.clock.now_ms()) {
    const auto largest = std::ranges::max_element(work_.inputs, {}, &PartEntry::rows);
    source_ = rows[static_cast<std::size_t>(largest - work_.inputs.begin())].part().source();
    const std::uint32_t import = work_.inputs.front().import;
    one_import_ = std::ranges::all_of(work_.inputs, [&](const PartEntry& part) {
      return part.import == import && part.imports.empty();
    });
    for (const PartEntry& part : work_.inputs) {
      auto& purges = purges_.emplace_back();
      for (const PendingPurge& pending : work_.purges) {
        if (part.number() < pending.part_end) purges.push_back(&pending.purge);
      }
    }
  }

  Result<void> add(std::span<const PersonRun> runs) {
    std::uint64_t count = 0;
    for (const PersonRun& run : runs) count += run.row_count;
    if (kept_.rows() > 0 && kept_.rows() + count > work_.rows_per_part) HF_CHECK(write_kept());
    for (const PersonRun& run : runs) {
      for (RowNumber row = run.first_row; row < run.first_row + run.row_count; ++row) {
        if (++seen_ % rows_between_looks == 0 && owner_.cancelled_.load()) {
          return cancelled();
        }
        HF_TRY(const PartRows::Row* const read, rows_[run.part].at(row));
        HF_CHECK(add(*read, run.part));
      }
    }
    keep_firsts();
    if (kept_.full()) HF_CHECK(write_kept());
    if (firsts_.full()) HF_CHECK(write_firsts());
    return {};
  }

  Result<void> finish() {
    HF_CHECK(write_kept());
    HF_CHECK(write_firsts());
    // One that is written anew stays of its group; a group of one need not be told.
    std::uint32_t group = work_.inputs.size() == 1 ? work_.inputs.front().group : 0;
    if (group == 0 && owner_.outputs_.size() > 1) group = owner_.outputs_.front().number();
    for (PartEntry& part : owner_.outputs_) part.group = group;
    return {};
  }

 private:
  Result<void> add(const PartRows::Row& row, std::uint32_t part) {
    const std::uint32_t import = row.import != 0 ? row.import : work_.inputs[part].import;
    if (std::ranges::find(work_.undone, import) != work_.undone.end()) return {};
    if (work_.is_first_seen) {
      note_first(row);
      return {};
    }
    const bool purged = std::ranges::any_of(purges_[part], [&](const PurgeRecord* purge) {
      return purge->takes(row.event.name, row.stored_time_ms);
    });
    if (purged) {
      note_first(row);
      return {};
    }
    if (!one_import_ && import != 0) imports_.insert(import);
    kept_.add(row.event, row.source == source_ ? std::string_view{} : row.source,
              one_import_ ? 0 : import);
    return {};
  }

  // Runs of one person come one after the other, each in order of time.
  void note_first(const PartRows::Row& row) {
    std::string previous = alias_previous_id(row.event);
    const First first{row.stored_time_ms, *row.event.received_at_ms};
    const auto [at, is_new] = first_.try_emplace(
        std::tuple(std::string(row.event.user_id), std::string(row.event.anonymous_id),
                   std::string(row.event.name), std::move(previous)),
        first);
    if (!is_new && first.time_ms < at->second.time_ms) at->second = first;
  }

  void keep_firsts() {
    for (const auto& [key, first] : first_) {
      const auto& [user_id, anonymous_id, name, previous] = key;
      const PropertyView property{"previous_id", ValueView{.text = previous}};
      EventView event{.user_id = user_id, .anonymous_id = anonymous_id, .name = name};
      event.time_ms = first.time_ms;
      event.received_at_ms = first.received_at_ms;
      if (!previous.empty()) event.properties = {&property, 1};
      firsts_.add(event);
    }
    first_.clear();
  }

  Result<void> write_kept() {
    HF_CHECK(write(kept_, owner_.outputs_));
    if (!one_import_ && !imports_.empty()) {
      owner_.outputs_.back().imports.assign(imports_.begin(), imports_.end());
    } else if (one_import_ && !owner_.outputs_.empty()) {
      owner_.outputs_.back().import = work_.inputs.front().import;
    }
    imports_.clear();
    return {};
  }

  Result<void> write_firsts() {
    return write(firsts_, work_.is_first_seen ? owner_.outputs_ : owner_.first_seen_);
  }

  Result<void> write(PartBuilder& builder, std::vector<PartEntry>& out) {
    if (builder.rows() == 0) return {};
    const PartBuilder::Target target{
        .directory = work_.directory,
        .file = fmt::format("{:08}.part", work_.next_part->fetch_add(1)),
        .source = source_,
        .hash_key = work_.hash_key,
        .canonical = work_.placement->canonical(),
        .zone = work_.zone,
        .keep_duplicates = true,
        .postings = work_.postings};
    HF_TRY(const PartSummary summary, builder.write(owner_.env_, target, persons_, {}));
    HF_ASSERT(persons_.next() == work_.person_end);  // Everybody was known.
    out.push_back(PartEntry::of(target.file, summary));
    builder = PartBuilder(owner_.env_.clock.now_ms());
    return {};
  }

  struct First {
    TimestampMs time_ms;
    TimestampMs received_at_ms;
  };
  Compaction& owner_;
  const Work& work_;
  std::vector<PartRows>& rows_;  // By input.
  PersonRegistry& persons_;
  std::string source_;
  bool one_import_ = true;
  std::vector<std::vector<const PurgeRecord*>> purges_;  // By input.
  std::set<std::uint32_t> imports_;                      // Of the rows in kept_.
  PartBuilder kept_;
  PartBuilder firsts_;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, First> first_;
  std::uint64_t seen_ = 0;
};

Compaction::Compaction(const Env& env, Work work)
    : env_(env), work_(std::move(work)), cache_(cache_bytes) {}

Result<std::unique_ptr<Compaction>> Compaction::begin(const Env& env, Work work) {
  auto compaction = std::unique_ptr<Compaction>(new Compaction(env, std::move(work)));
  for (const PartEntry& entry : compaction->work_.inputs) {
    HF_TRY(auto part,
           Part::open(env, compaction->work_.directory + "/" + entry.file, compaction->cache_));
    compaction->parts_.push_back(std::move(part));
  }
  return compaction;
}

Result<void> Compaction::run() {
  auto written = write();
  if (written) written = open_outputs();
  if (!written) discard();
  return written;
}

Result<void> Compaction::open_outputs() {
  for (const PartEntry& entry : outputs_) {
    if (cancelled_.load(std::memory_order_relaxed)) return cancelled();
    HF_TRY(auto part, Part::open(env_, work_.directory + "/" + entry.file, *work_.cache));
    HF_CHECK(decode_like(work_.in_use, *part, *work_.cache, work_.zone.get()));
    HF_TRY(auto owners, owner_runs(*part));
    opened_.push_back({std::move(part), std::make_shared<const OwnerRuns>(std::move(owners))});
  }
  return {};
}

void Compaction::discard() {
  opened_.clear();
  for (const auto* parts : {&outputs_, &first_seen_}) {
    for (const PartEntry& part : *parts) {
      (void)env_.files.remove(work_.directory + "/" + part.file);
    }
  }
  outputs_.clear();
  first_seen_.clear();
}

Result<void> Compaction::write() {
  PersonRegistry persons(work_.hash_key, work_.person_end);
  for (const auto& [key, person] : work_.placement->of) persons.add(person.key, person.ordinal);
  const auto know = [&](const Hash128& key, PersonOrdinal ordinal) {
    if (!std::ranges::binary_search(work_.erased, ordinal)) persons.add(key, ordinal);
  };
  Snapshot inputs{.person_end = work_.person_end};
  std::vector<PartRuns> runs;
  std::vector<PartRows> rows;
  for (const auto& part : parts_) {
    HF_TRY(const auto keys, part->id_keys());
    for (const Part::IdKey& key : keys) know(key.key, key.person);
    HF_TRY(const auto shared, part->shared_runs());
    for (const SharedRun& run : shared) {
      for (const SharedRun::Owner& owner : run.owners) know(owner.key, owner.person);
    }
    HF_TRY(auto owners, owner_runs(*part));
    runs.push_back({part, std::make_shared<const OwnerRuns>(std::move(owners))});
    HF_TRY(auto events, PartRows::open(part));
    rows.push_back(std::move(events));
    inputs.parts.push_back(part);
  }
  inputs.moved = find_moved_runs(runs, *work_.placement->belonging);
  Writer writer(*this, rows, persons);
  Result<void> outcome;
  for_each_person(inputs, 0, work_.person_end, [&](PersonOrdinal, std::span<const PersonRun> of) {
    if (outcome) outcome = writer.add(of);
  });
  HF_CHECK(outcome);
  return writer.finish();
}

}  // namespace hf
