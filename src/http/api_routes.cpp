// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/: questions, what was refused, what arrives, sources and keys.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/json.h"
#include "calendar/time_text.h"
#include "http/access_api.h"
#include "http/body.h"
#include "http/door_call.h"
#include "http/idempotency_key.h"
#include "http/query_string.h"
#include "metric/property_values.h"
#include "metric/query.h"
#include "metric/schema.h"
#include "service/remembered_answer.h"
#include "service/saved_queries.h"

namespace hf::http {
namespace {

/// The request was weighed against what there is, and lost: asked again under its name it is told
/// the same. Whatever is wrong with the request itself, or the server, is no decision.
bool is_decision(const Error& error) {
  if (error.reason == "locked") return false;  // The state's, by another program.
  switch (error.code) {
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::failed_precondition: return true;
    case ErrorCode::invalid_argument:
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
    case ErrorCode::resource_exhausted:
    case ErrorCode::unavailable:
    case ErrorCode::data_loss:
    case ErrorCode::in_doubt:
    case ErrorCode::cancelled: return false;
  }
  return false;
}

/// The answer with whether it was there already, and then with the time that telling it took.
std::string as_told(std::string_view answer, bool is_cached, std::int64_t elapsed_ns) {
  constexpr std::string_view name = "\"elapsed_ms\":";
  // What asks and data can put texts into comes behind it.
  const std::size_t begin = answer.find(name);
  HF_ASSERT(begin != std::string_view::npos);
  const std::size_t end = answer.find_first_of(",}", begin);
  const std::string elapsed =
      is_cached ? fmt::format("{}{}", name, static_cast<double>(elapsed_ns / 1000) / 1000.0)
                : std::string(answer.substr(begin, end - begin));
  return fmt::format("{}{},\"cached\":{}{}", answer.substr(0, begin), elapsed, is_cached,
                     answer.substr(end));
}

}  // namespace

void Door::query(Call& call) { ask(call, ""); }

void Door::answer_saved(Call& call) { ask(call, call.parameter); }

void Door::ask(Call& call, std::string saved) {
  const std::string id = call.request.id;
  const auto question =
      std::make_shared<Question>(std::move(call.request), call.reply, env_.clock.monotonic_ns());
  question->saved = std::move(saved);
  if (!enqueue([this, question] { answer_question(question); }, question->asker)) {
    return call.reply(problem({ErrorCode::resource_exhausted, "too_many_queries",
                               "more questions wait than are answered; ask again"},
                              id));
  }
  call.reply.when_gone([this, asker = question->asker] { leave(asker); });
}

Result<std::string> Door::question_text(Question& question) const {
  HF_TRY(std::string body, decoded_body(question.request, options_.body_bytes_max, 0));
  if (question.saved.empty()) return body;
  HF_TRY(const FoundQuery found, find_query(state_, question.saved));
  return with_other_fields(found.saved.query, body);
}

void Door::answer_question(const std::shared_ptr<Question>& question) {
  const auto guard = new_guard();
  // Not the guard alone: once others wait for the same it is theirs, too.
  const auto is_wanted = [&]() -> Result<void> {
    if (question->asker->has_left()) {
      return fail(ErrorCode::cancelled, "cancelled", "the client is gone");
    }
    return guard->check();
  };
  const auto begun = [&]() -> Result<void> {
    HF_CHECK(is_wanted());
    HF_TRY(const std::string text, question_text(*question));
    HF_TRY(const Workspace::Reading reading, workspace_.read());
    HF_CHECK(is_wanted());  // Reading may have waited, and not every question walks.
    const QueryContext context = context_of(reading, *guard);
    const auto canonical = canonical_question(text, context);
    const std::uint64_t version = reading.snapshot.data_version;
    const auto told = [this, question](const Result<KeptAnswer>& answer, bool is_shared) {
      tell(*question, answer, is_shared);
    };
    const auto place = answers_.place_for(version, canonical, guard, told);
    if (place.kept != nullptr) {
      told(place.kept, true);
      return {};
    }
    question->asker->when_leaving(
        [answering = place.answering, number = place.number] { answering->leave(number); });
    if (!place.leads) return {};
    answers_.finish(version, canonical, place.answering,
                    answer_query(reading.snapshot, context, text));
    return {};
  }();
  if (!begun) tell(*question, std::unexpected(begun.error()), false);
}

void Door::tell(const Question& question, const Result<KeptAnswer>& answer, bool is_cached) {
  if (answer) {
    counts_.queries.fetch_add(1);
    const std::int64_t elapsed_ns = env_.clock.monotonic_ns() - question.begun_ns;
    return question.reply(json(as_told(**answer, is_cached, elapsed_ns)));
  }
  const bool is_cancelled = answer.error().code == ErrorCode::cancelled;
  (is_cancelled ? counts_.cancelled_queries : counts_.failed_queries).fetch_add(1);
  question.reply(problem(answer.error(), question.request.id));
}

QueryContext Door::context_of(const Workspace::Reading& reading, WorkGuard& guard) const {
  return {.env = env_,
          .default_zone = reading.zone,
          .default_week_start = reading.store->settings().week_start,
          .guard = &guard};
}

void Door::schema(Call& call) {
  answer_later(call, [this](Request& request) -> Result<Response> {
    HF_TRY(const auto event, parameter(request.query, "event"));
    HF_TRY(const Workspace::Reading reading, workspace_.read());
    HF_TRY(const Schema schema, find_schema(reading.snapshot, event));
    const auto guard = new_guard();
    return json(schema_json(schema, reading.snapshot, context_of(reading, *guard)));
  });
}

void Door::schema_values(Call& call) {
  answer_later(call, [this](Request& request) -> Result<Response> {
    ValueQuery query;
    HF_TRY(const auto property, parameter(request.query, "property"));
    if (!property) {
      return fail(ErrorCode::invalid_argument, "bad_parameter", "property is missing");
    }
    query.property = *property;
    HF_TRY(query.event, parameter(request.query, "event"));
    HF_TRY(query.search, parameter(request.query, "search"));
    HF_TRY(const auto limit, number_parameter(request.query, "limit"));
    query.limit = limit.value_or(query.limit);
    HF_TRY(const Workspace::Reading reading, workspace_.read());
    const auto guard = new_guard();
    HF_TRY(std::string values, find_values(reading.snapshot, context_of(reading, *guard), query));
    return json(std::move(values));
  });
}

void Door::refusals(Call& call) {
  const auto answer = [&]() -> Result<std::string> {
    RefusalQuery query;
    HF_TRY(query.before, number_parameter(call.request.query, "before"));
    HF_TRY(const auto limit, number_parameter(call.request.query, "limit"));
    if (limit) query.limit = static_cast<std::size_t>(*limit);
    HF_TRY(query.source, parameter(call.request.query, "source"));
    HF_TRY(query.reason, parameter(call.request.query, "reason"));
    HF_TRY(const RefusalPage page, state_.refusals(query));
    HF_TRY(const RefusalCounts counts, state_.refusal_counts());
    JsonWriter out;
    out.begin_object();
    out.key("rejects").begin_array();
    for (const Refusal& refusal : page.refusals) {
      out.begin_object();
      out.key("id").integer(static_cast<std::int64_t>(refusal.id));
      out.key("received_at").text(format_rfc3339(refusal.received_ms, *Zone::utc()));
      out.key("source").text(refusal.source);
      out.key("reason").text(refusal.reason);
      out.key("message").text(refusal.message);
      out.key("text").text(refusal.text);
      out.end_object();
    }
    out.end_array();
    if (page.next_before) {
      out.key("next_before").integer(static_cast<std::int64_t>(*page.next_before));
    }
    out.key("kept").begin_array();
    for (const auto& kept : counts.kept) {
      out.begin_object();
      out.key("source").text(kept.source);
      out.key("reason").text(kept.reason);
      out.key("count").integer(static_cast<std::int64_t>(kept.count));
      out.end_object();
    }
    out.end_array();
    out.key("ever").begin_array();
    for (const auto& ever : counts.ever) {
      out.begin_object();
      out.key("source").text(ever.source);
      out.key("count").integer(static_cast<std::int64_t>(ever.count));
      out.end_object();
    }
    out.end_array();
    out.end_object();
    return out.take();
  }();
  call.answer(answer);
}

void Door::live(Call& call) {
  const auto stream = call.reply.stream(
      {.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}});
  (void)stream->write("retry: 2000\n\n");
  feed_.watch([stream](std::string_view kind, std::string_view json) {
    if (json.empty()) return stream->write(":\n\n");
    return stream->write(fmt::format("event: {}\ndata: {}\n\n", kind, json));
  });
}

void Door::list_sources(Call& call) { call.answer(source_list(state_)); }

void Door::add_source(Call& call) { change_access(call, 201, new_source); }

void Door::switch_source(Call& call) {
  change_access(call, 200, [&](StateChange& change, const Env&, std::string_view body) {
    return changed_source(change, call.parameter, body);
  });
}

void Door::list_keys(Call& call) {
  answer_later(call, [this](Request&) -> Result<Response> {
    (void)keyring_.flush();  // So that a key that was used just now does not look unused.
    HF_TRY(std::string keys, key_list(state_));
    return json(std::move(keys));
  });
}

void Door::create_key(Call& call) { change_access(call, 201, new_key); }

void Door::revoke_key(Call& call) {
  change_access(call, 200, [&](StateChange& change, const Env& env, std::string_view) {
    return revoked_key(change, env, call.parameter);
  });
}

void Door::change_access(Call& call, int status, const AccessChange& change) {
  constexpr std::size_t bytes_max = std::size_t{64} << 10;
  auto answer = change_state(call.request, call.grant, status, bytes_max, change,
                             [this] { return keyring_.reload(); });
  if (!answer) return call.refuse(answer.error());
  call.reply(*std::move(answer));
}

Result<Response> Door::change_state(Request& request, const Grant& grant, int status,
                                    std::size_t bytes_max, const AccessChange& change,
                                    const std::function<Result<void>()>& after) {
  HF_TRY(const auto name, idempotency_key_of(request));
  HF_TRY(const std::string body, decoded_body(request, bytes_max, 0));
  std::optional<NamedRequest> named;
  if (name) {
    const std::string target = request.path + (request.query.empty() ? "" : "?") + request.query;
    named = named_request(asker_of(grant), *name,
                          fmt::format("{} {}\n{}", request.method, target, body));
  }
  const auto decide = [&](StateChange& state) -> Result<Decision> {
    auto answer = change(state, env_, body);
    if (answer) {
      return Decision{answer->status.value_or(status), std::move(answer->text),
                      std::move(answer->kept)};
    }
    if (!is_decision(answer.error())) return std::unexpected(std::move(answer).error());
    Response refusal = problem(answer.error(), request.id);
    return Decision{refusal.status, std::move(refusal.body)};
  };
  HF_TRY(Decision made, decide_once(state_, env_, named, decide));
  if (made.status < 400 && after) HF_CHECK(after());
  Response response = json(std::move(made.text), made.status);
  if (made.status >= 400) response.content_type = "application/problem+json";
  if (made.is_replay) response.headers.push_back({"Idempotent-Replayed", "true"});
  return response;
}

void Door::run_command(Call& call) {
  const auto work = [this, reply = call.reply, id = call.request.id, body = call.request.body] {
    const auto answer = options_.run_command(body);
    reply(answer ? json(*answer) : problem(answer.error(), id));
  };
  if (!options_.run_command || !enqueue(work)) {
    call.refuse({ErrorCode::unavailable, "too_many_queries", "the server is busy; try again"});
  }
}

void Door::append_lines(Call& call) {
  const auto work = [this, reply = call.reply, id = call.request.id,
                     body = std::make_shared<std::string>(std::move(call.request.body))] {
    const auto answer = options_.append_lines(std::move(*body));
    reply(answer ? json(*answer) : problem(answer.error(), id));
  };
  if (!options_.append_lines || !enqueue(work)) {
    call.refuse({ErrorCode::unavailable, "too_many_queries", "the server is busy; try again"});
  }
}

}  // namespace hf::http
