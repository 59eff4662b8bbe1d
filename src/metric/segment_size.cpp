// SPDX-License-Identifier: Apache-2.0
#include "metric/segment_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>

#include "metric/grouping.h"
#include "metric/query_fields.h"
#include "metric/sample.h"
#include "predicate/people.h"

namespace hf {
namespace {

Result<std::vector<SegmentSizeQuery::Set>> parse_overlap(const Json& query) {
  std::vector<SegmentSizeQuery::Set> sets;
  const Json* list = query.find("overlap");
  if (list == nullptr) return sets;
  if (!list->is_array()) return wrong_type(*list, "/overlap", "an array");
  if (list->array.size() < 2 || list->array.size() > SegmentSizeQuery::overlap_max) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("an overlap is of 2 to {} sets, not: {}", SegmentSizeQuery::overlap_max,
                            list->array.size()),
                "/overlap");
  }
  for (std::size_t i = 0; i < list->array.size(); ++i) {
    const Json& item = list->array[i];
    const std::string pointer = pointer_to("/overlap", i);
    constexpr auto known = std::to_array<std::string_view>({"label", "people"});
    HF_CHECK(check_fields(item, pointer, known));
    HF_TRY(const auto label, text_field(item, "label", pointer));
    const Json* people = item.find("people");
    if (!label || label->empty() || people == nullptr) {
      return fail(ErrorCode::invalid_argument, "missing_field", "a set has a label and people",
                  pointer_to(pointer, people == nullptr ? "people" : "label"));
    }
    if (std::ranges::find(sets, *label, &SegmentSizeQuery::Set::label) != sets.end()) {
      return fail(ErrorCode::invalid_argument, "out_of_range",
                  fmt::format("two sets have this label: {}", *label),
                  pointer_to(pointer, "label"));
    }
    HF_TRY(Predicate predicate, parse_people_predicate(*people, pointer_to(pointer, "people")));
    sets.push_back({std::string(*label), std::move(predicate)});
  }
  return sets;
}

PeopleScope scope_of(const QueryContext& context, const SegmentSizeQuery& query) {
  return {.zone = query.common.zone.get(),
          .as_of_ms = query.common.as_of,
          .guard = context.guard,
          .threads = context.threads,
          .postings = context.postings};
}

// Of whom it is asked, and who of them is in which sets.
struct FoundPeople {
  PersonBitmap people;
  std::vector<PersonBitmap> sets;
  std::optional<PersonBitmap> sampled;  // Who is in the sample.

  [[nodiscard]] std::uint32_t sets_of(PersonOrdinal person) const {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) bits |= (sets[i].contains(person) ? 1u : 0u) << i;
    return bits;
  }
  // Calls use(person) for each, ascending; it gives a Result<void>. Errors: its own, those of
  // WorkGuard.
  template <class Use>
  Result<void> for_each(WorkGuard& guard, Use&& use) const {
    constexpr std::uint32_t words_between_checks = 16;  // At most 1,024 persons.
    for (std::uint32_t chunk = 0; chunk < people.chunks(); ++chunk) {
      const std::uint64_t* const words = people.chunk(chunk);
      for (std::uint32_t w = 0; w < PersonChunk::words; ++w) {
        if (w % words_between_checks == 0) HF_CHECK(guard.check());
        for (std::uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
          HF_CHECK(use((chunk << PersonChunk::bits) + w * 64 +
                       static_cast<std::uint32_t>(std::countr_zero(bits))));
        }
      }
    }
    return {};
  }
};

Result<FoundPeople> find_all(const Snapshot& snapshot, const QueryContext& context,
                             const SegmentSizeQuery& query) {
  const PeopleScope scope = scope_of(context, query);
  FoundPeople found;
  if (query.common.people) {
    HF_TRY(found.people, find_people(snapshot, *query.common.people, scope));
  } else {
    HF_TRY(found.people, known_people(snapshot, scope));
  }
  if (query.common.sample) {
    HF_TRY(found.sampled, sampled_people(snapshot, *query.common.sample, *context.guard));
    found.people &= *found.sampled;
  }
  for (const SegmentSizeQuery::Set& set : query.overlap) {
    HF_TRY(PersonBitmap people, find_people(snapshot, set.people, scope));
    found.sets.push_back(std::move(people));
  }
  return found;
}

// Counts persons by the sets they are in.
using SetCounts = std::map<std::uint32_t, std::int64_t>;

SegmentSizeTable table_of(const SegmentSizeQuery& query, const SetCounts& counts,
                          BucketPath bucket) {
  SegmentSizeTable table{.bucket = std::move(bucket)};
  table.sets.resize(query.overlap.size());
  for (const auto& [sets, count] : counts) {
    table.count += count;
    for (std::size_t i = 0; i < table.sets.size(); ++i) {
      if ((sets >> i & 1u) != 0) table.sets[i] += count;
    }
    if (!query.overlap.empty() && sets != 0) table.exactly_in.push_back({sets, count});
  }
  std::ranges::sort(table.exactly_in, [](const SegmentOverlap& a, const SegmentOverlap& b) {
    return a.count != b.count ? a.count > b.count : a.sets < b.sets;
  });
  return table;
}

// The groups of persons, each in as many as its values make.
class PeopleGroups {
 public:
  // Errors: those of WorkGuard.
  static Result<PeopleGroups> rank(std::span<const GroupBy> dimensions, const FoundPeople& found,
                                   WorkGuard& guard) {
    PeopleGroups groups(dimensions);
    std::array<std::vector<BucketSize>, dimensions_max> sizes;
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      sizes[d].resize(dimensions[d].table->size());
    }
    const auto measure = [&](PersonOrdinal person) -> Result<void> {
      for (std::size_t d = 0; d < dimensions.size(); ++d) {
        for (const BucketId id : dimensions[d].persons->of(person)) sizes[d][id].add({1, true});
      }
      return {};
    };
    HF_CHECK(found.for_each(guard, measure));
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      groups.rankings_[d] = rank_buckets(*dimensions[d].table, sizes[d], dimensions[d].top);
    }
    return groups;
  }

  // Calls use(path) for each group the person is in; once for each of its combinations of values.
  // Errors: those of `use`; resource_exhausted/too_many_cells.
  template <class Use>
  Result<void> for_each(PersonOrdinal person, Use&& use) {
    std::size_t count = 1;
    for (const GroupBy& by : dimensions_) count *= by.persons->of(person).size();
    if (count > combinations_max) return too_many_combinations();
    BucketPath path(dimensions_.size());
    const auto visit = [&](auto&& self, std::size_t d) -> Result<void> {
      if (d == dimensions_.size()) return use(path);
      for (const BucketId id : dimensions_[d].persons->of(person)) {
        path[d] = rankings_[d].shown[static_cast<std::size_t>(rankings_[d].slot(id))];
        HF_CHECK(self(self, d + 1));
      }
      return {};
    };
    return visit(visit, 0);
  }

 private:
  explicit PeopleGroups(std::span<const GroupBy> dimensions) : dimensions_(dimensions) {}

  std::span<const GroupBy> dimensions_;
  std::array<BucketRanking, dimensions_max> rankings_;
};

bool has_other(const BucketPath& path) {
  return std::ranges::find(path, Bucket::Kind::other, &Bucket::kind) != path.end();
}

Result<std::vector<GroupBy>> bind_dimensions(const Snapshot& snapshot, const QueryContext& context,
                                             const SegmentSizeQuery& query) {
  EventSelection unused;  // No dimension is by property.
  return bind_breakdown(snapshot, scope_of(context, query), query.common.breakdown, {}, unused);
}

}  // namespace

Result<SegmentSizeQuery> parse_segment_size(const Json& json, const QueryContext& context) {
  constexpr auto known =
      std::to_array<std::string_view>({"metric", "as_of", "timezone", "week_start", "people",
                                       "breakdown", "sample", "members", "overlap"});
  HF_CHECK(check_fields(json, "", known));
  SegmentSizeQuery query;
  HF_TRY(query.common, parse_common(json, context));
  for (std::size_t i = 0; i < query.common.breakdown.size(); ++i) {
    if (query.common.breakdown[i].by != Dimension::By::property) continue;
    return fail(ErrorCode::invalid_argument, "unsupported_breakdown",
                "persons are counted here, not events: a breakdown is by trait, cohort, segment, "
                "stage, layer, stay or tier",
                pointer_to(pointer_to("/breakdown", i), "property"));
  }
  HF_TRY(query.overlap, parse_overlap(json));
  return query;
}

Result<SegmentSizeAnswer> run_segment_size(const Snapshot& snapshot, const QueryContext& context,
                                           const SegmentSizeQuery& query) {
  SegmentSizeAnswer answer;
  answer.has_groups = !query.common.breakdown.empty();
  for (const SegmentSizeQuery::Set& set : query.overlap) answer.labels.push_back(set.label);
  HF_TRY(const FoundPeople found, find_all(snapshot, context, query));
  if (query.common.people) {
    HF_TRY(PersonBitmap known, known_people(snapshot, scope_of(context, query)));
    if (found.sampled) known &= *found.sampled;
    answer.known = static_cast<std::int64_t>(known.size());
  } else {
    answer.known = static_cast<std::int64_t>(found.people.size());
  }
  SetCounts total;
  if (query.overlap.empty()) {
    total[0] = static_cast<std::int64_t>(found.people.size());
  } else {
    const auto count = [&](PersonOrdinal person) -> Result<void> {
      ++total[found.sets_of(person)];
      return {};
    };
    HF_CHECK(found.for_each(*context.guard, count));
  }
  answer.total = table_of(query, total, {});
  answer.persons_scanned = static_cast<std::uint64_t>(answer.known);
  if (answer.known == 0) answer.warnings.push_back(no_events_warning());
  if (!answer.has_groups) return answer;

  HF_TRY(const auto dimensions, bind_dimensions(snapshot, context, query));
  HF_TRY(PeopleGroups groups, PeopleGroups::rank(dimensions, found, *context.guard));
  std::map<BucketPath, SetCounts> counts;
  const auto count_groups = [&](PersonOrdinal person) -> Result<void> {
    const std::uint32_t sets = found.sets_of(person);
    return groups.for_each(person, [&](const BucketPath& path) -> Result<void> {
      ++counts[path][sets];
      if (std::ssize(counts) <= SegmentSizeQuery::groups_max) return {};
      return fail(
          ErrorCode::resource_exhausted, "too_many_cells",
          fmt::format("more groups than an answer may have: {}", SegmentSizeQuery::groups_max));
    });
  };
  HF_CHECK(found.for_each(*context.guard, count_groups));
  for (const auto& [path, sets] : counts) answer.groups.push_back(table_of(query, sets, path));
  std::ranges::stable_sort(answer.groups, [](const auto& a, const auto& b) {
    if (has_other(a.bucket) != has_other(b.bucket)) return has_other(b.bucket);
    return a.count > b.count;
  });
  return answer;
}

Result<Members> segment_size_members(const Snapshot& snapshot, const QueryContext& context,
                                     const SegmentSizeQuery& query) {
  const MembersRequest& request = *query.common.members;
  HF_CHECK(check_cell(request.cell, {"in"}));
  std::optional<std::uint32_t> sets;
  if (const Json* in = request.cell.find("in")) {
    const std::string place = "/members/cell/in";
    if (!in->is_array()) return wrong_type(*in, place, "an array of labels");
    sets = 0;
    for (std::size_t i = 0; i < in->array.size(); ++i) {
      const auto found =
          std::ranges::find(query.overlap, in->array[i].text, &SegmentSizeQuery::Set::label);
      if (!in->array[i].is_text() || found == query.overlap.end()) {
        return fail(ErrorCode::not_found, "unknown_cell", "no set of the query has this label",
                    pointer_to(place, i));
      }
      *sets |= 1u << (found - query.overlap.begin());
    }
  }
  HF_TRY(const FoundPeople found, find_all(snapshot, context, query));
  HF_TRY(const auto dimensions, bind_dimensions(snapshot, context, query));
  HF_TRY(PeopleGroups groups, PeopleGroups::rank(dimensions, found, *context.guard));
  Members members;
  bool has_group = false;
  const auto find = [&](PersonOrdinal person) -> Result<void> {
    std::int64_t count = request.bucket ? 0 : 1;
    if (request.bucket) {
      const auto is_it = [&](const BucketPath& path) -> Result<void> {
        count += path == *request.bucket ? 1 : 0;
        return {};
      };
      HF_CHECK(groups.for_each(person, is_it));
    }
    has_group = has_group || count > 0;
    if (sets && found.sets_of(person) != *sets) return {};
    if (count > 0) members.all.push_back({person, count});
    return {};
  };
  HF_CHECK(found.for_each(*context.guard, find));
  if (request.bucket && !has_group) return unknown_bucket();
  return members;
}

namespace {

void write_table(JsonWriter& out, const SegmentSizeAnswer& answer, const SegmentSizeTable& table) {
  out.key("count").integer(table.count);
  if (answer.labels.empty()) return;
  out.key("sets").begin_array();
  for (std::size_t i = 0; i < table.sets.size(); ++i) {
    out.begin_object().key("label").text(answer.labels[i]);
    out.key("count").integer(table.sets[i]).end_object();
  }
  out.end_array().key("exactly_in").begin_array();
  for (const SegmentOverlap& overlap : table.exactly_in) {
    out.begin_object().key("in").begin_array();
    for (std::size_t i = 0; i < answer.labels.size(); ++i) {
      if ((overlap.sets >> i & 1u) != 0) out.text(answer.labels[i]);
    }
    out.end_array().key("count").integer(overlap.count).end_object();
  }
  out.end_array();
}

}  // namespace

void write_json(JsonWriter& out, const SegmentSizeAnswer& answer) {
  out.begin_object().key("known").integer(answer.known);
  write_tables(out, answer,
               [&](const SegmentSizeTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
