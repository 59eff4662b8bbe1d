// SPDX-License-Identifier: Apache-2.0
#include "store/head.h"

#include <algorithm>
#include <utility>

#include "base/memory_file.h"

namespace hf {
namespace {

constexpr std::uint64_t rows_max = 1'000'000;
constexpr std::size_t memory_max = std::size_t{256} << 20;

}  // namespace

void Head::add(const EventView& event, std::string_view source) {
  if (tiers_.empty() || tiers_.back().part != nullptr) {
    tiers_.push_back({PartBuilder(*event.received_at_ms), nullptr});
  }
  tiers_.back().events.add(event, source);
}

std::uint64_t Head::rows() const {
  std::uint64_t rows = 0;
  for (const Tier& tier : tiers_) rows += tier.events.rows();
  return rows;
}

std::size_t Head::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Tier& tier : tiers_) {
    bytes += tier.events.memory_bytes() + (tier.part ? tier.part->file_bytes() : 0);
  }
  return bytes;
}

bool Head::full() const {
  if (rows() >= rows_max || memory_bytes() >= memory_max) return true;
  return std::ranges::any_of(tiers_, [](const Tier& tier) { return tier.events.full(); });
}

Result<void> Head::build(Tier& tier, PersonRegistry& persons, PageCache& cache,
                         const Indexes& indexes) {
  auto file = std::make_unique<MemoryFile>();
  const PartBuilder::Target target{.hash_key = persons.hash_key(),
                                   .zone = indexes.zone,
                                   .keep_duplicates = true,
                                   .compress = false,
                                   .postings = indexes.postings};
  HF_CHECK(tier.events.write_to(*file, 0, target, persons, {}));
  HF_TRY(tier.part, Part::open(std::move(file), "head", cache));
  return {};
}

Result<std::vector<std::shared_ptr<const Part>>> Head::parts(PersonRegistry& persons,
                                                             PageCache& cache,
                                                             const Indexes& indexes) {
  for (std::size_t i = 0; i + 1 < tiers_.size(); ++i) {
    if (tiers_[i].part == nullptr) HF_CHECK(build(tiers_[i], persons, cache, indexes));
  }
  if (!tiers_.empty() && tiers_.back().part == nullptr) {
    while (tiers_.size() > 1 &&
           tiers_[tiers_.size() - 2].events.rows() < 2 * tiers_.back().events.rows()) {
      Tier newer = std::move(tiers_.back());
      tiers_.pop_back();
      tiers_.back().events.add_all(newer.events);
    }
    HF_CHECK(build(tiers_.back(), persons, cache, indexes));
  }
  std::vector<std::shared_ptr<const Part>> parts;
  for (const Tier& tier : tiers_) parts.push_back(tier.part);
  return parts;
}

void Head::erase(std::span<const PersonId> ids) {
  for (Tier& tier : tiers_) {
    if (tier.events.erase(ids)) tier.part = nullptr;
  }
  std::erase_if(tiers_, [](const Tier& tier) { return tier.events.rows() == 0; });
}

PartBuilder& Head::gather() {
  if (tiers_.empty()) tiers_.push_back({PartBuilder(0), nullptr});
  for (std::size_t i = 1; i < tiers_.size(); ++i) tiers_[0].events.add_all(tiers_[i].events);
  tiers_.erase(tiers_.begin() + 1, tiers_.end());
  tiers_[0].part = nullptr;
  return tiers_[0].events;
}

}  // namespace hf
