// SPDX-License-Identifier: Apache-2.0
#include "predicate/change.h"

#include "base/assert.h"
#include "stats/chance.h"

namespace hf {
namespace {

DecimalSum sum_of(Decimal value) {
  DecimalSum sum;
  sum.add(value);
  return sum;
}

double chance(const Behaviour& change, const WindowTally& now, const WindowTally& before) {
  const Tail tail = change.op == Op::lt || change.op == Op::lte ? Tail::less : Tail::more;
  if (change.of == Behaviour::ChangeOf::count) {
    return change.benchmark ? chance_of_count(now.events, change.benchmark->to_double(), tail)
                            : chance_of_counts(now.events, before.events, tail);
  }
  if (change.benchmark) {
    return chance_of_sums(now.sum.to_double() - change.benchmark->to_double(), now.squares, tail);
  }
  return chance_of_sums(now.sum.to_double() - before.sum.to_double(), now.squares + before.squares,
                        tail);
}

}  // namespace

void WindowTally::add_value(Decimal value) {
  sum.add(value);
  const double exact = value.to_double();
  squares += exact * exact;
}

bool change_holds(const Behaviour& change, const WindowTally& now, const WindowTally& before) {
  HF_ASSERT(change.kind == Behaviour::Kind::change);
  const auto measured = [&](const WindowTally& window) {
    return change.of == Behaviour::ChangeOf::sum ? window.sum : sum_of(Decimal{window.events, 0});
  };
  const DecimalSum whole = change.benchmark ? sum_of(*change.benchmark) : measured(before);
  if (whole.is_zero()) return false;
  const auto order = compare_quotient(measured(now), whole, change.ratio);
  const bool holds = change.op == Op::lt    ? order < 0
                     : change.op == Op::lte ? order <= 0
                     : change.op == Op::gt  ? order > 0
                                            : order >= 0;
  return holds && (!change.significant || chance(change, now, before) <= significance_level);
}

}  // namespace hf
