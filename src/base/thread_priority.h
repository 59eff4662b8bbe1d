// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hf {

/// From here on the calling thread yields to others: for work that nobody waits for. Where the
/// system refuses, it goes on as it was.
void lower_thread_priority();

}  // namespace hf
