// SPDX-License-Identifier: Apache-2.0
#include "service/prepared_events.h"

#include <utility>

#include "identity/person_key.h"
#include "log/record.h"

namespace hf {

PreparedEvents::PreparedEvents(const HashKey& hash_key, std::string source)
    : hash_key_(hash_key), source_(std::move(source)) {}

void PreparedEvents::add(const EventView& event) {
  bytes_ += encode_record(EventRecord{source_, event});
  Item& item = items_.emplace_back(Item{bytes_.size(), {}});
  if (event.message_id.empty()) return;
  item.key = message_key(hash_key_, source_, event.message_id);
  has_keys_ = true;
}

}  // namespace hf
