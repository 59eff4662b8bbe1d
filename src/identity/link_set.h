// SPDX-License-Identifier: Apache-2.0
//
// Who is who (DESIGN section 6, "Identity"): ids, known by their person keys, and what says that
// two of them are one person. The result depends on what was noted, never on the order in which
// evidence came; links and unlinks that people make hold by the order in which they made them.
#pragma once

#include <compare>
#include <memory>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"

namespace hf {

/// Rules:
///   - Two user ids are one person where an alias or a link says so, directly or through others.
///   - An anonymous id belongs to the user id of its earliest link (by time, then by the user id's
///     bytes), and through it to that user id's person. It joins nobody: of two user ids that used
///     one device, each stays who it is.
///   - What is said of an unlinked pair does not count, whether said before or after the unlink,
///     until a link of the pair follows; then all of it counts again.
///   - An unlink is about its pair alone: two user ids that a third one joins stay one person, and
///     an anonymous id falls to its next earliest link.
/// A key is that of an anonymous id or of a user id, never of both (identity/person_key.h); a pair
/// of an id with itself says nothing. Copes with ids that are linked to very many others, as a
/// broken client's "null" is. About 80 bytes an anonymous id of one link, 100 and the id's text a
/// user id. Not thread-safe.
class LinkSet {
 public:
  LinkSet();
  ~LinkSet();
  LinkSet(LinkSet&&) noexcept;
  LinkSet& operator=(LinkSet&&) noexcept;

  struct User {
    Hash128 key;
    std::string_view id;  ///< Decides between links of equal time. Copied where it must be kept.
  };

  /// Evidence: an event of that time brought both ids. What is known already costs one look-up,
  /// or two where the anonymous id has several links.
  void note(const Hash128& anonymous, const User& user, TimestampMs time_ms);
  /// Evidence: an alias call named both user ids.
  void note_alias(const Hash128& user, const Hash128& other_user);

  /// What people decided. A link of an anonymous id is as if an event of that time had brought
  /// both. A pair has at most one such link: the latest counts, and an unlink ends it.
  void link(const Hash128& anonymous, const User& user, TimestampMs time_ms);
  void link_users(const Hash128& user, const Hash128& other_user);
  /// Of any two ids, in any order, known or not.
  void unlink(const Hash128& a, const Hash128& b);

  /// Everything known of this id is gone, decisions about it too. What comes later counts anew.
  void forget(const Hash128& key);

  /// The key that stands for the person of this id, the same for all its ids: the smallest of the
  /// person's user ids. An id of which nothing is known stands for itself.
  [[nodiscard]] Hash128 canonical(const Hash128& key) const;
  /// True when canonical() of some id was changed since the last take_changed().
  [[nodiscard]] bool has_changed() const;
  /// The ids whose canonical() was changed since the last call, ascending, each once; also one that
  /// was changed and is now what it was. Costs what changed, not what is there.
  [[nodiscard]] std::vector<Hash128> take_changed();
  /// The ids whose canonical() differs from themselves, ascending by (canonical, id).
  struct Member {
    Hash128 canonical;
    Hash128 id;
    friend auto operator<=>(const Member&, const Member&) = default;
  };
  [[nodiscard]] std::vector<Member> members() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;  // Null only after a move from here.
};

}  // namespace hf
