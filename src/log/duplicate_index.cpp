// SPDX-License-Identifier: Apache-2.0
//
// Memory, as shares of Options::memory_bytes:
//
//   1/16   the table
//   1/8    the filter of a merge that is running, and so the largest filter there is
//   1/16   buffers, and what shrinking a filter takes for a moment
//   3/4    filters and page keys of the runs. Where they need more, the filter with most bits a
//          key is halved, in memory only, or at last dropped, until they do not
//
// Merging: neighbours become one where the largest holds no more than a quarter of their keys, so a
// key is written again at most log_4(largest run / table) times, or two thirds where they are old
// enough that no newer neighbour will join them. A run never spans more than a seventh of the
// window, so what has left it is soon gone.
#include "log/duplicate_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/site.h"
#include "log/duplicate_run.h"
#include "log/duplicate_table.h"

namespace hf {
namespace {

constexpr std::size_t together =
    32;  // Keys of a find(): as many cache misses as a core has in flight.
constexpr std::size_t merge_runs_max = 16;
constexpr std::int64_t runs_a_window = 7;
constexpr std::uint64_t useful_bits_per_key = 3;  // Of a filter: with less nearly every key passes.
constexpr std::string_view temporary_suffix = ".tmp";
constexpr std::string_view run_suffix = ".run";

/// The fewest of `ranges` that follow one another from `from` to `to`; none where that cannot be.
/// What a crash left over (merged runs and those they replaced, both or in part) is not among them.
std::vector<OffsetRange> chain(std::vector<OffsetRange> ranges, Offset from, Offset to) {
  struct Way {
    std::size_t length = 0;
    OffsetRange last;
  };
  std::map<Offset, Way> ways = {{from, {}}};  // The best one to each offset that can be reached.
  std::ranges::sort(ranges, {}, &OffsetRange::first);
  for (const OffsetRange& range : ranges) {
    const auto before = ways.find(range.first);
    if (before == ways.end()) continue;
    const Way way{before->second.length + 1, range};
    const auto [at, is_new] = ways.try_emplace(range.end, way);
    if (!is_new && way.length < at->second.length) at->second = way;
  }
  std::vector<OffsetRange> out;
  for (auto at = ways.find(to); at != ways.end() && at->first != from;) {
    out.push_back(at->second.last);
    at = ways.find(at->second.last.first);
  }
  std::ranges::reverse(out);
  return out;
}

std::string join(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

/// Keys of several runs in ascending order, each once.
class MergedKeys {
 public:
  explicit MergedKeys(std::span<const std::shared_ptr<const DuplicateRun>> runs) {
    scans_.reserve(runs.size());
    for (const auto& run : runs) scans_.emplace_back(*run);
  }
  /// Calls `take(key)`, which returns Result<void>.
  template <class Take>
  [[nodiscard]] Result<void> for_each(Take take) {
    for (DuplicateRunScan& scan : scans_) {
      HF_TRY(const auto keys, scan.next());
      if (!keys.empty()) heads_.push_back({keys, &scan});
    }
    std::ranges::make_heap(heads_, is_after);
    std::optional<Hash128> last;
    while (!heads_.empty()) {
      Head& head = heads_.front();
      if (last != head.keys.front()) {
        last = head.keys.front();
        HF_CHECK(take(*last));
      }
      head.keys = head.keys.subspan(1);
      if (head.keys.empty()) {
        HF_TRY(head.keys, head.scan->next());
      }
      if (head.keys.empty()) {
        head = heads_.back();
        heads_.pop_back();
      }
      sink_front();
    }
    return {};
  }

 private:
  struct Head {
    std::span<const Hash128> keys;  // What follows of its page; never empty.
    DuplicateRunScan* scan;
  };
  static bool is_after(const Head& a, const Head& b) { return a.keys.front() > b.keys.front(); }
  // One way down; std::pop_heap and push_heap go down and up again.
  void sink_front() {
    for (std::size_t at = 0;;) {
      std::size_t child = 2 * at + 1;
      if (child >= heads_.size()) return;
      if (child + 1 < heads_.size() && is_after(heads_[child], heads_[child + 1])) ++child;
      if (!is_after(heads_[at], heads_[child])) return;
      std::swap(heads_[at], heads_[child]);
      at = child;
    }
  }

  std::vector<DuplicateRunScan> scans_;
  std::vector<Head> heads_;  // A heap, the smallest key in front.
};

/// What a merge and the index both look at: nothing of it changes.
struct MergePlan {
  std::vector<std::shared_ptr<const DuplicateRun>> runs;  // Neighbours, in their order.
  DuplicateRunInfo info;                                  // Of the merged run; keys: at most.
};

class RunMerge final : public DuplicateIndex::Merge {
 public:
  RunMerge(const Env& env, std::string directory, std::shared_ptr<const MergePlan> plan)
      : env_(env), directory_(std::move(directory)), plan_(std::move(plan)) {}
  ~RunMerge() override {
    if (merged_.run) (void)env_.files.remove(merged_.run->path());  // Dropped.
  }
  Result<void> run() override {
    HF_ASSERT(!merged_.run);
    HF_TRY(const auto writer, DuplicateRunWriter::open(env_, directory_, plan_->info));
    HF_CHECK(
        MergedKeys(plan_->runs).for_each([&](const Hash128& key) { return writer->add(key); }));
    HF_TRY(merged_, writer->finish());
    return {};
  }
  [[nodiscard]] const MergePlan& plan() const { return *plan_; }
  [[nodiscard]] FilteredDuplicateRun take() { return std::exchange(merged_, {}); }

 private:
  Env env_;
  std::string directory_;
  std::shared_ptr<const MergePlan> plan_;
  FilteredDuplicateRun merged_;
};

}  // namespace

struct DuplicateIndex::Body {
  Body(const Env& env_in, std::string directory_in, const Options& options)
      : env(env_in),
        directory(std::move(directory_in)),
        memory_bytes(options.memory_bytes),
        window_ms(options.window_ms),
        table_keys(options.table_keys != 0
                       ? options.table_keys
                       : std::max<std::size_t>(64, memory_bytes / 16 / sizeof(Hash128) / 4 * 3)),
        table(table_keys) {
    HF_ASSERT(window_ms >= 0);
  }

  [[nodiscard]] Result<void> open_runs();
  [[nodiscard]] Result<void> find(std::span<const Hash128> keys, std::span<bool> known) const;
  [[nodiscard]] std::shared_ptr<const MergePlan> plan_merge() const;
  [[nodiscard]] std::size_t expired_runs() const;
  [[nodiscard]] std::uint64_t runs_memory() const;
  void make_room(std::uint64_t bytes);
  [[nodiscard]] Result<void> remove_stale();

  [[nodiscard]] std::uint64_t merge_bytes_max() const { return memory_bytes / 8; }
  [[nodiscard]] std::uint64_t runs_bytes_max() const {
    const std::uint64_t others =
        DuplicateTable::bytes_for(table_keys) + memory_bytes / 8 + memory_bytes / 16;
    return memory_bytes - std::min<std::uint64_t>(memory_bytes, others);
  }
  [[nodiscard]] std::int64_t run_span_ms_max() const { return window_ms / runs_a_window; }

  Env env;
  std::string directory;
  std::size_t memory_bytes;
  std::int64_t window_ms;
  std::size_t table_keys;

  DuplicateTable table;
  OffsetRange added;  // Records of the table; end 0 before any is known of.
  TimestampMs table_since_ms = 0;
  std::optional<TimestampMs> newest_ms;
  std::vector<FilteredDuplicateRun> runs;  // Oldest first, each ends where the next begins.
  std::weak_ptr<const MergePlan> merging;  // Gone where no merge is under way.
  std::vector<std::string> stale;          // Paths of runs that are to be removed.
};

// Opening.

Result<void> DuplicateIndex::Body::open_runs() {
  HF_CHECK(env.files.make_directories(directory));
  HF_TRY(const std::vector<std::string> names, env.files.list(directory));
  std::vector<OffsetRange> found;
  std::vector<std::string> leftovers;
  for (const std::string& name : names) {
    if (name.ends_with(temporary_suffix)) leftovers.push_back(name);
    if (!name.ends_with(run_suffix)) continue;
    const auto range = parse_duplicate_run_name(name);
    if (!range) {
      return fail(ErrorCode::data_loss, "bad_duplicates",
                  fmt::format("{}: offset 0: no name of a run", join(directory, name)));
    }
    found.push_back(*range);
  }

  std::vector<OffsetRange> live;
  if (!found.empty()) {
    const OffsetRange newest = *std::ranges::max_element(found, {}, &OffsetRange::end);
    HF_TRY(const auto run, DuplicateRun::open(env, directory, newest));
    const Offset from = run->info().complete_from;
    live = chain(found, from, newest.end);
    if (live.empty()) {
      return fail(ErrorCode::data_loss, "bad_duplicates",
                  fmt::format("{}: offset 0: runs are missing between the records {} and {}",
                              run->path(), from, newest.end));
    }
    added = {newest.end, newest.end};
    newest_ms = run->info().time_max;
  }
  for (const OffsetRange& range : live) {
    HF_TRY(auto run, DuplicateRun::open(env, directory, range));
    HF_TRY(auto filter, run->read_filter(merge_bytes_max()));
    runs.push_back({std::move(run), std::move(filter)});
    make_room(0);
  }

  for (const OffsetRange& range : found) {
    if (std::ranges::find(live, range) == live.end())
      leftovers.push_back(duplicate_run_name(range));
  }
  for (const std::string& name : leftovers) HF_CHECK(env.files.remove(join(directory, name)));
  return {};
}

Result<std::unique_ptr<DuplicateIndex>> DuplicateIndex::open(const Env& env,
                                                             const std::string& directory,
                                                             const Options& options) {
  auto body = std::make_unique<Body>(env, directory, options);
  HF_CHECK(body->open_runs());
  return std::unique_ptr<DuplicateIndex>(new DuplicateIndex(std::move(body)));
}

Result<void> DuplicateIndex::discard(const Env& env, const std::string& directory) {
  if (!env.files.exists(directory)) return {};
  HF_TRY(const std::vector<std::string> names, env.files.list(directory));
  for (const std::string& name : names) {
    if (!name.ends_with(temporary_suffix) && !name.ends_with(run_suffix)) continue;
    HF_CHECK(env.files.remove(join(directory, name)));
  }
  if (HF_SITE("duplicates.discard.directory_sync")) HF_CHECK(env.files.sync_directory(directory));
  return {};
}

DuplicateIndex::DuplicateIndex(std::unique_ptr<Body> body) : body_(std::move(body)) {}
DuplicateIndex::~DuplicateIndex() = default;

// Looking up.

Result<void> DuplicateIndex::find(std::span<const Hash128> keys, std::span<bool> known) const {
  HF_ASSERT(keys.size() == known.size());
  for (std::size_t begin = 0; begin < keys.size(); begin += together) {
    const std::size_t n = std::min(together, keys.size() - begin);
    HF_CHECK(body_->find(keys.subspan(begin, n), known.subspan(begin, n)));
  }
  return {};
}

Result<void> DuplicateIndex::Body::find(std::span<const Hash128> keys,
                                        std::span<bool> known) const {
  std::array<std::size_t, together> open;  // Keys that are not known so far.
  std::size_t open_count = 0;
  for (const Hash128& key : keys) table.prefetch(key);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    known[i] = table.contains(keys[i]);
    if (!known[i]) open[open_count++] = i;
  }
  const auto prefetch = [&](const FilteredDuplicateRun& run) {
    for (std::size_t i = 0; i < open_count; ++i) run.filter.prefetch(keys[open[i]]);
  };
  // The newest first: a retry comes soon.
  if (!runs.empty()) prefetch(runs.back());
  for (std::size_t r = runs.size(); r-- > 0 && open_count > 0;) {
    if (r > 0) prefetch(runs[r - 1]);
    const DuplicateRun& run = *runs[r].run;
    if (run.info().keys == 0) continue;
    std::array<std::size_t, together> candidates;
    std::size_t candidate_count = 0;
    for (std::size_t i = 0; i < open_count; ++i) {
      if (!runs[r].filter.may_hold(keys[open[i]])) continue;
      candidates[candidate_count++] = open[i];
      run.prefetch(keys[open[i]]);
    }
    if (candidate_count == 0) continue;
    for (std::size_t i = 0; i < candidate_count; ++i) {
      HF_TRY(known[candidates[i]], run.holds(keys[candidates[i]]));
    }
    const auto end = std::remove_if(open.begin(), open.begin() + open_count,
                                    [&](std::size_t i) { return known[i]; });
    open_count = static_cast<std::size_t>(end - open.begin());
  }
  return {};
}

// Adding.

Offset DuplicateIndex::flushed_end() const {
  return body_->runs.empty() ? 0 : body_->runs.back().run->info().range.end;
}

void DuplicateIndex::add(std::span<const Hash128> keys, Offset first, Offset end,
                         TimestampMs received_at_ms) {
  Body& body = *body_;
  HF_ASSERT(first < end);
  // Records in between, of whoever else writes to the log, have no message ids.
  const Offset from = body.added.end != 0 ? body.added.end
                      : body.runs.empty() ? first
                                          : flushed_end();
  HF_ASSERT(from <= first);
  first = from;
  HF_ASSERT(!body.newest_ms || *body.newest_ms <= received_at_ms);
  if (body.added.end == 0) body.added.first = first;
  if (body.added.first == first) body.table_since_ms = received_at_ms;
  body.added.end = end;
  body.newest_ms = received_at_ms;
  for (std::size_t begin = 0; begin < keys.size(); begin += together) {
    const auto group = keys.subspan(begin, std::min(together, keys.size() - begin));
    for (const Hash128& key : group) body.table.prefetch(key);
    for (const Hash128& key : group) body.table.insert(key);
  }
}

bool DuplicateIndex::should_flush() const {
  const Body& body = *body_;
  return body.table.is_full() ||
         (body.added.first<body.added.end&& * body.newest_ms - body.table_since_ms> body
              .run_span_ms_max());
}

Result<void> DuplicateIndex::flush() {
  Body& body = *body_;
  if (body.added.first == body.added.end) return {};
  const std::size_t expired = body.expired_runs();
  const DuplicateRunInfo info{.range = body.added,
                              .complete_from = expired < body.runs.size()
                                                   ? body.runs[expired].run->info().range.first
                                                   : body.added.first,
                              .time_min = body.table_since_ms,
                              .time_max = *body.newest_ms,
                              .keys = body.table.size()};
  body.make_room(DuplicateRun::memory_bytes_for(info.keys));
  HF_TRY(const auto writer, DuplicateRunWriter::open(body.env, body.directory, info));
  HF_CHECK(body.table.for_each([&](const Hash128& key) { return writer->add(key); }));
  HF_TRY(auto written, writer->finish());

  // The new run says that those are not needed any more, so they go after it is durable.
  const auto expired_end = body.runs.begin() + static_cast<std::ptrdiff_t>(expired);
  for (auto run = body.runs.begin(); run != expired_end; ++run) {
    body.stale.push_back(run->run->path());
  }
  body.runs.erase(body.runs.begin(), expired_end);
  body.runs.push_back(std::move(written));
  body.table.clear();
  body.added.first = body.added.end;
  body.make_room(0);
  (void)body.remove_stale();  // Or later: the keys are safe, and that is what was asked for.
  return {};
}

std::size_t DuplicateIndex::Body::expired_runs() const {
  const auto plan = merging.lock();
  std::size_t n = 0;
  for (; n < runs.size(); ++n) {
    const auto& run = runs[n].run;
    if (run->info().time_max >= *newest_ms - window_ms) break;
    if (plan && std::ranges::find(plan->runs, run) != plan->runs.end()) break;
  }
  return n;
}

Result<void> DuplicateIndex::Body::remove_stale() {
  Result<void> result;
  std::erase_if(stale, [&](const std::string& path) {
    auto removed = env.files.remove(path);
    if (removed || removed.error().code == ErrorCode::not_found) return true;
    if (result) result = std::move(removed);
    return false;
  });
  return result;
}

// Memory.

std::uint64_t DuplicateIndex::Body::runs_memory() const {
  std::uint64_t bytes = 0;
  for (const auto& [run, filter] : runs) bytes += run->memory_bytes() + filter.bytes();
  return bytes;
}

/// Shrinks filters until there is room for `bytes` more, or there are none.
void DuplicateIndex::Body::make_room(std::uint64_t bytes) {
  for (std::uint64_t used = runs_memory() + bytes; used > runs_bytes_max();) {
    const auto bits_per_key = [](const FilteredDuplicateRun& run) {
      return static_cast<double>(run.filter.bytes()) * 8 /
             static_cast<double>(std::max<std::uint64_t>(1, run.run->info().keys));
    };
    const auto most = std::ranges::max_element(runs, {}, bits_per_key);
    if (most == runs.end() || most->filter.bytes() == 0) return;
    used -= most->filter.bytes();
    if (most->filter.can_halve() && bits_per_key(*most) >= 2.0 * useful_bits_per_key) {
      most->filter.halve();
    } else {
      most->filter = DuplicateFilter();
    }
    used += most->filter.bytes();
  }
}

// Merging.

std::shared_ptr<const MergePlan> DuplicateIndex::Body::plan_merge() const {
  const auto info = [&](std::size_t i) -> const DuplicateRunInfo& { return runs[i].run->info(); };
  std::size_t best_begin = 0;
  std::size_t best_end = 0;
  double best_cost = 0;  // Keys written for each run saved.
  for (std::size_t begin = 0; begin < runs.size(); ++begin) {
    std::uint64_t keys = 0;
    std::uint64_t weight = 0;
    std::uint64_t weight_max = 0;
    for (std::size_t end = begin + 1; end <= std::min(runs.size(), begin + merge_runs_max); ++end) {
      const DuplicateRunInfo& last = info(end - 1);
      keys += last.keys;
      // A file costs something however small it is.
      const std::uint64_t own_weight = last.keys + table_keys / 64 + 1;
      weight += own_weight;
      weight_max = std::max(weight_max, own_weight);
      if (last.time_max - info(begin).time_min > run_span_ms_max()) break;
      if (DuplicateRun::memory_bytes_for(keys) > merge_bytes_max()) break;
      const bool is_settled = last.time_max < *newest_ms - run_span_ms_max();
      if (is_settled ? 2 * weight < 3 * weight_max : weight < 4 * weight_max) continue;
      if (end - begin < 2) continue;
      const double cost = static_cast<double>(weight) / static_cast<double>(end - begin - 1);
      if (best_end != 0 && cost >= best_cost) continue;
      best_begin = begin;
      best_end = end;
      best_cost = cost;
    }
  }
  if (best_end == 0) return nullptr;

  const DuplicateRunInfo& oldest = info(best_begin);
  const DuplicateRunInfo& newest = info(best_end - 1);
  MergePlan plan{.runs = {},
                 .info = {.range = {oldest.range.first, newest.range.end},
                          .complete_from = newest.complete_from,
                          .time_min = oldest.time_min,
                          .time_max = newest.time_max}};
  for (std::size_t i = best_begin; i < best_end; ++i) {
    plan.runs.push_back(runs[i].run);
    plan.info.keys += info(i).keys;
  }
  return std::make_shared<const MergePlan>(std::move(plan));
}

std::unique_ptr<DuplicateIndex::Merge> DuplicateIndex::begin_merge() {
  HF_ASSERT(body_->merging.expired());
  auto plan = body_->plan_merge();
  if (!plan) return nullptr;
  body_->merging = plan;
  return std::make_unique<RunMerge>(body_->env, body_->directory, std::move(plan));
}

Result<void> DuplicateIndex::finish_merge(std::unique_ptr<Merge> merge) {
  Body& body = *body_;
  auto* const run_merge = dynamic_cast<RunMerge*>(merge.get());
  HF_ASSERT(run_merge != nullptr && &run_merge->plan() == body.merging.lock().get());
  FilteredDuplicateRun merged = run_merge->take();
  HF_ASSERT(merged.run != nullptr);
  const auto& replaced = run_merge->plan().runs;
  const auto begin = std::ranges::find(body.runs, replaced.front(), &FilteredDuplicateRun::run);
  HF_ASSERT(static_cast<std::size_t>(body.runs.end() - begin) >= replaced.size());
  for (const auto& run : replaced) body.stale.push_back(run->path());
  *begin = std::move(merged);
  body.runs.erase(begin + 1, begin + static_cast<std::ptrdiff_t>(replaced.size()));
  merge.reset();
  body.make_room(0);
  return body.remove_stale();
}

// Telling.

DuplicateIndex::Size DuplicateIndex::size() const {
  const Body& body = *body_;
  Size size{.keys = body.table.size(),
            .runs = body.runs.size(),
            .memory_bytes = body.table.bytes() + body.runs_memory()};
  for (const FilteredDuplicateRun& run : body.runs) {
    size.keys += run.run->info().keys;
    size.disk_bytes += run.run->disk_bytes();
  }
  if (const auto plan = body.merging.lock())
    size.memory_bytes += DuplicateRun::memory_bytes_for(plan->info.keys);
  return size;
}

Result<void> DuplicateIndex::verify() const {
  for (const auto& [run, filter] : body_->runs) HF_CHECK(run->verify(body_->env, filter));
  return {};
}

}  // namespace hf
