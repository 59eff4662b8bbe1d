// SPDX-License-Identifier: Apache-2.0
#include "store/people.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace hf {

namespace {

/// Calls use(key, ordinal) for everybody whose events lie in the part, or would.
Result<void> for_each_owner(const Part& part, auto&& use) {
  HF_TRY(const auto keys, part.id_keys());
  for (const Part::IdKey& key : keys) use(key.key, key.person);
  HF_TRY(const auto shared, part.shared_runs());
  for (const SharedRun& run : shared) {
    for (const SharedRun::Owner& owner : run.owners) use(owner.key, owner.person);
  }
  return {};
}

}  // namespace

Result<void> People::add_part(const Part& part, bool visible) {
  bool known = true;
  HF_CHECK(for_each_owner(part, [&](const Hash128& key, PersonOrdinal ordinal) {
    known = known && ordinal < registry_.next();
    if (known && !std::ranges::binary_search(erased_, ordinal)) registry_.add(key, ordinal);
  }));
  if (!known) {
    return fail(ErrorCode::data_loss, "bad_part",
                part.path() + ": an owner beyond the persons the manifest knows");
  }
  return visible ? add_links(part) : Result<void>{};
}

Result<void> People::add_links(const Part& part) {
  if (!part.has_links()) return {};
  HF_TRY(const auto links, part.links());
  // What an erased owner's events said went with them.
  std::unordered_set<Hash128> gone;
  if (!erased_.empty()) {
    HF_CHECK(for_each_owner(part, [&](const Hash128& key, PersonOrdinal ordinal) {
      if (std::ranges::binary_search(erased_, ordinal)) gone.insert(key);
    }));
  }
  for (const LinkEvidence& link : links) {
    if (gone.empty() || !gone.contains(key_of(IdKind::user, link.user_id))) note(link);
  }
  return {};
}

void People::erase(std::span<const PersonId> ids) {
  for (const PersonId& id : ids) {
    const Hash128 key = key_of(id.kind, id.id);
    if (const auto owner = registry_.known(key)) {
      const auto at = std::ranges::lower_bound(erased_, *owner);
      if (at == erased_.end() || *at != *owner) erased_.insert(at, *owner);
    }
    registry_.forget(key);
    links_.forget(key);
  }
  belonging_.reset();
}

void People::clear_links() {
  links_ = LinkSet();
  belonging_.reset();
}

void People::note(const EventView& event, TimestampMs time_ms) {
  for_each_link(event, time_ms, [&](const LinkEvidence& link) { note(link); });
}

void People::note(const LinkEvidence& evidence) {
  const LinkSet::User user{key_of(IdKind::user, evidence.user_id), evidence.user_id};
  links_.note(key_of(IdKind::anonymous, evidence.other), user, evidence.time_ms);
  // The previous id of an alias call may be of either kind; it is the person's in both.
  if (evidence.kind == LinkEvidence::Kind::alias) {
    links_.note_alias(user.key, key_of(IdKind::user, evidence.other));
  }
}

void People::decide(const LinkDecision& decision) {
  const bool a_is_user = decision.a.kind == IdKind::user;
  const PersonId& user = a_is_user ? decision.a : decision.b;
  const PersonId& other = a_is_user ? decision.b : decision.a;
  const Hash128 user_key = key_of(user.kind, user.id);
  const Hash128 other_key = key_of(other.kind, other.id);
  if (!decision.linked) {
    links_.unlink(user_key, other_key);
  } else if (other.kind == IdKind::user) {
    links_.link_users(user_key, other_key);
  } else {
    links_.link(other_key, {user_key, user.id}, decision.time_ms);
  }
}

std::vector<Hash128> People::same_person(const PersonId& id) const {
  const Hash128 key = key_of(id.kind, id.id);
  const Hash128 canonical = links_.canonical(key);
  std::vector<Hash128> keys{key, canonical};
  for (const LinkSet::Member& member : links_.members()) {
    if (member.canonical == canonical) keys.push_back(member.id);
  }
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  return keys;
}

std::shared_ptr<const Belonging> People::belonging() {
  if (belonging_ && !links_.has_changed() && belonging_next_ == registry_.next()) {
    return belonging_;
  }
  (void)links_.take_changed();
  auto out = std::make_shared<Belonging>();
  const auto put = [&](PersonOrdinal owner, PersonOrdinal person) {
    if (out->of.size() <= owner) {
      const auto first = static_cast<PersonOrdinal>(out->of.size());
      out->of.resize(owner + 1);
      std::iota(out->of.begin() + first, out->of.end(), first);
    }
    out->of[owner] = person;
  };
  for (const LinkSet::Member& member : links_.members()) {
    const auto owner = registry_.known(member.id);
    if (!owner) continue;  // Only named by others' events.
    put(*owner, registry_.ordinal_of(member.canonical));
  }
  for (const PersonOrdinal owner : erased_) put(owner, Belonging::nobody);
  belonging_ = std::move(out);
  belonging_next_ = registry_.next();
  return belonging_;
}

std::shared_ptr<const Placement> People::placement() {
  auto out = std::make_shared<Placement>();
  out->belonging = belonging();
  for (const LinkSet::Member& member : links_.members()) {
    if (!registry_.known(member.id)) continue;
    out->of.emplace(member.id,
                    Placement::Person{member.canonical, registry_.ordinal_of(member.canonical)});
  }
  return out;
}

}  // namespace hf
