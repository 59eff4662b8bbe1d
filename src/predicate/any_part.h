// SPDX-License-Identifier: Apache-2.0
//
// Test support: random events with properties of every kind, the part they become, and random
// conditions on them, as texts of the query language.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "predicate/condition.h"
#include "predicate/matcher.h"
#include "store/page_cache.h"
#include "store/part.h"
#include "store/part_builder.h"
#include "store/person_registry.h"

namespace hf::test {

struct Property {
  std::string name;
  Scalar value;  // Also of kind list and json, in `text`.
};
struct Event {
  std::string name;
  std::vector<Property> properties;
};

inline std::vector<PropertyView> views(const Event& event) {
  std::vector<PropertyView> properties;
  for (const Property& p : event.properties) properties.push_back({p.name, p.value.view()});
  return properties;
}

/// A part whose row i is events[i]: one person, a millisecond between events.
class PartOfEvents {
 public:
  explicit PartOfEvents(const std::vector<Event>& events) : env_(1), cache_(1 << 26) {
    PartBuilder builder(1'700'000'000'000);
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto properties = views(events[i]);
      EventView event;
      event.user_id = "u";
      event.name = events[i].name;
      event.time_ms = 1'600'000'000'000 + static_cast<std::int64_t>(i);
      event.properties = properties;
      builder.add(event);
    }
    const Env env = env_.env();
    EXPECT_TRUE(env.files.make_directories("/parts"));
    PersonRegistry persons(HashKey{}, 0);
    const auto summary = builder.write(
        env, {.directory = "/parts", .file = "p", .source = "test", .hash_key = {}}, persons, {});
    EXPECT_TRUE(summary) << summary.error().message;
    auto opened = Part::open(env, "/parts/p", cache_);
    EXPECT_TRUE(opened) << opened.error().message;
    part_ = *std::move(opened);
  }
  [[nodiscard]] const Part& operator*() const { return *part_; }
  [[nodiscard]] const Part* operator->() const { return part_.get(); }

 private:
  SimEnv env_;
  PageCache cache_;
  std::shared_ptr<const Part> part_;
};

/// What one seed's events look like: small worlds collide most, and each shape of column and
/// dictionary has to come up.
class World {
 public:
  explicit World(Rng& rng) : rng_(rng) {
    // Up to 300 names: a dictionary of one byte, and one that needs two.
    const std::size_t names = rng.chance(0.2) ? 300 : 1 + rng.below(6);
    for (std::size_t i = 0; i < names; ++i) names_.push_back(fmt::format("event {}", i));
    if (rng.chance(0.5)) {
      names_.insert(names_.end(), {"identify", "alias", "group", "page", "hf:sent"});
    }
    for (const char* name : {"p", "q", "r"}) {
      Shape shape = {.name = name};
      for (auto n = rng.between(1, 3); n > 0; --n) shape.kinds.push_back(any_kind());
      shape.missing = rng.chance(0.3) ? 0 : rng.uniform01();
      shape.scale_max = rng.chance(0.5) ? 0 : static_cast<int>(rng.below(Decimal::scale_max + 1));
      shape.same_scale = rng.chance(0.5);
      shape.many_values = rng.chance(0.3);
      shapes_.push_back(shape);
    }
  }

  std::vector<Event> events(std::size_t count) {
    std::vector<Event> events(count);
    for (Event& event : events) {
      event.name = names_[rng_.below(names_.size())];
      for (const Shape& shape : shapes_) {
        if (!rng_.chance(shape.missing)) event.properties.push_back({shape.name, value(shape)});
      }
    }
    return events;
  }

  /// A predicate as JSON, nested up to `depth`.
  std::string predicate(int depth) {
    if (depth == 0 || rng_.chance(0.4)) return condition();
    if (rng_.chance(0.2)) return fmt::format(R"({{"not":{}}})", predicate(depth - 1));
    const bool all = rng_.chance(0.5);
    std::string children;
    for (auto n = rng_.between(all ? 0 : 1, 3); n > 0; --n) {
      children += (children.empty() ? "" : ",") + predicate(depth - 1);
    }
    return fmt::format(R"({{"{}":[{}]}})", all ? "all" : "any", children);
  }

  std::string matcher(int depth) {
    if (depth > 0 && rng_.chance(0.5)) {
      std::string children;
      for (auto n = rng_.between(1, 4); n > 0; --n) {
        children += (children.empty() ? "" : ",") + matcher(depth - 1);
      }
      return fmt::format(R"({{"any_of":[{}]}})", children);
    }
    const std::string name = rng_.chance(0.2)   ? "*"
                             : rng_.chance(0.1) ? "unheard of"
                                                : names_[rng_.below(names_.size())];
    if (rng_.chance(0.5)) return fmt::format(R"({{"event":"{}"}})", name);
    return fmt::format(R"({{"event":"{}","where":{}}})", name, predicate(2));
  }

 private:
  struct Shape {
    std::string name;
    std::vector<ValueKind> kinds;
    double missing = 0;
    int scale_max = 0;
    bool same_scale = false;
    bool many_values = false;
  };

  ValueKind any_kind() {
    if (rng_.chance(0.3)) return ValueKind::number;
    return static_cast<ValueKind>(rng_.between(1, 6));
  }

  Scalar value(const Shape& shape) {
    const ValueKind kind = shape.kinds[rng_.below(shape.kinds.size())];
    if (kind == ValueKind::number) {
      const int scale =
          shape.same_scale ? shape.scale_max : static_cast<int>(rng_.between(0, shape.scale_max));
      const std::int64_t most = shape.many_values ? 2'000 : 20;
      std::int64_t units = rng_.between(-most, most);
      if (rng_.chance(0.02)) units = rng_.chance(0.5) ? INT64_MIN : INT64_MAX;
      return {.kind = kind, .number = Decimal::normalized(units, scale)};
    }
    if (kind == ValueKind::text && shape.many_values) {
      return {.text = fmt::format("text {}", rng_.below(2'000))};
    }
    return any_value(kind);
  }

  Scalar any_value(ValueKind kind) {
    constexpr const char* texts[] = {"",    "a",   "A",    "ab",    "b",     "text 1", "1",
                                     "1.0", "1.5", "true", "false", "Größe", "GRÖẞE",  "-3"};
    constexpr const char* big[] = {"12345678901234567890", "-1e40", "1e400", "0.12345678901234"};
    constexpr const char* lists[] = {
        "[]", "[null]", R"(["a","b"])", R"([1,2.5,true])", R"(["1",-3])", "[12345678901234567890]"};
    constexpr const char* jsons[] = {R"([{"a":1}])", "[[1]]", R"([{"a":"b"},"a"])"};
    const auto any_of = [&](const auto& choices) {
      return choices[rng_.below(std::size(choices))];
    };
    switch (kind) {
      case ValueKind::text: return {.text = any_of(texts)};
      case ValueKind::number:
        return {
            .kind = kind,
            .number = Decimal::normalized(rng_.between(-40, 40), static_cast<int>(rng_.below(3)))};
      case ValueKind::boolean: return {.kind = kind, .boolean = rng_.chance(0.5)};
      case ValueKind::big_number: return {.kind = kind, .text = canonical_number(any_of(big))};
      case ValueKind::list: return {.kind = kind, .text = any_of(lists)};
      case ValueKind::json: return {.kind = kind, .text = any_of(jsons)};
    }
    return {};
  }

  std::string scalar() {
    constexpr ValueKind kinds[] = {ValueKind::text, ValueKind::number, ValueKind::boolean,
                                   ValueKind::big_number};
    const Scalar value = any_value(kinds[rng_.below(std::size(kinds))]);
    std::string text = canonical_text(value.view());
    if (value.kind != ValueKind::text) return text;
    std::string quoted;
    append_json_text(quoted, text);
    return quoted;
  }

  std::string list(std::int64_t least, std::int64_t most) {
    std::string values;
    for (auto n = rng_.between(least, most); n > 0; --n) {
      values += (values.empty() ? "" : ",") + scalar();
    }
    return "[" + values + "]";
  }

  std::string condition() {
    constexpr const char* properties[] = {"p", "q", "r", "never seen"};
    constexpr const char* ops[] = {"eq",
                                   "ne",
                                   "lt",
                                   "lte",
                                   "gt",
                                   "gte",
                                   "between",
                                   "in",
                                   "not_in",
                                   "contains",
                                   "not_contains",
                                   "starts_with",
                                   "ends_with",
                                   "matches",
                                   "exists",
                                   "not_exists",
                                   "eq_ci",
                                   "ne_ci",
                                   "in_ci",
                                   "not_in_ci",
                                   "contains_ci",
                                   "not_contains_ci",
                                   "starts_with_ci",
                                   "ends_with_ci",
                                   "matches_ci"};
    const std::string op = ops[rng_.below(std::size(ops))];
    const std::string head = fmt::format(R"({{"property":"{}","op":"{}")",
                                         properties[rng_.below(rng_.chance(0.1) ? 4 : 3)], op);
    if (op.ends_with("exists")) return head + "}";
    std::string value;
    if (op == "between") {
      value = list(2, 2);
    } else if (op.starts_with("in") || op.starts_with("not_in")) {
      value = list(1, 12);
    } else if (op.starts_with("matches")) {
      constexpr const char* patterns[] = {R"("")", R"("^1")", R"("[ab]$")", R"("größe")",
                                          R"("5|true")"};
      value = patterns[rng_.below(std::size(patterns))];
    } else if (op[0] == 'l' || op[0] == 'g' || rng_.chance(0.6)) {
      value = scalar();
    } else {
      value = list(1, 12);
    }
    return head + ",\"value\":" + value + "}";
  }

  Rng& rng_;
  std::vector<std::string> names_;
  std::vector<Shape> shapes_;
};

/// Mostly within a page and around its words; at times two pages.
inline std::size_t any_row_count(Rng& rng, std::uint64_t seed) {
  if (seed % 100 == 99) return part_format::page_rows + 1 + rng.below(200);
  constexpr std::size_t counts[] = {1, 2, 63, 64, 65, 128, 700};
  return counts[rng.below(std::size(counts))];
}

}  // namespace hf::test
