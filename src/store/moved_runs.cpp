// SPDX-License-Identifier: Apache-2.0
#include "store/moved_runs.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "store/part_format.h"

namespace hf {

OwnerRuns::OwnerRuns(std::vector<OwnerRun> runs) : runs_(std::move(runs)), by_owner_(runs_) {
  std::ranges::sort(by_owner_, {},
                    [](const OwnerRun& run) { return std::pair(run.owner, run.first_row); });
}

std::span<const OwnerRun> OwnerRuns::of(PersonOrdinal owner) const {
  const auto found = std::ranges::equal_range(by_owner_, owner, {}, &OwnerRun::owner);
  return {found.begin(), found.end()};
}

Result<OwnerRuns> owner_runs(const Part& part) {
  HF_TRY(const auto shared, part.shared_runs());
  std::vector<OwnerRun> runs;
  if (shared.empty()) return OwnerRuns();
  const std::uint32_t id_code = part.find(part_format::ColumnRole::id_code).value();
  for (const SharedRun& run : shared) {
    const RowNumber end = part.row_offsets()[run.position + 1];
    for (RowNumber row = part.row_offsets()[run.position]; row < end;) {
      const std::uint32_t page = row / part_format::page_rows;
      HF_TRY(const auto codes, part.codes(id_code, page));
      const RowNumber first = page * part_format::page_rows;
      for (; row < end && row / part_format::page_rows == page; ++row) {
        const std::uint32_t code = codes->codes[row - first];
        if (code >= run.owners.size()) {
          return fail(ErrorCode::data_loss, "bad_part",
                      part.path() + ": a row with an id that has no owner");
        }
        const PersonOrdinal owner = run.owners[code].person;
        if (!runs.empty() && runs.back().position == run.position && runs.back().owner == owner) {
          ++runs.back().row_count;
        } else {
          runs.push_back({run.position, owner, row, 1});
        }
      }
    }
  }
  return OwnerRuns(std::move(runs));
}

namespace {

class MovedRunFinder {
 public:
  MovedRunFinder(std::span<const PartRuns> parts, const Belonging& belonging)
      : parts_(parts), belonging_(belonging) {
    out_.skipped.resize(parts.size());
    out_.hides.resize(parts.size(), false);
    for (PersonOrdinal owner = 0; owner < belonging.of.size(); ++owner) {
      if (belonging.of[owner] != owner) elsewhere_.emplace_back(belonging.of[owner], owner);
    }
    std::ranges::sort(elsewhere_);
  }

  std::shared_ptr<const MovedRuns> find() {
    for (const auto& [person, owner] : elsewhere_) look_for_own_run(person, owner);
    for (std::uint32_t part = 0; part < parts_.size(); ++part) look_at_shared_runs(part);
    // One by one in their order: sorting what all have together would cost more than finding it.
    std::vector<PersonOrdinal> affected(affected_.begin(), affected_.end());
    std::ranges::sort(affected);
    for (const PersonOrdinal person : affected) gather(person);
    bool any = !out_.runs.empty();
    for (auto& positions : out_.skipped) {
      std::ranges::sort(positions);
      const auto repeated = std::ranges::unique(positions);
      positions.erase(repeated.begin(), repeated.end());
      any = any || !positions.empty();
    }
    if (!any) return nullptr;
    return std::make_shared<const MovedRuns>(std::move(out_));
  }

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  // Where a person stands in the part's directory. As ordinals ascend, each by one at least, a
  // large part with few gaps among its persons leaves few places.
  std::uint32_t position(std::uint32_t part, PersonOrdinal person) const {
    const auto persons = parts_[part].part->persons();
    if (persons.empty() || person < persons.front() || person > persons.back()) return none;
    const std::size_t last = persons.size() - 1;
    const std::size_t above = persons.back() - person;
    const std::size_t from = last - std::min(last, above);
    const std::size_t to = std::min<std::size_t>(last, person - persons.front());
    const auto places = persons.subspan(from, to - from + 1);
    const auto at = std::ranges::lower_bound(places, person);
    if (at == places.end() || *at != person) return none;
    return static_cast<std::uint32_t>(from + static_cast<std::size_t>(at - places.begin()));
  }

  bool is_shared(std::uint32_t part, std::uint32_t at) const {
    return std::ranges::binary_search(*parts_[part].owners, at, {}, &OwnerRun::position);
  }

  // Events of an owner who belongs to somebody else may still lie under its own number.
  void look_for_own_run(PersonOrdinal person, PersonOrdinal owner) {
    for (std::uint32_t part = 0; part < parts_.size(); ++part) {
      const std::uint32_t at = position(part, owner);
      if (at == none || is_shared(part, at)) continue;
      if (person == Belonging::nobody) {
        skip(part, at);
        out_.hides[part] = true;
      } else {
        affected_.insert(person);
      }
    }
  }

  void look_at_shared_runs(std::uint32_t part) {
    const auto& runs = *parts_[part].owners;
    for (auto first = runs.begin(); first != runs.end();) {
      const auto last = std::find_if(
          first, runs.end(), [&](const OwnerRun& run) { return run.position != first->position; });
      const PersonOrdinal placed = parts_[part].part->persons()[first->position];
      const bool in_place = std::all_of(
          first, last, [&](const OwnerRun& run) { return belonging_.person(run.owner) == placed; });
      if (in_place) {
        // Mixed owners of one part and another part's events must be put in order by owner.
        if (lies_elsewhere_too(part, placed)) affected_.insert(placed);
      } else {
        skip(part, first->position);
        for (auto run = first; run != last; ++run) {
          const PersonOrdinal person = belonging_.person(run->owner);
          if (person == Belonging::nobody) {
            out_.hides[part] = true;
          } else {
            affected_.insert(person);
          }
        }
      }
      first = last;
    }
  }

  bool lies_elsewhere_too(std::uint32_t part, PersonOrdinal person) const {
    for (std::uint32_t other = 0; other < parts_.size(); ++other) {
      if (other != part && position(other, person) != none) return true;
    }
    return false;
  }

  // Owners ascending: elsewhere_ has the others of the person in that order.
  void gather(PersonOrdinal person) {
    const auto others = std::ranges::equal_range(elsewhere_, person, {},
                                                 &std::pair<PersonOrdinal, PersonOrdinal>::first);
    bool is_done = false;
    for (const auto& [of, owner] : others) {
      if (!is_done && person < owner) {
        gather_owner(person, person);
        is_done = true;
      }
      gather_owner(person, owner);
    }
    if (!is_done) gather_owner(person, person);
  }

  void skip(std::uint32_t part, std::uint32_t position) {
    auto& skipped = out_.skipped[part];
    if (skipped.empty() || skipped.back() != position) skipped.push_back(position);
  }

  void gather_owner(PersonOrdinal person, PersonOrdinal owner) {
    if (belonging_.person(owner) != person) return;
    for (std::uint32_t part = 0; part < parts_.size(); ++part) {
      const std::uint32_t at = position(part, owner);
      const bool is_alone = at != none && !is_shared(part, at);
      const auto shared = parts_[part].owners->of(owner);
      const std::size_t first = out_.runs.size();
      if (is_alone) {
        const auto offsets = parts_[part].part->row_offsets();
        out_.runs.push_back({person, owner, {part, offsets[at], offsets[at + 1] - offsets[at]}});
        skip(part, at);
      }
      for (const OwnerRun& run : shared) {
        out_.runs.push_back({person, owner, {part, run.first_row, run.row_count}});
        skip(part, run.position);
      }
      if (!is_alone || shared.empty()) continue;  // By row as they are.
      std::ranges::sort(std::span(out_.runs).subspan(first), {},
                        [](const MovedRuns::Moved& moved) { return moved.run.first_row; });
    }
  }

  std::span<const PartRuns> parts_;
  const Belonging& belonging_;
  std::vector<std::pair<PersonOrdinal, PersonOrdinal>> elsewhere_;  // Person, owner.
  std::unordered_set<PersonOrdinal> affected_;
  MovedRuns out_;
};

}  // namespace

std::shared_ptr<const MovedRuns> find_moved_runs(std::span<const PartRuns> parts,
                                                 const Belonging& belonging) {
  return MovedRunFinder(parts, belonging).find();
}

}  // namespace hf
