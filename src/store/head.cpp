// SPDX-License-Identifier: Apache-2.0
#include "store/head.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/memory_file.h"
#include "store/decode_like.h"

namespace hf {
namespace {

constexpr std::uint64_t rows_full = 1'000'000;
constexpr std::size_t memory_full = std::size_t{256} << 20;
constexpr std::uint64_t rows_per_merge_max = rows_full / 4;
constexpr std::size_t tiers_per_merge_min = 4;
// As many wait only where nobody takes merges.
constexpr std::size_t tiers_unattended = 2 * tiers_per_merge_min;
// Of so many events a part is made before somebody asks.
constexpr std::uint64_t rows_ahead = 512;

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

std::shared_ptr<const PartBuilder> joined(std::span<const Head::Tier> tiers,
                                          std::shared_ptr<const PartBuilder> last) {
  if (tiers.empty()) return last;
  if (tiers.size() == 1 && last == nullptr) return tiers.front().events;
  auto all = std::make_shared<PartBuilder>(0);  // Each event brings when it was received.
  for (const Head::Tier& tier : tiers) all->add_all(*tier.events);
  if (last != nullptr) all->add_all(*last);
  return all;
}

Result<void> add_owners(std::span<const Head::Tier> tiers, PersonRegistry& persons) {
  for (const Head::Tier& tier : tiers) {
    if (tier.owners != nullptr) {
      for (const Part::IdKey& owner : *tier.owners) persons.add(owner.key, owner.person);
      continue;
    }
    HF_TRY(const auto owners, tier.part->id_keys());
    for (const Part::IdKey& owner : owners) persons.add(owner.key, owner.person);
  }
  return {};
}

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

bool Head::full(std::uint32_t times) const {
  if (rows() >= times * rows_full || memory_bytes() >= times * memory_full) return true;
  // What is being written is not added to.
  return (open_ && open_->full()) ||
         std::ranges::any_of(std::span(tiers_).subspan(taken_end()),
                             [](const Tier& tier) { return tier.events->full(); });
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

// Behind the last of these; 0 where they are no longer here.
std::size_t Head::end_of(const Tiers& tiers) const {
  const auto at = std::ranges::search(tiers_, tiers);
  return at.empty() ? 0 : static_cast<std::size_t>(at.end() - tiers_.begin());
}

std::size_t Head::taken_end() const {
  const auto taken = taken_.lock();
  return taken ? end_of(*taken) : 0;
}

std::size_t Head::merging_end() const {
  const auto merge = merge_.lock();
  return std::max(taken_end(), merge ? end_of(merge->inputs()) : 0);
}

// To what came since the last hand-out no event is added any more.
void Head::close(PersonRegistry& persons) {
  if (open_ == nullptr) return;
  auto owners = std::make_shared<const std::vector<Part::IdKey>>(open_->owners(persons));
  tiers_.push_back({std::exchange(open_, nullptr), nullptr, std::move(owners)});
}

Result<std::vector<std::shared_ptr<const Part>>> Head::parts(PersonRegistry& persons,
                                                             PageCache& cache,
                                                             const Indexes& indexes) {
  was_asked_ = true;
  for (Tier& tier : tiers_) {
    if (tier.part != nullptr) continue;
    HF_TRY(tier.part, part_of(*tier.events, persons, cache, indexes));
  }
  if (open_ != nullptr) {
    const std::size_t loose = merging_end();
    // While a merge is slow to come to its end there is more to be joined the more there are, so
    // that questions do not ask ever more parts.
    const std::size_t waiting = (tiers_.size() - loose) / tiers_per_merge_min;
    std::uint64_t rows_most = rows_joined_ * std::max<std::uint64_t>(1, waiting);
    const std::size_t due = tiers_.size() - stretch(0, rows_per_merge_max, loose);
    if (merge_.expired() && due >= tiers_unattended) rows_most = rows_per_merge_max;
    const std::size_t first = stretch(open_->rows(), rows_most, loose);
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

std::shared_ptr<Head::Merge> Head::due_merge(PersonRegistry& persons, PageCache& cache,
                                             const Indexes& indexes) {
  if (!merge_.expired()) return nullptr;
  const bool is_asked = was_asked_ || was_asked_before_;
  if (is_asked && open_ != nullptr && open_->rows() >= rows_ahead) close(persons);
  const auto due = std::span(tiers_).subspan(stretch(0, rows_per_merge_max, taken_end()));
  const bool is_due =
      due.size() >= tiers_per_merge_min || (!due.empty() && due.back().part == nullptr);
  const auto is_numbered = [](const Tier& tier) { return tier.part || tier.owners; };
  if (!is_due || !std::ranges::all_of(due, is_numbered)) return nullptr;
  auto merge = std::make_shared<Merge>(Tiers(due.begin(), due.end()), persons.hash_key(),
                                       persons.next(), cache, indexes);
  merge_ = merge;
  return merge;
}

bool Head::put_in_place(const Merge& merge) {
  HF_ASSERT(merge.output().part != nullptr);
  const std::size_t end = end_of(merge.inputs());
  if (end <= taken_end()) return false;
  const auto last = tiers_.begin() + static_cast<std::ptrdiff_t>(end);
  const auto first = last - static_cast<std::ptrdiff_t>(merge.inputs().size());
  *first = merge.output();
  tiers_.erase(first + 1, last);
  return true;
}

void Head::forget_asked() { was_asked_before_ = std::exchange(was_asked_, false); }

void Head::clear() {
  tiers_.clear();
  open_ = nullptr;
  forget_asked();
}

std::shared_ptr<const Head::Tiers> Head::take(PersonRegistry& persons) {
  close(persons);
  for (Tier& tier : tiers_) {
    if (tier.part || tier.owners) continue;
    tier.owners = std::make_shared<const std::vector<Part::IdKey>>(tier.events->owners(persons));
  }
  auto taken = std::make_shared<const Tiers>(tiers_);
  taken_ = taken;
  return taken;
}

bool Head::holds(const Tiers& taken) const { return end_of(taken) == taken.size(); }

void Head::drop(const Tiers& taken) {
  HF_ASSERT(holds(taken));
  tiers_.erase(tiers_.begin(), tiers_.begin() + static_cast<std::ptrdiff_t>(taken.size()));
  forget_asked();
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
  PersonRegistry persons(hash_key_, person_end_);
  HF_CHECK(add_owners(inputs_, persons));
  Tier all{joined(inputs_), nullptr};
  HF_TRY(all.part, part_of(*all.events, persons, cache_, indexes_));
  HF_ASSERT(persons.next() == person_end_);  // Everybody was known.
  std::vector<std::shared_ptr<const Part>> in_use;
  for (const Tier& input : inputs_) {
    if (input.part != nullptr) in_use.push_back(input.part);
  }
  HF_CHECK(decode_like(in_use, *all.part, cache_, indexes_.zone.get()));
  output_ = std::move(all);
  return {};
}

}  // namespace hf
