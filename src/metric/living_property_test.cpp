// SPDX-License-Identifier: Apache-2.0
//
// Answers over a store as it is lived with: events and links come by the log in any order, between
// flushes, restarts and looks, and every answer is the twin's over what was acknowledged.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "identity/link_set.h"
#include "metric/query_world.h"
#include "metric/retention.h"
#include "metric/retention_twin.h"
#include "metric/trend.h"
#include "metric/trend_twin.h"
#include "store/store.h"

namespace hf::test {
namespace {

/// What is done before an event is appended, and who it is of.
struct StepChoice {
  int what = 0;
  int a = 0;
  int b = 0;
  int ids = 0;
};

rc::Gen<StepChoice> any_step() {
  return rc::gen::build<StepChoice>(
      rc::gen::set(&StepChoice::what, rc::gen::resize(100, rc::gen::inRange(0, 9))),
      rc::gen::set(&StepChoice::a, rc::gen::resize(100, rc::gen::inRange(0, 5))),
      rc::gen::set(&StepChoice::b, rc::gen::resize(100, rc::gen::inRange(0, 3))),
      rc::gen::set(&StepChoice::ids, rc::gen::resize(100, rc::gen::inRange(0, 8))));
}

std::ostream& operator<<(std::ostream& out, const StepChoice& s) {
  return out << fmt::format("{{{},{},{},{}}}", s.what, s.a, s.b, s.ids);
}

/// Ids 0 to 2 are users, 3 and 4 visitors.
PersonId id_of(int i) {
  return i < 3 ? PersonId{IdKind::user, fmt::format("u{}", i)}
               : PersonId{IdKind::anonymous, fmt::format("a{}", i - 3)};
}

class LivingWorld {
 public:
  LivingWorld(const std::vector<WorldEvent>& events, const std::vector<StepChoice>& steps,
              TimestampMs now_ms)
      : env_(1) {
    env_.set_now_ms(now_ms);
    open();
    for (std::size_t i = 0; i < events.size(); ++i) {
      const StepChoice step = i < steps.size() ? steps[i] : StepChoice{};
      disturb(step);
      append(events[i], step.ids);
    }
  }

  Snapshot snapshot() { return store_->snapshot().value(); }

  /// The events with their persons, those of equal time in the order that holds.
  std::vector<WorldEvent> expected() {
    PersonRegistry& persons = *store_->persons().value();
    std::vector<std::size_t> order(events_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(
        order, {}, [&](std::size_t i) { return persons.known(events_[i].owner).value(); });
    std::vector<WorldEvent> out;
    for (const std::size_t i : order) {
      WorldEvent event = events_[i].event;
      event.person = links_.canonical(events_[i].owner).hex();
      event.part = 0;
      out.push_back(std::move(event));
    }
    return out;
  }

  QueryContext context(unsigned threads) {
    // The clock of the simulation, the zones of the system.
    environment_ = std::make_unique<Env>(
        Env{.files = real_env().files, .clock = env_.env().clock, .random = env_.env().random});
    return {.env = *environment_, .threads = threads};
  }

 private:
  struct Owned {
    WorldEvent event;
    Hash128 owner;
  };

  void open() {
    store_.reset();
    store_ = Store::open(env_.env(), "/data", Store::Access::own, {.log = {.file_bytes = 4'000}})
                 .value();
  }

  Hash128 key(const PersonId& id) const {
    return person_key(store_->manifest().hash_key, id.kind, id.id);
  }

  void disturb(const StepChoice& step) {
    FrameBuilder frame;
    const PersonId a = id_of(step.a);
    const PersonId user = id_of(step.b);
    switch (step.what) {
      case 1: RC_ASSERT(store_->flush().has_value()); return;
      case 2: open(); return;
      case 3: (void)snapshot(); return;
      case 4:
        if (a == user) return;
        frame.add(encode_record(LinkRecord{a, user, env_.env().clock.now_ms()}));
        if (a.kind == IdKind::user) {
          links_.link_users(key(a), key(user));
        } else {
          links_.link(key(a), {key(user), user.id}, env_.env().clock.now_ms());
        }
        break;
      case 5:
        if (a == user) return;
        frame.add(encode_record(UnlinkRecord{a, user}));
        links_.unlink(key(a), key(user));
        break;
      default: return;
    }
    RC_ASSERT(store_->append(frame).has_value());
  }

  void append(const WorldEvent& event, int ids) {
    const auto properties = event.views();
    const bool has_user = ids < 6;
    const bool has_visitor = ids >= 4;
    const PersonId user = id_of(ids % 3);
    const PersonId visitor = id_of(3 + ids % 2);
    EventView view{.name = event.name, .time_ms = event.time_ms, .properties = properties};
    if (has_user) view.user_id = user.id;
    if (has_visitor) view.anonymous_id = visitor.id;
    if (has_user && has_visitor) links_.note(key(visitor), {key(user), user.id}, event.time_ms);
    FrameBuilder frame;
    frame.add(encode_record(EventRecord{"app", view}));
    RC_ASSERT(store_->append(frame).has_value());
    events_.push_back({event, key(has_user ? user : visitor)});
  }

  SimEnv env_;
  std::unique_ptr<Env> environment_;
  std::unique_ptr<Store> store_;
  LinkSet links_;
  std::vector<Owned> events_;
};

template <class Parse, class Run, class Twin>
void agrees(const QueryChoice& q, LivingWorld& world, const std::string& json, Parse&& parse,
            Run&& run, Twin&& twin_answer) {
  const QueryContext context = world.context(q.threads == 0 ? 1 : 3);
  const auto query = parse(parse_json(json).value(), context);
  if (!query) return;
  const auto answer = run(world.snapshot(), context, *query);
  if (!answer) return;
  const std::vector<WorldEvent> events = world.expected();
  const std::string expected = data_json(twin_answer(*query, events));
  const std::string actual = data_json(*answer);
  if (actual != expected) {
    RC_LOG() << json << "\nevents\n";
    for (const WorldEvent& event : events) RC_LOG() << event;
    RC_LOG() << "twin   " << expected << "\nanswer " << actual;
  }
  RC_ASSERT(actual == expected);
}

TEST(LivingAnswers, AreTheTwinsWhateverCameBetween) {
  check_cases("answers over a living store", 1'500, [] {
    const QueryChoice q = *any_query_choice();
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    const auto steps = *rc::gen::container<std::vector<StepChoice>>(choices.size(), any_step());
    LivingWorld world(world_of(choices, q), steps, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    agrees(q, world, QueryText(q).retention(), parse_retention, run_retention,
           [](const auto& query, const auto& events) {
             return RetentionTwin(query, events).answer();
           });
    agrees(q, world, QueryText(q).trend(), parse_trend, run_trend,
           [](const auto& query, const auto& events) { return TrendTwin(query, events).answer(); });
  });
}

}  // namespace
}  // namespace hf::test
