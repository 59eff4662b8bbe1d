// SPDX-License-Identifier: Apache-2.0
//
// The state in one SQLite file: docs/format/state.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "service/state.h"
#include "service/state_file.h"

namespace hf {

class SqliteState final : public State {
 public:
  /// Opens the file, checks it whole, and brings it up to this program's version; where there is
  /// none it is made, with mode 0600. Requires the caller to own the data directory. `env` makes
  /// and names the file; SQLite does the rest with the operating system's files.
  /// Errors: data_loss/bad_state (damaged, empty, or no state of ours); failed_precondition/
  /// newer_state (of a newer program; nothing is changed); those of FileSystem and State::change().
  [[nodiscard]] static Result<std::unique_ptr<SqliteState>> open(const Env& env,
                                                                 const std::string& path);
  ~SqliteState() override;

  [[nodiscard]] Result<std::vector<Source>> sources() const override;
  [[nodiscard]] Result<std::optional<Source>> source(std::string_view name) const override;
  [[nodiscard]] Result<std::vector<StoredKey>> keys() const override;
  [[nodiscard]] Result<std::optional<Key>> key(std::uint64_t id) const override;
  [[nodiscard]] Result<std::vector<StoredAccount>> accounts() const override;
  [[nodiscard]] Result<std::vector<StoredSession>> sessions() const override;
  [[nodiscard]] Result<std::vector<SetupToken>> setup_tokens() const override;
  [[nodiscard]] Result<RefusalPage> refusals(const RefusalQuery& query) const override;
  [[nodiscard]] Result<RefusalCounts> refusal_counts() const override;
  [[nodiscard]] Result<std::vector<SavedQuery>> saved_queries() const override;
  [[nodiscard]] Result<std::optional<SavedQuery>> saved_query(std::string_view name) const override;
  [[nodiscard]] Result<SavedQueryTotals> saved_query_totals() const override;
  [[nodiscard]] Result<void> change(const Work& work) override;

 private:
  class Impl;
  explicit SqliteState(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hf
