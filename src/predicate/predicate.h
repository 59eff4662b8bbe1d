// SPDX-License-Identifier: Apache-2.0
//
// The condition tree of QUERY.md: data, never code. Parsed once, then evaluated on one event
// (the obvious way) or on whole pages of a part (per distinct value instead of per row).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "event/event.h"
#include "store/part.h"

namespace hf {

enum class Op : std::uint8_t {
  eq,
  ne,
  lt,
  lte,
  gt,
  gte,
  between,
  in,
  not_in,
  contains,
  not_contains,
  starts_with,
  ends_with,
  matches,
  exists,
  not_exists,
};

namespace limits {
inline constexpr std::size_t predicate_depth_max = 64;
inline constexpr std::size_t predicate_conditions_max = 1'000;  ///< Conditions and combinations.
inline constexpr std::size_t predicate_values_max = 10'000;     ///< Of one list.
}  // namespace limits

/// A scalar of a query: text, number of any size, or boolean.
struct Scalar {
  ValueKind kind = ValueKind::text;  ///< text, number, boolean or big_number.
  std::string text;                  ///< text; canonical text of a big_number.
  Decimal number = {};
  bool boolean = false;

  [[nodiscard]] ValueView view() const { return {kind, boolean, number, text}; }
};

class Pattern;        // A compiled RE2.
struct Behaviour;     // predicate/behaviour.h
class RowConditions;  // predicate/people.h

/// A combination, or one condition: on a property of the event at hand, on a trait of the person,
/// or on what the person did.
struct Predicate {
  enum class Kind : std::uint8_t {
    all,
    any,
    negation,
    property,  ///< Of the event at hand.
    trait,     ///< Of the person, as its identify calls said.
    system,    ///< Of the person, as Holdfast itself found: `property` is "stage", "layer", "stay",
             ///< "segment.vip", "tier.main", "balance.points", "score.churn", "consent.marketing".
    behaviour,  ///< Of the person: what it did.
  };
  Kind kind = Kind::all;  ///< An empty `all` holds always.
  std::vector<Predicate> children;
  std::string property;   ///< property, trait, system
  bool at_event = false;  ///< trait: its value at the event at hand, not the latest.
  std::shared_ptr<const Behaviour> behaviour;  ///< Set exactly for kind behaviour.
  Op op = Op::eq;
  bool case_insensitive = false;
  std::vector<Scalar> values;  ///< One, two for between, any number for a list value.
  bool value_is_list = false;
  std::shared_ptr<const Pattern> pattern;  ///< Set exactly for `matches`.

  /// True of the empty `all`: whatever the event.
  [[nodiscard]] bool asks_nothing() const { return kind == Kind::all && children.empty(); }
};

/// Parses and checks; limits are above. What QUERY.md leaves open:
///   - {"all": []} holds, {"any": []} and empty lists of values are refused (missing_field);
///   - contains, starts_with, ends_with and matches look at canonical texts, of numbers too;
///     starts_with and ends_with take a list as any-of, as eq and contains do;
///   - eq, ne, in, not_in, contains, not_contains, starts_with, ends_with and matches have a form
///     with _ci, which compares simple case foldings (fold_case), as RE2 does;
///   - between is inclusive; low above high holds for nothing;
///   - a stored null in a list is no value; an empty list exists.
///   - a stage, layer or stay of several names holds for any of them;
///   - an order of tiers is asked of those of tier_names (predicate/system_trait.h) only, and a
///   tier
///     that is none of them satisfies none;
///   - {"count": {"lte": 2}} holds of those who never did, too.
/// `pointer` is the place of `json` in its request.
/// Errors, all invalid_argument with pointer: unknown_field, wrong_type, missing_field, unknown_op,
/// unknown_value, out_of_range, invalid_pattern, invalid_duration, invalid_time, invalid_range,
/// unsupported_combination, too_deep, too_many_values.
[[nodiscard]] Result<Predicate> parse_predicate(const Json& json, const std::string& pointer);

/// The same for a predicate on persons, where no event is at hand: a condition on a property, or on
/// a trait at the event, is refused (unsupported_combination) unless in the `where` of a matcher.
[[nodiscard]] Result<Predicate> parse_people_predicate(const Json& json,
                                                       const std::string& pointer);

/// True where some condition outside of a behaviour's matchers is not on a property: then what it
/// says of an event depends on the person's other events.
[[nodiscard]] bool asks_of_person(const Predicate& predicate);
/// True where some condition outside of a behaviour's matchers needs an event at hand: on a
/// property, or on a trait at the event. Never of what parse_people_predicate() returns.
[[nodiscard]] bool asks_of_event(const Predicate& predicate);

/// True when one stored value satisfies a positive operator or its negation, by the rules of
/// QUERY.md; a list value satisfies a positive operator when one of its items does.
[[nodiscard]] bool value_satisfies(const Predicate& condition, const ValueView& value);

/// The obvious way, on one event; the twin of PagePredicate. Requires !asks_of_person(); else
/// PersonPredicate (predicate/person_predicate.h).
[[nodiscard]] bool satisfies(const Predicate& predicate, std::span<const PropertyView> properties);

/// A predicate bound to one part. Const methods may run concurrently.
class PagePredicate {
 public:
  /// Evaluates each condition once per dictionary value. `part` must outlive it, as must
  /// `conditions`, which say at which rows of the part, the `number`th of their snapshot, the
  /// conditions about persons hold; null where there are none. Errors: those of Part's readers.
  [[nodiscard]] static Result<PagePredicate> compile(const Predicate& predicate, const Part& part,
                                                     const RowConditions* conditions = nullptr,
                                                     std::uint32_t number = 0);
  PagePredicate(PagePredicate&&) noexcept;
  PagePredicate& operator=(PagePredicate&&) noexcept;
  ~PagePredicate();

  /// True when the dictionaries and number ranges of the part show that no row satisfies it, or
  /// that every row does; false of both says nothing.
  [[nodiscard]] bool never_holds() const;
  [[nodiscard]] bool always_holds() const;

  /// Clears the bits of rows that do not satisfy it, and those past the last row. Bit i of `rows`
  /// is row i of the page; rows.size() == (rows_in_page + 63) / 64. Errors: those of Part's
  /// readers.
  [[nodiscard]] Result<void> restrict(std::uint32_t page, std::span<std::uint64_t> rows) const;

 private:
  struct Body;
  explicit PagePredicate(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hf
