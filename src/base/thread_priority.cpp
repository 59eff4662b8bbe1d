// SPDX-License-Identifier: Apache-2.0
#include "base/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace hf {

void lower_thread_priority() {
  constexpr int nice = 19;
  // On Linux a thread has a nice value of its own.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

}  // namespace hf
