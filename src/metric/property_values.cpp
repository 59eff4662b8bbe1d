// SPDX-License-Identifier: Apache-2.0
#include "metric/property_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/json.h"
#include "base/parallel.h"
#include "event/event.h"
#include "predicate/predicate.h"
#include "store/row_walk.h"

namespace hf {
namespace {

using Counts = std::unordered_map<std::string, std::uint64_t>;

/// Counts the values of one part: by code of its dictionaries, which are few, and not by row.
class PartCounter {
 public:
  PartCounter(const Snapshot& snapshot, std::uint32_t at, const ValueQuery& query,
              const Predicate& wanted, TimestampMs as_of)
      : snapshot_(snapshot),
        at_(at),
        part_(*snapshot.parts[at]),
        wanted_(wanted),
        has_later_(part_.time_max() > as_of),
        as_of_(as_of) {
    for (const NameInfo& name : part_.names()) {
      const bool is_named = query.event ? name.name == *query.event : !is_inactive_name(name.name);
      named_.push_back(is_named);
      any_ = any_ || (is_named && name.count > 0);
      all_ = all_ && is_named;
    }
  }

  Result<void> count(std::string_view property, Counts& counts) const {
    if (!any_) return {};
    for (const std::uint32_t column : part_.find_property(property)) {
      const ColumnInfo& info = part_.columns()[column];
      if (info.value_count == 0) continue;
      HF_CHECK(info.kind == ValueKind::number ? count_numbers(column, counts)
                                              : count_codes(column, info.kind, counts));
    }
    return {};
  }

 private:
  /// Calls see(page, row) for each row that counts.
  template <class See>
  Result<void> for_each_row(std::uint32_t page, std::uint32_t first, std::uint32_t last,
                            See&& see) const {
    if (all_ && !has_later_) {
      for (std::uint32_t i = first; i < last; ++i) see(i);
      return {};
    }
    HF_TRY(const auto names, part_.name_codes(page));
    std::shared_ptr<const TimePage> times;
    if (has_later_) {
      HF_TRY(times, part_.times(page));
    }
    for (std::uint32_t i = first; i < last; ++i) {
      if (named_[names->codes[i]] && (!has_later_ || times->values[i] <= as_of_)) see(i);
    }
    return {};
  }

  template <class Use>
  Result<void> for_each_run(Use&& use) const {
    if (snapshot_.moved == nullptr || !snapshot_.moved->hides[at_]) {
      return for_each_page({at_, 0, part_.row_count()}, use);
    }
    for (const VisibleRun& run : visible_runs(snapshot_, at_)) {
      HF_CHECK(for_each_page({at_, run.first_row, run.row_count}, use));
    }
    return {};
  }

  Result<void> count_codes(std::uint32_t column, ValueKind kind, Counts& counts) const {
    HF_TRY(const auto dictionary, part_.dictionary(column));
    std::vector<std::uint64_t> of_code(dictionary->size(), 0);
    HF_CHECK(for_each_run(
        [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
          HF_TRY(const auto codes, part_.codes(column, page));
          return for_each_row(page, first, last, [&](std::uint32_t row) {
            const std::uint32_t code = codes->codes[row];
            if (code != CodePage::missing) ++of_code[code];
          });
        }));
    for (std::uint32_t code = 0; code < of_code.size(); ++code) {
      if (of_code[code] == 0) continue;
      const std::string_view text = dictionary->at(code);
      HF_CHECK(kind == ValueKind::list
                   ? add_items(text, of_code[code], counts)
                   : add({kind, text == "true", {}, text}, of_code[code], counts));
    }
    return {};
  }

  Result<void> count_numbers(std::uint32_t column, Counts& counts) const {
    struct HashOf {
      std::size_t operator()(const Decimal& number) const {
        return std::hash<std::int64_t>()(number.units) * 31 +
               static_cast<std::size_t>(number.scale);
      }
    };
    std::unordered_map<Decimal, std::uint64_t, HashOf> of_number;
    HF_CHECK(for_each_run(
        [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
          HF_TRY(const auto numbers, part_.numbers(column, page));
          return for_each_row(page, first, last, [&](std::uint32_t row) {
            if (numbers->has(row)) ++of_number[numbers->at(row)];
          });
        }));
    for (const auto& [number, count] : of_number) {
      HF_CHECK(add({ValueKind::number, false, number, {}}, count, counts));
    }
    return {};
  }

  /// An event counts once for each value of its list.
  Result<void> add_items(std::string_view list, std::uint64_t count, Counts& counts) const {
    HF_TRY(const auto items, values_of_list(list));
    for (const std::string& item : items) {
      HF_CHECK(add({ValueKind::text, false, {}, item}, count, counts));
    }
    return {};
  }

  Result<void> add(const ValueView& value, std::uint64_t count, Counts& counts) const {
    if (!wanted_.asks_nothing() && !value_satisfies(wanted_, value)) return {};
    counts[canonical_text(value)] += count;
    if (counts.size() <= ValueQuery::values_max) return {};
    return fail(ErrorCode::resource_exhausted, "too_many_buckets",
                fmt::format("the property has more than {} values; search for a part of one",
                            ValueQuery::values_max));
  }

  const Snapshot& snapshot_;
  std::uint32_t at_;
  const Part& part_;
  const Predicate& wanted_;
  bool has_later_;
  TimestampMs as_of_;
  std::vector<bool> named_;  // By name code.
  bool any_ = false;
  bool all_ = true;
};

Result<Predicate> predicate_of(const ValueQuery& query) {
  if (!query.search || query.search->empty()) return Predicate{};
  JsonWriter out;
  out.begin_object().key("property").text(query.property);
  out.key("op").text("contains_ci").key("value").text(*query.search).end_object();
  HF_TRY(const Json json, parse_json(out.str()));
  return parse_predicate(json, "");
}

}  // namespace

Result<std::string> find_values(const Snapshot& snapshot, const QueryContext& context,
                                const ValueQuery& query) {
  if (query.limit == 0 || query.limit > ValueQuery::limit_max) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("limit is 1 to {}", ValueQuery::limit_max));
  }
  HF_TRY(const Predicate wanted, predicate_of(query));
  const TimestampMs as_of = context.env.clock.now_ms();
  Guarded<Counts> all;
  const auto count_part = [&](unsigned, std::uint32_t at) -> Result<void> {
    HF_CHECK(context.guard->check());
    Counts counts;
    HF_CHECK(PartCounter(snapshot, at, query, wanted, as_of).count(query.property, counts));
    const auto merged = all.lock();
    for (const auto& [text, count] : counts) (*merged)[text] += count;
    return {};
  };
  HF_CHECK(for_each_item(context.threads, static_cast<std::uint32_t>(snapshot.parts.size()),
                         count_part));
  const auto counts = all.lock();
  std::vector<std::pair<std::string_view, std::uint64_t>> ranked(counts->begin(), counts->end());
  const std::size_t shown = std::min<std::size_t>(query.limit, ranked.size());
  std::ranges::partial_sort(ranked, ranked.begin() + static_cast<std::ptrdiff_t>(shown),
                            [](const auto& a, const auto& b) {
                              return a.second != b.second ? a.second > b.second : a.first < b.first;
                            });
  JsonWriter out;
  out.begin_object().key("values").begin_array();
  for (const auto& [text, count] : std::span(ranked).first(shown)) {
    out.begin_object().key("value").text(text);
    out.key("count").integer(static_cast<std::int64_t>(count)).end_object();
  }
  out.end_array().key("more").boolean(shown < ranked.size()).end_object();
  return out.take();
}

}  // namespace hf
