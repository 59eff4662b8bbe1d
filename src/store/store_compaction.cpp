// SPDX-License-Identifier: Apache-2.0
//
// What a store compacts, when, and how the outcome takes its place.
#include <algorithm>
#include <set>

#include "base/assert.h"
#include "store/store.h"

namespace hf {
namespace {

/// True where the purge takes rows of the part.
bool concerns(const PendingPurge& pending, const PartEntry& entry, const Part& part) {
  if (entry.number() >= pending.part_end) return false;
  return std::ranges::any_of(part.names(), [&](const NameInfo& name) {
    return pending.purge.takes(name.name, name.time_min);
  });
}

bool is_one_group(const std::vector<PartEntry>& parts) {
  if (parts.size() < 2) return true;
  const std::uint32_t group = parts.front().group;
  return group != 0 &&
         std::ranges::all_of(parts, [&](const PartEntry& part) { return part.group == group; });
}

}  // namespace

std::shared_ptr<Head::Merge> Store::begin_head_merge() {
  if (!people_) return nullptr;  // Nothing was handed out.
  return head_.due_merge(people_->registry(), cache_, {zone(), options_.postings});
}

bool Store::finish_head_merge(std::shared_ptr<Head::Merge> merge) {
  return head_.put_in_place(*merge);
}

Result<bool> Store::is_dirty(const PartEntry& entry, bool first_seen) {
  if (std::ranges::any_of(entry.imports, [&](std::uint32_t id) { return is_undone(id); })) {
    return true;
  }
  HF_TRY(const PartRuns runs, runs_of(entry));
  const auto zone = this->zone();
  if (zone != nullptr && !runs.part->keeps_days_of(*zone)) return true;
  for (const PersonOrdinal owner : manifest_.erased) {
    if (std::ranges::binary_search(runs.part->persons(), owner)) return true;
    const auto is_owner = [&](const OwnerRun& run) { return run.owner == owner; };
    if (std::ranges::any_of(*runs.owners, is_owner)) return true;
  }
  return !first_seen && std::ranges::any_of(manifest_.purges, [&](const PendingPurge& purge) {
    return concerns(purge, entry, *runs.part);
  });
}

Result<std::unique_ptr<Compaction>> Store::compaction_of(std::vector<PartEntry> inputs,
                                                         bool first_seen) {
  HF_TRY(People* const people, this->people());
  Compaction::Work work{.directory = parts_directory(),
                        .inputs = std::move(inputs),
                        .purges = manifest_.purges,
                        .is_first_seen = first_seen,
                        .hash_key = manifest_.hash_key,
                        .placement = people->placement(),
                        .zone = zone(),
                        .postings = options_.postings,
                        .next_part = next_part_};
  work.erased = people->erased();
  work.person_end = people->registry().next();
  work.first_part = std::make_shared<const std::uint32_t>(next_part_->load());
  work.rows_per_part = options_.rows_per_part;
  work.cache = &cache_;
  for (const PartEntry& input : work.inputs) {
    HF_TRY(auto part, open_part(input.file));
    work.in_use.push_back(std::move(part));
    for (const std::uint32_t import : input.imports) {
      if (is_undone(import)) work.undone.push_back(import);
    }
  }
  compacting_.push_back(work.first_part);
  return Compaction::begin(env_, std::move(work));
}

Result<std::unique_ptr<Compaction>> Store::begin_compaction(CompactionKind kind) {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  const auto& parts = manifest_.parts;
  std::pair<std::size_t, std::size_t> stretch{0, 0};
  if (kind == CompactionKind::due) stretch = choose_compaction(manifest_);
  if (kind == CompactionKind::full) stretch = choose_full_compaction(manifest_);
  if (stretch.first < stretch.second) {
    return compaction_of({parts.begin() + static_cast<std::ptrdiff_t>(stretch.first),
                          parts.begin() + static_cast<std::ptrdiff_t>(stretch.second)},
                         false);
  }
  for (const PartEntry& part : parts) {
    HF_TRY(const bool dirty, is_dirty(part, false));
    if (dirty) return compaction_of({part}, false);
  }
  for (const PartEntry& part : manifest_.first_seen) {
    HF_TRY(const bool dirty, is_dirty(part, true));
    if (dirty) return compaction_of(manifest_.first_seen, true);
  }
  // One row for the first of its kind, not one for each purge.
  if (!is_one_group(manifest_.first_seen)) return compaction_of(manifest_.first_seen, true);
  return nullptr;
}

Result<bool> Store::put_in_place(const Compaction& compaction, Manifest& next) {
  const Compaction::Work& work = compaction.work();
  auto& parts = work.is_first_seen ? next.first_seen : next.parts;
  const auto at = std::ranges::search(parts, work.inputs);
  // A purge that came meanwhile would take the outputs for newer than it is.
  if (at.empty() || work.purges != next.purges) return false;
  const auto place = parts.erase(at.begin(), at.end());
  parts.insert(place, compaction.outputs().begin(), compaction.outputs().end());
  next.first_seen.insert(next.first_seen.end(), compaction.first_seen().begin(),
                         compaction.first_seen().end());
  if (!compaction.first_seen().empty() || !work.undone.empty()) ++next.data_version;
  return true;
}

Result<void> Store::finish_compaction(std::unique_ptr<Compaction> compaction) {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  Manifest next = manifest_;
  HF_TRY(const bool wanted, put_in_place(*compaction, next));
  if (!wanted) {
    compaction->discard();
    return {};
  }
  for (std::size_t i = 0; i < compaction->outputs().size(); ++i) {
    const PartRuns& part = compaction->parts()[i];
    open_parts_.emplace(compaction->outputs()[i].file, OpenPart{part.part, part.owners, nullptr});
  }
  next.next_person = people_->registry().next();
  HF_CHECK(forget_what_is_gone(next));
  HF_CHECK(commit(std::move(next)));
  people_->forget_erased(manifest_.erased);
  compaction.reset();
  return remove_unlisted_files();
}

Result<void> Store::forget_what_is_gone(Manifest& next) {
  std::set<PersonOrdinal> still_there;
  std::vector<bool> still_due(next.purges.size(), false);
  for (const auto* parts : {&next.parts, &next.first_seen}) {
    for (const PartEntry& entry : *parts) {
      HF_TRY(const PartRuns runs, runs_of(entry));
      for (const PersonOrdinal owner : next.erased) {
        const auto is_owner = [&](const OwnerRun& run) { return run.owner == owner; };
        if (std::ranges::binary_search(runs.part->persons(), owner) ||
            std::ranges::any_of(*runs.owners, is_owner)) {
          still_there.insert(owner);
        }
      }
      if (parts == &next.first_seen) continue;
      for (std::size_t i = 0; i < next.purges.size(); ++i) {
        if (concerns(next.purges[i], entry, *runs.part)) still_due[i] = true;
      }
    }
  }
  next.erased.assign(still_there.begin(), still_there.end());
  std::size_t i = 0;
  std::erase_if(next.purges, [&](const PendingPurge&) { return !still_due[i++]; });
  return {};
}

Result<void> Store::compact(CompactionKind kind) {
  while (true) {
    HF_TRY(auto compaction, begin_compaction(kind));
    if (compaction == nullptr) return {};
    HF_CHECK(compaction->run());
    HF_CHECK(finish_compaction(std::move(compaction)));
  }
}

}  // namespace hf
