// SPDX-License-Identifier: Apache-2.0
#include "service/upkeep.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "event/event.h"
#include "identity/person_key.h"

namespace hf {
namespace {

constexpr std::string_view user_prefix = "user:";
constexpr std::string_view anonymous_prefix = "anonymous:";

Result<void> append(Store& store, const LogRecord& record) {
  FrameBuilder frame;
  frame.add(encode_record(record));
  HF_CHECK(store.append(frame));
  return {};
}

Result<void> check_pair(const PersonId& a, const PersonId& b) {
  if (a == b) {
    return fail(ErrorCode::invalid_argument, "bad_link", "an id is one person with itself anyway");
  }
  if (a.kind == IdKind::anonymous && b.kind == IdKind::anonymous) {
    return fail(ErrorCode::invalid_argument, "bad_link",
                "two anonymous ids become one person by a user id that both belong to");
  }
  return {};
}

std::uint64_t rows_of(const Snapshot& snapshot) {
  std::uint64_t rows = 0;
  for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
    for (const PersonRun& run : runs) rows += run.row_count;
  });
  return rows;
}

}  // namespace

Result<PersonId> parse_person_id(std::string_view text) {
  PersonId id;
  if (text.starts_with(user_prefix)) {
    text.remove_prefix(user_prefix.size());
  } else if (text.starts_with(anonymous_prefix)) {
    id.kind = IdKind::anonymous;
    text.remove_prefix(anonymous_prefix.size());
  }
  if (text.empty() || text.size() > limits::id_bytes_max || !is_utf8(text)) {
    return fail(ErrorCode::invalid_argument, "bad_person_id",
                fmt::format("an id is 1 to {} bytes of UTF-8: ann, user:ann or anonymous:x1",
                            limits::id_bytes_max));
  }
  id.id = text;
  return id;
}

std::string to_string(const PersonId& id) {
  std::string text(id.kind == IdKind::user ? user_prefix : anonymous_prefix);
  return text += id.id;
}

Result<void> link_persons(Store& store, const PersonId& a, const PersonId& b) {
  HF_CHECK(check_pair(a, b));
  return append(store, LinkRecord{a, b, store.env().clock.now_ms()});
}

Result<void> unlink_persons(Store& store, const PersonId& a, const PersonId& b) {
  HF_CHECK(check_pair(a, b));
  return append(store, UnlinkRecord{a, b});
}

Result<Erasure> erase_person(Store& store, const PersonId& id, bool now) {
  Erasure erasure;
  HF_TRY(erasure.ids, store.ids_of(id));
  if (erasure.ids.empty()) {
    return fail(ErrorCode::not_found, "no_person", "nothing is known of this id");
  }
  HF_TRY(const Snapshot before, store.snapshot());
  HF_CHECK(append(store, EraseRecord{erasure.ids}));
  HF_TRY(const Snapshot after, store.snapshot());
  erasure.events = rows_of(before) - rows_of(after);
  if (now) HF_CHECK(store.compact(Store::CompactionKind::clean));
  return erasure;
}

Result<bool> expire_events(Store& store) {
  const auto zone = store.zone();
  if (store.settings().keep_events.empty() || zone == nullptr) return false;
  HF_TRY(const Duration keep, parse_keep(store.settings().keep_events));
  HF_TRY(const Snapshot snapshot, store.snapshot());
  if (snapshot.parts.empty()) return false;
  TimestampMs newest = snapshot.parts.front()->time_max();
  for (const auto& part : snapshot.parts) newest = std::max(newest, part->time_max());
  const Day today = zone->local_day(std::min(newest, store.env().clock.now_ms()));
  const PurgeRecord purge{.before_ms =
                              zone->start_of_day(add_months(today, -keep.months) - keep.days)};
  // One that waits for compaction need not be told again, however often somebody starts to append.
  const bool is_told = std::ranges::any_of(
      store.manifest().purges, [&](const PendingPurge& pending) { return pending.purge == purge; });
  if (is_told) return false;
  const bool any = std::ranges::any_of(snapshot.parts, [&](const auto& part) {
    return std::ranges::any_of(
        part->names(), [&](const NameInfo& name) { return purge.takes(name.name, name.time_min); });
  });
  if (any) HF_CHECK(append(store, purge));
  return any;
}

Result<std::uint64_t> purge_events(Store& store, TimestampMs before_ms, const std::string& event) {
  HF_TRY(const Snapshot before, store.snapshot());
  HF_CHECK(append(store, PurgeRecord{before_ms, event}));
  HF_CHECK(store.flush());  // Compaction goes by the manifest.
  HF_CHECK(store.compact(Store::CompactionKind::clean));
  HF_TRY(const Snapshot after, store.snapshot());
  return rows_of(before) - rows_of(after);
}

}  // namespace hf
