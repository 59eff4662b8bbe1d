// SPDX-License-Identifier: Apache-2.0
#include "service/logged_keys.h"

#include <variant>

#include "identity/person_key.h"
#include "log/record.h"

namespace hf {

Result<void> for_each_logged_key(
    Store& store, Offset from,
    const std::function<Result<void>(const LogFrame&, std::vector<Hash128>&)>& visit) {
  HF_TRY(const LogWriter* const log, store.log());
  if (from >= log->next_offset()) return {};
  HF_TRY(LogReader reader, LogReader::open(store.env(), log->directory(), from));
  std::vector<PropertyView> scratch;
  std::vector<Hash128> keys;
  while (true) {
    HF_TRY(const auto frame, reader.next());
    if (!frame) return {};
    keys.clear();
    FrameRecords records(frame->payload);
    for (Offset offset = frame->first; const auto bytes = records.next(); ++offset) {
      if (offset < from) continue;
      HF_TRY(const LogRecord record, decode_record(*bytes, scratch));
      const auto* logged = std::get_if<EventRecord>(&record);
      if (logged == nullptr || logged->event.message_id.empty()) continue;
      keys.push_back(
          message_key(store.manifest().hash_key, logged->source, logged->event.message_id));
    }
    HF_CHECK(visit(*frame, keys));
  }
}

}  // namespace hf
