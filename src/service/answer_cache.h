// SPDX-License-Identifier: Apache-2.0
//
// Answers that were given, for who asks the same of the same data; and one computation for equal
// questions that are asked at the same time.
//
// An answer is a function of the data, the question and the instant regarded as now. So only
// questions that name that instant, "as_of", are kept and shared: of the others no two are equal.
// Where the data changed all answers are forgotten, for they cannot be asked for again; what was
// computed of older data is not kept. So nothing is stale, and of somebody who was erased nothing
// stays in memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "base/result.h"
#include "base/work_guard.h"
#include "metric/query_context.h"

namespace hf {

/// Never null.
using KeptAnswer = std::shared_ptr<const std::string>;

/// The question whatever the order of its members, with what of `context` an answer depends on.
/// Nothing where its answer depends on the clock, or it is no question.
[[nodiscard]] std::optional<std::string> canonical_question(std::string_view query_json,
                                                            const QueryContext& context);

/// One computation, and those who wait for it. From any thread.
class SharedAnswering {
 public:
  /// `is_shared`: somebody else's computation gave it.
  using Tell = std::function<void(const Result<KeptAnswer>& answer, bool is_shared)>;

  SharedAnswering(std::shared_ptr<WorkGuard> guard, Tell tell);

  /// Cancelled when nobody waits any more.
  [[nodiscard]] WorkGuard& guard() { return *guard_; }
  /// Who began it has this number.
  static constexpr std::uint64_t leader = 0;
  /// The number of one more who waits; nothing where it was given up.
  [[nodiscard]] std::optional<std::uint64_t> join(Tell tell);
  /// Tells who has this number that it was cancelled, where it was told nothing yet.
  void leave(std::uint64_t number);
  /// Tells all who wait.
  void tell_all(const Result<KeptAnswer>& answer);

 private:
  struct State {
    std::map<std::uint64_t, Tell> waiting;
    std::uint64_t next = leader + 1;
  };
  std::shared_ptr<WorkGuard> guard_;
  Guarded<State> state_;
};

/// All methods may be called from any thread at any time.
class AnswerCache {
 public:
  explicit AnswerCache(std::size_t bytes_max = std::size_t{64} << 20) : bytes_max_(bytes_max) {}

  struct Place {
    KeptAnswer kept;  ///< Null where it is not known yet; then all that follows is set.
    std::shared_ptr<SharedAnswering> answering;
    std::uint64_t number = 0;  ///< For SharedAnswering::leave().
    bool leads = false;        ///< The caller computes it and calls finish().
  };
  /// Where the question stands. `tell` is called once, unless the answer is kept; `guard` is that
  /// of the computation, where one begins. `question`: of canonical_question().
  [[nodiscard]] Place place_for(std::uint64_t data_version, std::optional<std::string> question,
                                const std::shared_ptr<WorkGuard>& guard,
                                SharedAnswering::Tell tell);
  /// Tells all who wait and keeps the answer, unless it is an error, larger than a quarter of all
  /// that is kept, or of older data.
  void finish(std::uint64_t data_version, const std::optional<std::string>& question,
              const std::shared_ptr<SharedAnswering>& answering, Result<std::string> answer);

  struct Counts {
    std::uint64_t hits = 0;    ///< Kept answers, and those of somebody else's computation.
    std::uint64_t misses = 0;  ///< Of questions that name their as_of.
    std::size_t answers = 0;   ///< Kept now.
    std::size_t bytes = 0;     ///< Of these and their questions.
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Entry {
    KeptAnswer answer;
    std::list<const std::string*>::iterator place;
  };
  struct State {
    std::uint64_t data_version = 0;
    std::map<std::string, Entry, std::less<>> entries;
    std::list<const std::string*> used;  // Keys of `entries`, last used first.
    std::map<std::string, std::shared_ptr<SharedAnswering>, std::less<>> answering;
    Counts counts;

    void come_to(std::uint64_t version);
    void forget_oldest();
  };

  std::size_t bytes_max_;
  Guarded<State> state_;
};

}  // namespace hf
