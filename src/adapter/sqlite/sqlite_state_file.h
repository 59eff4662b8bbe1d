// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/env.h"
#include "service/state_file.h"

namespace hf {

/// Reads and copies the file by SQLite alone, which waits for other processes and is waited for.
class SqliteStateFile final : public StateFile {
 public:
  explicit SqliteStateFile(const Env& env) : env_(env) {}

  [[nodiscard]] Result<void> copy(const std::string& from, const std::string& to) const override;
  [[nodiscard]] Result<StateCheck> check(const std::string& path) const override;

 private:
  Env env_;
};

}  // namespace hf
