// SPDX-License-Identifier: Apache-2.0
#include "metric/members.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "metric/query_fields.h"
#include "store/row_walk.h"

namespace hf {
namespace {

// User ids first, each kind ascending.
struct PersonIds {
  std::set<std::string, std::less<>> user;
  std::set<std::string, std::less<>> anonymous;
};

Result<void> add_ids(const Part& part, const PersonRun& run, PersonIds& ids) {
  const auto column = part.find(part_format::ColumnRole::id_code);
  HF_TRY(const auto table, part.ids());
  const auto offsets = part.row_offsets();
  const auto position = static_cast<std::size_t>(std::ranges::upper_bound(offsets, run.first_row) -
                                                 offsets.begin() - 1);
  std::set<std::uint32_t> seen;
  const auto note = [&](std::uint32_t code) {
    if (!seen.insert(code).second) return;
    const IdTable::Entry& entry = table->entries[table->first[position] + code];
    if (!entry.user_id.empty()) {
      ids.user.emplace(entry.user_id);
    } else {
      ids.anonymous.emplace(entry.anonymous_id);
    }
  };
  if (!column) {
    note(0);
    return {};
  }
  return for_each_page(
      run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        HF_TRY(const auto codes, part.codes(*column, page));
        for (std::uint32_t row = first; row < last; ++row) note(codes->codes[row]);
        return {};
      });
}

Result<std::vector<std::string>> ids_of(const Snapshot& snapshot, PersonOrdinal person) {
  PersonIds ids;
  Result<void> outcome;
  for_each_person(snapshot, person, person + 1,
                  [&](PersonOrdinal, std::span<const PersonRun> runs) {
                    for (const PersonRun& run : runs) {
                      if (outcome) outcome = add_ids(*snapshot.parts[run.part], run, ids);
                    }
                  });
  HF_CHECK(outcome);
  std::vector<std::string> all(ids.user.begin(), ids.user.end());
  all.insert(all.end(), ids.anonymous.begin(), ids.anonymous.end());
  return all;
}

std::unexpected<Error> invalid_cursor() {
  return fail(ErrorCode::invalid_argument, "invalid_cursor",
              "no answer gave this cursor; leave it out for the first page", "/members/cursor");
}

// Before the value of the last unit: that may be "", which is no cursor.
constexpr char unit_cursor = '=';

Result<std::string_view> parse_unit_cursor(std::string_view text) {
  if (!text.starts_with(unit_cursor)) return invalid_cursor();
  return text.substr(1);
}

Result<UnitId> parse_cursor(std::string_view text) {
  UnitId after = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), after);
  if (error != std::errc{} || end != text.data() + text.size()) return invalid_cursor();
  return after;
}

void write_count(JsonWriter& out, const Members& members, const CellMember& member) {
  if (members.counts_events) out.key("count").integer(member.count);
}

std::unexpected<Error> unknown_cell(std::string_view what, const std::string& place) {
  return fail(ErrorCode::not_found, "unknown_cell",
              fmt::format("the answer has no such cell: {}", what), place);
}

constexpr std::size_t members_between_checks = 1024;

}  // namespace

Result<std::string> members_json(const Snapshot& snapshot, const MembersRequest& request,
                                 const Members& members, WorkGuard& guard) {
  std::vector<CellMember> all = members.all;
  std::vector<std::string> names;  // Of units, as `all`.
  std::size_t from = 0;
  if (members.units != nullptr) {
    std::vector<std::pair<std::string, CellMember>> named;
    for (const CellMember& member : all) {
      if (named.size() % members_between_checks == 0) HF_CHECK(guard.check());
      named.emplace_back(members.units->bucket(member.unit).text, member);
    }
    std::ranges::sort(named, {}, [](const auto& each) -> const std::string& { return each.first; });
    for (std::size_t i = 0; i < named.size(); ++i) {
      names.push_back(named[i].first);
      all[i] = named[i].second;
    }
    if (!request.cursor.empty()) {
      HF_TRY(const std::string_view after, parse_unit_cursor(request.cursor));
      from = static_cast<std::size_t>(std::ranges::upper_bound(names, after) - names.begin());
    }
  } else if (!request.cursor.empty()) {
    HF_TRY(const UnitId after, parse_cursor(request.cursor));
    from = static_cast<std::size_t>(std::ranges::upper_bound(all, after, {}, &CellMember::unit) -
                                    all.begin());
  }
  const std::size_t end = from + std::min(request.limit, all.size() - from);

  JsonWriter out;
  out.begin_object().key("members").begin_array();
  for (std::size_t i = from; i < end; ++i) {
    if (members.units == nullptr || i % members_between_checks == 0) HF_CHECK(guard.check());
    out.begin_object();
    if (members.units != nullptr) {
      out.key("unit").text(names[i]);
    } else {
      HF_TRY(const auto ids, ids_of(snapshot, all[i].unit));
      out.key("person");
      if (ids.empty()) {
        out.null();
      } else {
        out.text(ids.front());
      }
      out.key("ids").begin_array();
      for (const std::string& id : ids) out.text(id);
      out.end_array();
    }
    write_count(out, members, all[i]);
    out.end_object();
  }
  std::int64_t total = 0;
  for (const CellMember& member : all) total += member.count;
  out.end_array().key("count").integer(static_cast<std::int64_t>(all.size()));
  out.key("total").integer(total).key("cursor");
  if (end == all.size()) {
    out.null();
  } else if (members.units != nullptr) {
    out.text(unit_cursor + names[end - 1]);
  } else {
    out.text(fmt::format("{}", all[end - 1].unit));
  }
  out.end_object();
  return out.take();
}

Result<void> check_cell(const Json& cell, std::initializer_list<std::string_view> names) {
  std::vector<std::string_view> known(names);
  known.emplace_back("bucket");
  return check_fields(cell, "/members/cell", known);
}

Result<std::size_t> cell_label(const Json& cell, std::string_view name,
                               const std::vector<std::string>& labels) {
  const std::string place = pointer_to("/members/cell", name);
  const Json* const given = cell.find(name);
  if (given == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                fmt::format("the cell is named by: {}", name), place);
  }
  if (!given->is_text()) return wrong_type(*given, place, "a text");
  const auto found = std::ranges::find(labels, given->text);
  if (found == labels.end()) return unknown_cell(given->text, place);
  return static_cast<std::size_t>(found - labels.begin());
}

Result<std::int64_t> cell_number(const Json& cell, std::string_view name, std::int64_t min,
                                 std::int64_t max) {
  const std::string place = pointer_to("/members/cell", name);
  const Json* const given = cell.find(name);
  if (given == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                fmt::format("the cell is named by: {}", name), place);
  }
  constexpr std::int64_t any = std::int64_t{1} << 53;
  HF_TRY(const std::int64_t number, integer_value(*given, place, -any, any));
  if (number < min || number > max) return unknown_cell(fmt::format("{}", number), place);
  return number;
}

}  // namespace hf
