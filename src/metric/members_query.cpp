// SPDX-License-Identifier: Apache-2.0
#include "metric/members_query.h"

#include <fmt/format.h>

#include <limits>

#include "metric/query_fields.h"

namespace hf {
namespace {

Result<BucketPath> parse_bucket(const Json& bucket, std::size_t dimensions) {
  const std::string place = "/members/cell/bucket";
  if (!bucket.is_array()) return wrong_type(bucket, place, "an array as in the answer");
  if (bucket.array.size() != dimensions) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("a bucket has a value for each dimension, here: {}", dimensions),
                place);
  }
  BucketPath path;
  for (std::size_t i = 0; i < bucket.array.size(); ++i) {
    const Json& value = bucket.array[i];
    if (value.is_null()) {
      path.push_back({Bucket::Kind::missing, {}});
    } else if (value.is_text()) {
      path.push_back({Bucket::Kind::value, value.text});
    } else if (value.is_object() && value.find("other") != nullptr) {
      path.push_back({Bucket::Kind::other, {}});
    } else {
      return wrong_type(value, pointer_to(place, i), "a text, null or {\"other\": true}");
    }
  }
  return path;
}

}  // namespace

Result<std::optional<MembersRequest>> parse_members(const Json& query, std::size_t dimensions) {
  const Json* members = query.find("members");
  if (members == nullptr) return std::nullopt;
  constexpr auto known =
      std::to_array<std::string_view>({"cell", "data_version", "limit", "cursor"});
  HF_CHECK(check_fields(*members, "/members", known));
  MembersRequest request;
  const Json* cell = members->find("cell");
  if (cell == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field", "members names a cell of the answer",
                "/members/cell");
  }
  if (!cell->is_object()) return wrong_type(*cell, "/members/cell", "an object");
  request.cell = *cell;
  if (const Json* bucket = cell->find("bucket")) {
    HF_TRY(request.bucket, parse_bucket(*bucket, dimensions));
  }
  HF_TRY(const auto version, integer_field(*members, "data_version", "/members", 0,
                                           std::numeric_limits<std::int64_t>::max()));
  if (version) request.data_version = static_cast<std::uint64_t>(*version);
  HF_TRY(const auto limit,
         integer_field(*members, "limit", "/members", 1, MembersRequest::limit_max));
  request.limit = static_cast<std::size_t>(limit.value_or(MembersRequest::limit_default));
  HF_TRY(const auto cursor, text_field(*members, "cursor", "/members"));
  request.cursor = cursor.value_or("");
  return request;
}

}  // namespace hf
