// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>

#include "base/result.h"
#include "cli/session.h"

namespace hf {

struct ServeArguments {
  std::string listen = "127.0.0.1:8400";
  bool takes_any_port = false;  ///< Where somebody else has that one.
  std::string certificate;
  std::string private_key;
  unsigned connections = 10'000;
  unsigned connections_per_address = 100;
  std::uint64_t events_per_s_per_key = 0;
  bool requires_keys = false;
  std::string access_log;
  std::uint64_t upload_mib = 4 << 10;
  std::int64_t query_s_max = 60;
  std::uint64_t query_mib_max = 1 << 10;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
};

/// Serves the data directory until Ctrl-C.
[[nodiscard]] Result<int> serve(Session& session, const ServeArguments& arguments);

}  // namespace hf
