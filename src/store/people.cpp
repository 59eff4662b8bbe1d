// SPDX-License-Identifier: Apache-2.0
#include "store/people.h"

#include <numeric>

namespace hf {

Result<void> People::add_part(const Part& part, bool visible) {
  HF_TRY(const auto keys, part.id_keys());
  for (const Part::IdKey& key : keys) registry_.add(key.key, key.person);
  HF_TRY(const auto shared, part.shared_runs());
  for (const SharedRun& run : shared) {
    for (const SharedRun::Owner& owner : run.owners) {
      if (owner.person >= registry_.next()) {
        return fail(ErrorCode::data_loss, "bad_part",
                    part.path() + ": an owner beyond the persons the manifest knows");
      }
      registry_.add(owner.key, owner.person);
    }
  }
  return visible ? add_links(part) : Result<void>{};
}

Result<void> People::add_links(const Part& part) {
  HF_TRY(const auto links, part.links());
  for (const LinkEvidence& link : links) note(link);
  return {};
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

std::shared_ptr<const Belonging> People::belonging() {
  if (belonging_ && !links_.has_changed() && belonging_next_ == registry_.next()) {
    return belonging_;
  }
  (void)links_.take_changed();
  auto out = std::make_shared<Belonging>();
  for (const LinkSet::Member& member : links_.members()) {
    const auto owner = registry_.known(member.id);
    if (!owner) continue;  // Only named by others' events.
    const PersonOrdinal person = registry_.ordinal_of(member.canonical);
    if (out->of.size() <= *owner) {
      const auto first = static_cast<PersonOrdinal>(out->of.size());
      out->of.resize(*owner + 1);
      std::iota(out->of.begin() + first, out->of.end(), first);
    }
    out->of[*owner] = person;
  }
  belonging_ = std::move(out);
  belonging_next_ = registry_.next();
  return belonging_;
}

}  // namespace hf
