// SPDX-License-Identifier: Apache-2.0
#include "identity/link_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Hash128 anonymous_key(std::uint64_t n) { return {1 + n % 3, n}; }
Hash128 user_key(std::uint64_t n) { return {100, n}; }
// Ids are unique; their order is not that of the keys.
std::string user_id(std::uint64_t n) {
  return std::to_string((n * 7 + 3) % 10) + std::to_string(n);
}

enum class Verb : std::uint8_t { note, note_alias, link, link_users, unlink, forget };

struct Statement {
  Verb verb;
  Hash128 a;
  Hash128 b;
  std::string b_id;
  TimestampMs time_ms = 0;
};

void say(LinkSet& links, const Statement& statement) {
  const auto& [verb, a, b, b_id, time_ms] = statement;
  switch (verb) {
    case Verb::note: return links.note(a, {b, b_id}, time_ms);
    case Verb::note_alias: return links.note_alias(a, b);
    case Verb::link: return links.link(a, {b, b_id}, time_ms);
    case Verb::link_users: return links.link_users(a, b);
    case Verb::unlink: return links.unlink(a, b);
    case Verb::forget: return links.forget(a);
  }
}

bool is_evidence(const Statement& statement) {
  return statement.verb == Verb::note || statement.verb == Verb::note_alias;
}

// The twin: the list of what was said, read from its start for every answer.
class Statements {
 public:
  void say(const Statement& statement) {
    if (statement.verb == Verb::forget) {
      std::erase_if(said_,
                    [&](const Statement& s) { return s.a == statement.a || s.b == statement.a; });
    } else {
      said_.push_back(statement);
    }
  }

  // Of all ids that anything is known of, and perhaps of itself.
  [[nodiscard]] std::map<Hash128, Hash128> canonicals() const {
    struct Pair {
      bool is_of_users = false;
      bool unlinked = false;
      bool aliased = false;
      std::optional<TimestampMs> evidence_ms;
      std::optional<TimestampMs> link_ms;
      std::string user_id;
    };
    std::map<std::pair<Hash128, Hash128>, Pair> pairs;  // The smaller key first: anonymous ids are.
    for (const Statement& s : said_) {
      Pair& pair = pairs[std::minmax(s.a, s.b)];
      switch (s.verb) {
        case Verb::note:
          pair.evidence_ms = std::min(pair.evidence_ms.value_or(s.time_ms), s.time_ms);
          pair.user_id = s.b_id;
          break;
        case Verb::link:
          pair.link_ms = s.time_ms;
          pair.user_id = s.b_id;
          pair.unlinked = false;
          break;
        case Verb::note_alias: pair.is_of_users = pair.aliased = true; break;
        case Verb::link_users:
          pair.is_of_users = true;
          pair.link_ms = 0;
          pair.unlinked = false;
          break;
        case Verb::unlink:
          pair.link_ms.reset();
          pair.unlinked = true;
          break;
        case Verb::forget: break;
      }
    }
    std::map<Hash128, Hash128> canonical;
    for (const auto& [keys, pair] : pairs) {
      canonical[keys.first] = keys.first;
      canonical[keys.second] = keys.second;
    }
    // Users take the smaller of two names until nobody has anything to take.
    for (bool moved = true; std::exchange(moved, false);) {
      for (const auto& [keys, pair] : pairs) {
        if (!pair.is_of_users || pair.unlinked || !(pair.aliased || pair.link_ms)) continue;
        Hash128& first = canonical[keys.first];
        Hash128& second = canonical[keys.second];
        if (first == second) continue;
        first = second = std::min(first, second);
        moved = true;
      }
    }
    std::map<Hash128, std::tuple<TimestampMs, std::string, Hash128>> best;
    for (const auto& [keys, pair] : pairs) {
      if (pair.is_of_users || pair.unlinked || !(pair.evidence_ms || pair.link_ms)) continue;
      const TimestampMs time_ms =
          std::min(pair.evidence_ms.value_or(INT64_MAX), pair.link_ms.value_or(INT64_MAX));
      const std::tuple candidate(time_ms, pair.user_id, keys.second);
      const auto [it, is_new] = best.emplace(keys.first, candidate);
      if (!is_new) it->second = std::min(it->second, candidate);
    }
    for (const auto& [anonymous, candidate] : best) {
      canonical[anonymous] = canonical[std::get<Hash128>(candidate)];
    }
    return canonical;
  }

  [[nodiscard]] std::vector<LinkSet::Member> members() const {
    std::vector<LinkSet::Member> members;
    for (const auto& [id, canonical] : canonicals()) {
      if (canonical != id) members.push_back({canonical, id});
    }
    std::ranges::sort(members);
    return members;
  }

 private:
  std::vector<Statement> said_;
};

struct World {
  std::uint64_t n_anonymous;
  std::uint64_t n_users;
  TimestampMs time_ms_max;
};
constexpr World tiny = {.n_anonymous = 3, .n_users = 5, .time_ms_max = 3};

Statement any_statement(Rng& rng, const World& world, double forget_share) {
  const auto anonymous = [&] { return anonymous_key(rng.below(world.n_anonymous)); };
  const auto user = [&] { return user_key(rng.below(world.n_users)); };
  const auto any = [&] { return rng.chance(0.5) ? anonymous() : user(); };
  if (rng.chance(forget_share)) return {.verb = Verb::forget, .a = any()};
  const auto verb = static_cast<Verb>(rng.below(5));
  switch (verb) {
    case Verb::note_alias:
    case Verb::link_users: return {.verb = verb, .a = user(), .b = user()};
    case Verb::unlink: {
      const Hash128 a = any();
      return {.verb = verb, .a = a, .b = any()};
    }
    default: break;
  }
  const std::uint64_t n = rng.below(world.n_users);
  return {.verb = verb,
          .a = anonymous(),
          .b = user_key(n),
          .b_id = user_id(n),
          .time_ms = rng.between(0, world.time_ms_max)};
}

std::map<Hash128, Hash128> canonicals(const LinkSet& links, const World& world) {
  std::map<Hash128, Hash128> result;
  for (std::uint64_t n = 0; n < world.n_anonymous; ++n) {
    result[anonymous_key(n)] = links.canonical(anonymous_key(n));
  }
  for (std::uint64_t n = 0; n < world.n_users; ++n) {
    result[user_key(n)] = links.canonical(user_key(n));
  }
  return result;
}

std::vector<Hash128> differing(const std::map<Hash128, Hash128>& a,
                               const std::map<Hash128, Hash128>& b) {
  std::vector<Hash128> keys;
  for (const auto& [key, canonical] : a) {
    if (b.at(key) != canonical) keys.push_back(key);
  }
  return keys;
}

// --- Against the twin

TEST(LinkSet, AgreesWithReadingAllThatWasSaid) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const double forget_share = rng.chance(0.5) ? 0.15 : 0.0;
    LinkSet links;
    Statements twin;
    std::map<Hash128, Hash128> before = canonicals(links, tiny);
    for (int i = 0; i < 40; ++i) {
      const Statement statement = any_statement(rng, tiny, forget_share);
      say(links, statement);
      twin.say(statement);
      ASSERT_EQ(links.members(), twin.members()) << "statement " << i;
      const std::map<Hash128, Hash128> now = canonicals(links, tiny);
      for (const auto& [id, canonical] : twin.canonicals()) ASSERT_EQ(now.at(id), canonical);
      // After one statement what is said to have changed has.
      ASSERT_EQ(links.has_changed(), now != before);
      ASSERT_EQ(links.take_changed(), differing(before, now)) << "statement " << i;
      ASSERT_FALSE(links.has_changed());
      ASSERT_THAT(links.take_changed(), IsEmpty());
      before = now;
    }
  }
}

TEST(LinkSet, TellsEveryChangeHoweverSeldomAsked) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    LinkSet links;
    std::map<Hash128, Hash128> before = canonicals(links, tiny);
    for (int i = 0; i < 60; ++i) {
      say(links, any_statement(rng, tiny, 0.1));
      if (!rng.chance(0.1)) continue;
      const std::map<Hash128, Hash128> now = canonicals(links, tiny);
      const std::vector<Hash128> changed = links.take_changed();
      ASSERT_TRUE(std::ranges::is_sorted(changed));
      ASSERT_EQ(std::ranges::adjacent_find(changed), changed.end());
      ASSERT_TRUE(std::ranges::includes(changed, differing(before, now)));
      before = now;
    }
  }
}

// Many ids, few links each: the tables grow, and shrink as ids are forgotten and come again.
TEST(LinkSet, AgreesWithItsTwinWhereThereAreMany) {
  constexpr World wide = {.n_anonymous = 3'000, .n_users = 2'000, .time_ms_max = 100};
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    LinkSet links;
    Statements twin;
    for (int round = 0; round < 4; ++round) {
      const double forget_share = round % 2 == 0 ? 0.01 : 0.6;
      for (int i = 0; i < 5'000; ++i) {
        const Statement statement = any_statement(rng, wide, forget_share);
        say(links, statement);
        twin.say(statement);
      }
      ASSERT_EQ(links.members(), twin.members());
    }
    for (std::uint64_t n = 0; n < wide.n_anonymous; ++n) links.forget(anonymous_key(n));
    for (std::uint64_t n = 0; n < wide.n_users; ++n) links.forget(user_key(n));
    ASSERT_THAT(links.members(), IsEmpty());
  }
}

TEST(LinkSet, IsAFunctionOfTheEvidenceAndTheOrderOfDecisions) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::vector<Statement> statements;
    const std::int64_t n = rng.between(1, 30);
    for (std::int64_t i = 0; i < n; ++i) statements.push_back(any_statement(rng, tiny, 0.0));
    LinkSet links;
    for (const Statement& statement : statements) say(links, statement);

    std::vector<Statement> decisions;
    std::ranges::remove_copy_if(statements, std::back_inserter(decisions), is_evidence);
    rng.shuffle(statements);
    LinkSet shuffled;
    auto decision = decisions.begin();
    for (const Statement& statement : statements) {
      say(shuffled, is_evidence(statement) ? statement : *decision++);
    }
    ASSERT_EQ(shuffled.members(), links.members());
  }
}

// --- Rule by rule

class LinkSetRules : public testing::Test {
 protected:
  const Hash128 phone = {1, 1};
  const Hash128 laptop = {1, 2};
  // By key ann < bob < cat < dan; by the ids' bytes "Bob" is before "ann".
  const LinkSet::User ann = {{2, 1}, "ann"};
  const LinkSet::User bob = {{2, 2}, "Bob"};
  const LinkSet::User cat = {{2, 3}, "cat"};
  const LinkSet::User dan = {{2, 4}, "dan"};
  LinkSet links;
};

TEST_F(LinkSetRules, AnIdOfWhichNothingIsKnownStandsForItself) {
  EXPECT_EQ(links.canonical(phone), phone);
  EXPECT_FALSE(links.has_changed());
  links.forget(phone);
  links.unlink(phone, ann.key);
  links.note_alias(ann.key, ann.key);
  links.link_users(ann.key, ann.key);
  links.unlink(ann.key, ann.key);
  EXPECT_FALSE(links.has_changed());
  EXPECT_THAT(links.members(), IsEmpty());
}

TEST_F(LinkSetRules, ASharedDeviceDoesNotWeldTwoCustomers) {
  links.note(phone, ann, 10);
  links.note(phone, bob, 20);
  links.note(laptop, bob, 5);
  EXPECT_EQ(links.canonical(ann.key), ann.key);
  EXPECT_EQ(links.canonical(bob.key), bob.key);
  EXPECT_EQ(links.canonical(phone), ann.key);
  EXPECT_EQ(links.canonical(laptop), bob.key);
}

TEST_F(LinkSetRules, AnEarlierLinkThatComesLateTakesTheAnonymousIdOver) {
  links.note(phone, ann, 10);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone));
  links.note(phone, bob, 20);
  EXPECT_FALSE(links.has_changed());
  links.note(phone, bob, 9);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone));
  EXPECT_EQ(links.canonical(phone), bob.key);
  links.note(phone, ann, -1);
  EXPECT_EQ(links.canonical(phone), ann.key);
}

TEST_F(LinkSetRules, OfEqualTimesTheSmallerUserIdCounts) {
  links.note(phone, ann, 10);
  links.note(phone, bob, 10);  // "Bob" < "ann", whatever the keys are.
  EXPECT_EQ(links.canonical(phone), bob.key);
  links.note(laptop, {cat.key, "\x80"}, 10);
  links.note(laptop, {dan.key, std::string_view("\x7f\0", 2)}, 10);
  EXPECT_EQ(links.canonical(laptop), dan.key);  // Bytes, not signed chars.
}

TEST_F(LinkSetRules, KnownEvidenceOfALaterTimeChangesNothing) {
  links.note(phone, ann, 10);
  (void)links.take_changed();
  links.note(phone, ann, 10);
  links.note(phone, ann, 30);
  links.note(phone, bob, 20);
  links.note(phone, bob, 40);
  EXPECT_FALSE(links.has_changed());
  EXPECT_EQ(links.canonical(phone), ann.key);
}

TEST_F(LinkSetRules, AnUnlinkedPairDoesNotCountUntilItIsLinkedAgain) {
  links.note(phone, ann, 10);
  links.unlink(ann.key, phone);  // In either order.
  EXPECT_EQ(links.canonical(phone), phone);
  links.note(phone, ann, 5);
  EXPECT_EQ(links.canonical(phone), phone);
  links.note(phone, bob, 7);
  EXPECT_EQ(links.canonical(phone), bob.key);
  links.link(phone, ann, 100);  // With it the evidence of time 5 counts again.
  EXPECT_EQ(links.canonical(phone), ann.key);
}

TEST_F(LinkSetRules, AnUnlinkHoldsForWhatIsSaidOnlyLater) {
  links.unlink(phone, ann.key);
  links.unlink(ann.key, bob.key);
  links.note(phone, ann, 10);
  links.note_alias(bob.key, ann.key);
  EXPECT_THAT(links.members(), IsEmpty());
  links.link(phone, ann, 20);
  links.link_users(bob.key, ann.key);
  EXPECT_THAT(links.members(),
              ElementsAre(LinkSet::Member{ann.key, phone}, LinkSet::Member{ann.key, bob.key}));
}

TEST_F(LinkSetRules, AnUnlinkedAnonymousIdFallsToItsNextEarliestLink) {
  links.note(phone, ann, 10);
  links.note(phone, bob, 30);
  links.note(phone, cat, 20);
  links.unlink(phone, ann.key);
  EXPECT_EQ(links.canonical(phone), cat.key);
  links.unlink(phone, cat.key);
  EXPECT_EQ(links.canonical(phone), bob.key);
  links.unlink(phone, bob.key);
  EXPECT_EQ(links.canonical(phone), phone);
}

TEST_F(LinkSetRules, OfAPairsLinksTheLatestMadeCounts) {
  links.note(phone, bob, 50);
  links.link(phone, ann, 10);
  EXPECT_EQ(links.canonical(phone), ann.key);
  links.link(phone, ann, 90);
  EXPECT_EQ(links.canonical(phone), bob.key);
  links.note(phone, ann, 40);  // Evidence stays beside it.
  EXPECT_EQ(links.canonical(phone), ann.key);
}

TEST_F(LinkSetRules, AnUnlinkEndsTheLinkButNotTheEvidence) {
  links.link(phone, ann, 10);
  links.unlink(phone, ann.key);
  links.note(phone, bob, 50);
  links.link(phone, ann, 60);  // Not at 10 any more.
  EXPECT_EQ(links.canonical(phone), bob.key);
}

TEST_F(LinkSetRules, AliasesJoinThroughOthersUnderTheSmallestKey) {
  links.note(phone, dan, 1);
  links.note_alias(dan.key, cat.key);
  EXPECT_EQ(links.canonical(phone), cat.key);
  (void)links.take_changed();
  links.note_alias(bob.key, cat.key);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone, cat.key, dan.key));
  links.note_alias(ann.key, dan.key);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone, bob.key, cat.key, dan.key));
  for (const Hash128& id : {phone, ann.key, bob.key, cat.key, dan.key}) {
    EXPECT_EQ(links.canonical(id), ann.key);
  }
}

TEST_F(LinkSetRules, AChainCutInTheMiddleIsTwoPersons) {
  links.note_alias(ann.key, bob.key);
  links.note_alias(bob.key, cat.key);
  links.note_alias(cat.key, dan.key);
  links.note(phone, dan, 1);
  links.note(laptop, bob, 1);
  (void)links.take_changed();
  links.unlink(cat.key, bob.key);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone, cat.key, dan.key));
  EXPECT_THAT(links.members(),
              ElementsAre(LinkSet::Member{ann.key, laptop}, LinkSet::Member{ann.key, bob.key},
                          LinkSet::Member{cat.key, phone}, LinkSet::Member{cat.key, dan.key}));
}

TEST_F(LinkSetRules, AnUnlinkOfUsersWhomAThirdJoinsLeavesThemOnePerson) {
  links.note_alias(ann.key, bob.key);
  links.note_alias(bob.key, cat.key);
  links.unlink(ann.key, cat.key);
  EXPECT_EQ(links.canonical(cat.key), ann.key);
  links.note_alias(ann.key, cat.key);  // Does not count, ..
  links.unlink(bob.key, cat.key);
  EXPECT_EQ(links.canonical(cat.key), cat.key);  // .. as shows now.
}

TEST_F(LinkSetRules, ACycleCutOnceIsStillOnePerson) {
  links.note_alias(ann.key, bob.key);
  links.note_alias(bob.key, cat.key);
  links.note_alias(cat.key, ann.key);
  (void)links.take_changed();
  links.unlink(ann.key, bob.key);
  EXPECT_FALSE(links.has_changed());
  EXPECT_EQ(links.canonical(bob.key), ann.key);
}

TEST_F(LinkSetRules, AForgottenUserLeavesTheOthersAsIfItNeverWas) {
  links.note_alias(bob.key, ann.key);
  links.note_alias(ann.key, cat.key);
  links.note(phone, ann, 10);
  links.note(phone, dan, 20);
  links.note(laptop, ann, 10);
  links.note(laptop, cat, 15);
  (void)links.take_changed();
  links.forget(ann.key);
  EXPECT_THAT(links.take_changed(), ElementsAre(phone, laptop, bob.key, cat.key));
  EXPECT_THAT(links.members(),
              ElementsAre(LinkSet::Member{cat.key, laptop}, LinkSet::Member{dan.key, phone}));
  links.note(phone, ann, 19);
  EXPECT_EQ(links.canonical(phone), ann.key);
  EXPECT_EQ(links.canonical(bob.key), bob.key);
}

TEST_F(LinkSetRules, WithAForgottenIdGoTheDecisionsAboutIt) {
  links.link(phone, ann, 10);
  links.unlink(phone, ann.key);
  links.unlink(bob.key, ann.key);
  links.forget(phone);
  links.note(phone, ann, 20);
  EXPECT_EQ(links.canonical(phone), ann.key);
  links.forget(bob.key);
  links.note_alias(ann.key, bob.key);
  EXPECT_EQ(links.canonical(bob.key), ann.key);
}

TEST_F(LinkSetRules, KeepsItsOwnCopyOfUserIds) {
  std::string id = "ann, whose id is too long to be kept in place";
  links.note(phone, {ann.key, id}, 10);
  std::ranges::fill(id, '\0');
  links.note(phone, bob, 10);
  EXPECT_EQ(links.canonical(phone), bob.key);
}

TEST_F(LinkSetRules, MovesWithAllItKnows) {
  links.note(phone, ann, 10);
  LinkSet moved = std::move(links);
  EXPECT_EQ(moved.canonical(phone), ann.key);
  links = LinkSet();
  EXPECT_EQ(links.canonical(phone), phone);
}

// A broken client sends one anonymous id for everybody, another one user id; a shop names every
// customer an alias of one. All of it must stay far from quadratic, or this test takes minutes.
TEST(LinkSet, CopesWithIdsThatAreLinkedToVeryManyOthers) {
  constexpr std::uint64_t n = 100'000;
  LinkSet links;
  const Hash128 null_device = anonymous_key(n);
  const Hash128 null_user = user_key(n);
  for (int again = 0; again < 2; ++again) {
    for (std::uint64_t i = 0; i < n; ++i) {
      const auto late = static_cast<TimestampMs>(n - i);  // Each takes the device over.
      links.note(null_device, {user_key(i), "user"}, late);
      links.note(anonymous_key(i), {null_user, "null"}, late);
      links.note_alias(user_key((i * 7'919) % n), null_user);
    }
  }
  EXPECT_EQ(links.take_changed().size(), 2 * n + 1);
  EXPECT_EQ(links.canonical(null_device), user_key(0));
  EXPECT_EQ(links.canonical(anonymous_key(17)), user_key(0));
  EXPECT_EQ(links.members().size(), 2 * n + 1);
  for (std::uint64_t i = 1; i < n; ++i) {
    links.forget(anonymous_key(i));
    if (i + 1 < n) links.forget(user_key(i));  // The last one is whose the device is.
  }
  EXPECT_THAT(links.members(), ElementsAre(LinkSet::Member{user_key(0), anonymous_key(0)},
                                           LinkSet::Member{user_key(0), null_device},
                                           LinkSet::Member{user_key(0), user_key(n - 1)},
                                           LinkSet::Member{user_key(0), null_user}));
}

}  // namespace
}  // namespace hf
