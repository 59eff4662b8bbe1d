// SPDX-License-Identifier: Apache-2.0
#include "predicate/people_leaf.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "predicate/moments.h"
#include "predicate/who_did.h"

namespace hf {
namespace {

// One after the other, for one thread.
struct LeafAsking {
  MomentReader reader;
  std::unique_ptr<LeafState> state;
  bool holds_without_any;  // Of a person none of whose events it is about.

  Result<bool> holds(std::span<const PersonRun> runs, TimestampMs as_of_ms) {
    if (!reader.any(runs)) return holds_without_any;
    HF_TRY(const auto moments, reader.read(runs, MomentReader::Rows::matched));
    state->clear();
    for (const Moment& moment : moments) state->take(moment);
    return state->holds(as_of_ms);
  }
};

}  // namespace

Result<PersonBitmap> restrict_to_leaf(const Snapshot& snapshot, const Predicate& condition,
                                      PersonBitmap among, const RowConditions* conditions,
                                      const PeopleScope& scope) {
  if (condition.kind == Predicate::Kind::behaviour &&
      condition.behaviour->kind == Behaviour::Kind::did) {
    return find_who_did(snapshot, *condition.behaviour, std::move(among), conditions, scope);
  }
  const Leaf leaf(condition, *scope.zone);
  const TimeSpan span = leaf.span_looked_at(scope.as_of_ms);
  HF_TRY(const MatchedRows matched,
         MatchedRows::find(snapshot, leaf.wanted(), span, conditions, scope));
  const auto state = leaf.state();
  state->clear();
  const bool holds_without_any = state->holds(scope.as_of_ms);
  std::uint64_t rows = 0;
  for (const auto& part : snapshot.parts) rows += part->row_count();
  std::vector<std::optional<LeafAsking>> askings(threads_for_rows(rows, scope.threads));
  const auto ask = [&](unsigned thread, std::uint32_t chunk) -> Result<void> {
    HF_CHECK(scope.guard->check());
    if (!askings[thread]) {
      HF_TRY(MomentReader reader, MomentReader::open(snapshot, leaf, matched, span, *scope.guard));
      askings[thread].emplace(LeafAsking{std::move(reader), leaf.state(), holds_without_any});
    }
    const PersonOrdinal first = chunk << PersonChunk::bits;
    std::vector<std::uint64_t> held(PersonChunk::words, holds_without_any ? ~std::uint64_t{0} : 0);
    Result<void> outcome;
    for_each_person(snapshot, first, first + PersonChunk::persons,
                    [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                      if (!outcome || !among.contains(person)) return;
                      const auto holds = askings[thread]->holds(runs, scope.as_of_ms);
                      if (!holds) {
                        outcome = std::unexpected(holds.error());
                      } else if (*holds != holds_without_any) {
                        held[(person - first) / 64] ^= std::uint64_t{1} << (person % 64);
                      }
                    });
    HF_CHECK(outcome);
    for (std::uint32_t w = 0; w < PersonChunk::words; ++w) among.chunk(chunk)[w] &= held[w];
    return {};
  };
  HF_CHECK(for_each_item(static_cast<unsigned>(askings.size()), among.chunks(), ask));
  return among;
}

}  // namespace hf
