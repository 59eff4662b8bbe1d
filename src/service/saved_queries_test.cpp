// SPDX-License-Identifier: Apache-2.0
#include "service/saved_queries.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "base/rng.h"
#include "base/sim_env.h"
#include "service/memory_state.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string trend = R"({"metric":"trend","series":[{"event":"purchase"}]})";

class SavedQueries : public testing::Test {
 protected:
  QueryDraft draft(const std::string& query = trend, std::string title = "",
                   std::optional<std::uint64_t> version = {}) {
    return {.title = std::move(title), .query = parse_json(query).value(), .version = version};
  }
  Result<SavedQuery> save(std::string_view name, const QueryDraft& what,
                          std::string_view by = "ann") {
    Result<SavedQuery> saved;
    const auto done = state_.change([&](StateChange& change) -> Result<void> {
      saved = save_query(change, env_, name, what, by);
      if (!saved) return std::unexpected(saved.error());
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return saved;
  }
  Result<SavedQuery> remove(std::string_view name, std::optional<std::uint64_t> version = {}) {
    Result<SavedQuery> removed;
    const auto done = state_.change([&](StateChange& change) -> Result<void> {
      removed = remove_query(change, name, version);
      if (!removed) return std::unexpected(removed.error());
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return removed;
  }
  std::vector<FoundQuery> listed() { return list_queries(state_).value(); }
  /// "reason /pointer", or "" where it was done.
  template <class T>
  static std::string refusal(const Result<T>& result) {
    if (result) return "";
    return fmt::format("{}{}{}", result.error().reason, result.error().pointer.empty() ? "" : " ",
                       result.error().pointer);
  }

  SimEnv sim_{1};
  // The clock of the simulation, the zones of the system.
  Env env_{real_env().files, sim_.env().clock, sim_.env().random};
  test::MemoryState state_;
};

TEST_F(SavedQueries, KeepsWhatWasSavedAndWhoSavedItWhen) {
  sim_.set_now_ms(1'000);
  QueryDraft first =
      draft(R"( {"series": [{"event": "purchase"}],  "metric": "trend"} )", "Orders");
  first.description = "by day,\nwith a tab\t";
  const SavedQuery saved = save("orders_2-day", first).value();
  EXPECT_EQ(saved, (SavedQuery{.name = "orders_2-day",
                               .title = "Orders",
                               .description = "by day,\nwith a tab\t",
                               .query = R"({"series":[{"event":"purchase"}],"metric":"trend"})",
                               .version = 1,
                               .created_ms = 1'000,
                               .created_by = "ann",
                               .updated_ms = 1'000,
                               .updated_by = "ann"}))
      << "members in the order given, without the blanks";
  EXPECT_EQ(find_query(state_, "orders_2-day")->saved, saved);
  EXPECT_EQ(find_query(state_, "orders_2-day")->ready_made, nullptr);

  sim_.set_now_ms(2'000);
  EXPECT_EQ(save("orders_2-day", first, "bob").value(), saved) << "the same again is no change";
  const SavedQuery again = save("orders_2-day", draft(trend), "bob").value();
  EXPECT_EQ(again.version, 2u);
  EXPECT_EQ(again.title, "") << "saved anew as a whole";
  EXPECT_EQ(again.created_ms, 1'000);
  EXPECT_EQ(again.created_by, "ann");
  EXPECT_EQ(again.updated_ms, 2'000);
  EXPECT_EQ(again.updated_by, "bob");
  EXPECT_EQ(save("orders_2-day", draft(trend, "orders_2-day")).value().title, "")
      << "no title but the name";

  EXPECT_EQ(remove("orders_2-day").value(), again);
  EXPECT_EQ(refusal(find_query(state_, "orders_2-day")), "unknown_query");
  EXPECT_EQ(refusal(remove("orders_2-day")), "unknown_query");
}

TEST_F(SavedQueries, ListsAllByNameWithTheReadyMade) {
  for (const char* name : {"zeta", "alpha", "repurchase2"}) ASSERT_TRUE(save(name, draft()));
  std::vector<std::string> names;
  for (const FoundQuery& one : listed()) {
    names.push_back(one.saved.name + (one.ready_made != nullptr ? "!" : ""));
  }
  EXPECT_THAT(names, ElementsAre("acquisition!", "alpha", "repeat_purchase!", "repurchase!",
                                 "repurchase2", "weekly_retention!", "zeta"));
}

TEST_F(SavedQueries, TheReadyMadeStayAsTheyAre) {
  EXPECT_EQ(refusal(save("repurchase", draft())), "built_in_query");
  EXPECT_EQ(refusal(remove("repurchase")), "built_in_query");
  const FoundQuery found = find_query(state_, "repurchase").value();
  ASSERT_NE(found.ready_made, nullptr);
  EXPECT_EQ(found.saved.version, 0u);
  EXPECT_TRUE(save("my_repurchase", draft(found.saved.query)));
  EXPECT_EQ(find_query(state_, "my_repurchase")->saved.query, found.saved.query);
}

// Somebody's "acquisition" was there before a program came with one of its own.
TEST_F(SavedQueries, WhatWasSavedBeforeAProgramBroughtTheNameIsStillTheUsers) {
  ASSERT_TRUE(state_.change([&](StateChange& change) {
    return change.save_query({.name = "acquisition", .query = trend});
  }));
  EXPECT_EQ(find_query(state_, "acquisition")->saved.query, trend);
  EXPECT_EQ(list_queries(state_)->size(), ready_made_queries().size());
  EXPECT_EQ(save("acquisition", draft(trend, "Mine")).value().version, 2u);
  EXPECT_EQ(remove("acquisition").value().title, "Mine");
  EXPECT_NE(find_query(state_, "acquisition")->ready_made, nullptr);
}

TEST_F(SavedQueries, AVersionSaysWhatIsToBeReplaced) {
  EXPECT_EQ(refusal(save("q", draft(trend, "a", 1))), "version_conflict /version");
  ASSERT_TRUE(save("q", draft(trend, "a", 0)));
  EXPECT_EQ(refusal(save("q", draft(trend, "a", 0))), "version_conflict /version");
  EXPECT_EQ(save("q", draft(trend, "b", 1)).value().version, 2u);
  const auto late = save("q", draft(trend, "c", 1));
  EXPECT_EQ(refusal(late), "version_conflict /version");
  EXPECT_THAT(late.error().message, HasSubstr("of version 2"));
  EXPECT_EQ(save("q", draft(trend, "c")).value().version, 3u) << "whatever is there";
  EXPECT_EQ(refusal(remove("q", 2)), "version_conflict /version");
  EXPECT_TRUE(remove("q", 3));
}

TEST_F(SavedQueries, RefusesWhatCannotBeSavedNamingThePlace) {
  const std::string longest(64, 'n');
  EXPECT_TRUE(save(longest, draft()));
  for (const std::string& name :
       {std::string(), longest + "n", std::string("Orders"), std::string("a.b"), std::string("a/b"),
        std::string("\xc3\xa4")}) {
    EXPECT_EQ(refusal(save(name, draft())), "bad_query_name") << name;
    EXPECT_EQ(refusal(remove(name)), "bad_query_name") << name;
    EXPECT_EQ(refusal(find_query(state_, name)), "bad_query_name") << name;
  }
  EXPECT_TRUE(save("q", draft(trend, std::string(200, 't'))));
  EXPECT_TRUE(save("q", draft(trend, "复购")));
  for (const std::string& title :
       {std::string(201, 't'), std::string("\xff"), std::string("a\x1b[2J"), std::string("a\nb"),
        std::string("a\xc2\x9b"), std::string(1, '\0'), std::string("a\u202eb"),
        std::string("\u202a"), std::string("a\u2066"), std::string("\u2069b")}) {
    EXPECT_EQ(refusal(save("q", draft(trend, title))), "bad_title /title");
  }
  EXPECT_TRUE(save("q", draft(trend, "\u2029\u202f\u2065\u206a\u2192"))) << "their neighbours";
  QueryDraft described = draft();
  described.description = std::string(2'000, 'd');
  EXPECT_TRUE(save("q", described));
  described.description += 'd';
  EXPECT_EQ(refusal(save("q", described)), "bad_description /description");
  described.description = "\u202e";
  EXPECT_EQ(refusal(save("q", described)), "bad_description /description");

  const struct {
    const char* query;
    const char* refusal;
  } cases[] = {
      {"[]", "wrong_type /query"},
      {"{}", "missing_field /query/metric"},
      {R"({"metric":"x"})", "unknown_metric /query/metric"},
      {R"({"metric":"rfm"})", "unsupported_metric /query/metric"},
      {R"({"metric":"trend","series":[{"event":"a","where":{"prop":1}}]})",
       "unknown_field /query/series/0/where/prop"},
      {R"({"metric":"funnel","steps":[{"event":"a"},{"event":"b","within":"P1D"}]})",
       "unsupported_combination /query/steps/1/within"},
      {R"({"metric":"retention","timezone":"Mars/Olympus"})", "unknown_timezone /query/timezone"},
      {R"({"metric":"retention","from":"2026-02-30"})", "invalid_time /query/from"},
      {R"({"metric":"retention","members":{"cell":{"cohort":"2026-01-01","column":1}}})",
       "unsupported_field /query/members"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(refusal(save("q", draft(each.query))), each.refusal) << each.query;
  }
  EXPECT_TRUE(save("q", draft(R"({"metric":"retention","timezone":"Asia/Shanghai"})")));
}

TEST_F(SavedQueries, AQueryIsAtMostSoLargeAsItIsKept) {
  const auto of_size = [](std::size_t bytes) {
    std::string query = R"({"metric":"trend","series":[{"event":"e","label":"xx"}]})";
    query.insert(query.find("xx"), bytes - query.size(), 'x');
    return query;
  };
  EXPECT_TRUE(save("q", draft(of_size(saved_query_bytes_max))));
  EXPECT_TRUE(save("q", draft("   " + of_size(saved_query_bytes_max))));
  EXPECT_EQ(refusal(save("q", draft(of_size(saved_query_bytes_max + 1)))),
            "saved_query_too_large /query");
}

TEST_F(SavedQueries, SoManyAndNoMoreAreSaved) {
  ASSERT_TRUE(state_.change([&](StateChange& change) -> Result<void> {
    for (std::size_t i = 0; i < saved_queries_max - 1; ++i) {
      HF_CHECK(change.save_query({.name = fmt::format("q{}", i), .query = trend}));
    }
    return {};
  }));
  EXPECT_TRUE(save("last", draft()));
  EXPECT_EQ(refusal(save("more", draft())), "too_many_saved_queries");
  EXPECT_TRUE(save("last", draft(trend, "replaced")));
  EXPECT_TRUE(remove("q7"));
  EXPECT_TRUE(save("more", draft()));
}

// Else each list of them would be as many times 64 KiB.
TEST_F(SavedQueries, AllTogetherAreAtMostSoLarge) {
  const auto of_size = [](std::size_t bytes) {
    return R"({"metric":"trend","series":[{"event":"e","label":")" + std::string(bytes - 54, 'x') +
           "\"}]}";
  };
  ASSERT_EQ(checked_query(env_, parse_json(of_size(1'000)).value()).value().size(), 1'000u);
  const std::string largest = of_size(saved_query_bytes_max);
  constexpr std::uint64_t each = saved_query_bytes_max + 3;
  for (std::uint64_t i = 0; i < saved_query_bytes_kept_max / each; ++i) {
    ASSERT_TRUE(save(fmt::format("q{:02}", i), draft(largest)));
  }
  EXPECT_EQ(refusal(save("q99", draft(largest))), "saved_queries_too_large");
  const std::uint64_t left = saved_query_bytes_kept_max % each - 3;
  EXPECT_EQ(refusal(save("q99", draft(of_size(left + 1)))), "saved_queries_too_large");
  EXPECT_TRUE(save("q99", draft(of_size(left))));
  EXPECT_EQ(state_.saved_query_totals()->bytes, saved_query_bytes_kept_max);
  EXPECT_EQ(refusal(save("q99", draft(of_size(left), "t"))), "saved_queries_too_large");
  EXPECT_TRUE(save("q99", draft(of_size(left - 1), "t"))) << "it replaces what was as large";
  EXPECT_TRUE(remove("q00"));
  EXPECT_TRUE(save("q00", draft(largest)));
}

// Of two of one name, one after the other, none passes for the other.
TEST_F(SavedQueries, AVersionIsNeverThatOfAnotherQueryOfTheName) {
  const std::uint64_t read = save("q", draft(trend, "a"))->version;
  ASSERT_TRUE(save("other", draft()));
  ASSERT_TRUE(remove("q"));
  EXPECT_GT(save("q", draft(trend, "b"))->version, read);
  EXPECT_EQ(refusal(save("q", draft(trend, "c", read))), "version_conflict /version");
  EXPECT_EQ(refusal(remove("q", read)), "version_conflict /version");
  EXPECT_EQ(find_query(state_, "q")->saved.title, "b");
}

// The twin keeps titles in a map, and counts.
TEST_F(SavedQueries, AgreesWithAMapThroughAnyChanges) {
  struct Entry {
    std::string title;
    std::uint64_t version = 0;
  };
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::map<std::string, Entry> twin;
    for (const FoundQuery& one : listed()) {
      if (one.ready_made == nullptr) {
        ASSERT_TRUE(remove(one.saved.name));
      }
    }
    std::uint64_t removed = state_.saved_query_totals()->removed_version_max;
    for (int step = 0; step < 40; ++step) {
      const std::string name = rng.below(8) == 0 ? "repurchase" : fmt::format("q{}", rng.below(3));
      const std::string title = fmt::format("t{}", rng.below(3));
      std::optional<std::uint64_t> version;
      if (rng.below(2) == 0) version = rng.below(3) == 0 ? 0 : removed + rng.below(4);
      const bool is_there = twin.contains(name);
      const bool fits = !version || *version == (is_there ? twin[name].version : 0);
      if (rng.below(3) == 0) {
        const std::string expected = name == "repurchase" ? "built_in_query"
                                     : !is_there          ? "unknown_query"
                                     : fits               ? ""
                                                          : "version_conflict /version";
        ASSERT_EQ(refusal(remove(name, version)), expected);
        if (expected.empty()) {
          removed = std::max(removed, twin[name].version);
          twin.erase(name);
        }
      } else {
        const std::string expected = name == "repurchase" ? "built_in_query"
                                     : fits               ? ""
                                                          : "version_conflict /version";
        ASSERT_EQ(refusal(save(name, draft(trend, title, version))), expected);
        if (expected.empty() && !(is_there && twin[name].title == title)) {
          twin[name] = {title, (is_there ? twin[name].version : removed) + 1};
        }
      }
      std::map<std::string, Entry> seen;
      for (const FoundQuery& one : listed()) {
        if (one.ready_made == nullptr) seen[one.saved.name] = {one.saved.title, one.saved.version};
      }
      ASSERT_TRUE(std::ranges::equal(seen, twin, [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.title == b.second.title &&
               a.second.version == b.second.version;
      }));
    }
  }
}

// Each adds one to a number that all read and write; whoever comes too late looks again.
TEST_F(SavedQueries, OfTwoWritersOfOneNameNoneLosesWhatTheOtherSaved) {
  ASSERT_TRUE(save("counter", draft(trend, "0")));
  constexpr int threads = 4;
  constexpr int rounds = 25;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (int done = 0; done < rounds;) {
          const SavedQuery seen = find_query(state_, "counter")->saved;
          std::this_thread::yield();
          const int value = std::stoi(seen.title);
          const auto saved =
              save("counter", draft(trend, fmt::format("{}", value + 1), seen.version));
          done += saved.has_value();
          if (!saved) {
            ASSERT_EQ(saved.error().reason, "version_conflict");
          }
        }
      });
    }
  }
  EXPECT_EQ(find_query(state_, "counter")->saved.title, fmt::format("{}", threads * rounds));
  EXPECT_EQ(find_query(state_, "counter")->saved.version, threads * rounds + 1u);
}

TEST_F(SavedQueries, OtherFieldsReplaceTheSavedOnes) {
  const std::string query =
      R"({"metric":"trend","last":"P90D","series":[{"event":"e"}],"timezone":"UTC","period":"week"})";
  const struct {
    const char* instead;
    const char* merged;
  } cases[] = {
      {"", query.c_str()},
      {" \n", query.c_str()},
      {"{}", query.c_str()},
      {R"({"timezone":"Asia/Tokyo"})",
       R"({"metric":"trend","last":"P90D","series":[{"event":"e"}],"period":"week","timezone":"Asia/Tokyo"})"},
      {R"({"from":"2026-01-01"})",
       R"({"metric":"trend","series":[{"event":"e"}],"timezone":"UTC","period":"week","from":"2026-01-01"})"},
      {R"({"last":null})",
       R"({"metric":"trend","series":[{"event":"e"}],"timezone":"UTC","period":"week"})"},
      {R"({"period":"day","last":"P7D"})",
       R"({"metric":"trend","series":[{"event":"e"}],"timezone":"UTC","period":"day","last":"P7D"})"},
      {R"({"timezone":null,"people":{"did":{"event":"x"}}})",
       R"({"metric":"trend","last":"P90D","series":[{"event":"e"}],"period":"week","people":{"did":{"event":"x"}}})"},
  };
  for (const auto& each : cases) {
    const auto merged = with_other_fields(query, each.instead);
    ASSERT_TRUE(merged) << each.instead << merged.error().message;
    EXPECT_EQ(*merged, each.merged) << each.instead;
  }
  EXPECT_EQ(refusal(with_other_fields(query, "{")), "invalid_json");
  EXPECT_EQ(refusal(with_other_fields(query, "[]")), "wrong_type");
  EXPECT_EQ(refusal(with_other_fields(R"([{"metric":"trend"}])", R"({"last":"P7D"})")),
            "wrong_type");
  EXPECT_EQ(refusal(with_other_fields(query, R"({"metric":"funnel"})")), "unknown_field /metric");
  EXPECT_EQ(refusal(with_other_fields(query, R"({"series":[]})")), "unknown_field /series");
}

TEST_F(SavedQueries, SaysWhoSavedByAccountKeyOrMachine) {
  std::uint64_t account = 0;
  std::uint64_t labelled = 0;
  std::uint64_t nameless = 0;
  ASSERT_TRUE(state_.change([&](StateChange& change) -> Result<void> {
    HF_TRY(account, change.add_account({.account = {.name = "安"}}));
    HF_TRY(labelled, change.add_key({.key = {.kind = KeyKind::admin, .label = "ci"}}));
    HF_TRY(nameless, change.add_key({.key = {.kind = KeyKind::admin}}));
    return {};
  }));
  EXPECT_EQ(saved_by(state_, {.account = account}).value(), "安");
  EXPECT_EQ(saved_by(state_, {.id = labelled}).value(), "ci");
  EXPECT_EQ(saved_by(state_, {.id = nameless}).value(), "key 2");
  EXPECT_EQ(saved_by(state_, {}).value(), "local");
}

}  // namespace
}  // namespace hf
