// SPDX-License-Identifier: Apache-2.0
//
// Answers over a store as it is lived with: events and links come by the log in any order, persons
// are erased and old events purged, between flushes, compactions, restarts and looks, and every
// answer is the twin's over what was acknowledged.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "identity/link_set.h"
#include "metric/funnel.h"
#include "metric/funnel_twin.h"
#include "metric/lifecycle.h"
#include "metric/lifecycle_twin.h"
#include "metric/query_world.h"
#include "metric/retention.h"
#include "metric/retention_twin.h"
#include "metric/stickiness.h"
#include "metric/stickiness_twin.h"
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
      rc::gen::set(&StepChoice::what, rc::gen::resize(100, rc::gen::inRange(0, 13))),
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
    LinkSet links = known_links();
    std::vector<Owned> order;
    // The first of each name and pair of ids of what was purged.
    std::map<std::tuple<std::string, std::string, std::string>, Owned> first;
    for (const Owned& purged : purged_) {
      const auto [at, is_new] =
          first.try_emplace({purged.user, purged.visitor, purged.event.name}, purged);
      if (!is_new && purged.event.time_ms < at->second.event.time_ms) at->second = purged;
    }
    for (auto& [key, seen] : first) {
      seen.event.properties.clear();
      seen.event.purged = true;
      order.push_back(seen);
    }
    order.insert(order.end(), events_.begin(), events_.end());
    std::ranges::stable_sort(order, {},
                             [&](const Owned& o) { return persons.known(o.owner).value(); });
    std::vector<WorldEvent> out;
    for (const Owned& owned : order) {
      WorldEvent event = owned.event;
      event.person = links.canonical(owned.owner).hex();
      event.part = 0;
      out.push_back(std::move(event));
    }
    return out;
  }

  /// The lowest of each person's ids.
  std::map<std::string, PersonOrdinal> ordinals() {
    PersonRegistry& persons = *store_->persons().value();
    LinkSet links = known_links();
    std::map<std::string, PersonOrdinal> ordinals;
    for (int i = 0; i < 5; ++i) {
      const auto ordinal = persons.known(key(id_of(i)));
      if (!ordinal) continue;
      const auto [at, is_new] =
          ordinals.try_emplace(links.canonical(key(id_of(i))).hex(), *ordinal);
      at->second = std::min(at->second, *ordinal);
    }
    return ordinals;
  }

  QueryContext context() {
    // The clock of the simulation, the zones of the system.
    environment_ = std::make_unique<Env>(
        Env{.files = real_env().files, .clock = env_.env().clock, .random = env_.env().random});
    return {.env = *environment_};
  }

 private:
  struct Owned {
    WorldEvent event;
    Hash128 owner;
    std::string user;
    std::string visitor;
  };
  struct Decision {
    bool linked;
    PersonId a;
    PersonId user;
    TimestampMs time_ms;
  };

  LinkSet known_links() const {
    LinkSet links;
    for (const auto* owned : {&events_, &purged_}) {
      for (const Owned& o : *owned) {
        if (o.user.empty() || o.visitor.empty()) continue;
        links.note(key({IdKind::anonymous, o.visitor}), {o.owner, o.user}, o.event.time_ms);
      }
    }
    for (const Decision& d : decisions_) {
      if (!d.linked) {
        links.unlink(key(d.a), key(d.user));
      } else if (d.a.kind == IdKind::user) {
        links.link_users(key(d.a), key(d.user));
      } else {
        links.link(key(d.a), {key(d.user), d.user.id}, d.time_ms);
      }
    }
    return links;
  }

  void open() {
    store_.reset();
    store_ = Store::open(env_.env(), "/data", Store::Access::own,
                         {.log = {.file_bytes = 4'000},
                          .rows_per_part = 8,
                          .postings = {.each_per_mille = 400, .all_per_mille = 600}})
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
        decisions_.push_back({true, a, user, env_.env().clock.now_ms()});
        break;
      case 5:
        if (a == user) return;
        frame.add(encode_record(UnlinkRecord{a, user}));
        decisions_.push_back({false, a, user, 0});
        break;
      case 6: {
        frame.add(encode_record(EraseRecord{{a}}));
        const auto is_gone = [&](const Owned& owned) { return owned.owner == key(a); };
        std::erase_if(events_, is_gone);
        std::erase_if(purged_, is_gone);
        std::erase_if(decisions_, [&](const Decision& d) { return d.a == a || d.user == a; });
        break;
      }
      case 7: {
        if (events_.empty()) return;
        const WorldEvent& some = events_[static_cast<std::size_t>(step.ids) % events_.size()].event;
        const PurgeRecord purge{some.time_ms + step.b - 1, step.a < 3 ? some.name : ""};
        frame.add(encode_record(purge));
        const auto is_gone = [&](const Owned& owned) {
          const std::string& name = owned.event.name;
          const bool is_call = name == "identify" || name == "alias" || name.starts_with("hf:");
          const bool named = purge.event.empty() ? !is_call : name == purge.event;
          return named && owned.event.time_ms < purge.before_ms;
        };
        std::ranges::copy_if(events_, std::back_inserter(purged_), is_gone);
        std::erase_if(events_, is_gone);
        RC_ASSERT(store_->append(frame).has_value());
        RC_ASSERT(store_->compact(Store::CompactionKind::clean).has_value());
        return;
      }
      case 8: RC_ASSERT(store_->compact(Store::CompactionKind::due).has_value()); return;
      case 9: RC_ASSERT(store_->compact(Store::CompactionKind::full).has_value()); return;
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
    FrameBuilder frame;
    frame.add(encode_record(EventRecord{"app", view}));
    RC_ASSERT(store_->append(frame).has_value());
    events_.push_back({event, key(has_user ? user : visitor), std::string(view.user_id),
                       std::string(view.anonymous_id)});
  }

  SimEnv env_;
  std::unique_ptr<Env> environment_;
  std::unique_ptr<Store> store_;
  std::vector<Owned> events_;
  std::vector<Owned> purged_;
  std::vector<Decision> decisions_;
};

template <class Parse, class Run, class Twin>
void agrees(const QueryChoice& q, LivingWorld& world, const std::string& json, Parse&& parse,
            Run&& run, Twin&& twin_answer) {
  const QueryContext context = chosen_ways(world.context(), q);
  const auto query = parse(parse_json(json).value(), context);
  if (!query) return;
  const auto answer = run(world.snapshot(), context, *query);
  if (!answer) return;
  const std::vector<WorldEvent> events = world.expected();
  const auto asked = asked_events(events, query->common, world.ordinals());
  const std::string expected = data_json(twin_answer(*query, events, asked));
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
    QueryChoice q = *any_query_choice();
    // What was purged still says who was first, which one person's own events do not.
    q.people %= 8;
    q.where %= 5;
    q.unit = 0;  // Persons here have many ids, and units the order of them.
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    const auto steps = *rc::gen::container<std::vector<StepChoice>>(choices.size(), any_step());
    LivingWorld world(world_of(choices, q), steps, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    agrees(q, world, QueryText(q).retention(), parse_retention, run_retention,
           [](const auto& query, const auto& events, const auto& asked) {
             return RetentionTwin(query, events, asked).answer();
           });
    agrees(q, world, QueryText(q).lifecycle(), parse_lifecycle, run_lifecycle,
           [](const auto& query, const auto& events, const auto& asked) {
             return LifecycleTwin(query, events, asked).answer();
           });
    agrees(q, world, QueryText(q).trend(), parse_trend, run_trend,
           [](const auto& query, const auto& events, const auto& asked) {
             return TrendTwin(query, events, asked).answer();
           });
    agrees(q, world, QueryText(q).stickiness(), parse_stickiness, run_stickiness,
           [](const auto& query, const auto& events, const auto& asked) {
             return StickinessTwin(query, events, asked).answer();
           });
    agrees(q, world, QueryText(q).funnel(), parse_funnel, run_funnel,
           [](const auto& query, const auto& events, const auto& asked) {
             return FunnelTwin(query, events, asked).answer();
           });
  });
}

}  // namespace
}  // namespace hf::test
