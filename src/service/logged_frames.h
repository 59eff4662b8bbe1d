// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "log/log_reader.h"
#include "store/store.h"

namespace hf {

/// What a frame of the log says to those who look for duplicates.
struct LoggedFrame {
  LogFrame frame;
  std::vector<Hash128>
      keys;                 ///< Message keys of its events that have a message id, in their order.
  bool takes_away = false;  ///< A person was erased, events purged, or an import undone.
};

/// Reads the records from `from` on to the log's end, frame by frame; `visit` may change what it is
/// given. Requires a store opened to own.
/// Errors: those of Store::log(), LogReader and decode_record(); those of `visit`.
[[nodiscard]] Result<void> for_each_logged_frame(
    Store& store, Offset from, const std::function<Result<void>(LoggedFrame&)>& visit);

}  // namespace hf
