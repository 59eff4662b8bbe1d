// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "event/event.h"

namespace hf {

/// The members "time", "event", "user_id", "anonymous_id", "message_id", "channel" and "properties"
/// of the object that is being written; what an event has not is left out.
void write_event(JsonWriter& out, const EventView& event);

}  // namespace hf
