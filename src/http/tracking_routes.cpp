// SPDX-License-Identifier: Apache-2.0
//
// POST /v1/identify .. /v1/batch: events as Segment's SDKs send them. 200 is said when they are
// durable and what was refused is noted down.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/json.h"
#include "base/utf8.h"
#include "event/tracking_body.h"
#include "http/body.h"
#include "http/door_call.h"

namespace hf::http {
namespace {

constexpr std::size_t refused_told_max = 100;

struct RefusedPlace {
  std::size_t index;
  std::string_view reason;
};

Response accepted(const std::vector<RefusedPlace>& refused) {
  JsonWriter out;
  out.begin_object();
  out.key("success").boolean(true);
  if (!refused.empty()) {
    out.key("refused_count").integer(static_cast<std::int64_t>(refused.size()));
    out.key("refused").begin_array();
    for (std::size_t i = 0; i < std::min(refused.size(), refused_told_max); ++i) {
      out.begin_object();
      out.key("index").integer(static_cast<std::int64_t>(refused[i].index));
      out.key("reason").text(refused[i].reason);
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
  return json(out.take());
}

}  // namespace

void Door::track(Call& call) {
  const auto answer = [reply = call.reply](Response response) {
    reply(for_any_page(std::move(response)));
  };
  const auto refuse = [answer, id = call.request.id](const Error& error) {
    answer(problem(error, id));
  };
  const auto endpoint =
      tracking_endpoint(call.request.path.substr(std::string_view("/v1/").size()));
  const TimestampMs now = env_.clock.now_ms();

  std::optional<Grant> grant;
  if (const auto token = key_of(call.request)) {
    auto checked = authorize_write(*token, keyring_, now);
    if (!checked) {
      counts_.unauthorized.fetch_add(1);
      return refuse(checked.error());
    }
    grant = *std::move(checked);
    call.note(*grant);
  }
  // Before there is work done for it.
  if (const auto status = workspace_.status();
      !status.writable || status.oldest_wait_ms > options_.queue_age_ms_max) {
    counts_.shed.fetch_add(1);
    return refuse(
        status.writable
            ? Error{ErrorCode::unavailable, "overloaded",
                    fmt::format("events wait for {} ms", status.oldest_wait_ms)}
            : Error{ErrorCode::unavailable, "not_writable", "events cannot be written at present"});
  }
  auto bytes = decoded_body(call.request, options_.body_bytes_max, TrackingBody::padding_bytes);
  if (!bytes) return refuse(bytes.error());
  auto body = TrackingBody::open(*endpoint, *std::move(bytes), now);
  if (!body) return refuse(body.error());
  if (!grant) {
    auto checked = authorize_write(body->write_key().value_or(""), keyring_, now);
    if (!checked) {
      counts_.unauthorized.fetch_add(1);
      return refuse(checked.error());
    }
    grant = *std::move(checked);
    call.note(*grant);
  }

  if (const auto wait_s =
          rate_limit_.take(grant->id, body->item_count(), env_.clock.monotonic_ns())) {
    counts_.shed.fetch_add(1);
    Response response = problem({ErrorCode::resource_exhausted, "too_many_requests",
                                 "this key sends more events than it may"},
                                call.request.id);
    for (Header& header : response.headers) {
      if (header.name == "Retry-After") header.value = fmt::format("{}", *wait_s);
    }
    return answer(std::move(response));
  }

  PreparedEvents events(workspace_.hash_key(), grant->source);
  std::vector<Refusal> refusals;
  std::vector<RefusedPlace> refused;
  std::string first_message;
  const bool is_watched = feed_.is_watched();
  while (true) {
    const auto item = body->next();
    if (std::holds_alternative<End>(item)) break;
    if (const auto* event = std::get_if<TrackingEvent>(&item)) {
      events.add(event->event);
      if (is_watched) feed_.show(grant->source, event->event, now);
      continue;
    }
    const auto& refusal = std::get<RefusedItem>(item);
    if (refused.empty()) first_message = refusal.message;
    refused.push_back({refusal.index, refusal.reason});
    refusals.push_back({.id = 0,
                        .received_ms = now,
                        .source = grant->source,
                        .reason = std::string(refusal.reason),
                        .message = refusal.message,
                        .text = repaired_utf8(refusal.text.substr(0, refusal_text_bytes_max))});
    if (is_watched) feed_.show(refusals.back());
  }
  counts_.refused_events.fetch_add(refused.size());

  if (events.empty()) {
    const Error error{ErrorCode::invalid_argument, refused.front().reason,
                      refused.size() == 1
                          ? first_message
                          : fmt::format("none of {} items can be taken; the first: {}",
                                        refused.size(), first_message)};
    const auto kept = refusal_log_.add(std::move(refusals), [refuse, error](Result<void> noted) {
      refuse(noted ? error : noted.error());
    });
    if (!kept) refuse(kept.error());
    return;
  }
  const std::size_t count = events.size();
  const auto written =
      [this, open = stay_open(), answer, refuse, count, refusals = std::move(refusals),
       refused = std::move(refused)](Result<std::vector<Appender::Outcome>> outcomes) mutable {
        if (!outcomes) {
          counts_.shed.fetch_add(1);
          return refuse(outcomes.error());
        }
        counts_.accepted_events.fetch_add(count);
        if (refusals.empty()) return answer(accepted(refused));
        const auto kept =
            refusal_log_.add(std::move(refusals), [answer, refuse, refused](Result<void> noted) {
              if (noted) {
                answer(accepted(refused));
              } else {
                refuse(noted.error());
              }
            });
        if (!kept) refuse(kept.error());
      };
  if (const auto taken = workspace_.submit(std::move(events), written); !taken) {
    counts_.shed.fetch_add(1);
    refuse(taken.error());
  }
}

}  // namespace hf::http
