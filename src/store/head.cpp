// SPDX-License-Identifier: Apache-2.0
#include "store/head.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/memory_file.h"

namespace hf {
namespace {

constexpr std::uint64_t rows_max = 1'000'000;
constexpr std::size_t memory_max = std::size_t{256} << 20;
constexpr std::uint64_t rows_per_merge_max = rows_max / 4;
constexpr std::size_t tiers_per_merge_min = 4;
// A hand-out joins tiers while they are tiny together. While a merge is slow to come to its end it
// joins more the more there are, so that questions do not ask ever more parts.
constexpr std::uint64_t rows_joined_min = 256;
constexpr std::uint64_t rows_joined_per_tier = 64;
// As many as wait only where nobody takes merges.
constexpr std::size_t tiers_unattended = 2 * tiers_per_merge_min;

/// The events of tiers, in their order, and of `last` behind them, if any.
std::shared_ptr<const PartBuilder> joined(std::span<const Head::Tier> tiers,
                                          std::shared_ptr<const PartBuilder> last) {
  if (tiers.empty()) return last;
  if (tiers.size() == 1 && last == nullptr) return tiers.front().events;
  auto all = std::make_shared<PartBuilder>(0);  // Each event brings when it was received.
  for (const Head::Tier& tier : tiers) all->add_all(*tier.events);
  if (last != nullptr) all->add_all(*last);
  return all;
}

Result<std::shared_ptr<const Part>> part_of(const PartBuilder& events, PersonRegistry& persons,
                                            PageCache& cache, const Head::Indexes& indexes) {
  auto file = std::make_unique<MemoryFile>();
  const PartBuilder::Target target{.hash_key = persons.hash_key(),
                                   .zone = indexes.zone,
                                   .keep_duplicates = true,
                                   .compress = false,
                                   .postings = indexes.postings};
  HF_CHECK(events.write_to(*file, 0, target, persons, {}));
  return Part::open(std::move(file), "head", cache);
}

}  // namespace

void Head::add(const EventView& event, std::string_view source) {
  if (open_ == nullptr) open_ = std::make_shared<PartBuilder>(*event.received_at_ms);
  open_->add(event, source);
}

std::uint64_t Head::rows() const {
  std::uint64_t rows = open_ ? open_->rows() : 0;
  for (const Tier& tier : tiers_) rows += tier.events->rows();
  return rows;
}

std::size_t Head::memory_bytes() const {
  std::size_t bytes = open_ ? open_->memory_bytes() : 0;
  for (const Tier& tier : tiers_) {
    bytes += tier.events->memory_bytes() + (tier.part ? tier.part->file_bytes() : 0);
  }
  return bytes;
}

bool Head::full() const {
  if (rows() >= rows_max || memory_bytes() >= memory_max) return true;
  return (open_ && open_->full()) ||
         std::ranges::any_of(tiers_, [](const Tier& tier) { return tier.events->full(); });
}

// From where on the tiers are to be one, together with `rows` newer rows: `first` or behind it.
std::size_t Head::stretch(std::uint64_t rows, std::uint64_t rows_most, std::size_t first) const {
  std::size_t at = tiers_.size();
  while (at > first) {
    const std::uint64_t older = tiers_[at - 1].events->rows();
    if ((rows > 0 && older >= 2 * rows) || rows + older > rows_most) break;
    rows += older;
    --at;
  }
  return at;
}

// Behind the last tier that a merge which is under way has taken.
std::size_t Head::merging_end() const {
  const auto merge = merge_.lock();
  if (merge == nullptr) return 0;
  const auto last = std::ranges::find(tiers_, merge->inputs().back());
  return last == tiers_.end() ? 0 : static_cast<std::size_t>(last - tiers_.begin()) + 1;
}

Result<std::vector<std::shared_ptr<const Part>>> Head::parts(PersonRegistry& persons,
                                                             PageCache& cache,
                                                             const Indexes& indexes) {
  for (Tier& tier : tiers_) {
    if (tier.part != nullptr) continue;
    HF_TRY(tier.part, part_of(*tier.events, persons, cache, indexes));
  }
  if (open_ != nullptr) {
    const std::size_t loose = merging_end();
    std::uint64_t rows =
        std::max<std::uint64_t>(rows_joined_min, rows_joined_per_tier * (tiers_.size() - loose));
    if (merge_.expired() && tiers_.size() - stretch(0, rows_per_merge_max, 0) >= tiers_unattended) {
      rows = rows_per_merge_max;
    }
    const std::size_t first = stretch(open_->rows(), rows, loose);
    Tier newest{joined(std::span(tiers_).subspan(first), open_), nullptr};
    HF_TRY(newest.part, part_of(*newest.events, persons, cache, indexes));
    tiers_.resize(first);
    tiers_.push_back(std::move(newest));
    open_ = nullptr;
  }
  std::vector<std::shared_ptr<const Part>> parts;
  for (const Tier& tier : tiers_) parts.push_back(tier.part);
  return parts;
}

std::shared_ptr<Head::Merge> Head::due_merge(const PersonRegistry& persons, PageCache& cache,
                                             const Indexes& indexes) {
  if (!merge_.expired()) return nullptr;
  const std::size_t first = stretch(0, rows_per_merge_max, 0);
  const std::span<const Tier> due = std::span(tiers_).subspan(first);
  const auto is_seen = [](const Tier& tier) { return tier.part != nullptr; };
  if (due.size() < tiers_per_merge_min || !std::ranges::all_of(due, is_seen)) return nullptr;
  auto merge = std::make_shared<Merge>(std::vector(due.begin(), due.end()), persons.hash_key(),
                                       persons.next(), cache, indexes);
  merge_ = merge;
  return merge;
}

bool Head::put_in_place(const Merge& merge) {
  HF_ASSERT(merge.output().part != nullptr);
  const auto at = std::ranges::search(tiers_, merge.inputs());
  if (at.empty()) return false;
  *at.begin() = merge.output();
  tiers_.erase(at.begin() + 1, at.end());
  return true;
}

void Head::clear() {
  tiers_.clear();
  open_ = nullptr;
}

void Head::erase(std::span<const PersonId> ids) {
  for (Tier& tier : tiers_) {
    if (auto kept = tier.events->without(ids)) {
      tier = {std::make_shared<const PartBuilder>(std::move(*kept)), nullptr};
    }
  }
  std::erase_if(tiers_, [](const Tier& tier) { return tier.events->rows() == 0; });
  if (open_ == nullptr) return;
  if (auto kept = open_->without(ids)) *open_ = std::move(*kept);
  if (open_->rows() == 0) open_ = nullptr;
}

std::shared_ptr<const PartBuilder> Head::gather() const { return joined(tiers_, open_); }

Result<void> Head::Merge::run() {
  // Whoever has an event here was numbered when it was handed out.
  PersonRegistry persons(hash_key_, person_end_);
  for (const Tier& tier : inputs_) {
    HF_TRY(const auto keys, tier.part->id_keys());
    for (const Part::IdKey& key : keys) persons.add(key.key, key.person);
  }
  Tier all{joined(inputs_, nullptr), nullptr};
  HF_TRY(all.part, part_of(*all.events, persons, cache_, indexes_));
  HF_ASSERT(persons.next() == person_end_);
  output_ = std::move(all);
  return {};
}

}  // namespace hf
