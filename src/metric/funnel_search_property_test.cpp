// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "metric/funnel_rows.h"
#include "metric/funnel_search.h"
#include "metric/funnel_search_twin.h"
#include "metric/query_world.h"

namespace hf::test {

// What an event is: letters, of which each step names one.
struct LettersChoice {
  int slot = 0;
  int letters = 0;  // Bits; usually one.
  int excludes = 0;
  int held = 0;
  int attributed = 0;  // Whether it has what the step of RulesChoice wants.
};

struct RulesChoice {
  int order = 0;
  int scale = 0;  // Of time.
  int window = 0;
  std::vector<int> steps;  // The letter of each.
  std::vector<int> within;
  std::vector<int> exclusions;
  int holds = 0;
  int first = 0;
  int starts = 0;      // Which slots attempts may not begin in.
  int attributed = 0;  // The step that only some of its events may serve.
};

inline std::ostream& operator<<(std::ostream& out, const LettersChoice& e) {
  return out << fmt::format("{{at {} letters {:b} excludes {:b} held {} attributed {}}}", e.slot,
                            e.letters, e.excludes, e.held, e.attributed);
}
inline std::ostream& operator<<(std::ostream& out, const RulesChoice& r) {
  return out << fmt::format(
             "order {} scale {} window {} steps [{}] within [{}] exclusions [{}] holds {} first {} "
             "starts {} attributed {}",
             r.order, r.scale, r.window, fmt::join(r.steps, " "), fmt::join(r.within, " "),
             fmt::join(r.exclusions, " "), r.holds, r.first, r.starts, r.attributed);
}

namespace {

// Slots of time and windows of a few slots: plain; over a change of the clock; over month ends.
struct Scale {
  const char* zone;
  const char* begin;
  TimestampMs slot_ms;
  std::array<const char*, 4> windows;
};
constexpr std::array scales = {
    Scale{"UTC", "2026-01-01", 1000, {"PT3S", "PT1S", "PT6S", "PT20S"}},
    Scale{"Europe/London",
          "2026-03-28T00:30",
          2 * 3'600'000 + 1'800'000,
          {"P1D", "PT5H", "P1D", "P2D"}},
    Scale{"Australia/Lord_Howe",
          "2026-04-03T14:40",
          3'600'000 / 3 * 14,
          {"P1D", "PT5H", "P1D", "P2D"}},
    Scale{"UTC", "2026-01-28T08:00", 9 * 3'600'000, {"P1M", "P2D", "P1M", "P1D"}},
};

// At most n of them. Ranges grow with the size, which is kept out of the elements.
template <class T>
rc::Gen<std::vector<T>> up_to(int n, rc::Gen<T> one) {
  return rc::gen::resize(n,
                         rc::gen::container<std::vector<T>>(rc::gen::resize(100, std::move(one))));
}

rc::Gen<LettersChoice> any_letters() {
  using E = LettersChoice;
  return rc::gen::build<E>(
      rc::gen::set(&E::slot, rc::gen::inRange(0, 13)),
      rc::gen::set(&E::letters, rc::gen::element(1, 2, 4, 1, 2, 4, 3, 5, 6, 7, 0)),
      rc::gen::set(&E::excludes, rc::gen::element(0, 0, 0, 1, 2, 3)),
      rc::gen::set(&E::held, rc::gen::inRange(0, 4)),
      rc::gen::set(&E::attributed, rc::gen::inRange(0, 2)));
}

rc::Gen<RulesChoice> any_rules() {
  using R = RulesChoice;
  const auto some = [](rc::Gen<int> one) { return up_to(4, std::move(one)); };
  return rc::gen::build<R>(
      rc::gen::set(&R::order, rc::gen::inRange(0, 3)),
      rc::gen::set(&R::scale, rc::gen::inRange(0, static_cast<int>(scales.size()))),
      rc::gen::set(&R::window, rc::gen::inRange(0, 4)),
      rc::gen::set(&R::steps, rc::gen::nonEmpty(some(rc::gen::inRange(0, 3)))),
      rc::gen::set(&R::within,
                   rc::gen::oneOf(rc::gen::just(std::vector<int>{}), some(rc::gen::inRange(0, 5)))),
      rc::gen::set(&R::exclusions, rc::gen::oneOf(rc::gen::just(std::vector<int>{}),
                                                  some(rc::gen::inRange(0, 16)))),
      rc::gen::set(&R::holds, choice(2)), rc::gen::set(&R::first, choice(2)),
      rc::gen::set(&R::starts, choice(4)), rc::gen::set(&R::attributed, choice(4)));
}

TEST(FunnelSearch, AgreesWithWritingDownEveryAttempt) {
  check_cases("funnel search agrees with its twin", 60'000, [] {
    const RulesChoice r = *rc::gen::resize(100, any_rules());
    const auto choices = *up_to(9, any_letters());
    const Scale& scale = scales[static_cast<std::size_t>(r.scale)];
    static const std::array zones = {Zone::load(real_env(), scales[0].zone).value(),
                                     Zone::load(real_env(), scales[1].zone).value(),
                                     Zone::load(real_env(), scales[2].zone).value(),
                                     Zone::load(real_env(), scales[3].zone).value()};
    const TimestampMs begin = utc(scale.begin);
    const auto window = [&](int i) {
      return std::make_shared<const WindowEnds>(
          parse_duration(scale.windows[static_cast<std::size_t>(i)]).value(),
          *zones[static_cast<std::size_t>(r.scale)], Interval{begin, begin + 14 * scale.slot_ms});
    };
    FunnelRules rules;
    rules.order = static_cast<FunnelOrder>(r.order);
    for (std::size_t k = 0; k < r.steps.size(); ++k) {
      rules.same_as.push_back(
          static_cast<std::size_t>(std::ranges::find(r.steps, r.steps[k]) - r.steps.begin()));
    }
    rules.window = window(r.window);
    if (rules.order != FunnelOrder::any && !r.within.empty()) {
      rules.within.resize(rules.steps());
      for (std::size_t k = 0; k + 1 < rules.steps() && k < r.within.size(); ++k) {
        if (r.within[k] < 4) rules.within[k] = window(r.within[k]);
      }
    }
    for (std::size_t j = 0; j < r.exclusions.size() && j < 2; ++j) {
      const auto a = static_cast<std::size_t>(r.exclusions[j] % 4) + 1;
      const auto b = a + static_cast<std::size_t>(r.exclusions[j] / 4) % 3 + 1;
      if (b <= rules.steps()) rules.exclusions.push_back({a, b});
    }
    rules.holds_values = r.holds > 0;
    rules.first_only = r.first > 0;

    std::vector<FunnelEvent> events;
    for (const LettersChoice& c : choices) {
      FunnelEvent event{begin + c.slot * scale.slot_ms, 0};
      for (std::size_t k = 0; k < rules.steps(); ++k) {
        event.steps |= static_cast<std::uint64_t>(c.letters >> r.steps[k] & 1) << k;
      }
      if (r.attributed > 0 && rules.order != FunnelOrder::any && c.attributed == 0) {
        event.steps &= ~(std::uint64_t{1} << (r.attributed - 1));
      }
      event.excludes = static_cast<std::uint64_t>(c.excludes) &
                       ((std::uint64_t{1} << rules.exclusions.size()) - 1);
      event.held = c.held == 3 ? FunnelEvent::no_value : static_cast<std::uint32_t>(c.held);
      event.may_start = r.starts == 0 || c.slot % (r.starts + 1) != 0;
      events.push_back(event);
    }
    std::ranges::stable_sort(events, {}, &FunnelEvent::time_ms);
    const FunnelOutcome expected = FunnelSearchTwin(rules, events).outcome();
    static thread_local std::vector<FunnelEvent> earlier;
    FunnelSearch search(rules);
    // What an earlier person left behind must not be seen.
    if (!earlier.empty() && earlier.front().time_ms >= begin &&
        earlier.back().time_ms < begin + 14 * scale.slot_ms) {
      std::vector<FunnelEvent> other = earlier;
      for (FunnelEvent& event : other) {
        event.steps &= (std::uint64_t{1} << rules.steps()) - 1;
        event.excludes &= (std::uint64_t{1} << rules.exclusions.size()) - 1;
      }
      (void)search.search(other);
    }
    earlier = events;
    const FunnelOutcome actual = search.search(events);
    const auto text = [](const FunnelOutcome& o) {
      return fmt::format("depth {} excluded {} attempts {} sums {}", o.depth, o.excluded,
                         o.attempts, fmt::join(o.sums_ms, " "));
    };
    if (!(actual == expected)) {
      RC_LOG() << "twin   " << text(expected) << "\nsearch " << text(actual);
    }
    RC_ASSERT(actual == expected);
  });
}

TEST(FunnelRowSearch, AgreesWithWritingDownEveryAttempt) {
  check_cases("funnel search by rows agrees with the twin of all", 20'000, [] {
    const RulesChoice r = *rc::gen::resize(100, any_rules());
    const auto choices = *up_to(12, any_letters());
    const int gap = *rc::gen::element(0, 3, 70);  // Rows between those drawn.
    FunnelRules rules;
    for (std::size_t k = 0; k < r.steps.size(); ++k) {
      rules.same_as.push_back(
          static_cast<std::size_t>(std::ranges::find(r.steps, r.steps[k]) - r.steps.begin()));
    }
    rules.window = std::make_shared<const WindowEnds>(Duration{.ms = r.window * 2 + 1},
                                                      *Zone::utc(), Interval{0, 1});
    std::vector<FunnelEvent> events;
    std::vector<TimestampMs> times;
    TimestampMs t = 0;
    for (const LettersChoice& c : choices) {
      t += 1 + c.slot % 3;
      FunnelEvent event{t, 0};
      for (std::size_t k = 0; k < rules.steps(); ++k) {
        event.steps |= static_cast<std::uint64_t>(c.letters >> r.steps[k] & 1) << k;
      }
      times.push_back(t);
      events.push_back(event);
      for (int i = 0; i < gap; ++i) {
        times.push_back(t);
        events.push_back({t, 0});
      }
    }
    std::vector<std::vector<std::uint64_t>> bits(rules.steps());
    std::vector<std::span<const std::uint64_t>> views;
    for (std::size_t k = 0; k < rules.steps(); ++k) {
      bits[k].resize((events.size() + 63) / 64 + (gap == 3 ? 1 : 0));
      for (std::size_t i = 0; i < events.size(); ++i) {
        bits[k][i / 64] |= (events[i].steps >> k & 1u) << (i % 64);
      }
      views.emplace_back(bits[k]);
    }
    std::erase_if(events, [](const FunnelEvent& event) { return event.steps == 0; });
    FunnelRowSearch search(rules);
    const RowTimes by_row{times.data(), nullptr, 0, 0};
    // Nothing is left over from the person before.
    for (int i = 0; i < 2; ++i) {
      RC_ASSERT(search.search(views, by_row) == FunnelSearchTwin(rules, events).outcome());
    }
  });
}

}  // namespace
}  // namespace hf::test
