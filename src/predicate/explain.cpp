// SPDX-License-Identifier: Apache-2.0
#include "predicate/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "predicate/behaviour.h"
#include "predicate/condition.h"
#include "predicate/explain_phrases.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

Phrase phrase_of(Op op, bool is_list) {
  switch (op) {
    case Op::eq: return is_list ? Phrase::eq_list : Phrase::eq;
    case Op::ne: return is_list ? Phrase::ne_list : Phrase::ne;
    case Op::lt: return Phrase::lt;
    case Op::lte: return Phrase::lte;
    case Op::gt: return Phrase::gt;
    case Op::gte: return Phrase::gte;
    case Op::between: return Phrase::between;
    case Op::in: return Phrase::in;
    case Op::not_in: return Phrase::not_in;
    case Op::contains: return is_list ? Phrase::contains_list : Phrase::contains;
    case Op::not_contains: return is_list ? Phrase::not_contains_list : Phrase::not_contains;
    case Op::starts_with: return is_list ? Phrase::starts_with_list : Phrase::starts_with;
    case Op::ends_with: return is_list ? Phrase::ends_with_list : Phrase::ends_with;
    case Op::matches: return Phrase::matches;
    case Op::exists: return Phrase::exists;
    case Op::not_exists: return Phrase::not_exists;
  }
  HF_ASSERT(!"an operator without words");
  return Phrase::eq;
}

Phrase tier_phrase_of(Op op) {
  switch (op) {
    case Op::lt: return Phrase::tier_lt;
    case Op::lte: return Phrase::tier_lte;
    case Op::gt: return Phrase::tier_gt;
    case Op::gte: return Phrase::tier_gte;
    default: return phrase_of(op, false);
  }
}

// A name that needs no quotes in English: it cannot be taken for several words.
bool is_plain_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '$';
  });
}

class Explaining {
 public:
  explicit Explaining(Language language) : language_(language) {}

  [[nodiscard]] std::string predicate(const Predicate& predicate) const {
    switch (predicate.kind) {
      case Predicate::Kind::all: return combined(predicate, Phrase::conjunction);
      case Predicate::Kind::any: return combined(predicate, Phrase::disjunction);
      case Predicate::Kind::negation: return negated(predicate.children.front());
      case Predicate::Kind::property:
        return condition(predicate, say(Phrase::property, name(predicate.property)));
      case Predicate::Kind::trait:
        return condition(predicate, say(predicate.at_event ? Phrase::trait_at_event : Phrase::trait,
                                        name(predicate.property)));
      case Predicate::Kind::system: return system_trait(predicate);
      case Predicate::Kind::behaviour: return behaviour(*predicate.behaviour);
    }
    HF_ASSERT(!"a predicate without words");
    return {};
  }

  [[nodiscard]] std::string matcher(const Matcher& matcher) const {
    std::string choices;
    std::vector<std::string> labels;
    for (const Matcher::Choice& choice : matcher.choices) {
      if (!choices.empty()) choices += say(Phrase::matcher_alternative);
      const std::string event = choice.event == "*" ? say(Phrase::any_event) : quoted(choice.event);
      choices +=
          choice.has_where ? say(Phrase::matcher_where, event, predicate(choice.where)) : event;
      std::string label = label_of_event(choice.event);
      if (std::ranges::find(labels, label) == labels.end()) labels.push_back(std::move(label));
    }
    const bool is_labelled = matcher.label != fmt::format("{}", fmt::join(labels, " or "));
    if (is_labelled) return say(Phrase::matcher_label, quoted(matcher.label), choices);
    return matcher.choices.size() > 1 ? say(Phrase::group, choices) : choices;
  }

 private:
  template <class... Args>
  [[nodiscard]] std::string say(Phrase phrase, const Args&... args) const {
    return fmt::format(fmt::runtime(text_of(phrase, language_)), args...);
  }

  // -- Names and values --------------------------------------------------------------------------

  [[nodiscard]] std::string quoted(std::string_view text) const {
    std::string json;
    append_json_text(json, text);
    if (language_ == Language::english) return json;
    constexpr std::string_view closing = "”";
    std::string chinese = "“";
    for (std::string_view left = std::string_view(json).substr(1, json.size() - 2);
         !left.empty();) {
      if (left.starts_with(closing)) chinese += '\\';
      const std::size_t taken = left.starts_with(closing) ? closing.size() : 1;
      chinese += left.substr(0, taken);
      left.remove_prefix(taken);
    }
    return chinese += closing;
  }

  [[nodiscard]] std::string name(std::string_view name) const {
    const bool is_bare = language_ == Language::english && is_plain_name(name);
    return is_bare ? std::string(name) : quoted(name);
  }

  // Of a stage, a layer, a stay or a tier.
  [[nodiscard]] std::string standing(std::string_view name) const {
    const auto texts = std::ranges::find(name_texts, name, &NameTexts::name);
    if (texts == std::end(name_texts)) return quoted(name);
    return std::string(language_ == Language::english ? texts->english : texts->chinese);
  }

  [[nodiscard]] std::string value(const Predicate& condition, const Scalar& value) const {
    const bool is_standing =
        condition.kind == Predicate::Kind::system && (!standing_names(condition.property).empty() ||
                                                      condition.property.starts_with(tier_prefix));
    if (is_standing) return standing(value.text);
    switch (value.kind) {
      case ValueKind::boolean: return say(value.boolean ? Phrase::yes : Phrase::no);
      case ValueKind::text: return quoted(value.text);
      default: return canonical_text(value.view());
    }
  }

  [[nodiscard]] std::string joined(const std::vector<std::string>& texts, Phrase between) const {
    return fmt::format("{}", fmt::join(texts, say(between)));
  }

  // -- Conditions --------------------------------------------------------------------------------

  [[nodiscard]] std::string condition(const Predicate& condition,
                                      const std::string& subject) const {
    std::vector<std::string> values;
    for (const Scalar& scalar : condition.values) values.push_back(value(condition, scalar));
    if (condition.op == Op::between) return say(Phrase::between, subject, values[0], values[1]);
    if (values.empty()) return say(phrase_of(condition.op, false), subject);
    std::string list = joined(values, Phrase::comma);
    if (condition.case_insensitive) list = say(Phrase::ignoring_case, list);
    const bool is_tier =
        condition.kind == Predicate::Kind::system && condition.property.starts_with(tier_prefix);
    return say(
        is_tier ? tier_phrase_of(condition.op) : phrase_of(condition.op, condition.value_is_list),
        subject, list);
  }

  [[nodiscard]] std::string system_trait(const Predicate& predicate) const {
    const std::string_view trait = predicate.property;
    const auto rest = [&](std::string_view prefix) { return trait.substr(prefix.size()); };
    if (trait == "stage") return condition(predicate, say(Phrase::stage));
    if (trait == "layer") return condition(predicate, say(Phrase::layer));
    if (trait == "stay") return condition(predicate, say(Phrase::stay));
    if (trait.starts_with(segment_prefix))
      return say(Phrase::segment, quoted(rest(segment_prefix)));
    if (trait.starts_with(consent_prefix))
      return say(Phrase::consent, quoted(rest(consent_prefix)));
    if (trait.starts_with(tier_prefix)) {
      return condition(predicate, say(Phrase::tier, quoted(rest(tier_prefix))));
    }
    if (trait.starts_with(balance_prefix)) {
      return condition(predicate, say(Phrase::balance, quoted(rest(balance_prefix))));
    }
    HF_ASSERT(trait.starts_with(score_prefix));
    return condition(predicate, say(Phrase::score, quoted(rest(score_prefix))));
  }

  // -- Combinations ------------------------------------------------------------------------------

  // Combinations within combinations stand in brackets: nobody has to know what binds tighter.
  [[nodiscard]] std::string combined(const Predicate& predicate, Phrase between) const {
    if (predicate.children.empty()) return say(Phrase::always);
    if (predicate.children.size() == 1) return this->predicate(predicate.children.front());
    std::vector<std::string> parts;
    for (const Predicate& child : predicate.children) {
      std::string part = this->predicate(child);
      parts.push_back(is_combination(child) ? say(Phrase::group, part) : std::move(part));
    }
    return joined(parts, between);
  }

  static bool is_combination(const Predicate& predicate) {
    if (predicate.kind != Predicate::Kind::all && predicate.kind != Predicate::Kind::any) {
      return false;
    }
    if (predicate.children.size() == 1) return is_combination(predicate.children.front());
    return !predicate.children.empty();
  }

  [[nodiscard]] std::string negated(const Predicate& denied) const {
    if (denied.kind == Predicate::Kind::behaviour &&
        denied.behaviour->kind == Behaviour::Kind::did && is_at_all(denied.behaviour->count)) {
      return say(Phrase::did_not, matcher(denied.behaviour->matchers.front()),
                 span(*denied.behaviour));
    }
    if (denied.kind == Predicate::Kind::system) {
      const std::string_view trait = denied.property;
      if (trait.starts_with(segment_prefix)) {
        return say(Phrase::not_segment, quoted(trait.substr(segment_prefix.size())));
      }
      if (trait.starts_with(consent_prefix)) {
        return say(Phrase::not_consent, quoted(trait.substr(consent_prefix.size())));
      }
    }
    return say(Phrase::negation, predicate(denied));
  }

  // -- Behaviours --------------------------------------------------------------------------------

  static constexpr std::int64_t unbounded = std::numeric_limits<std::int64_t>::max();
  static bool is_at_all(const Behaviour::Count& count) {
    return count.min == 1 && count.max == unbounded;
  }

  [[nodiscard]] std::string behaviour(const Behaviour& behaviour) const {
    const auto does = [&] { return matcher(behaviour.matchers.front()); };
    switch (behaviour.kind) {
      case Behaviour::Kind::did:
        return say(Phrase::did, does(), count(behaviour.count), span(behaviour));
      case Behaviour::Kind::first: return say(Phrase::first, does(), span(behaviour));
      case Behaviour::Kind::sequence: {
        std::vector<std::string> steps;
        for (const Matcher& step : behaviour.matchers) steps.push_back(matcher(step));
        return say(Phrase::sequence, joined(steps, Phrase::then), span(behaviour));
      }
      case Behaviour::Kind::regularly:
        return say(Phrase::regularly, does(), periods(behaviour, behaviour.at_least),
                   periods(behaviour, behaviour.last));
      case Behaviour::Kind::change: return change(behaviour);
    }
    HF_ASSERT(!"a behaviour without words");
    return {};
  }

  [[nodiscard]] std::string times(std::int64_t n) const {
    return n == 1 ? say(Phrase::once) : say(Phrase::times, n);
  }

  [[nodiscard]] std::string count(const Behaviour::Count& count) const {
    if (is_at_all(count)) return {};
    if (count.min == count.max) return say(Phrase::count_exactly, times(count.min));
    if (count.min == 0 && count.max == unbounded) return say(Phrase::count_any);
    if (count.min == 0) return say(Phrase::count_at_most, times(count.max));
    if (count.max == unbounded) return say(Phrase::count_at_least, times(count.min));
    return say(Phrase::count_between, times(count.min), times(count.max));
  }

  [[nodiscard]] std::string span(const Behaviour& behaviour) const {
    if (behaviour.within) return say(Phrase::within, duration(*behaviour.within));
    std::string text;
    if (const auto& from = behaviour.from) {
      text += say(behaviour.to ? Phrase::from : Phrase::from_alone, moment(*from));
    }
    if (const auto& to = behaviour.to) {
      text += say(to->day ? Phrase::to_day : Phrase::before, moment(*to));
    }
    return text;
  }

  [[nodiscard]] std::string change(const Behaviour& change) const {
    const std::string does = matcher(change.matchers.front());
    const std::string measure =
        change.of == Behaviour::ChangeOf::count
            ? say(Phrase::measure_count, does)
            : say(Phrase::measure_sum, does, say(Phrase::property, name(change.property)));
    const Phrase order = change.op == Op::lt    ? Phrase::below
                         : change.op == Op::lte ? Phrase::at_most
                         : change.op == Op::gt  ? Phrase::above
                                                : Phrase::at_least;
    const std::string against = change.benchmark
                                    ? say(Phrase::benchmark, change.benchmark->to_string())
                                    : say(Phrase::previous, duration(*change.within));
    return say(Phrase::change, measure, span(change), say(order), change.ratio.to_string(), against,
               change.significant ? say(Phrase::significant) : std::string());
  }

  // -- Times -------------------------------------------------------------------------------------

  [[nodiscard]] std::string counted(std::int64_t n, Phrase one, Phrase many) const {
    return n == 1 ? say(one) : say(many, n);
  }

  [[nodiscard]] std::string periods(const Behaviour& regularly, std::int64_t n) const {
    switch (regularly.unit) {
      case Behaviour::PeriodUnit::day: return counted(n, Phrase::day_one, Phrase::day_many);
      case Behaviour::PeriodUnit::week: return counted(n, Phrase::week_one, Phrase::week_many);
      case Behaviour::PeriodUnit::month: return counted(n, Phrase::month_one, Phrase::month_many);
      case Behaviour::PeriodUnit::quarter:
        return counted(n, Phrase::quarter_one, Phrase::quarter_many);
      case Behaviour::PeriodUnit::year: return counted(n, Phrase::year_one, Phrase::year_many);
    }
    HF_ASSERT(!"a unit without words");
    return {};
  }

  // Hours are not made days: 24 hours and a day differ where the clock changes.
  [[nodiscard]] std::string duration(const Duration& duration) const {
    std::vector<std::string> parts;
    const auto add = [&](std::int64_t n, Phrase one, Phrase many) {
      if (n != 0) parts.push_back(counted(n, one, many));
    };
    const bool in_years = duration.months % 12 == 0;
    add(in_years ? duration.months / 12 : 0, Phrase::year_one, Phrase::year_many);
    add(in_years ? 0 : duration.months, Phrase::month_one, Phrase::month_many);
    add(duration.days, Phrase::day_one, Phrase::day_many);
    add(duration.ms / 3'600'000, Phrase::hour_one, Phrase::hour_many);
    add(duration.ms / 60'000 % 60, Phrase::minute_one, Phrase::minute_many);
    add(duration.ms / 1'000 % 60, Phrase::second_one, Phrase::second_many);
    return joined(parts, Phrase::space);
  }

  [[nodiscard]] std::string date(Day day) const {
    constexpr std::array<std::string_view, 12> months = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December"};
    const CivilDate civil = civil_from_day(day);
    if (language_ == Language::chinese) {
      return fmt::format("{}年{}月{}日", civil.year, civil.month, civil.day);
    }
    return fmt::format("{} {} {}", civil.day, months[static_cast<std::size_t>(civil.month - 1)],
                       civil.year);
  }

  [[nodiscard]] std::string moment(const TimeBound& bound) const {
    if (bound.day) return date(*bound.day);
    const std::int64_t ms = bound.instant % ms_per_day;
    std::string clock = fmt::format("{:02}:{:02}", ms / 3'600'000, ms / 60'000 % 60);
    if (ms % 60'000 != 0) clock += fmt::format(":{:02}", ms / 1'000 % 60);
    if (ms % 1'000 != 0) clock += fmt::format(".{:03}", ms % 1'000);
    const std::string day = date(static_cast<Day>(bound.instant / ms_per_day));
    return language_ == Language::english ? fmt::format("{} {} UTC", day, clock)
                                          : fmt::format("{}{}（UTC）", day, clock);
  }

  Language language_;
};

}  // namespace

std::string explain(const Predicate& predicate, Language language) {
  return Explaining(language).predicate(predicate);
}

std::string explain(const Matcher& matcher, Language language) {
  return Explaining(language).matcher(matcher);
}

}  // namespace hf
