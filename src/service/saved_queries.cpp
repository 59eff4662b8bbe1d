// SPDX-License-Identifier: Apache-2.0
#include "service/saved_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "metric/common_fields.h"
#include "metric/query.h"
#include "metric/query_fields.h"

namespace hf {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

/// Also those of two bytes in UTF-8, U+0080 to U+009F: a terminal obeys them.
bool has_control(std::string_view text, std::string_view allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_long_control =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    const bool is_control = byte < 0x20 || byte == 0x7f || is_long_control;
    if (is_control && allowed.find(text[i]) == std::string_view::npos) return true;
  }
  return false;
}

/// U+202A to U+202E and U+2066 to U+2069, E2 80 AA .. AE and E2 81 A6 .. A9 in UTF-8: with them a
/// text reads otherwise than it is written, also what stands behind it on its line.
bool turns_direction(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('\xe2', at)) != std::string_view::npos; ++at) {
    if (at + 2 >= text.size()) return false;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const auto third = static_cast<unsigned char>(text[at + 2]);
    if (second == 0x80 && third >= 0xaa && third <= 0xae) return true;
    if (second == 0x81 && third >= 0xa6 && third <= 0xa9) return true;
  }
  return false;
}

Result<void> check_text(std::string_view text, std::size_t bytes_max, std::string_view allowed,
                        std::string_view reason, std::string_view member) {
  if (text.size() <= bytes_max && is_utf8(text) && !has_control(text, allowed) &&
      !turns_direction(text)) {
    return {};
  }
  return fail(invalid, reason,
              fmt::format("the {} is UTF-8 of at most {} bytes, without control characters and "
                          "those that turn the direction of writing",
                          member, bytes_max),
              pointer_to("", member));
}

std::unexpected<Error> unknown_query(std::string_view name) {
  return fail(ErrorCode::not_found, "unknown_query", fmt::format("no query is saved as {}", name));
}

std::unexpected<Error> built_in(std::string_view name, std::string_view verb) {
  return fail(ErrorCode::failed_precondition, "built_in_query",
              fmt::format("{} is a part of Holdfast and cannot be {}; save yours under another "
                          "name",
                          name, verb));
}

Result<void> check_version(const std::optional<SavedQuery>& present,
                           std::optional<std::uint64_t> version) {
  const std::uint64_t there = present ? present->version : 0;
  if (!version || *version == there) return {};
  return fail(ErrorCode::failed_precondition, "version_conflict",
              present ? fmt::format("it was saved in the meantime, and is of version {}", there)
                      : std::string("there is no query of this name any more"),
              "/version");
}

/// What becomes smaller may be saved, however much there is.
Result<void> check_room(const SavedQueryTotals& totals, std::uint64_t bytes_before,
                        std::uint64_t bytes, bool is_new) {
  if (is_new && totals.count >= saved_queries_max) {
    return fail(ErrorCode::failed_precondition, "too_many_saved_queries",
                fmt::format("remove one first: at most so many are saved: {}", saved_queries_max));
  }
  if (bytes <= bytes_before || totals.bytes - bytes_before + bytes <= saved_query_bytes_kept_max) {
    return {};
  }
  return fail(ErrorCode::failed_precondition, "saved_queries_too_large",
              fmt::format("remove one first: all saved queries together have at most {} bytes, "
                          "with names, titles and descriptions",
                          saved_query_bytes_kept_max));
}

bool says_the_same(const SavedQuery& a, const SavedQuery& b) {
  return a.title == b.title && a.description == b.description && a.query == b.query;
}

SavedQuery as_saved(const ReadyMadeQuery& query) {
  return {.name = std::string(query.name),
          .title = std::string(query.title),
          .description = std::string(query.description),
          .query = query.query,
          .version = 0};
}

constexpr std::array<std::string_view, 3> range_fields = {"from", "to", "last"};

bool is_of_range(std::string_view field) {
  return std::ranges::find(range_fields, field) != range_fields.end();
}

std::vector<std::string_view> replaceable_fields() {
  std::vector<std::string_view> names(common_field_names.begin(), common_field_names.end());
  std::erase(names, "metric");  // Of another metric it is another question.
  names.emplace_back("period");
  return names;
}

}  // namespace

Result<void> check_query_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= query_name_bytes_max &&
      std::ranges::all_of(name, is_allowed)) {
    return {};
  }
  return fail(
      invalid, "bad_query_name",
      fmt::format("a query is saved under 1 to {} of a-z, 0-9, _ and -", query_name_bytes_max));
}

Result<std::string> checked_query(const Env& env, const Json& query) {
  if (query.is_object() && query.find("members") != nullptr) {
    return fail(invalid, "unsupported_field",
                "members are of one answer; a saved query is asked for them when it is answered",
                "/query/members");
  }
  auto checked = check_query({.env = env}, query);
  if (!checked) {
    checked.error().pointer.insert(0, "/query");
    return std::unexpected(std::move(checked).error());
  }
  JsonWriter out;
  out.json(query);
  if (out.str().size() <= saved_query_bytes_max) return out.take();
  return fail(invalid, "saved_query_too_large",
              fmt::format("a saved query has at most {} bytes, this one: {}", saved_query_bytes_max,
                          out.str().size()),
              "/query");
}

Result<SavedQuery> save_query(StateChange& change, const Env& env, std::string_view name,
                              const QueryDraft& draft, std::string_view by) {
  HF_CHECK(check_query_name(name));
  HF_CHECK(check_text(draft.title, query_title_bytes_max, "", "bad_title", "title"));
  HF_CHECK(check_text(draft.description, query_description_bytes_max, "\n\t", "bad_description",
                      "description"));
  SavedQuery query = {.name = std::string(name),
                      .title = draft.title == name ? "" : draft.title,
                      .description = draft.description};
  HF_TRY(query.query, checked_query(env, draft.query));
  HF_TRY(const std::optional<SavedQuery> present, change.saved_query(name));
  if (!present && find_ready_made(name) != nullptr) return built_in(name, "replaced");
  HF_CHECK(check_version(present, draft.version));
  if (present && says_the_same(*present, query)) return *present;
  HF_TRY(const SavedQueryTotals totals, change.saved_query_totals());
  HF_CHECK(check_room(totals, present ? kept_bytes(*present) : 0, kept_bytes(query),
                      !present.has_value()));
  query.updated_ms = env.clock.now_ms();
  query.updated_by = by;
  // Not from 1: who read a query that was removed since would take another of its name for it.
  query.version = (present ? present->version : totals.removed_version_max) + 1;
  query.created_ms = present ? present->created_ms : query.updated_ms;
  query.created_by = present ? present->created_by : query.updated_by;
  HF_CHECK(change.save_query(query));
  return query;
}

Result<SavedQuery> remove_query(StateChange& change, std::string_view name,
                                std::optional<std::uint64_t> version) {
  HF_CHECK(check_query_name(name));
  HF_TRY(std::optional<SavedQuery> present, change.saved_query(name));
  if (!present && find_ready_made(name) != nullptr) return built_in(name, "removed");
  if (!present) return unknown_query(name);
  HF_CHECK(check_version(present, version));
  HF_CHECK(change.remove_query(name));
  return *std::move(present);
}

Result<std::vector<FoundQuery>> list_queries(const StateView& state) {
  HF_TRY(std::vector<SavedQuery> saved, state.saved_queries());
  std::vector<FoundQuery> all;
  for (const ReadyMadeQuery& one : ready_made_queries()) {
    if (std::ranges::find(saved, one.name, &SavedQuery::name) != saved.end()) continue;
    all.push_back({as_saved(one), &one});
  }
  for (SavedQuery& one : saved) all.push_back({std::move(one), nullptr});
  std::ranges::sort(all, {},
                    [](const FoundQuery& one) { return std::string_view(one.saved.name); });
  return all;
}

Result<FoundQuery> find_query(const StateView& state, std::string_view name) {
  HF_CHECK(check_query_name(name));
  HF_TRY(std::optional<SavedQuery> saved, state.saved_query(name));
  if (saved) return FoundQuery{*std::move(saved), nullptr};
  const ReadyMadeQuery* const ready_made = find_ready_made(name);
  if (ready_made == nullptr) return unknown_query(name);
  return FoundQuery{as_saved(*ready_made), ready_made};
}

Result<std::string> with_other_fields(std::string_view query, std::string_view instead) {
  if (instead.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::string(query);
  HF_TRY(const Json other, parse_json(instead));
  HF_CHECK(check_fields(other, "", replaceable_fields()));
  HF_TRY(const Json own, parse_json(query));
  if (!own.is_object()) return wrong_type(own, "", "an object");
  const bool has_range = std::ranges::any_of(
      other.object, [](const Json::Member& member) { return is_of_range(member.first); });
  JsonWriter out;
  out.begin_object();
  for (const auto& [name, value] : own.object) {
    if (other.find(name) != nullptr || (has_range && is_of_range(name))) continue;
    out.key(name).json(value);
  }
  for (const auto& [name, value] : other.object) {
    if (!value.is_null()) out.key(name).json(value);
  }
  out.end_object();
  return out.take();
}

Result<std::string> saved_by(const StateView& state, const Grant& grant) {
  if (grant.account != 0) {
    HF_TRY(const auto accounts, state.accounts());
    const auto found = std::ranges::find(accounts, grant.account,
                                         [](const auto& each) { return each.account.id; });
    if (found != accounts.end()) return found->account.name;
  }
  if (grant.id != 0) {
    HF_TRY(const auto key, state.key(grant.id));
    return key && !key->label.empty() ? key->label : fmt::format("key {}", grant.id);
  }
  return std::string("local");
}

}  // namespace hf
