// SPDX-License-Identifier: Apache-2.0
//
// The sentences predicates are told in: one table, each row in both languages, so that no text can
// be there in one and missing in the other. Private to the folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/language.h"

namespace hf {

enum class Phrase : std::uint8_t {
  // Conditions: {0} is the subject, {1} the value or the list of values.
  eq,
  eq_list,
  ne,
  ne_list,
  lt,
  lte,
  gt,
  gte,
  between,
  in,
  not_in,
  contains,
  contains_list,
  not_contains,
  not_contains_list,
  starts_with,
  starts_with_list,
  ends_with,
  ends_with_list,
  matches,
  exists,
  not_exists,
  tier_lt,
  tier_lte,
  tier_gt,
  tier_gte,
  ignoring_case,
  // Subjects: {0} is a name.
  property,
  trait,
  trait_at_event,
  stage,
  layer,
  stay,
  tier,
  balance,
  score,
  // Whole conditions.
  segment,
  not_segment,
  consent,
  not_consent,
  // Combinations.
  always,
  conjunction,
  disjunction,
  group,
  negation,
  // Matchers.
  any_event,
  matcher_where,
  matcher_alternative,
  matcher_label,
  // Behaviours: {0} is the matcher, {1} how often, {2} when.
  did,
  did_not,
  first,
  sequence,
  then,
  regularly,
  change,
  // How often: {0} times, {1} the upper bound.
  once,
  times,
  count_at_least,
  count_at_most,
  count_exactly,
  count_between,
  count_any,
  // When.
  within,
  from,
  from_alone,
  to_day,
  before,
  // Of a change.
  measure_count,
  measure_sum,
  below,
  at_most,
  above,
  at_least,
  previous,
  benchmark,
  significant,
  // Values and lengths of time.
  yes,
  no,
  comma,
  year_one,
  year_many,
  quarter_one,
  quarter_many,
  month_one,
  month_many,
  week_one,
  week_many,
  day_one,
  day_many,
  hour_one,
  hour_many,
  minute_one,
  minute_many,
  second_one,
  second_many,
  space,
};

struct PhraseTexts {
  Phrase phrase;
  std::string_view english;
  std::string_view chinese;
};

inline constexpr PhraseTexts phrase_texts[] = {
    {Phrase::eq, "{0} is {1}", "{0}是{1}"},
    {Phrase::eq_list, "{0} is any of {1}", "{0}是{1}中的任意一个"},
    {Phrase::ne, "{0} is not {1} (or is missing)", "{0}不是{1}（或没有值）"},
    {Phrase::ne_list, "{0} is none of {1} (or is missing)", "{0}不是{1}中的任何一个（或没有值）"},
    {Phrase::lt, "{0} is below {1}", "{0}小于{1}"},
    {Phrase::lte, "{0} is at most {1}", "{0}不大于{1}"},
    {Phrase::gt, "{0} is above {1}", "{0}大于{1}"},
    {Phrase::gte, "{0} is at least {1}", "{0}不小于{1}"},
    {Phrase::between, "{0} is from {1} to {2} (both included)", "{0}在{1}到{2}之间（含两端）"},
    {Phrase::in, "{0} is one of {1}", "{0}是{1}之一"},
    {Phrase::not_in, "{0} is not one of {1} (or is missing)", "{0}不是{1}之一（或没有值）"},
    {Phrase::contains, "{0} contains {1}", "{0}包含{1}"},
    {Phrase::contains_list, "{0} contains any of {1}", "{0}包含{1}中的任意一个"},
    {Phrase::not_contains, "{0} does not contain {1} (or is missing)", "{0}不包含{1}（或没有值）"},
    {Phrase::not_contains_list, "{0} contains none of {1} (or is missing)",
     "{0}不包含{1}中的任何一个（或没有值）"},
    {Phrase::starts_with, "{0} starts with {1}", "{0}以{1}开头"},
    {Phrase::starts_with_list, "{0} starts with any of {1}", "{0}以{1}中的任意一个开头"},
    {Phrase::ends_with, "{0} ends with {1}", "{0}以{1}结尾"},
    {Phrase::ends_with_list, "{0} ends with any of {1}", "{0}以{1}中的任意一个结尾"},
    {Phrase::matches, "{0} matches the regular expression {1}", "{0}匹配正则表达式{1}"},
    {Phrase::exists, "{0} has a value", "{0}有值"},
    {Phrase::not_exists, "{0} has no value", "{0}没有值"},
    {Phrase::tier_lt, "{0} is below {1}", "{0}低于{1}"},
    {Phrase::tier_lte, "{0} is at most {1}", "{0}不高于{1}"},
    {Phrase::tier_gt, "{0} is above {1}", "{0}高于{1}"},
    {Phrase::tier_gte, "{0} is at least {1}", "{0}不低于{1}"},
    {Phrase::ignoring_case, "{0} (ignoring case)", "{0}（不区分大小写）"},

    {Phrase::property, "{0}", "事件属性{0}"},
    {Phrase::trait, "the trait {0}", "用户属性{0}"},
    {Phrase::trait_at_event, "the trait {0} at the time of the event", "事件发生时的用户属性{0}"},
    {Phrase::stage, "the lifecycle stage", "生命周期阶段"},
    {Phrase::layer, "the layer", "用户分层"},
    {Phrase::stay, "the type of stay", "停留类型"},
    {Phrase::tier, "the tier in the programme {0}", "计划{0}中的等级"},
    {Phrase::balance, "the balance of {0}", "{0}的余额"},
    {Phrase::score, "the score {0}", "评分{0}"},

    {Phrase::segment, "is in the segment {0}", "属于用户分群{0}"},
    {Phrase::not_segment, "is not in the segment {0}", "不属于用户分群{0}"},
    {Phrase::consent, "has given consent to {0}", "已同意{0}"},
    {Phrase::not_consent, "has not given consent to {0}", "未同意{0}"},

    {Phrase::always, "anything holds", "任何情况都成立"},
    {Phrase::conjunction, " and ", "，并且"},
    {Phrase::disjunction, " or ", "，或者"},
    {Phrase::group, "({0})", "（{0}）"},
    {Phrase::negation, "not ({0})", "并非（{0}）"},

    {Phrase::any_event, "any event", "任意事件"},
    {Phrase::matcher_where, "{0} where ({1})", "{0}（其中{1}）"},
    {Phrase::matcher_alternative, " or ", "或"},
    {Phrase::matcher_label, "{0} (that is, {1})", "{0}（即{1}）"},

    {Phrase::did, "did {0}{1}{2}", "{2}做过{0}{1}"},
    {Phrase::did_not, "did not do {0}{1}", "{1}没有做过{0}"},
    {Phrase::first, "did {0} for the first time ever{1}", "{1}有史以来第一次做{0}"},
    {Phrase::sequence, "did in this order ({0}){1}", "{1}依次做过（{0}）"},
    {Phrase::then, ", then ", "，然后"},
    {Phrase::regularly, "did {0} in at least {1} of the last {2}", "在过去{2}中至少{1}做过{0}"},
    {Phrase::change, "{0}{1} is {2} {3} times {4}{5}", "{1}{0}{2}{4}的{3}倍{5}"},

    {Phrase::once, "once", "1次"},
    {Phrase::times, "{0} times", "{0}次"},
    {Phrase::count_at_least, " at least {0}", "至少{0}"},
    {Phrase::count_at_most, " at most {0}", "至多{0}"},
    {Phrase::count_exactly, " exactly {0}", "恰好{0}"},
    {Phrase::count_between, " at least {0} and at most {1}", "至少{0}、至多{1}"},
    {Phrase::count_any, " any number of times (or never)", "任意次（或从未）"},

    {Phrase::within, " in the last {0}", "在过去{0}内"},
    {Phrase::from, " from {0}", "自{0}起"},
    {Phrase::from_alone, " from {0} onwards", "自{0}起"},
    {Phrase::to_day, " to the end of {0}", "至{0}结束时"},
    {Phrase::before, " before {0}", "在{0}之前"},

    {Phrase::measure_count, "the number of {0}", "{0}的次数"},
    {Phrase::measure_sum, "the sum of {1} over {0}", "{0}的{1}之和"},
    {Phrase::below, "below", "低于"},
    {Phrase::at_most, "at most", "不高于"},
    {Phrase::above, "above", "高于"},
    {Phrase::at_least, "at least", "不低于"},
    {Phrase::previous, "that of the {0} before", "此前{0}"},
    {Phrase::benchmark, "the benchmark {0}", "基准值{0}"},
    {Phrase::significant, " (by more than chance explains)", "（且超出偶然波动）"},

    {Phrase::yes, "true", "真"},
    {Phrase::no, "false", "假"},
    {Phrase::comma, ", ", "、"},
    {Phrase::year_one, "1 year", "1年"},
    {Phrase::year_many, "{0} years", "{0}年"},
    {Phrase::quarter_one, "1 quarter", "1个季度"},
    {Phrase::quarter_many, "{0} quarters", "{0}个季度"},
    {Phrase::month_one, "1 month", "1个月"},
    {Phrase::month_many, "{0} months", "{0}个月"},
    {Phrase::week_one, "1 week", "1周"},
    {Phrase::week_many, "{0} weeks", "{0}周"},
    {Phrase::day_one, "1 day", "1天"},
    {Phrase::day_many, "{0} days", "{0}天"},
    {Phrase::hour_one, "1 hour", "1小时"},
    {Phrase::hour_many, "{0} hours", "{0}小时"},
    {Phrase::minute_one, "1 minute", "1分钟"},
    {Phrase::minute_many, "{0} minutes", "{0}分钟"},
    {Phrase::second_one, "1 second", "1秒"},
    {Phrase::second_many, "{0} seconds", "{0}秒"},
    {Phrase::space, " ", "又"},
};

// A name that Holdfast gives, as people call it.
struct NameTexts {
  std::string_view name;
  std::string_view english;
  std::string_view chinese;
};
inline constexpr NameTexts name_texts[] = {
    {"prospect", "prospect", "潜在用户"},
    {"registered", "registered", "注册期"},
    {"growing", "growing", "成长期"},
    {"active", "active", "活跃期"},
    {"stable", "stable", "稳定期"},
    {"at_risk", "at risk", "潜在流失"},
    {"grace", "grace", "缓期"},
    {"dormant", "dormant", "沉睡"},
    {"churned", "churned", "流失"},
    {"returned", "returned", "回流"},
    {"potential", "potential", "潜在"},
    {"active_user", "active user", "活跃"},
    {"core", "core", "核心"},
    {"loyal", "loyal", "忠诚"},
    {"short_stay", "short stay", "短期"},
    {"long_stay", "long stay", "长期"},
    {"undecided", "undecided", "待定"},
    {"bronze", "bronze", "青铜"},
    {"silver", "silver", "白银"},
    {"gold", "gold", "黄金"},
};

// Every phrase has its row at its place, both texts, and the same gaps in both.
consteval bool phrases_are_whole() {
  const auto gaps = [](std::string_view text) {
    unsigned found = 0;
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
      if (text[i] == '{' && text[i + 2] == '}') found |= 1u << (text[i + 1] - '0');
    }
    return found;
  };
  std::size_t place = 0;
  for (const PhraseTexts& texts : phrase_texts) {
    if (static_cast<std::size_t>(texts.phrase) != place++) return false;
    if (texts.english.empty() || texts.chinese.empty()) return false;
    if (gaps(texts.english) != gaps(texts.chinese)) return false;
  }
  return place == static_cast<std::size_t>(Phrase::space) + 1;
}
static_assert(phrases_are_whole());

[[nodiscard]] constexpr std::string_view text_of(Phrase phrase, Language language) {
  const PhraseTexts& texts = phrase_texts[static_cast<std::size_t>(phrase)];
  return language == Language::english ? texts.english : texts.chinese;
}

}  // namespace hf
