// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/alias.h"
#include "event/event.h"
#include "identity/link_set.h"
#include "identity/person_key.h"
#include "store/compaction.h"
#include "store/manifest.h"
#include "store/moved_runs.h"
#include "store/part.h"
#include "store/person_registry.h"

namespace hf {

/// Everybody the store knows: which number each id has and whose it is. Not thread-safe.
class People {
 public:
  /// `erased`: owners whose events still lie in parts, ascending.
  People(HashKey hash_key, PersonOrdinal next, std::vector<PersonOrdinal> erased)
      : registry_(hash_key, next), erased_(std::move(erased)) {}

  /// The persons of a part; of a visible one also what its events say of who is who.
  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> add_part(const Part& part, bool visible);
  /// What the part's events say of who is who.
  [[nodiscard]] Result<void> add_links(const Part& part);
  /// As if nobody had said anything of who is who; the numbers stay.
  void clear_links();
  /// What an event says of who is who. `time_ms` is the time it is stored with.
  void note(const EventView& event, TimestampMs time_ms);
  void decide(const LinkDecision& decision);
  /// Their events are nobody's from here on, and what was said of them is forgotten: what events
  /// of others say must be noted again. The erased owners are in erased() then.
  void erase(std::span<const PersonId> ids);
  [[nodiscard]] const std::vector<PersonOrdinal>& erased() const { return erased_; }
  /// Those of whom no part has an event any more.
  void forget_erased(std::vector<PersonOrdinal> still) { erased_ = std::move(still); }

  [[nodiscard]] PersonRegistry& registry() { return registry_; }
  /// The key of the person to whom an id belongs, by the id's key.
  [[nodiscard]] Hash128 canonical(const Hash128& key) const { return links_.canonical(key); }
  /// The keys of all ids that are one person with this one, itself among them; ascending.
  [[nodiscard]] std::vector<Hash128> same_person(const PersonId& id) const;
  /// Whose the events of each ordinal are, as of now.
  [[nodiscard]] std::shared_ptr<const Belonging> belonging();
  /// The same for somebody who writes parts anew.
  [[nodiscard]] std::shared_ptr<const Placement> placement();

 private:
  [[nodiscard]] Hash128 key_of(IdKind kind, std::string_view id) const {
    return person_key(registry_.hash_key(), kind, id);
  }
  void note(const LinkEvidence& evidence);

  PersonRegistry registry_;
  LinkSet links_;
  std::vector<PersonOrdinal> erased_;
  std::shared_ptr<const Belonging> belonging_;
  PersonOrdinal belonging_next_ = 0;  // registry_.next() when it was found.
};

/// What the event says of who is who; part files keep it (docs/format/part.md, "Links").
void for_each_link(const EventView& event, TimestampMs time_ms, auto&& use) {
  if (event.user_id.empty()) return;
  if (!event.anonymous_id.empty()) {
    use(LinkEvidence{LinkEvidence::Kind::anonymous, std::string(event.user_id),
                     std::string(event.anonymous_id), time_ms});
  }
  if (std::string id = alias_previous_id(event); !id.empty()) {
    use(LinkEvidence{LinkEvidence::Kind::alias, std::string(event.user_id), std::move(id),
                     time_ms});
  }
}

}  // namespace hf
