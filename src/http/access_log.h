// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/result.h"

namespace hf::http {

/// A line of JSON for each request answered: {"time", "id", "method", "route", "status", "bytes",
/// "ms", "key"?, "account"?}. Nothing personal: the route, not the path, no address, and of the key
/// and of who is signed in the id.
/// Thread-safe.
class AccessLog {
 public:
  struct Entry {
    std::string_view request_id;
    std::string_view method;
    std::string_view route;  ///< As in the table of routes; empty where there is none.
    int status = 0;
    std::size_t bytes = 0;  ///< Of the answer's body.
    double ms = 0;
    std::uint64_t key = 0;      ///< 0: none.
    std::uint64_t account = 0;  ///< 0: nobody is signed in.
  };

  /// Appends to the file, which is made with mode 0600 where it is not there.
  /// Errors: invalid_argument/bad_access_log.
  [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const Env& env,
                                                               const std::string& path);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// What cannot be written (disk full) is dropped: a log of requests must not stop them.
  void write(const Entry& entry) const;

 private:
  AccessLog(const Env& env, int fd) : env_(env), fd_(fd) {}
  Env env_;
  int fd_;
};

}  // namespace hf::http
