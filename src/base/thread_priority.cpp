// SPDX-License-Identifier: Apache-2.0
#include "base/thread_priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace hf {
namespace {

// sched_setattr(2), of which the C library has nothing. As the kernel first had it.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void lower_thread_priority(Urgency urgency) {
  const int nice = urgency == Urgency::soon ? 5 : 19;
  // On Linux a thread has a nice value of its own. Linux 6.12 and later let it run for its slice,
  // some milliseconds, before another one that wakes up: it is to have a short one.
  const SchedulingAttributes attributes{.nice = nice, .runtime_ns = 100'000};
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) return;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

}  // namespace hf
