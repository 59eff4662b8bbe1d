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

void Door::list_queries(Call& call) { call.answer(query_list(state_)); }

void Door::show_query(Call& call) { call.answer(shown_query(state_, call.parameter)); }

void Door::put_query(Call& call) {
  change_state(
      call, 200, bytes_max,
      [&](StateChange& change, const Env& env, std::string_view body) -> Result<AccessAnswer> {
        HF_TRY(const std::string by, saved_by(change, call.grant));
        return http::put_query(change, env, call.parameter, by, body);
      });
}

void Door::remove_query(Call& call) {
  const auto version = number_parameter(call.request.query, "version");
  if (!version) return call.refuse(version.error());
  change_state(call, 200, bytes_max, [&](StateChange& change, const Env&, std::string_view) {
    return removed_query(change, call.parameter, *version);
  });
}

}  // namespace hf::http
