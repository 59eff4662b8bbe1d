// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "calendar/zone.h"
#include "event/event.h"
#include "log/record.h"
#include "store/part.h"
#include "store/person_registry.h"
#include "store/postings.h"

namespace hf {

/// What became of one written part.
struct PartSummary {
  std::uint64_t rows = 0;
  std::uint64_t persons = 0;
  std::uint64_t bytes = 0;
  std::uint64_t duplicates = 0;  ///< Rows left out because their message id was known.
  TimestampMs time_min = 0;
  TimestampMs time_max = 0;
};

/// Collects events in arrival order and writes them as one part. Const methods may run
/// concurrently.
class PartBuilder {
 public:
  /// `received_at_ms` is given to events that bring none of their own; a clock that is out of
  /// [timestamp_min_ms, timestamp_end_ms) counts as its nearest end.
  explicit PartBuilder(TimestampMs received_at_ms);
  ~PartBuilder();
  PartBuilder(PartBuilder&&) noexcept;
  PartBuilder& operator=(PartBuilder&&) noexcept;

  /// Copies the event. Requires validate(event); an event time more than 24 h ahead of its
  /// received_at is stored as received_at with the raw time beside it. Without a source the event
  /// is of the target's. `import` is kept with the row, unless it is 0.
  void add(const EventView& event, std::string_view source = {}, std::uint32_t import = 0);

  /// Copies the events of another builder, behind those here.
  void add_all(const PartBuilder& other);
  /// A copy without the events of these ids; an event is of its user id, where it has one. Nothing
  /// where there are none.
  [[nodiscard]] std::optional<PartBuilder> without(std::span<const PersonId> ids) const;

  /// Everybody who has an event here; who is new is numbered as a write would do it.
  [[nodiscard]] std::vector<Part::IdKey> owners(PersonRegistry& persons) const;
  [[nodiscard]] std::uint32_t rows() const;
  [[nodiscard]] std::size_t memory_bytes() const;
  /// True when one more event might pass a bound of the format (part_format.h), or the part is
  /// large enough: write it first. Memory is counted anew every 4096 events.
  [[nodiscard]] bool full() const;
  /// Events whose time was more than 24 h ahead.
  [[nodiscard]] std::uint64_t times_ahead() const;
  /// Numbers kept as text because they are no int64 x 10^-s.
  [[nodiscard]] std::uint64_t big_numbers() const;

  struct Target {
    std::string
        directory;  ///< Written as <directory>/<file>.tmp, synced, renamed, directory synced.
    std::string file;
    std::string source;  ///< Message ids are unique within it.
    HashKey hash_key;    ///< The key of message keys.
    /// The person under whose key the events of an id are kept, by that id's key; empty: its own.
    std::function<Hash128(const Hash128&)> canonical = {};
    /// Of the days on which persons were active; null: they are not kept.
    std::shared_ptr<const Zone> zone = {};
    bool keep_duplicates = false;  ///< Repeated message ids were decided before.
    bool compress = true;
    PostingRule postings = {};
  };
  /// Sorts, leaves out rows whose (source, message id) is repeated here (first wins) or listed in
  /// `known` (sorted message keys of other parts), and writes. An empty outcome writes no file.
  /// Errors: those of File, and data_loss of `known`; no file is left behind then, unless removing
  /// it fails too.
  [[nodiscard]] Result<PartSummary> write(const Env& env, const Target& target,
                                          PersonRegistry& persons,
                                          std::span<const std::shared_ptr<const Part>> known) const;
  /// The same into an open file, neither named nor synced; directory and file are not looked at.
  [[nodiscard]] Result<PartSummary> write_to(
      File& file, TimestampMs created_at_ms, const Target& target, PersonRegistry& persons,
      std::span<const std::shared_ptr<const Part>> known) const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace hf
