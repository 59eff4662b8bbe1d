// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on funnels: what answer_query() says of a small random world must be what SQL,
// written from docs/metrics.md (funnel_sql.h), says of its export.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "funnel_sql.h"

namespace hf::test {
namespace {

struct QuestionChoice {
  int zone = 0;
  int as_of = 0;
  int as_of_slot = 0;
  int from = 0;
  int from_slot = 0;
  int to = 0;
  int to_slot = 0;
  int step_count = 0;
  std::array<int, 4> steps{};
  std::array<int, 3> within{};
  int order = 0;
  int window = 0;
  int excluded = 0;  // 0: none; a matcher + 1.
  int excluded_too = 0;
  int after_step = 0;
  int before_step = 0;
  int hold = 0;
  int first = 0;
  int view = 0;
  int period = 0;
  int sunday = 0;
  int from_step = 0;
  int to_step = 0;
  int bins = 0;
  int where = 0;
  int breakdown = 0;
  int attribution = 0;
  int top = 0;
  int threads = 0;
};

constexpr int slots = 9;

// By the step between times: windows that some chains of events fit into, and others do not.
// Indices of funnel_spans.
constexpr std::array<std::array<std::size_t, 6>, 5> windows = {{{0, 1, 2, 3, 2, 4},
                                                                {0, 3, 4, 5, 4, 6},
                                                                {0, 4, 5, 6, 7, 6},
                                                                {0, 4, 6, 7, 8, 9},
                                                                {0, 0, 8, 8, 9, 8}}};

/// Mostly absent: what leaves events out, so that not all of it comes together.
rc::Gen<int> rarely(int n) {
  return rc::gen::oneOf(rc::gen::just(0), rc::gen::just(0), any_of(0, n));
}

FunnelQuestion question_of(const QuestionChoice& c, const OpinionSetting& world) {
  using Order = FunnelQuestion::Order;
  using View = FunnelQuestion::View;
  FunnelQuestion q;
  q.zone = c.zone == 0 ? opinion_anchors[at(world.anchor)].zone : "UTC";
  q.json = fmt::format(R"({{"metric":"funnel","timezone":"{}")", q.zone);
  const auto add = [&](std::string_view name, std::string_view value) {
    q.json += fmt::format(R"(,"{}":{})", name, value);
  };
  const auto add_text = [&](std::string_view name, std::string_view value) {
    q.json += fmt::format(R"(,"{}":"{}")", name, value);
  };
  // A date for dates' sake, whatever zone it is of.
  const auto bound = [&](const char* name, int kind, TimestampMs t) {
    const std::string day = rfc3339(t).substr(0, 10);
    FunnelBound b;
    if (kind == 0) return b;
    if (kind == 1) b.date = fmt::format("DATE '{}'", day);
    if (kind == 2) b.instant = std::to_string(t);
    add_text(name, kind == 1 ? day : rfc3339(t));
    return b;
  };
  q.as_of = time_at(world, c.as_of == 0 ? slots + 1 + 40 * c.as_of_slot : c.as_of_slot);
  add_text("as_of", rfc3339(q.as_of));
  const TimestampMs from = time_at(world, c.from_slot);
  q.from = bound("from", c.from, from);
  // Neither before nor at `from`, which would be refused; a date ends after it begins.
  const TimestampMs to = time_at(world, c.from_slot + 1 + c.to_slot);
  q.to = bound("to", c.to, c.from == 1 && c.to == 2 ? to + 2 * 86'400'000 : to);

  // What is timed takes two steps.
  const std::size_t n = at(c.view == 2 ? std::max(c.step_count, 2) : c.step_count);
  q.order = static_cast<Order>(c.order);
  std::string steps;
  for (std::size_t k = 0; k < n; ++k) {
    const bool has_within = k + 1 < n && q.order != Order::any;
    q.steps.push_back({at(c.steps[k]), has_within ? windows[at(world.step)][at(c.within[k])] : 0});
    steps +=
        fmt::format("{}{}{}}}", k == 0 ? "" : ",", funnel_matchers[q.steps[k].matcher].json,
                    q.steps[k].within == 0
                        ? ""
                        : fmt::format(R"(,"within":"{}")", funnel_spans[q.steps[k].within].text));
  }
  add("steps", "[" + steps + "]");
  if (q.order != Order::ordered) add_text("order", q.order == Order::strict ? "strict" : "any");
  q.window = windows[at(world.step)][at(c.window)];
  if (q.window > 0) add_text("window", funnel_spans[q.window].text);
  if (n > 1) {
    std::string exclude;
    for (const int matcher : {c.excluded, c.excluded_too}) {
      if (matcher == 0) continue;
      const std::size_t after = 1 + at(c.after_step) % (n - 1);
      const std::size_t before = after + 1 + at(c.before_step) % (n - after);
      const bool is_said = c.before_step > 0 || matcher == c.excluded_too;
      q.exclude.push_back({at(matcher - 1), is_said ? after : 1, is_said ? before : n});
      exclude += fmt::format(
          "{}{}{}}}", exclude.empty() ? "" : ",", funnel_matchers[at(matcher - 1)].json,
          is_said ? fmt::format(R"(,"after_step":{},"before_step":{})", after, before) : "");
    }
    if (!exclude.empty()) add("exclude", "[" + exclude + "]");
  }
  constexpr auto holds = std::to_array<InBoth>(
      {{"", ""},
       {R"(["k"])", "list_filter(buckets(k), lambda x: x <> 'n')"},
       {R"(["l"])", "list_filter(buckets(l), lambda x: x <> 'n')"},
       {R"(["k","b"])", "list_filter([k || '/' || b], lambda x: x IS NOT NULL)"}});
  if (c.hold > 0) add("hold_constant", holds[at(c.hold)].json);
  q.hold = holds[at(c.hold)].sql;
  q.first = c.first != 0;
  if (q.first) add_text("entry", "first");
  q.view = static_cast<View>(c.view);
  q.to_step = n;
  if (q.view != View::steps) {
    add_text("view", q.view == View::trend ? "trend" : "time_to_convert");
    if (c.from_step > 0 && n > 1) {
      q.from_step = 1 + at(c.from_step - 1) % (n - 1);
      add("from_step", std::to_string(q.from_step));
    }
    if (c.to_step > 0 && n > q.from_step) {
      q.to_step = q.from_step + 1 + at(c.to_step - 1) % (n - q.from_step);
      add("to_step", std::to_string(q.to_step));
    }
  }
  constexpr auto periods = std::to_array<const char*>({"day", "week", "month", "P3D"});
  if (q.view == View::trend) {
    q.period = at(c.period);
    q.sunday = c.sunday != 0;
    add_text("period", periods[q.period]);
    add_text("week_start", q.sunday ? "sunday" : "monday");
  }
  if (q.view == View::time_to_convert && c.bins > 0) {
    q.bins = c.bins;
    add("bins", std::to_string(q.bins));
  }
  q.where = at(c.where);
  if (c.where > 0) add("where", funnel_conditions[q.where].json);
  if (c.breakdown > 0) {
    constexpr auto properties = std::to_array<const char*>({"", "k", "l", "v"});
    constexpr auto attributions =
        std::to_array<const char*>({"first_touch", "last_touch", "all", "step"});
    q.breakdown = properties[at(c.breakdown)];
    q.attribution = attributions[q.order == Order::any ? at(c.attribution) % 3 : at(c.attribution)];
    q.top = c.top == 0 ? 25 : c.top;
    std::string dimension = fmt::format(R"({{"property":"{}")", q.breakdown);
    if (q.attribution != "first_touch") {
      dimension += fmt::format(R"(,"attribution":"{}")", q.attribution);
    }
    if (q.attribution == "step" && c.to_step > 0) {
      q.broken_step = 1 + at(c.to_step - 1) % n;
      dimension += fmt::format(R"(,"step":{})", q.broken_step);
    }
    if (c.top > 0) dimension += fmt::format(R"(,"top":{})", c.top);
    add("breakdown", "[" + dimension + "}]");
  }
  q.json += "}";
  return q;
}

rc::Gen<QuestionChoice> any_question(int view) {
  using Q = QuestionChoice;
  const auto any = [](std::size_t n) { return any_of(0, static_cast<int>(n)); };
  // Names rather than "*", so that not all is a step.
  const auto matcher = [&] { return rc::gen::oneOf(any_of(0, 3), any(funnel_matchers.size())); };
  return rc::gen::build<Q>(
      rc::gen::set(&Q::zone, rc::gen::element(0, 0, 0, 1)), rc::gen::set(&Q::as_of, rarely(2)),
      rc::gen::set(&Q::as_of_slot, any_of(0, slots)), rc::gen::set(&Q::from, rarely(3)),
      rc::gen::set(&Q::from_slot, any_of(-2, slots)), rc::gen::set(&Q::to, rarely(3)),
      rc::gen::set(&Q::to_slot, any_of(0, slots)),
      rc::gen::set(&Q::step_count, rc::gen::element(2, 2, 3, 3, 3, 4, 1)),
      rc::gen::set(&Q::steps, rc::gen::container<std::array<int, 4>>(matcher())),
      rc::gen::set(&Q::within, rc::gen::container<std::array<int, 3>>(option(6))),
      rc::gen::set(&Q::order, option(3)), rc::gen::set(&Q::window, option(6)),
      rc::gen::set(&Q::excluded, rarely(static_cast<int>(funnel_matchers.size()) + 1)),
      rc::gen::set(&Q::excluded_too, rc::gen::element(0, 0, 0, 0, 0, 0, 1, 2, 3)),
      rc::gen::set(&Q::after_step, any_of(0, 3)), rc::gen::set(&Q::before_step, any_of(0, 3)),
      rc::gen::set(&Q::hold, rc::gen::element(0, 0, 0, 0, 0, 1, 2, 3)),
      rc::gen::set(&Q::first, rc::gen::element(0, 0, 1)),
      rc::gen::set(&Q::view, rc::gen::just(view)), rc::gen::set(&Q::period, any_of(0, 4)),
      rc::gen::set(&Q::sunday, any_of(0, 2)), rc::gen::set(&Q::from_step, option(4)),
      rc::gen::set(&Q::to_step, option(4)), rc::gen::set(&Q::bins, option(5)),
      rc::gen::set(&Q::where, rarely(4)), rc::gen::set(&Q::breakdown, option(4)),
      rc::gen::set(&Q::attribution, any_of(0, 4)), rc::gen::set(&Q::top, rc::gen::element(0, 1, 2)),
      rc::gen::set(&Q::threads, option(2)));
}

std::ostream& operator<<(std::ostream& out, const QuestionChoice& c) {
  return out << question_of(c, {}).json;
}

// ------------------------------------------------------------------------------------ the answers

std::string count_of(const Json& object, std::string_view name) { return object.find(name)->text; }

std::string seconds_of(const Json& seconds) {
  std::string line = "seconds";
  for (const char* name : {"mean", "median", "p90"}) {
    const Json& value = *seconds.find(name);
    line += " " + (value.is_null() ? "null" : shown_seconds(std::stod(value.text)));
  }
  return line;
}

/// The lines of FunnelSql. Of the group of all others its counts are compared.
void add_table(std::vector<std::string>& lines, const Json& table, bool with_seconds) {
  if (const Json* steps = table.find("steps")) {
    for (std::size_t k = 0; k < steps->array.size(); ++k) {
      const Json& step = steps->array[k];
      std::string line = fmt::format("step {} {}/{}", k + 1, count_of(step, "count"),
                                     count_of(*step.find("from_first"), "denominator"));
      if (k > 0) {
        line += " of " + count_of(*step.find("from_previous"), "denominator");
        if (with_seconds) line += " " + seconds_of(*step.find("seconds"));
      }
      lines.push_back(line);
    }
  } else if (const Json* periods = table.find("periods")) {
    for (const Json& row : periods->array) {
      lines.push_back(fmt::format("{} {} entered {} completed {}", count_of(row, "start"),
                                  row.find("complete")->boolean ? "complete" : "open",
                                  count_of(row, "entered"), count_of(row, "completed")));
    }
  } else {
    lines.push_back("converted " + count_of(table, "count") +
                    (with_seconds ? " " + seconds_of(*table.find("seconds")) : ""));
    if (!with_seconds) return;
    for (const Json& bin : table.find("bins")->array) {
      lines.push_back(fmt::format("{} to {}: {}", shown_seconds(std::stod(count_of(bin, "from"))),
                                  shown_seconds(std::stod(count_of(bin, "to"))),
                                  count_of(bin, "count")));
    }
  }
}

std::vector<std::string> lines_of(const Result<std::string>& answer) {
  std::vector<std::string> lines;
  if (!answer) {
    lines.emplace_back(answer.error().reason);
    if (answer.error().reason != "invalid_range") lines.push_back(answer.error().message);
    return lines;
  }
  const Json json = parse_json(*answer).value();
  const Json& data = *json.find("data");
  if (const Json* groups = data.find("groups")) {
    for (const Json& group : groups->array) {
      const Json& bucket = group.find("bucket")->array.at(0);
      lines.push_back(bucket.is_null()     ? "bucket null"
                      : bucket.is_object() ? "bucket other"
                                           : "bucket text " + bucket.text);
      add_table(lines, group, !bucket.is_object());
    }
    add_table(lines, *data.find("total"), true);
  } else {
    add_table(lines, data, true);
  }
  return lines;
}

std::vector<std::string> members_of(const Result<std::string>& answer) {
  if (!answer) return {std::string(answer.error().reason), answer.error().message};
  std::vector<std::string> persons;
  const Json json = parse_json(*answer).value();
  for (const Json& member : json.find("data")->find("members")->array) {
    persons.push_back(member.find("person")->text);
  }
  std::ranges::sort(persons);
  return persons;
}

// --------------------------------------------------------------------------------------- the test

class FunnelOpinion : public testing::Test {
 protected:
  FunnelOpinion()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("hf_funnel_opinion_test_{}", ::getpid())),
        funnel_(sql_) {
    std::filesystem::create_directories(folder_);
    engine_ = std::move(DuckDbEngine::open()).value();
  }
  ~FunnelOpinion() override { std::filesystem::remove_all(folder_); }

  /// One world, and a few questions of this view.
  void compare(int view) {
    const OpinionSetting setting = *any_opinion_setting();
    const auto events = *rc::gen::nonEmpty(rc::gen::resize(
        36, rc::gen::container<std::vector<OpinionEvent>>(any_opinion_event(slots))));
    const auto questions = *rc::gen::nonEmpty(
        rc::gen::resize(12, rc::gen::container<std::vector<QuestionChoice>>(any_question(view))));
    const std::string parquet = (folder_ / "events.parquet").string();
    OpinionWorld world(setting, events, *engine_, parquet);
    sql_.load(parquet);
    const auto agree = [&](const std::string& json, const std::vector<std::string>& expected,
                           const std::vector<std::string>& actual) {
      if (actual == expected) return;
      RC_LOG() << json << "\nevents\n";
      for (const OpinionEvent& event : events) RC_LOG() << row_of(event, setting);
      RC_LOG() << fmt::format("SQL\n  {}\nanswer\n  {}\n", fmt::join(expected, "\n  "),
                              fmt::join(actual, "\n  "));
      RC_FAIL("SQL and the engine disagree");
    };
    for (const QuestionChoice& c : questions) {
      const FunnelQuestion q = question_of(c, setting);
      const auto answer = world.answer(q.json, q.as_of, c.threads == 0 ? 1 : 3);
      agree(q.json, funnel_.answer(q), lines_of(answer));
      if (!answer || q.view != FunnelQuestion::View::steps) continue;
      // Who is behind one of the numbers.
      const std::size_t step = 1 + at(c.to_step) % q.steps.size();
      const bool dropped = step > 1 && c.bins % 2 == 1;
      std::string json = q.json;
      json.pop_back();
      json += fmt::format(R"(,"members":{{"cell":{{"step":{}{}}}}}}})", step,
                          dropped ? R"(,"dropped":true)" : "");
      agree(json, funnel_.members(step, dropped), members_of(world.answer(json, q.as_of)));
    }
  }

  std::filesystem::path folder_;
  OpinionSql sql_;
  FunnelSql funnel_;
  std::unique_ptr<DuckDbEngine> engine_;
};

TEST_F(FunnelOpinion, SqlOverAnExportSaysHowFarPersonsComeAndHowFast) {
  check_cases("steps agree with SQL", 40, [&] { compare(0); });
}

TEST_F(FunnelOpinion, SqlOverAnExportSaysWhenPersonsEnter) {
  check_cases("trends of funnels agree with SQL", 12, [&] { compare(1); });
}

TEST_F(FunnelOpinion, SqlOverAnExportSaysHowLongPersonsTake) {
  check_cases("times to convert agree with SQL", 16, [&] { compare(2); });
}

}  // namespace
}  // namespace hf::test
