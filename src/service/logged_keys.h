// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "log/log_reader.h"
#include "store/store.h"

namespace hf {

/// Reads the records from `from` on to the log's end and tells, frame by frame, the message keys of
/// the events among them that have a message id, in their order; `visit` may change the list, which
/// is made anew for each frame. Requires a store opened to own.
/// Errors: those of Store::log(), LogReader and decode_record(); those of `visit`.
[[nodiscard]] Result<void> for_each_logged_key(
    Store& store, Offset from,
    const std::function<Result<void>(const LogFrame&, std::vector<Hash128>&)>& visit);

}  // namespace hf
