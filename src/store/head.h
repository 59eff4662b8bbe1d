// SPDX-License-Identifier: Apache-2.0
//
// The mutable end of the store: events that are in the log and not yet in a part on disk. What a
// query sees of it are parts in memory, each of which doubles in size before it is merged with its
// neighbour, so that a new event costs a few copies and a query few parts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "event/event.h"
#include "log/record.h"
#include "store/page_cache.h"
#include "store/part.h"
#include "store/part_builder.h"
#include "store/person_registry.h"

namespace hf {

/// Not thread-safe.
class Head {
 public:
  /// What its parts keep besides rows, as in PartBuilder::Target.
  struct Indexes {
    std::shared_ptr<const Zone> zone;
    PostingRule postings = {};
  };

  Head() = default;

  /// Copies the event. Requires validate(event) and its received_at_ms.
  void add(const EventView& event, std::string_view source);

  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::size_t memory_bytes() const;
  /// True when it is time to write it to disk.
  [[nodiscard]] bool full() const;

  /// All its events as parts, oldest first; they live on when the head changes. New persons are
  /// numbered. Requires `cache` to outlive the parts.
  [[nodiscard]] Result<std::vector<std::shared_ptr<const Part>>> parts(PersonRegistry& persons,
                                                                       PageCache& cache,
                                                                       const Indexes& indexes);
  /// All its events in one builder; the head keeps them until clear().
  [[nodiscard]] PartBuilder& gather();
  void clear() { tiers_.clear(); }
  /// Its events of these ids are gone.
  void erase(std::span<const PersonId> ids);

 private:
  struct Tier {
    PartBuilder events;
    std::shared_ptr<const Part> part;  // Null while events are added.
  };
  static Result<void> build(Tier& tier, PersonRegistry& persons, PageCache& cache,
                            const Indexes& indexes);
  std::vector<Tier> tiers_;  // Oldest first. Events are added to the last, where it has no part.
};

}  // namespace hf
