// SPDX-License-Identifier: Apache-2.0
//
// Test support: a data directory with a server on it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http_client.h"
#include "program.h"

namespace hf::test {

/// `holdfast serve` on a free port, ended with the object.
class ServedDirectory {
 public:
  /// Of a directory of its own.
  ServedDirectory() { begin(); }
  explicit ServedDirectory(std::string data) : data_(std::move(data)) { begin(); }
  /// Of its own, with more arguments for `serve`.
  explicit ServedDirectory(std::vector<std::string> more) : more_(std::move(more)) { begin(); }

  [[nodiscard]] const std::string& data() const { return data_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Another command on the same directory.
  Ended command(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", data_});
    return run(commands_, std::move(arguments), input);
  }
  /// As a service manager does.
  Ended stop() {
    process_->signal(SIGTERM);
    return process_->wait();
  }

 private:
  void begin() {
    if (data_.empty()) data_ = directory_ / "data";
    std::vector<std::string> arguments{"--data", data_, "serve", "--listen", "127.0.0.1:0"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    process_.emplace(directory_, std::move(arguments));
    constexpr std::string_view before = "127.0.0.1:";
    for (int tries = 0; port_ == 0 && tries < 400; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
      const std::string out = text_of(directory_ / "stdout");
      const std::size_t at = out.find(before);
      if (at == std::string::npos || out.find('\n', at) == std::string::npos) continue;
      port_ = static_cast<std::uint16_t>(std::stoi(out.substr(at + before.size())));
    }
    EXPECT_NE(port_, 0) << text_of(directory_ / "stderr");
  }

  ScratchDirectory commands_;
  ScratchDirectory directory_;
  std::string data_;
  std::vector<std::string> more_;
  std::optional<Running> process_;
  std::uint16_t port_ = 0;
};

}  // namespace hf::test
