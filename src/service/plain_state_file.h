// SPDX-License-Identifier: Apache-2.0
//
// Test support: a state of three counts and a checksum, in files of any Env.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <span>
#include <string>

#include "base/hash.h"
#include "service/state_file.h"

namespace hf::test {

/// The text of such a file. Long enough to be torn.
inline std::string plain_state(std::uint64_t sources, std::uint64_t keys, std::uint64_t refusals) {
  std::string text = fmt::format("{} {} {} {}\n", sources, keys, refusals, std::string(500, '.'));
  return text += fmt::format("{:08x}", crc32c(text));
}

class PlainStateFile final : public StateFile {
 public:
  explicit PlainStateFile(const Env& env) : env_(env) {}

  Result<void> copy(const std::string& from, const std::string& to) const override {
    HF_TRY(const std::string text, read_file(env_, from, bytes_max));
    HF_TRY(const auto file, env_.files.open(to, OpenMode::create_new));
    return file->write_at(0, std::as_bytes(std::span(text)));
  }
  Result<StateCheck> check(const std::string& path) const override {
    HF_TRY(const std::string text, read_file(env_, path, bytes_max));
    const std::size_t end = text.find('\n') + 1;
    if (end == 0 || text.substr(end) != fmt::format("{:08x}", crc32c(text.substr(0, end)))) {
      return StateCheck{.damage = {path + ": a row is damaged in table key"}};
    }
    StateCheck check;
    const char* at = text.data();
    for (std::uint64_t* count : {&check.sources, &check.keys, &check.refusals}) {
      at = std::from_chars(at, text.data() + end, *count).ptr + 1;
    }
    return check;
  }

 private:
  static constexpr std::uint64_t bytes_max = 1 << 20;
  Env env_;
};

}  // namespace hf::test
