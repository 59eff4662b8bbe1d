// SPDX-License-Identifier: Apache-2.0
//
// Bulk import: files in, parts out. An import is atomic (its parts become visible together),
// restartable (it goes on at the last part written) and known by its files' digests and its
// mapping: the same again adds nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "service/import_plan.h"
#include "service/sql_engine.h"
#include "store/store.h"

namespace hf {

struct ImportProgress {
  enum class Phase : std::uint8_t { digest, rows, finishing };
  Phase phase = Phase::rows;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  ///< 0: not known.
  std::uint64_t rows = 0;
  std::uint64_t rejected = 0;
};

struct ImportOutcome {
  std::uint32_t id = 0;
  bool nothing_new = false;  ///< All files were imported before, with this mapping.
  bool resumed = false;
  std::uint64_t resumed_at_row = 0;
  std::vector<std::string> skipped_files;  ///< Imported before.
  ImportCounts counts;
  std::uint64_t persons_new = 0;
  std::uint64_t cells_kept_as_text = 0;  ///< Of this run.
  std::string reject_path;               ///< Empty when nothing was rejected.
  std::uint64_t rows_this_run = 0;
};

struct ImportControl {
  std::function<void(const ImportProgress&)> on_progress = [](const ImportProgress&) {};
  /// Set from a signal handler: stops at the next row; what is in parts is kept for going on.
  const std::atomic<bool>* stop = nullptr;
  /// Parts are written by a second thread while rows are read; off for simulations.
  bool background_writes = true;
  /// Rows per part; 0 is PartBuilder's own bound. Tests set it low.
  std::uint32_t rows_per_part = 0;
};

/// Runs a step with the store and returns what it returned. Between two steps others may change the
/// store, and it may be another one of the same directory.
using StoreStep = std::function<Result<void>(Store&)>;
using WithStore = std::function<Result<void>(const StoreStep&)>;

/// Carries the plan out. An unfinished import of the same files and mapping is gone on with; it
/// starts over where the visible data changed meanwhile, since its rows were compared with other
/// persons and message ids; with options.sql; and with options.strict when it has rejected rows.
/// Errors: those of the store and the readers; cancelled (say the same again
/// to go on); failed_precondition/rejected_row with options.strict, nothing kept.
[[nodiscard]] Result<ImportOutcome> run_import(Store& store, SqlEngine* engine,
                                               const ImportPlan& plan,
                                               const ImportControl& control);
/// The same beside others who use the store, which it holds for no longer than a part takes to be
/// written. Where an event of the same source and message id was appended meanwhile, the import
/// starts over and leaves that row out; and where events were taken away. Errors: also unavailable/
/// data_changing (that went on and on); cancelled/undone (somebody took it back while it ran).
[[nodiscard]] Result<ImportOutcome> run_import(const Env& env, const WithStore& with_store,
                                               SqlEngine* engine, const ImportPlan& plan,
                                               const ImportControl& control);

/// Takes an import's events away again. Errors: not_found/no_import;
/// failed_precondition/already_undone.
[[nodiscard]] Result<ImportRecord> undo_import(Store& store, std::uint32_t id);

}  // namespace hf
