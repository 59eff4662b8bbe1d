// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hf {

/// Of work beside that of others.
enum class Urgency : std::uint8_t {
  whenever,  ///< Nobody ever waits for it. Where all cores are in use it gets next to nothing.
  soon,      ///< Others will wait for it when it takes too long: it gets a third of what they get.
};

/// From here on the calling thread yields to others that wake up. Where the system refuses, it goes
/// on as it was.
void lower_thread_priority(Urgency urgency);

}  // namespace hf
