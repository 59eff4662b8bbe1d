// SPDX-License-Identifier: Apache-2.0
//
// What clients post to the Segment tracking API, POST /v1/identify .. /v1/batch: one call, or an
// object with a `batch` of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "event/event.h"
#include "event/json_fields.h"
#include "event/rejected_row.h"

namespace hf {

enum class TrackingEndpoint : std::uint8_t { identify, track, page, screen, group, alias, batch };

/// The endpoint that the path names behind "/v1/": "track".
[[nodiscard]] std::optional<TrackingEndpoint> tracking_endpoint(std::string_view path_tail);

/// One call, as the event it is; validate() holds.
struct TrackingEvent {
  std::size_t index;  ///< Of the item in the batch, from 0; 0 for a single call.
  EventView event;
};

/// One call that was not taken. The others of its batch are.
struct RefusedItem {
  std::size_t index;
  std::string_view reason;  ///< Stable literal.
  std::string message;      ///< For people; of the item it may name places, never values.
  std::string_view text;    ///< The item as sent, whole; for invalid_utf8 no valid UTF-8.
};

/// A request body, checked to be JSON from its first byte to its last, of which one item after the
/// other is read. Not for use by several threads.
///
/// An item is what event/segment_call.h says, but that
/// - a single endpoint decides what the call is, in a batch each item's `type`;
/// - what the item's context lacks, field by field, is taken from the batch's `context`, and its
///   sentAt from the batch's; all else that stands beside `batch` has no meaning;
/// - blanks around userId and anonymousId, and around the previousId of an alias, are dropped, and
///   an id of nothing else is absent;
/// - received_at is the server's, and the time is that of the client's clock, set right:
///   received_at - (sentAt - originalTimestamp), `timestamp` where there is no originalTimestamp,
///   kept within 1970..2100. It is the client's time as it is where there is no readable sentAt or
///   `context.historical` is true, of item or batch; `timestamp` as it is where both are there, for
///   then somebody named it; received_at where the client names no time.
class TrackingBody {
 public:
  /// A body whose capacity is so much above its size is not copied.
  static constexpr std::size_t padding_bytes = JsonFields::padding_bytes;

  /// Takes the body. Requires `received_at_ms` to be a time that validate() takes.
  /// Errors, all invalid_argument, no item is read:
  ///   invalid_json      no JSON, wherever the fault is: the message names its byte
  ///   invalid_utf8      no UTF-8, and no JSON or outside of the items
  ///   not_an_object     JSON of another kind
  ///   missing_batch, empty_batch    no list `batch`; one without items
  ///   duplicate_key     two members of a name that is read here beside `batch`, or in `context`
  ///   too_deep, name_too_long, event_too_large, invalid_json     `context`, see
  ///   JsonFields::Refusal body_too_large    4 GB: whoever reads requests has a limit below
  [[nodiscard]] static Result<TrackingBody> open(TrackingEndpoint endpoint, std::string body,
                                                 TimestampMs received_at_ms);
  TrackingBody(TrackingBody&&) noexcept;
  TrackingBody& operator=(TrackingBody&&) noexcept;
  ~TrackingBody();

  /// The next item; its views are valid until the next call. Reasons of refused ones:
  /// event_too_large (its text is longer than limits::event_bytes_max), not_an_object, those of
  /// JsonFields::Refusal (invalid_json: a text with half a surrogate pair), unknown_type (in a
  /// batch), invalid_time, time_out_of_range, invalid_properties, and those of validate().
  [[nodiscard]] std::variant<End, TrackingEvent, RefusedItem> next();

  /// How many items there are, read or not.
  [[nodiscard]] std::size_t item_count() const;
  /// The body's `writeKey`; nothing where it is absent, empty or no text. Lives as long as this.
  [[nodiscard]] std::optional<std::string_view> write_key() const;

 private:
  class Items;
  explicit TrackingBody(std::unique_ptr<Items> items);
  std::unique_ptr<Items> items_;  // Null only after a move.
};

}  // namespace hf
