// SPDX-License-Identifier: Apache-2.0
#include "service/logged_frames.h"

#include <variant>

#include "identity/person_key.h"
#include "log/record.h"

namespace hf {
namespace {

bool takes_away(const LogRecord& record) {
  const auto* const import = std::get_if<ImportPartsRecord>(&record);
  return std::holds_alternative<EraseRecord>(record) ||
         std::holds_alternative<PurgeRecord>(record) || (import != nullptr && import->undone);
}

}  // namespace

Result<void> for_each_logged_frame(Store& store, Offset from,
                                   const std::function<Result<void>(LoggedFrame&)>& visit) {
  HF_TRY(const LogWriter* const log, store.log());
  if (from >= log->next_offset()) return {};
  HF_TRY(LogReader reader, LogReader::open(store.env(), log->directory(), from));
  std::vector<PropertyView> scratch;
  LoggedFrame logged;
  while (true) {
    HF_TRY(const auto frame, reader.next());
    if (!frame) return {};
    logged.frame = *frame;
    logged.keys.clear();
    logged.takes_away = false;
    FrameRecords records(frame->payload);
    for (Offset offset = frame->first; const auto bytes = records.next(); ++offset) {
      if (offset < from) continue;
      HF_TRY(const LogRecord record, decode_record(*bytes, scratch));
      logged.takes_away = logged.takes_away || takes_away(record);
      const auto* const event = std::get_if<EventRecord>(&record);
      if (event == nullptr || event->event.message_id.empty()) continue;
      logged.keys.push_back(
          message_key(store.manifest().hash_key, event->source, event->event.message_id));
    }
    HF_CHECK(visit(logged));
  }
}

}  // namespace hf
