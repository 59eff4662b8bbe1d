// SPDX-License-Identifier: Apache-2.0
#include "metric/person_events.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "base/json.h"
#include "base/parallel.h"
#include "store/property_reader.h"

namespace hf {

Result<BoundSelection> BoundSelection::bind(const Snapshot& snapshot,
                                            const EventSelection& selection) {
  HF_ASSERT(selection.wanted.size() <= EventSelection::matchers_max);
  BoundSelection bound;
  bound.snapshot_ = &snapshot;
  bound.selection_ = &selection;
  Matcher nothing;
  nothing.choices.push_back({.event = ""});  // No event has that name.
  for (std::size_t part = 0; part < snapshot.parts.size(); ++part) {
    std::vector<PageMatcher>& matchers = bound.matchers_.emplace_back();
    for (std::size_t i = 0; i < selection.wanted.size(); ++i) {
      const EventSelection::Wanted& wanted = selection.wanted[i];
      const bool counts =
          part >= snapshot.first_seen_parts || ((selection.first_seen_bits >> i) & 1u) != 0;
      HF_TRY(PageMatcher matcher, PageMatcher::compile(counts ? *wanted.matcher : nothing,
                                                       *wanted.where, *snapshot.parts[part]));
      matchers.push_back(std::move(matcher));
    }
  }
  return bound;
}

std::vector<ReadStep> BoundSelection::steps() const {
  std::vector<ReadStep> steps;
  for (std::size_t i = 0; i < selection_->wanted.size(); ++i) {
    ReadStep& step = steps.emplace_back(selection_->wanted[i].matcher->label, "events");
    for (std::size_t part = 0; part < matchers_.size(); ++part) {
      if (matchers_[part][i].matches_nothing()) continue;
      ++step.parts;
      step.events += snapshot_->parts[part]->row_count();
    }
  }
  return steps;
}

MatchedPage::MatchedPage(const Part& part, std::span<const PageMatcher> matchers)
    : part_(&part), matchers_(matchers), rows_(matchers.size()) {
  for (const PageMatcher& matcher : matchers) {
    matches_nothing_ = matches_nothing_ && matcher.matches_nothing();
  }
}

Result<void> MatchedPage::load(std::uint32_t page) {
  page_ = no_page;
  const std::size_t words = (part_->rows_in_page(page) + 63) / 64;
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (matchers_[i].matches_everything()) {
      rows_[i].assign(words, ~std::uint64_t{0});
    } else {
      rows_[i].assign(words, 0);
      if (!matchers_[i].matches_nothing()) HF_CHECK(matchers_[i].find(page, rows_[i]));
    }
  }
  HF_TRY(times_, part_->times(page));
  page_ = page;
  return {};
}

namespace {

// The buckets of one property's values on one part, for one thread: each distinct value is turned
// into its buckets once.
class BucketReader {
 public:
  BucketReader(PropertyReader values, BucketTable& table)
      : values_(std::move(values)), table_(&table), by_code_(values_.column_count()) {
    for (std::size_t i = 0; i < by_code_.size(); ++i) {
      if (values_.info(i).kind != ValueKind::number) {
        by_code_[i].resize(values_.info(i).dictionary_size);
      }
    }
  }

  Result<const std::vector<BucketId>*> read(std::uint32_t page, std::uint32_t row) {
    HF_TRY(const PropertyReader::Value value, values_.read(page, row));
    if (value.column == nullptr) return &missing_;
    const Set*& known = value.column->kind == ValueKind::number
                            ? by_number_[{value.number.units, value.number.scale}]
                            : by_code_[value.index][value.code];
    if (known == nullptr) {
      HF_TRY(Set set, buckets_of(value));
      sets_.push_back(std::move(set));
      known = &sets_.back();
    }
    return known;
  }

 private:
  using Set = std::vector<BucketId>;
  struct NumberHash {
    std::size_t operator()(const std::pair<std::int64_t, std::int8_t>& n) const {
      return static_cast<std::size_t>(
          (static_cast<std::uint64_t>(n.first) * 16 + static_cast<std::uint64_t>(n.second)) *
              0x9e3779b97f4a7c15u >>
          7);
    }
  };

  Result<Set> buckets_of(const PropertyReader::Value& value) {
    Set set;
    if (value.column->kind == ValueKind::number) {
      HF_TRY(const BucketId id, table_->intern(value.number.to_string()));
      return Set{id};
    }
    const std::string_view text = values_.text(value);
    if (value.column->kind != ValueKind::list) {
      HF_TRY(const BucketId id, table_->intern(text));
      return Set{id};
    }
    HF_TRY(const auto values, values_of_list(text));
    for (const std::string& each : values) {
      HF_TRY(const BucketId id, table_->intern(each));
      set.push_back(id);
    }
    std::ranges::sort(set);
    return set;
  }

  PropertyReader values_;
  BucketTable* table_;
  Set missing_{BucketTable::missing};
  std::deque<Set> sets_;
  std::vector<std::vector<const Set*>> by_code_;  // By column of the property, then code.
  std::unordered_map<std::pair<std::int64_t, std::int8_t>, const Set*, NumberHash> by_number_;
};

}  // namespace

struct PersonEventReader::PartReader {
  MatchedPage page;
  std::optional<PropertyReader> values;
  std::unique_ptr<BucketReader> buckets;  // Events point into it: it must not move.
};

Result<PersonEventReader> PersonEventReader::open(const BoundSelection& bound,
                                                  BucketTable* buckets) {
  PersonEventReader reader(bound);
  const EventSelection& selection = bound.selection();
  for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
    const Part& part = *bound.snapshot().parts[i];
    PartReader& of_part = reader.parts_.emplace_back(PartReader{{part, bound.matchers(i)}, {}, {}});
    if (selection.value_bits != 0) {
      HF_TRY(of_part.values, PropertyReader::open(part, selection.value_property));
    }
    if (selection.bucket_bits != 0) {
      HF_TRY(PropertyReader values, PropertyReader::open(part, selection.bucket_property.value()));
      of_part.buckets = std::make_unique<BucketReader>(std::move(values), *buckets);
    }
  }
  return reader;
}

PersonEventReader::PersonEventReader(const BoundSelection& bound) : bound_(&bound) {}
PersonEventReader::~PersonEventReader() = default;
PersonEventReader::PersonEventReader(PersonEventReader&&) noexcept = default;

Result<std::span<const PersonEvent>> PersonEventReader::read(std::span<const PersonRun> runs) {
  events_.clear();
  for (const PersonRun& run : runs) {
    PartReader& reader = parts_[run.part];
    if (!reader.page.matches_nothing()) HF_CHECK(append(reader, run));
  }
  if (runs.size() > 1) {
    // Each run is in order, and runs come in part order: stable keeps arrival among equal times.
    std::ranges::stable_sort(events_, {}, &PersonEvent::time_ms);
  }
  return std::span<const PersonEvent>(events_);
}

Result<void> PersonEventReader::append(PartReader& reader, const PersonRun& run) {
  const EventSelection& selection = bound_->selection();
  const std::size_t matchers = selection.wanted.size();
  return for_each_page(
      run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        HF_CHECK(reader.page.seek(page));
        const TimestampMs* times = reader.page.times();
        Result<void> outcome;
        for_each_row(
            first, last,
            [&](std::uint32_t word) {
              std::uint64_t any = 0;
              for (std::size_t m = 0; m < matchers; ++m) any |= reader.page.rows(m)[word];
              return any;
            },
            [&](std::uint32_t row) {
              if (times[row] > selection.as_of) return false;
              PersonEvent event{times[row], 0};
              for (std::size_t m = 0; m < matchers; ++m) {
                event.matched |=
                    static_cast<std::uint32_t>(reader.page.rows(m)[row / 64] >> (row % 64) & 1u)
                    << m;
              }
              if ((event.matched & selection.value_bits) != 0) {
                const auto value = reader.values->read(page, row);
                if (!value) {
                  outcome = std::unexpected(value.error());
                  return false;
                }
                if (value->column == nullptr) {
                  event.number_state = NumberState::missing;
                } else if (value->column->kind == ValueKind::number) {
                  event.number_state = NumberState::number;
                  event.number = value->number;
                } else {
                  event.number_state = value->column->kind == ValueKind::big_number
                                           ? NumberState::too_big
                                           : NumberState::no_number;
                }
              }
              if ((event.matched & selection.bucket_bits) != 0) {
                const auto buckets = reader.buckets->read(page, row);
                if (!buckets) {
                  outcome = std::unexpected(buckets.error());
                  return false;
                }
                event.buckets = *buckets;
              }
              events_.push_back(event);
              return true;
            });
        return outcome;
      });
}

std::vector<PersonOrdinal> split_persons(const Snapshot& snapshot, unsigned ranges) {
  HF_ASSERT(ranges > 0);
  const auto rows_below = [&](PersonOrdinal person) {
    std::uint64_t rows = 0;
    for (const auto& part : snapshot.parts) {
      const auto persons = part->persons();
      const auto at = std::ranges::lower_bound(persons, person) - persons.begin();
      rows += part->row_offsets()[static_cast<std::size_t>(at)];
    }
    return rows;
  };
  const std::uint64_t rows = rows_below(snapshot.person_end);
  std::vector<PersonOrdinal> bounds{0};
  for (unsigned i = 1; i < ranges; ++i) {
    PersonOrdinal low = bounds.back();
    PersonOrdinal high = snapshot.person_end;
    while (low < high) {
      const PersonOrdinal middle = low + (high - low) / 2;
      if (rows_below(middle) < rows * i / ranges) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    bounds.push_back(low);
  }
  bounds.push_back(snapshot.person_end);
  return bounds;
}

Result<void> for_each_person_range(
    const Snapshot& snapshot, unsigned ranges,
    const std::function<Result<void>(unsigned, PersonOrdinal, PersonOrdinal)>& work) {
  if (ranges <= 1) return work(0, 0, snapshot.person_end);
  const std::vector<PersonOrdinal> bounds = split_persons(snapshot, ranges);
  return for_each_item(
      ranges, ranges, [&](unsigned, std::uint32_t i) { return work(i, bounds[i], bounds[i + 1]); });
}

}  // namespace hf
