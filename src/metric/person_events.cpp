// SPDX-License-Identifier: Apache-2.0
#include "metric/person_events.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "metric/key_reader.h"
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
      HF_TRY(PageMatcher matcher,
             PageMatcher::compile(counts ? *wanted.matcher : nothing, *wanted.where,
                                  *snapshot.parts[part], selection.conditions,
                                  static_cast<std::uint32_t>(part)));
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
  any_.assign(words, 0);
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (matchers_[i].matches_everything()) {
      rows_[i].assign(words, ~std::uint64_t{0});
    } else {
      rows_[i].assign(words, 0);
      if (!matchers_[i].matches_nothing()) HF_CHECK(matchers_[i].find(page, rows_[i]));
    }
    for (std::size_t w = 0; w < words; ++w) any_[w] |= rows_[i][w];
  }
  HF_TRY(compact_, part_->compact_times(page));
  times_.reset();
  if (compact_->offsets.empty()) {
    HF_TRY(times_, part_->times(page));
  }
  page_ = page;
  return {};
}

struct PersonEventReader::PartReader {
  MatchedPage page;
  std::vector<PropertyReader> values;
  std::vector<std::unique_ptr<KeyReader>> keys;  // Events point into them: they must not move.
};

Result<PersonEventReader> PersonEventReader::open(const BoundSelection& bound) {
  PersonEventReader reader(bound);
  const EventSelection& selection = bound.selection();
  for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
    const Part& part = *bound.snapshot().parts[i];
    PartReader& of_part = reader.parts_.emplace_back(PartReader{{part, bound.matchers(i)}, {}, {}});
    for (const EventSelection::Value& value : selection.values) {
      HF_TRY(PropertyReader values, PropertyReader::open(part, value.property));
      of_part.values.push_back(std::move(values));
    }
    for (const EventSelection::Key& key : selection.keys) {
      HF_TRY(PropertyReader values, PropertyReader::open(part, key.property));
      of_part.keys.push_back(std::make_unique<KeyReader>(std::move(values), *key.table));
    }
  }
  return reader;
}

PersonEventReader::PersonEventReader(const BoundSelection& bound) : bound_(&bound) {}
PersonEventReader::~PersonEventReader() = default;
PersonEventReader::PersonEventReader(PersonEventReader&&) noexcept = default;

Result<PersonEvents> PersonEventReader::read(std::span<const PersonRun> runs) {
  events_.clear();
  numbers_.clear();
  places_.clear();
  keys_.clear();
  for (const PersonRun& run : runs) {
    PartReader& reader = parts_[run.part];
    if (!reader.page.matches_nothing()) HF_CHECK(append(reader, run));
  }
  if (runs.size() > 1 && !std::ranges::is_sorted(events_, {}, &PersonEvent::time_ms)) {
    // Each run is in order, and runs come in part order: stable keeps arrival among equal times.
    std::ranges::stable_sort(events_, {}, &PersonEvent::time_ms);
  }
  const EventSelection& selection = bound_->selection();
  keys_.resize(places_.size() * selection.keys.size(), nullptr);
  return PersonEvents{.events = events_,
                      .numbers = numbers_.data(),
                      .value_count = static_cast<std::uint32_t>(selection.values.size()),
                      .key_count = static_cast<std::uint32_t>(selection.keys.size()),
                      .reader = this};
}

Result<void> PersonEventReader::append(PartReader& reader, const PersonRun& run) {
  const EventSelection& selection = bound_->selection();
  const std::size_t matchers = selection.wanted.size();
  const bool has_values = !selection.values.empty();
  const bool has_keys = !selection.keys.empty();
  return for_each_page(
      run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        HF_CHECK(reader.page.seek(page));
        const std::uint64_t* const any = reader.page.any();
        Result<void> outcome;
        for_each_row(
            first, last, [&](std::uint32_t word) { return any[word]; },
            [&](std::uint32_t row) {
              const TimestampMs time = reader.page.time(row);
              if (time > selection.as_of) return false;
              PersonEvent event{time, 0};
              for (std::size_t m = 0; m < matchers; ++m) {
                event.matched |= (reader.page.rows(m)[row / 64] >> (row % 64) & 1u) << m;
              }
              event.detail = static_cast<std::uint32_t>(events_.size());
              if (has_values) outcome = read_values(reader, page, row, event);
              if (has_keys) places_.push_back({run.part, page * part_format::page_rows + row});
              events_.push_back(event);
              return outcome.has_value();
            });
        return outcome;
      });
}

Result<void> PersonEventReader::read_values(PartReader& reader, std::uint32_t page,
                                            std::uint32_t row, const PersonEvent& event) {
  const EventSelection& selection = bound_->selection();
  for (std::size_t i = 0; i < selection.values.size(); ++i) {
    EventNumber& number = numbers_.emplace_back();
    if ((event.matched & selection.values[i].bits) == 0) continue;
    HF_TRY(const PropertyReader::Value value, reader.values[i].read(page, row));
    if (value.column == nullptr) continue;
    if (value.column->kind == ValueKind::number) {
      number = {NumberState::number, value.number};
    } else if (value.column->kind == ValueKind::big_number) {
      number.state = NumberState::too_big;
      saw_too_big_ = true;
    } else {
      number.state = NumberState::no_number;
    }
  }
  return {};
}

// Most questions look at few of a person's keys: that of the first touch, say.
const BucketSet* PersonEventReader::key(const PersonEvent& event, std::size_t i) {
  static const BucketSet missing{BucketTable::missing};
  const EventSelection& selection = bound_->selection();
  if ((event.matched & selection.keys[i].bits) == 0) return nullptr;
  const BucketSet*& known = keys_[event.detail * selection.keys.size() + i];
  if (known != nullptr) return known;
  const Place place = places_[event.detail];
  const auto read = parts_[place.part].keys[i]->read(place.row / part_format::page_rows,
                                                     place.row % part_format::page_rows);
  if (!read) keys_read_ = std::unexpected(read.error());
  known = read ? *read : &missing;
  return known;
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

}  // namespace hf
