// SPDX-License-Identifier: Apache-2.0
#include "service/answer_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace hf {
namespace {

void sort_members(Json& json) {
  for (Json& each : json.array) sort_members(each);
  for (auto& [name, value] : json.object) sort_members(value);
  std::ranges::sort(json.object, {}, &Json::Member::first);
}

std::size_t bytes_of(const std::string& question, const std::string& answer) {
  constexpr std::size_t beside = 256;  // Of the maps and lists, about.
  return question.size() + answer.size() + beside;
}

}  // namespace

std::optional<std::string> canonical_question(std::string_view query_json,
                                              const QueryContext& context) {
  auto json = parse_json(query_json);
  if (!json || !json->is_object() || json->find("as_of") == nullptr || context.explain) {
    return std::nullopt;
  }
  sort_members(*json);
  JsonWriter out;
  out.begin_array();
  out.text(context.default_zone->name());
  out.integer(static_cast<std::int64_t>(context.default_week_start));
  out.json(*json).end_array();
  return out.take();
}

SharedAnswering::SharedAnswering(std::shared_ptr<WorkGuard> guard, Tell tell)
    : guard_(std::move(guard)) {
  state_.lock()->waiting.emplace(leader, std::move(tell));
}

std::optional<std::uint64_t> SharedAnswering::join(Tell tell) {
  const auto state = state_.lock();
  if (state->waiting.empty()) return std::nullopt;
  const std::uint64_t number = state->next++;
  state->waiting.emplace(number, std::move(tell));
  return number;
}

void SharedAnswering::leave(std::uint64_t number) {
  Tell tell;
  {
    const auto state = state_.lock();
    const auto found = state->waiting.find(number);
    if (found == state->waiting.end()) return;
    tell = std::move(found->second);
    state->waiting.erase(found);
    if (state->waiting.empty()) guard_->cancel();
  }
  tell(fail(ErrorCode::cancelled, "cancelled", "nobody waits for the answer any more"),
       number != leader);
}

void SharedAnswering::tell_all(const Result<KeptAnswer>& answer) {
  const auto waiting = state_.with([](State& state) { return std::exchange(state.waiting, {}); });
  for (const auto& [number, tell] : waiting) tell(answer, number != leader);
}

void AnswerCache::State::come_to(std::uint64_t version) {
  if (version <= data_version) return;
  data_version = version;
  entries.clear();
  used.clear();
  counts.answers = 0;
  counts.bytes = 0;
}

void AnswerCache::State::forget_oldest() {
  const auto oldest = entries.find(*used.back());
  counts.bytes -= bytes_of(oldest->first, *oldest->second.answer);
  --counts.answers;
  used.pop_back();
  entries.erase(oldest);
}

namespace {

/// Computations of different data have nothing in common.
std::string answering_key(std::uint64_t data_version, const std::string& question) {
  return fmt::format("{} {}", data_version, question);
}

}  // namespace

AnswerCache::Place AnswerCache::place_for(std::uint64_t data_version,
                                          std::optional<std::string> question,
                                          const std::shared_ptr<WorkGuard>& guard,
                                          SharedAnswering::Tell tell) {
  if (!question) {
    return {{}, std::make_shared<SharedAnswering>(guard, std::move(tell)), 0, true};
  }
  const auto state = state_.lock();
  state->come_to(data_version);
  if (data_version == state->data_version) {
    if (const auto found = state->entries.find(*question); found != state->entries.end()) {
      ++state->counts.hits;
      state->used.splice(state->used.begin(), state->used, found->second.place);
      return {found->second.answer, {}, 0, false};
    }
  }
  auto& answering = state->answering[answering_key(data_version, *question)];
  if (answering != nullptr) {
    if (const auto number = answering->join(tell)) {
      ++state->counts.hits;
      return {{}, answering, *number, false};
    }
  }
  ++state->counts.misses;
  answering = std::make_shared<SharedAnswering>(guard, std::move(tell));
  return {{}, answering, SharedAnswering::leader, true};
}

void AnswerCache::finish(std::uint64_t data_version, const std::optional<std::string>& question,
                         const std::shared_ptr<SharedAnswering>& answering,
                         Result<std::string> answer) {
  Result<KeptAnswer> told;
  if (answer) {
    told = std::make_shared<const std::string>(*std::move(answer));
  } else {
    told = std::unexpected(std::move(answer).error());
  }
  if (question) {
    const auto state = state_.lock();
    // One that was given up may have been followed by another.
    const auto found = state->answering.find(answering_key(data_version, *question));
    if (found != state->answering.end() && found->second == answering) {
      state->answering.erase(found);
    }
    const std::size_t bytes = told ? bytes_of(*question, **told) : 0;
    if (told && data_version == state->data_version && bytes <= bytes_max_ / 4 &&
        !state->entries.contains(*question)) {
      while (state->counts.bytes + bytes > bytes_max_) state->forget_oldest();
      const auto kept = state->entries.emplace(*question, Entry{*told, {}}).first;
      kept->second.place = state->used.insert(state->used.begin(), &kept->first);
      state->counts.bytes += bytes;
      ++state->counts.answers;
    }
  }
  answering->tell_all(told);
}

AnswerCache::Counts AnswerCache::counts() const { return state_.lock()->counts; }

}  // namespace hf
