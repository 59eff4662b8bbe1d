// SPDX-License-Identifier: Apache-2.0
//
// What those ask who watch over the server: /healthz, /readyz, /metrics.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/json.h"
#include "http/door_call.h"

namespace hf::http {
namespace {

/// Prometheus' text format 0.0.4.
class MetricText {
 public:
  template <class Value>
  void add(std::string_view name, std::string_view type, std::string_view help, Value value) {
    text_ += fmt::format("# HELP holdfast_{0} {1}\n# TYPE holdfast_{0} {2}\nholdfast_{0} {3}\n",
                         name, help, type, value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

void Door::health(Call& call) {
  call.reply({.content_type = "text/plain; charset=utf-8", .body = "ok\n"});
}

void Door::readiness(Call& call) {
  const Workspace::Status status = workspace_.status();
  JsonWriter out;
  out.begin_object();
  out.key("ready").boolean(status.writable);
  out.key("writable").boolean(status.writable);
  out.end_object();
  call.reply(json(out.take(), status.writable ? 200 : 503));
}

void Door::metrics(Call& call) {
  const Workspace::Status status = workspace_.status();
  MetricText out;
  out.add("events_appended_total", "counter", "Events made durable since the start.",
          status.appended);
  out.add("events_duplicate_total", "counter", "Events known by their message id.",
          status.duplicates);
  out.add("events_refused_total", "counter", "Events set aside with a reason.",
          counts_.refused_events.load());
  out.add("append_groups_total", "counter", "Groups of events made durable together.",
          status.groups);
  out.add("append_waiting_bytes", "gauge", "Of events that wait to be written.",
          status.waiting_bytes);
  out.add("append_oldest_wait_seconds", "gauge", "How long the first of them has waited.",
          static_cast<double>(status.oldest_wait_ms) / 1e3);
  out.add("writable", "gauge", "1 while events can be written.", status.writable ? 1 : 0);
  out.add("head_events", "gauge", "Events not yet in parts.", status.head_rows);
  out.add("parts", "gauge", "Parts of the store.", status.parts);
  out.add("log_records", "gauge", "Records of the log since its beginning.", status.log_end - 1);
  out.add("queries_total", "counter", "Questions answered.", counts_.queries.load());
  out.add("queries_failed_total", "counter", "Questions refused or failed.",
          counts_.failed_queries.load());
  out.add("queries_cancelled_total", "counter", "Questions whose client was gone.",
          counts_.cancelled_queries.load());
  const AnswerCache::Counts answers = answers_.counts();
  out.add("queries_cache_hits_total", "counter",
          "Questions answered by what was computed for another.", answers.hits);
  out.add("queries_cache_misses_total", "counter",
          "Questions that name their as_of and had to be computed.", answers.misses);
  out.add("queries_cache_bytes", "gauge", "Of answers that are kept.", answers.bytes);
  out.add("requests_unauthorized_total", "counter", "Requests without the key they need.",
          counts_.unauthorized.load());
  out.add("requests_shed_total", "counter", "Requests turned away because events wait.",
          counts_.shed.load());
  out.add("live_watchers", "gauge", "Clients that watch events arrive.", feed_.watchers());
  if (server_ != nullptr) {
    const Server::Counts counts = server_->counts();
    out.add("connections", "gauge", "Open connections.", counts.connections);
    out.add("connections_accepted_total", "counter", "Connections accepted.", counts.accepted);
    out.add("connections_turned_away_total", "counter", "Connections over a limit.",
            counts.turned_away);
    out.add("requests_total", "counter", "Requests that were whole.", counts.requests);
    out.add("requests_malformed_total", "counter", "Requests that were no HTTP we take.",
            counts.malformed);
    out.add("connections_timed_out_total", "counter", "Connections that were too slow.",
            counts.timed_out);
    out.add("request_body_bytes", "gauge", "Bytes of request bodies held.", counts.body_bytes);
  }
  call.reply({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = out.take()});
}

}  // namespace hf::http
