// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/language.h"
#include "predicate/explain.h"
#include "predicate/matcher.h"
#include "predicate/person_predicate.h"
#include "predicate/predicate.h"

// Whatever bytes come in: parsing refuses or accepts, and what it accepts can be told in words and
// evaluated; what is denied holds exactly where it does not.
namespace {

constexpr std::array<hf::PropertyView, 6> properties = {{
    {"text", {.kind = hf::ValueKind::text, .text = "Größe XL"}},
    {"number", {.kind = hf::ValueKind::number, .number = {-125, 1}}},
    {"boolean", {.kind = hf::ValueKind::boolean, .boolean = true}},
    {"big", {.kind = hf::ValueKind::big_number, .text = "12345678901234567890"}},
    {"list", {.kind = hf::ValueKind::list, .text = R"(["a",1,true,null,1e99])"}},
    {"json", {.kind = hf::ValueKind::json, .text = R"([{"sku":"x"}])"}},
}};
constexpr std::array<hf::PropertyView, 3> found = {{
    {"stage", {.kind = hf::ValueKind::text, .text = "at_risk"}},
    {"tier.main", {.kind = hf::ValueKind::text, .text = "silver"}},
    {"balance.points", {.kind = hf::ValueKind::number, .number = {250, 0}}},
}};

constexpr hf::EventView event(std::string_view name, hf::TimestampMs time_ms,
                              std::span<const hf::PropertyView> of = properties) {
  return {.user_id = "u", .name = name, .time_ms = time_ms, .properties = of};
}

// Around the start of March 2026, some at one time.
constexpr std::array<hf::EventView, 8> events = {
    event("identify", 1'769'900'000'000), event("purchase", 1'769'940'000'000),
    event("page", 1'769'940'000'000),     event("hf:trait", 1'772'300'000'000, found),
    event("purchase", 1'772'323'200'000), event("purchase", 1'772'323'200'000),
    event("page", 1'772'400'000'000),     event("refund", 1'772'500'000'000),
};
constexpr hf::TimestampMs as_of_ms = 1'772'450'000'000;  // The last event is not seen.

hf::Predicate denial(hf::Predicate predicate) {
  hf::Predicate denied;
  denied.kind = hf::Predicate::Kind::negation;
  denied.children.push_back(std::move(predicate));
  return denied;
}

void check_words(const hf::Predicate& predicate) {
  if (explain(predicate, hf::Language::english).empty()) __builtin_trap();
  if (explain(predicate, hf::Language::chinese).empty()) __builtin_trap();
}

void check_at_events(const hf::Predicate& predicate) {
  const hf::Predicate denied = denial(predicate);
  hf::PersonPredicate bound(predicate, {events}, as_of_ms, *hf::Zone::utc());
  hf::PersonPredicate opposite(denied, {events}, as_of_ms, *hf::Zone::utc());
  for (std::size_t i = 0; i < bound.event_count(); ++i) {
    const bool holds = bound.holds_at_event(i);
    if (opposite.holds_at_event(i) == holds) __builtin_trap();
    if (asks_of_person(predicate)) continue;
    if (satisfies(predicate, events[i].properties) != holds) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto json = hf::parse_json(bytes);
  if (!json) return 0;
  const auto predicate = hf::parse_predicate(*json, "");
  if (predicate) {
    check_words(*predicate);
    check_at_events(*predicate);
  }
  if (const auto of_people = hf::parse_people_predicate(*json, "")) {
    if (!predicate) __builtin_trap();  // What persons may be asked, events may.
    const hf::PersonHistory history = {events};
    const bool holds = holds_at(*of_people, history, {as_of_ms}, *hf::Zone::utc());
    if (holds_at(denial(*of_people), history, {as_of_ms}, *hf::Zone::utc()) == holds) {
      __builtin_trap();
    }
  }
  if (const auto matcher = hf::parse_matcher(*json, "")) {
    const bool asks = std::ranges::any_of(matcher->choices, [](const hf::Matcher::Choice& choice) {
      return asks_of_person(choice.where);
    });
    if (!asks && matches(*matcher, events[1]) && !matcher->names(events[1].name)) __builtin_trap();
    if (explain(*matcher, hf::Language::english).empty()) __builtin_trap();
  }
  return 0;
}
