// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/queries: questions under a name. Their answers are given where all are, in
// api_routes.cpp.
#include <optional>

#include "http/door_call.h"
#include "http/query_string.h"
#include "http/saved_query_api.h"

namespace hf::http {
namespace {

/// A query as it may be written, and what stands beside it.
constexpr std::size_t bytes_max = std::size_t{256} << 10;

}  // namespace

// What they read is large, and checking a question may compile patterns: the thread of the
// connection, which others share, does neither.

void Door::list_queries(Call& call) {
  answer_later(call, [this](Request&) -> Result<Response> {
    HF_TRY(std::string queries, query_list(state_));
    return json(std::move(queries));
  });
}

void Door::show_query(Call& call) {
  answer_later(call, [this, name = call.parameter](Request&) -> Result<Response> {
    HF_TRY(std::string query, shown_query(state_, name));
    return json(std::move(query));
  });
}

void Door::put_query(Call& call) {
  answer_later(call, [this, name = call.parameter, grant = call.grant](Request& request) {
    return change_state(
        request, grant, 200, bytes_max,
        [&](StateChange& change, const Env& env, std::string_view body) -> Result<AccessAnswer> {
          HF_TRY(const std::string by, saved_by(change, grant));
          return http::put_query(change, env, name, by, body);
        });
  });
}

void Door::remove_query(Call& call) {
  answer_later(
      call,
      [this, name = call.parameter, grant = call.grant](Request& request) -> Result<Response> {
        HF_TRY(const auto version, number_parameter(request.query, "version"));
        return change_state(request, grant, 200, bytes_max,
                            [&](StateChange& change, const Env&, std::string_view) {
                              return removed_query(change, name, version);
                            });
      });
}

}  // namespace hf::http
