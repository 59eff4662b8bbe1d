// SPDX-License-Identifier: Apache-2.0
#include "service/erasure.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "service/import_world.h"
#include "service/memory_state.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::MemoryState;
using test::must;
using test::reason_of;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<PersonId> user(std::string_view id) { return {{IdKind::user, std::string(id)}}; }

TEST(NamesOneOf, GoesByWholeValuesOfJsonAndWholeWordsElsewhere) {
  struct Case {
    std::string_view name;
    std::string_view id;
    std::string text;
    bool named;
  };
  const Case cases[] = {
      {"a member", "ann", R"({"userId":"ann"})", true},
      {"deep down", "ann", R"({"a":[{"b":["x","ann"]}]})", true},
      {"a text alone", "ann", R"("ann")", true},
      {"part of a text", "ann", R"({"userId":"ann marie"})", false},
      {"a member's name", "ann", R"({"ann":1})", false},
      {"one letter", "e", R"({"type":"e","event":"see"})", true},
      {"one letter within others", "e", R"({"type":"event","event":"see"})", false},
      {"escaped needlessly", "ann", R"({"userId":"\u0061nn"})", true},
      {"an escaped slash", "a/b", R"({"userId":"a\/b"})", true},
      {"escaped beyond the first plane", "\U0001F33F", R"({"userId":"\ud83c\udf3f"})", true},
      {"raw beyond ASCII", "Zoë", R"({"userId":"Zoë"})", true},
      {"a number", "42", R"({"userId":42})", true},
      {"a number written otherwise", "42", R"({"userId":4.20e1})", true},
      {"a number as it is written", "42.0", R"({"userId":42.0})", true},
      {"part of a number", "42", R"({"userId":421})", false},
      {"true is no id", "true", R"({"userId":true})", false},
      {"cut off", "ann", R"({"userId":"ann","x":"yyy)", true},
      {"cut off, with another name", "ann", R"({"userId":"annabel","x":"yyy)", false},
      {"cut off, one letter", "e", R"({"type":"event","x":"see)", false},
      {"cut off, escaped", "ann", R"({"userId":"\u0061nn","x":"yyy)", true},
      {"cut off, after an escaped newline", "ann", R"({"x":"\nann","y":"yyy)", true},
      {"cut off, a number", "42", R"({"userId":42,"x":"yyy)", true},
      {"cut off, part of a number", "42", R"({"userId":1421,"x":"yyy)", false},
      {"cut off in an escape", "ann", R"({"userId":"ann","x":"\u00)", true},
      {"cut off, a surrogate alone", "ann", R"({"x":"\ud83c","userId":"ann","y":")", true},
      {"cut off, among other letters", "安", "{\"x\":\"长安街", false},
      {"cut off, alone", "安", "{\"x\":\"安\",\"y\":\"", true},
      {"twice one member", "ann", R"({"userId":"x","userId":"ann"})", true},
      {"no UTF-8", "ann", "{\"userId\":\"ann\",\"x\":\"\xff\"}", true},
      {"its own marks", "a.b+c@x.org", R"({"email":"a.b+c@x.org","x":)", true},
      {"the second time", "an", R"({"x":"ann an","y":)", true},
      {"nothing", "ann", "", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(names_one_of({.text = c.text}, user(c.id)), c.named) << c.name;
  }
  EXPECT_TRUE(names_one_of({.message = "no such user: \"ann\""}, user("ann")));
  EXPECT_FALSE(names_one_of({.message = "no such user: \"annabel\""}, user("ann")));
  const std::vector<PersonId> two = {{IdKind::user, "ann"}, {IdKind::anonymous, "x1"}};
  EXPECT_TRUE(names_one_of({.text = R"({"anonymousId":"x1"})"}, two));
}

// Of a value anywhere in JSON that is whole, and of the same text cut off behind it.
TEST(NamesOneOf, FindsAnyIdHoweverItIsEscaped) {
  Rng rng(1);
  const std::vector<std::string> letters = {"a",  "Z",  "7", "_",  "-",          "@",  "/",
                                            "\"", "\\", "é", "中", "\U0001F33F", "\n", " "};
  for (int n = 0; n < 3'000; ++n) {
    std::string id;
    std::string escaped;
    for (std::uint64_t left = 1 + rng.below(4); left > 0; --left) {
      const std::string& letter = letters[rng.below(letters.size())];
      id += letter;
      const bool is_special = letter == "\"" || letter == "\\" || letter == "\n";
      if (letter.size() > 1 || (!is_special && rng.below(2) == 0)) {
        escaped += letter;
      } else {
        escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(letter[0]));
      }
    }
    const std::string text = fmt::format(R"({{"userId":"{}","more":"x"}})", escaped);
    EXPECT_TRUE(names_one_of({.text = text}, user(id))) << text;
    EXPECT_TRUE(names_one_of({.text = text.substr(0, text.size() - 3)}, user(id))) << text;
    EXPECT_FALSE(names_one_of({.text = text}, user(id + "q"))) << text;
  }
}

std::vector<std::string> texts(const State& state) {
  std::vector<std::string> out;
  RefusalQuery query = {.limit = 7};
  do {
    const RefusalPage page = must(state.refusals(query));
    for (const Refusal& refusal : page.refusals) out.push_back(refusal.text);
    query.before = page.next_before;
  } while (query.before);
  std::ranges::reverse(out);
  return out;
}

void refuse(State& state, const std::vector<std::string>& items) {
  std::vector<Refusal> refusals;
  for (const std::string& item : items) {
    refusals.push_back({.source = "web", .reason = "r", .text = item});
  }
  must(state.change([&](StateChange& change) { return change.add_refusals(refusals); }));
}

TEST(RemoveRefusalsOf, TakesAllThatNameThePersonAndNoOther) {
  MemoryState state;
  std::vector<std::string> others;
  for (int i = 0; i < 450; ++i) {
    const std::string item = fmt::format(R"({{"userId":"{}"}})", i % 3 == 0 ? "ann" : "bob");
    if (i % 3 != 0) others.push_back(item);
    refuse(state, {item});
  }
  EXPECT_EQ(must(remove_refusals_of(state, user("ann"))), 150u);
  EXPECT_EQ(texts(state), others);
  EXPECT_EQ(must(remove_refusals_of(state, user("ann"))), 0u);
  EXPECT_EQ(must(state.refusal_counts()).ever.at(0).count, 450u) << "they were there";
  state.failing = true;
  EXPECT_EQ(reason_of(remove_refusals_of(state, user("bob"))), "disk_full");
  EXPECT_EQ(texts(state), others);
}

/// One more refusal comes just before each change.
class BusyState final : public MemoryState {
 public:
  Result<void> change(const Work& work) override {
    const std::vector<Refusal> one = {{.source = "web", .reason = "r", .text = R"(["ann"])"}};
    HF_CHECK(MemoryState::change([&](StateChange& c) { return c.add_refusals(one); }));
    return MemoryState::change(work);
  }
};

TEST(RemoveRefusalsOf, TakesThoseThatCameWhileItLooked) {
  BusyState state;
  for (int i = 0; i < 250; ++i) must(state.change([](StateChange&) { return Result<void>(); }));
  EXPECT_EQ(must(remove_refusals_of(state, user("ann"))), 251u);
  EXPECT_THAT(texts(state), IsEmpty());
}

struct Shop : ImportWorld {
  Shop() {
    ImportOptions options;
    options.overrides.maps = {"person=person", "anonymous_id=anonymous"};
    must(import_text("a.csv",
                     "person,anonymous,event,time\n"
                     "ann,x1,visit,2026-01-01\n"
                     ",x1,visit,2026-01-02\n"
                     "bob,,visit,2026-01-04\n",
                     options));
  }
  PersonId id(std::string_view text) { return must(parse_person_id(text)); }
};

TEST(ForgetPerson, TakesEventsAndRefusalsOfAllItsIds) {
  Shop shop;
  MemoryState state;
  refuse(state, {R"({"userId":"ann"})", R"({"anonymousId":"x1"})", R"({"userId":"bob"})"});
  const ForgottenPerson ann = must(forget_person(shop.store(), &state, shop.id("ann"), true));
  EXPECT_EQ(ann.erased.ids.size(), 2u);
  EXPECT_EQ(ann.erased.events, 2u);
  EXPECT_EQ(ann.refusals, 2u);
  EXPECT_THAT(texts(state), ElementsAre(R"({"userId":"bob"})"));
  EXPECT_EQ(reason_of(forget_person(shop.store(), &state, shop.id("ann"), false)), "no_person");
  EXPECT_FALSE(must(forget_person(shop.store(), nullptr, shop.id("bob"), false)).refusals);
  EXPECT_EQ(reason_of(forget_person(shop.store(), nullptr, shop.id("bob"), false)), "no_person");
}

TEST(ForgetPerson, OfWhomNothingButRefusalsIsThere) {
  Shop shop;
  MemoryState state;
  refuse(state, {R"({"userId":"eve"})"});
  const ForgottenPerson eve = must(forget_person(shop.store(), &state, shop.id("eve"), false));
  EXPECT_EQ(eve.erased.events, 0u);
  EXPECT_EQ(eve.refusals, 1u);
  EXPECT_EQ(reason_of(forget_person(shop.store(), &state, shop.id("eve"), false)), "no_person");
}

TEST(ForgetPerson, ThatFailedOnTheWayIsMadeGoodByTheNextTime) {
  Shop shop;
  MemoryState state;
  refuse(state, {R"({"anonymousId":"x1"})"});
  state.failing = true;
  EXPECT_EQ(reason_of(forget_person(shop.store(), &state, shop.id("ann"), false)), "disk_full");
  state.failing = false;
  const ForgottenPerson ann = must(forget_person(shop.store(), &state, shop.id("ann"), false));
  EXPECT_EQ(ann.refusals, 1u);
  EXPECT_EQ(ann.erased.events, 2u);
}

}  // namespace
}  // namespace hf
