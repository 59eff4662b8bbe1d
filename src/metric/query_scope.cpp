// SPDX-License-Identifier: Apache-2.0
#include "metric/query_scope.h"

#include <utility>

#include "metric/sample.h"

namespace hf {
Result<QueryScope> QueryScope::find(const Snapshot& snapshot, const QueryContext& context,
                                    const CommonFields& common,
                                    std::span<const Matcher* const> matchers) {
  QueryScope scope;
  scope.when_ = {.zone = common.zone.get(),
                 .as_of_ms = common.as_of,
                 .guard = context.guard,
                 .threads = context.threads,
                 .postings = context.postings};
  if (common.people) {
    HF_TRY(scope.people_, find_people(snapshot, *common.people, scope.when_));
  }
  if (common.sample) {
    HF_TRY(PersonBitmap sampled, sampled_people(snapshot, *common.sample, *context.guard));
    if (scope.people_) sampled &= *scope.people_;
    scope.people_ = std::move(sampled);
  }
  std::vector<RowConditions::Question> asking;
  const auto note = [&](const Predicate& predicate, const Matcher* of) {
    if (asks_of_person(predicate)) asking.push_back({&predicate, of});
  };
  for (const Matcher* matcher : matchers) {
    note(common.where, matcher);
    for (const Matcher::Choice& choice : matcher->choices) {
      if (choice.has_where) note(choice.where, matcher);
    }
  }
  if (!asking.empty()) {
    HF_TRY(scope.conditions_, RowConditions::find(snapshot, asking, scope.when_));
  }
  return scope;
}

Result<std::unique_ptr<BoundQuestion>> BoundQuestion::bind(
    const Snapshot& snapshot, const QueryContext& context, const CommonFields& common,
    const QueryScope& scope, EventSelection selection, const GroupRules& rules) {
  auto question = std::make_unique<BoundQuestion>();
  question->selection = std::move(selection);
  question->selection.as_of = common.as_of;
  question->selection.conditions = scope.conditions();
  HF_TRY(question->groups,
         bind_breakdown(snapshot, scope.when(), common.breakdown, rules, question->selection));
  SourceRules source{
      .people = scope.people(), .unit_key = {}, .threads = context.threads, .guard = context.guard};
  if (!common.unit.empty()) {
    question->units = std::make_shared<BucketTable>();
    source.unit_key = question->selection.keys.size();
    question->selection.keys.push_back({common.unit, ~std::uint64_t{0}, question->units.get()});
  }
  HF_TRY(question->bound, BoundSelection::bind(snapshot, question->selection));
  HF_TRY(EventSource opened, EventSource::open(*question->bound, source));
  question->source.emplace(std::move(opened));
  return question;
}

}  // namespace hf
