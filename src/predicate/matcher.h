// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "predicate/predicate.h"

namespace hf {

/// Which events a query means (QUERY.md): {"event", "where"?, "label"?} or {"any_of", "label"?}.
struct Matcher {
  struct Choice {
    std::string event;  ///< "*" is any active event (never hf:, identify, alias, group).
    Predicate where;    ///< Holds always where absent.
    bool has_where = false;
  };
  std::vector<Choice> choices;  ///< At least one; nested any_of are flattened.
  std::string label;            ///< Given, else built from the event names.

  [[nodiscard]] static Matcher any_event();
  /// True when every active event matches and nothing else does.
  [[nodiscard]] bool is_any_event() const;
  /// True when the name of the event is one of those meant, whatever `where` says.
  [[nodiscard]] bool names(std::string_view event_name) const;
};

/// True when an event of that name is one that `wanted` ("*" too) means.
[[nodiscard]] bool event_is_meant(std::string_view wanted, std::string_view name);
/// The label of a matcher of one event to which none is given: its name, "any event" of "*".
[[nodiscard]] std::string label_of_event(std::string_view event);

namespace limits {
inline constexpr std::size_t matcher_choices_max = 100;  ///< After flattening.
inline constexpr std::size_t matcher_depth_max = predicate_depth_max;
}  // namespace limits

/// Parses {"event", "where"?, "label"?} or {"any_of": [1..100 matchers], "label"?}. The label of
/// an event is its name, of "*" "any event", of any_of the distinct labels joined by " or ".
/// `beside`: members of the outermost object that belong to the caller ("math" of a series,
/// "within" of a funnel step) and are passed over.
/// Errors: those of parse_predicate.
[[nodiscard]] Result<Matcher> parse_matcher(const Json& json, const std::string& pointer,
                                            std::span<const std::string_view> beside = {});

/// The obvious way, on one event; the twin of PageMatcher. Requires that `where` asks of the event
/// alone (asks_of_person()); else PersonPredicate.
[[nodiscard]] bool matches(const Matcher& matcher, const EventView& event);

/// A matcher, and a predicate that must hold besides, bound to one part. Const methods may run
/// concurrently.
class PageMatcher {
 public:
  /// `part` must outlive it, as must `conditions`, which are those of PagePredicate::compile().
  /// Errors: those of Part's readers.
  [[nodiscard]] static Result<PageMatcher> compile(const Matcher& matcher, const Predicate& where,
                                                   const Part& part,
                                                   const RowConditions* conditions = nullptr,
                                                   std::uint32_t number = 0);
  PageMatcher(PageMatcher&&) noexcept;
  PageMatcher& operator=(PageMatcher&&) noexcept;
  ~PageMatcher();

  /// True when no row of the part can match (its names or values are not there).
  [[nodiscard]] bool matches_nothing() const;
  /// True when every row of the part matches: find() need not be called.
  [[nodiscard]] bool matches_everything() const;
  /// Sets bit i of `rows` exactly where row i of the page matches and clears all others.
  /// rows.size() == (rows_in_page + 63) / 64. Errors: those of Part's readers.
  [[nodiscard]] Result<void> find(std::uint32_t page, std::span<std::uint64_t> rows) const;

 private:
  struct Body;
  explicit PageMatcher(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hf
