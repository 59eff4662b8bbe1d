// SPDX-License-Identifier: Apache-2.0
#include "http/saved_query_api.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/json.h"
#include "calendar/time_text.h"
#include "metric/query_fields.h"

namespace hf::http {
namespace {

void put(JsonWriter& out, const FoundQuery& found) {
  const SavedQuery& query = found.saved;
  out.begin_object();
  out.key("name").text(query.name);
  out.key("title").text(query.title.empty() ? query.name : query.title);
  if (!query.description.empty()) out.key("description").text(query.description);
  out.key("query").raw(query.query);
  out.key("built_in").boolean(found.ready_made != nullptr);
  if (found.ready_made != nullptr) {
    out.key("translations").begin_object().key("zh").begin_object();
    out.key("title").text(found.ready_made->title_zh);
    out.key("description").text(found.ready_made->description_zh);
    out.end_object().end_object();
  } else {
    out.key("version").integer(static_cast<std::int64_t>(query.version));
    out.key("created_at").text(format_rfc3339(query.created_ms, *Zone::utc()));
    out.key("created_by").text(query.created_by);
    out.key("updated_at").text(format_rfc3339(query.updated_ms, *Zone::utc()));
    out.key("updated_by").text(query.updated_by);
  }
  out.end_object();
}

std::string text_of(const SavedQuery& query) {
  JsonWriter out;
  put(out, {query, nullptr});
  return out.take();
}

Result<QueryDraft> draft_of(std::string_view body) {
  constexpr auto known =
      std::to_array<std::string_view>({"title", "description", "query", "version"});
  constexpr std::int64_t version_max = std::int64_t{1} << 53;  // What each JSON reader can tell.
  HF_TRY(const Json json, parse_json(body));
  HF_CHECK(check_fields(json, "", known));
  QueryDraft draft;
  HF_TRY(const auto title, text_field(json, "title", ""));
  HF_TRY(const auto description, text_field(json, "description", ""));
  HF_TRY(const auto version, integer_field(json, "version", "", 0, version_max));
  const Json* const query = json.find("query");
  if (query == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field", "what is saved is a query", "/query");
  }
  draft.title = title.value_or("");
  draft.description = description.value_or("");
  if (version) draft.version = static_cast<std::uint64_t>(*version);
  draft.query = *query;
  return draft;
}

}  // namespace

Result<std::string> query_list(const StateView& state) {
  HF_TRY(const auto queries, list_queries(state));
  JsonWriter out;
  out.begin_object().key("queries").begin_array();
  for (const FoundQuery& query : queries) put(out, query);
  out.end_array().end_object();
  return out.take();
}

Result<std::string> shown_query(const StateView& state, std::string_view name) {
  HF_TRY(const FoundQuery query, find_query(state, name));
  JsonWriter out;
  put(out, query);
  return out.take();
}

Result<AccessAnswer> put_query(StateChange& change, const Env& env, std::string_view name,
                               std::string_view by, std::string_view body) {
  HF_TRY(const QueryDraft draft, draft_of(body));
  HF_TRY(const auto before, change.saved_query(name));
  HF_TRY(const SavedQuery saved, save_query(change, env, name, draft, by));
  return AccessAnswer{.text = text_of(saved), .status = before ? 200 : 201};
}

Result<AccessAnswer> removed_query(StateChange& change, std::string_view name,
                                   std::optional<std::uint64_t> version) {
  HF_TRY(const SavedQuery removed, remove_query(change, name, version));
  return AccessAnswer{.text = text_of(removed)};
}

}  // namespace hf::http
