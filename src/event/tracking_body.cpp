// SPDX-License-Identifier: Apache-2.0
//
// The body is passed over twice. The first pass checks it whole and notes where the items are; it
// looks at simdjson's index of where tokens begin (its "stage 1", which also finds ill-formed
// UTF-8, control characters in texts and an unclosed text), and goes without recursion: depth is no
// fault of the body, only of an item. The second flattens one item at a time.
#include "event/tracking_body.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "base/utf8.h"
#include "calendar/zone.h"
#include "event/segment_call.h"

namespace hf {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
constexpr std::string_view ascii_blanks = " \t\n\v\f\r";

constexpr std::string_view endpoint_names[] = {"identify", "track", "page", "screen",
                                               "group",    "alias", "batch"};

/// The same ratio to an item as imports have to a row.
constexpr std::size_t flat_bytes_max = 4 * limits::event_bytes_max;

/// The members of a body that are read here.
enum class Member : std::uint8_t { batch, context, sent_at, write_key, other };
constexpr std::string_view member_names[] = {"batch", "context", "sentAt", "writeKey"};

/// Bytes of the body. simdjson indexes with 32 bits, too.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

std::string_view cut(std::string_view text, Range range) {
  return text.substr(range.begin, range.end - range.begin);
}

/// The value of a JSON text, given with its quotes; nothing where it is none, or has an escape that
/// is no character.
std::optional<std::string> unquoted(std::string_view token) {
  if (!token.starts_with('"')) return std::nullopt;
  if (token.find('\\') == std::string_view::npos) {
    return std::string(token.substr(1, token.size() - 2));
  }
  auto json = parse_json(token);
  return json ? std::optional(std::move(json->text)) : std::nullopt;
}

Member member_named(std::string_view token) {
  const std::string name = unquoted(token).value_or(std::string());
  const auto found = std::ranges::find(member_names, name);
  return static_cast<Member>(found - std::begin(member_names));
}

bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(ascii_blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(ascii_blanks) + 1 - begin);
}

/// Checks a text to be JSON and notes its parts.
class Outline {
 public:
  /// Requires readable memory behind the text.
  explicit Outline(std::string_view text) : text_(text) {}

  /// Errors: invalid_json, invalid_utf8, body_too_large.
  Result<void> read() {
    HF_CHECK(index_tokens());
    if (walk()) return {};
    return not_json(fault_, fault_at_);
  }

  bool is_object() const { return text_[root_.begin] == '{'; }
  Range root() const { return root_; }
  /// Where the root is an object. An empty range: there is no such member.
  Range member(Member member) const { return members_[static_cast<std::size_t>(member)]; }
  /// A member that is there twice; other if there is none.
  Member repeated() const { return repeated_; }
  /// Of the list `batch`. Empty where it is no list.
  std::vector<Range>& items() { return items_; }
  bool is_valid_utf8() const { return is_utf8_; }

 private:
  Result<void> index_tokens() {
    if (text_.size() > simdjson::SIMDJSON_MAXSIZE_BYTES - JsonFields::padding_bytes) {
      return fail(invalid, "body_too_large", "the body is larger than 4 GB");
    }
    if (std::ranges::all_of(text_, is_json_blank)) {
      return not_json("the body is empty", text_.size());
    }
    // No depth is asked for: only the second stage, which is not run, keeps account of it.
    auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        text_.size(), 1, parser_);
    HF_ASSERT(error == simdjson::SUCCESS);  // It fails only when out of memory.
    error = parser_->stage1(reinterpret_cast<const std::uint8_t*>(text_.data()), text_.size(),
                            simdjson::stage1_mode::regular);
    is_utf8_ = error != simdjson::UTF8_ERROR;  // All else is indexed then: the item may be known.
    if (is_utf8_ && error != simdjson::SUCCESS) {
      return not_json(error == simdjson::UNCLOSED_STRING ? "a text is not closed by a quote"
                                                         : "a control character in a text",
                      place_of_wrong_text());
    }
    starts_ = {parser_->structural_indexes.get(), parser_->n_structural_indexes};
    next_escape_ = std::min(text_.find('\\'), text_.size());
    return {};
  }

  /// Of a control character in a text, else of the quote that opens the last one.
  std::size_t place_of_wrong_text() const {
    std::size_t quote = 0;
    bool is_inside = false;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        is_inside = !is_inside;
        quote = i;
      } else if (is_inside && text_[i] == '\\') {
        ++i;
      } else if (is_inside && static_cast<unsigned char>(text_[i]) < 0x20) {
        return i;
      }
    }
    return quote;
  }

  std::unexpected<Error> not_json(std::string_view fault, std::size_t at) const {
    if (const std::size_t valid = utf8_valid_prefix(text_); valid != text_.size()) {
      return fail(invalid, "invalid_utf8", fmt::format("not valid UTF-8: byte {}", valid));
    }
    return fail(invalid, "invalid_json", fmt::format("not valid JSON: {}: byte {}", fault, at));
  }

  bool refuse(std::string_view fault, std::size_t at) {
    fault_ = fault;
    fault_at_ = at;
    return false;
  }

  // Where the token begins that comes next; the end of the text after the last one.
  std::uint32_t next_at() const {
    return next_ < starts_.size() ? starts_[next_] : static_cast<std::uint32_t>(text_.size());
  }
  // That token's first character; a NUL after the last one.
  char next() const { return next_ < starts_.size() ? text_[starts_[next_]] : '\0'; }
  /// The token, which goes up to the next one but for blanks.
  Range take_token() {
    const std::uint32_t begin = next_at();
    ++next_;
    std::uint32_t end = next_at();
    while (end > begin && is_json_blank(text_[end - 1])) --end;
    return {begin, end};
  }

  /// One value a turn, with its name where it has one.
  bool walk() {
    for (;;) {
      if (closers_.ends_with('}') && !take_name()) return false;
      const char first = next();
      if (first == '{' || first == '[') {
        open(first == '{' ? '}' : ']');
        if (next() != closers_.back()) continue;
      } else {
        const Range token = take_token();
        if (first == '"' ? !check_text(token) : !check_scalar(token)) return false;
        note(token);
      }
      // Behind a value.
      for (;;) {
        if (closers_.empty()) {
          return next_ == starts_.size() || refuse("something follows the end", next_at());
        }
        if (next() == ',') break;
        if (next() != closers_.back()) {
          return refuse(closers_.back() == '}' ? "neither a comma nor } behind a value"
                                               : "neither a comma nor ] behind a value",
                        next_at());
        }
        close();
      }
      ++next_;
    }
  }

  bool take_name() {
    if (next() != '"') return refuse("a name is missing", next_at());
    const Range name = take_token();
    if (!check_text(name)) return false;
    if (closers_.size() == 1) member_ = member_named(cut(text_, name));
    if (next() != ':') return refuse("a colon is missing behind a name", next_at());
    ++next_;
    return true;
  }

  void open(char closer) {
    if (closers_.size() < begins_.size()) begins_[closers_.size()] = next_at();
    if (closers_.size() == 1 && closer == ']' && member_ == Member::batch) is_in_batch_ = true;
    closers_ += closer;
    ++next_;
  }
  void close() {
    const std::uint32_t end = next_at() + 1;
    ++next_;
    closers_.pop_back();
    if (closers_.size() < begins_.size()) note({begins_[closers_.size()], end});
  }

  /// Notes a value that ended where as many levels are open as they are now.
  void note(Range value) {
    switch (closers_.size()) {
      case 0: root_ = value; break;
      case 1:
        is_in_batch_ = false;
        if (member_ == Member::other) break;
        if (Range& known = members_[static_cast<std::size_t>(member_)]; known.end == 0) {
          known = value;
        } else {
          repeated_ = member_;
        }
        break;
      case 2:
        if (is_in_batch_) items_.push_back(value);
        break;
      default: break;
    }
  }

  bool check_text(Range token) {
    // Controls and the closing quote were seen to; what is left are escapes.
    while (next_escape_ < token.end) {
      const std::string_view escape = text_.substr(next_escape_ + 1, token.end - next_escape_ - 1);
      std::size_t length = 1;
      if (escape.starts_with('u')) {
        length = 5;
        if (escape.size() < length || !std::ranges::all_of(escape.substr(1, 4), is_hex_digit)) {
          return refuse("a wrong escape in a text", next_escape_);
        }
      } else if (escape.empty() ||
                 std::string_view("\"\\/bfnrt").find(escape[0]) == std::string_view::npos) {
        return refuse("a wrong escape in a text", next_escape_);
      }
      next_escape_ = std::min(text_.find('\\', next_escape_ + 1 + length), text_.size());
    }
    return true;
  }

  bool check_scalar(Range token) {
    const std::string_view text = cut(text_, token);
    if (text == "true" || text == "false" || text == "null" || is_json_number(text)) return true;
    return refuse("a value is missing or is none", token.begin);
  }

  const std::string_view text_;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
  std::span<const std::uint32_t> starts_;  // Of the tokens.
  std::size_t next_ = 0;                   // Of starts_.
  std::size_t next_escape_ = 0;            // The first backslash not checked yet.
  std::string closers_;                    // Of the open levels, outermost first.
  std::array<std::uint32_t, 3> begins_{};  // Of the outermost open levels.
  Member member_ = Member::other;          // In which member of the root we are.
  bool is_in_batch_ = false;               // In the list of that name.
  bool is_utf8_ = true;
  std::string_view fault_;
  std::size_t fault_at_ = 0;

  Range root_;
  std::array<Range, std::size(member_names)> members_{};
  Member repeated_ = Member::other;
  std::vector<Range> items_;
};

std::size_t invalid_utf8_outside(std::string_view text, std::span<const Range> items) {
  std::uint32_t begin = 0;
  for (const Range item : items) {
    const std::string_view gap = cut(text, {begin, item.begin});
    if (const std::size_t valid = utf8_valid_prefix(gap); valid != gap.size()) return begin + valid;
    begin = item.end;
  }
  return begin + utf8_valid_prefix(text.substr(begin));
}

bool is_true(std::span<const PropertyView> fields, std::string_view name) {
  const auto field = std::ranges::find(fields, name, &PropertyView::name);
  return field != fields.end() && field->value.kind == ValueKind::boolean && field->value.boolean;
}

std::string_view text_of(std::span<const PropertyView> fields, std::string_view name) {
  const auto field = std::ranges::find(fields, name, &PropertyView::name);
  return field != fields.end() && field->value.kind == ValueKind::text ? field->value.text
                                                                       : std::string_view();
}

}  // namespace

class TrackingBody::Items {
 public:
  Items(TrackingEndpoint endpoint, std::string body, TimestampMs received_at_ms)
      : endpoint_(endpoint),
        received_at_ms_(received_at_ms),
        body_(std::move(body)),
        fields_(flat_bytes_max) {
    HF_ASSERT(received_at_ms_ >= timestamp_min_ms);
    HF_ASSERT(received_at_ms_ < timestamp_end_ms);
    const std::size_t size = body_.size();
    body_.append(padding_bytes, '\0');
    text_ = std::string_view(body_).substr(0, size);
    if (text_.starts_with(utf8_mark)) text_.remove_prefix(utf8_mark.size());
  }

  Result<void> open() {
    Outline outline(text_);
    HF_CHECK(outline.read());
    if (!outline.is_object()) {
      return fail(invalid, "not_an_object", "the body is no JSON object");
    }
    write_key_ = unquoted(cut(text_, outline.member(Member::write_key)));
    if (endpoint_ == TrackingEndpoint::batch) {
      HF_CHECK(open_batch(outline));
    } else {
      items_ = {outline.root()};
    }
    if (!outline.is_valid_utf8()) {
      if (const std::size_t at = invalid_utf8_outside(text_, items_); at != text_.size()) {
        return fail(invalid, "invalid_utf8", fmt::format("not valid UTF-8: byte {}", at));
      }
    }
    return {};
  }

  std::variant<End, TrackingEvent, RefusedItem> next() {
    if (next_ == items_.size()) return End{};
    const std::size_t index = next_++;
    const std::string_view text = cut(text_, items_[index]);
    auto event = read(text);
    if (event) return TrackingEvent{.index = index, .event = *event};
    return RefusedItem{.index = index,
                       .reason = event.error().reason,
                       .message = std::move(event.error().message),
                       .text = text};
  }

  std::size_t count() const { return items_.size(); }
  std::optional<std::string_view> write_key() const {
    if (!write_key_ || write_key_->empty()) return std::nullopt;
    return *write_key_;
  }

 private:
  Result<void> open_batch(Outline& outline) {
    if (outline.repeated() != Member::other) {
      const auto name = member_names[static_cast<std::size_t>(outline.repeated())];
      return fail(invalid, "duplicate_key", "the body has the same name twice",
                  pointer_to("", name));
    }
    if (!cut(text_, outline.member(Member::batch)).starts_with('[')) {
      return fail(invalid, "missing_batch", "the body has no list `batch`", "/batch");
    }
    items_ = std::move(outline.items());
    if (items_.empty()) return fail(invalid, "empty_batch", "the batch has no item", "/batch");
    if (const auto sent_at = unquoted(cut(text_, outline.member(Member::sent_at)))) {
      const PropertyView field = {"sentAt", {.kind = ValueKind::text, .text = *sent_at}};
      sent_at_ms_ = call_time({&field, 1}, field.name).value_or(std::nullopt);
    }
    return open_context(cut(text_, outline.member(Member::context)));
  }

  Result<void> open_context(std::string_view context) {
    if (!context.starts_with('{')) return {};
    JsonFields& object = context_object_.emplace(flat_bytes_max);
    if (!object.read(context, "context")) return refused(object.refusal(), "/context");
    is_historical_ = is_true(object.fields(), "context.historical");
    std::ranges::copy_if(object.fields(), std::back_inserter(context_), is_call_context,
                         &PropertyView::name);
    return {};
  }

  static std::unexpected<Error> refused(const JsonFields::Refusal& refusal, std::string pointer) {
    return fail(invalid, refusal.reason,
                fmt::format("{}: byte {}", refusal.message, refusal.column - 1),
                std::move(pointer));
  }

  Result<EventView> read(std::string_view text) {
    if (text.size() > limits::event_bytes_max) {
      return fail(invalid, "event_too_large",
                  fmt::format("the item is longer than {} bytes: {}", limits::event_bytes_max,
                              text.size()));
    }
    if (!text.starts_with('{')) return fail(invalid, "not_an_object", "the item is no object");
    if (!fields_.read(text)) return refused(fields_.refusal(), {});
    const std::span<const PropertyView> fields = with_context(fields_.fields());
    const std::optional<CallKind> kind = kind_of(fields);
    if (!kind) return fail(invalid, "unknown_type", "the item's type is missing or unknown");
    HF_TRY(const TimestampMs time_ms, time_of(fields));
    HF_TRY(EventView event, to_untimed_event(*kind, fields, call_));
    event.time_ms = time_ms;
    event.received_at_ms = received_at_ms_;
    event.user_id = trimmed(event.user_id);
    event.anonymous_id = trimmed(event.anonymous_id);
    if (*kind == CallKind::alias) trim_previous_id();
    HF_CHECK(validate(event));
    return event;
  }

  /// The fields with those of the batch's context that they lack.
  std::span<const PropertyView> with_context(std::span<const PropertyView> fields) {
    if (context_.empty()) return fields;
    merged_.assign(fields.begin(), fields.end());
    for (const PropertyView& field : context_) {
      if (std::ranges::find(fields, field.name, &PropertyView::name) == fields.end()) {
        merged_.push_back(field);
      }
    }
    return merged_;
  }

  std::optional<CallKind> kind_of(std::span<const PropertyView> fields) const {
    return call_kind(endpoint_ == TrackingEndpoint::batch
                         ? text_of(fields, "type")
                         : endpoint_names[static_cast<std::size_t>(endpoint_)]);
  }

  Result<TimestampMs> time_of(std::span<const PropertyView> fields) const {
    HF_TRY(const std::optional<TimestampMs> named_ms, call_time(fields, "timestamp"));
    HF_TRY(const std::optional<TimestampMs> original_ms, call_time(fields, "originalTimestamp"));
    // RudderStack's SDKs say when the call was made, and besides, where somebody named another time
    // for it, that one.
    if (named_ms && original_ms) return *named_ms;
    const std::optional<TimestampMs> client_ms = named_ms ? named_ms : original_ms;
    if (!client_ms) return received_at_ms_;
    if (is_historical_ || is_true(fields, "context.historical")) return *client_ms;
    const auto sent_at = call_time(fields, "sentAt");
    if (!sent_at) return *client_ms;  // Unreadable: nothing is known of the client's clock.
    const std::optional<TimestampMs> sent_at_ms = *sent_at ? *sent_at : sent_at_ms_;
    if (!sent_at_ms) return *client_ms;
    return std::clamp(received_at_ms_ - (*sent_at_ms - *client_ms), timestamp_min_ms,
                      timestamp_end_ms - 1);
  }

  // An id must be the same text wherever it stands, or the two would never meet.
  void trim_previous_id() {
    const auto id = std::ranges::find(call_.properties, "previous_id", &PropertyView::name);
    if (id == call_.properties.end() || id->value.kind != ValueKind::text) return;
    id->value.text = trimmed(id->value.text);
  }

  const TrackingEndpoint endpoint_;
  const TimestampMs received_at_ms_;
  std::string body_;       // With its padding.
  std::string_view text_;  // Without it, and without a byte order mark.
  std::optional<std::string> write_key_;
  std::vector<Range> items_;
  std::size_t next_ = 0;

  std::optional<JsonFields> context_object_;  // Of the batch.
  std::vector<PropertyView> context_;         // What to_event() reads of it.
  std::optional<TimestampMs> sent_at_ms_;     // Of the batch.
  bool is_historical_ = false;                // The batch says so.

  JsonFields fields_;  // Of the item handed out last, as what follows.
  std::vector<PropertyView> merged_;
  CallBuffer call_;
};

std::optional<TrackingEndpoint> tracking_endpoint(std::string_view path_tail) {
  const auto found = std::ranges::find(endpoint_names, path_tail);
  if (found == std::end(endpoint_names)) return std::nullopt;
  return static_cast<TrackingEndpoint>(found - std::begin(endpoint_names));
}

TrackingBody::TrackingBody(std::unique_ptr<Items> items) : items_(std::move(items)) {}
TrackingBody::TrackingBody(TrackingBody&&) noexcept = default;
TrackingBody& TrackingBody::operator=(TrackingBody&&) noexcept = default;
TrackingBody::~TrackingBody() = default;

Result<TrackingBody> TrackingBody::open(TrackingEndpoint endpoint, std::string body,
                                        TimestampMs received_at_ms) {
  auto items = std::make_unique<Items>(endpoint, std::move(body), received_at_ms);
  HF_CHECK(items->open());
  return TrackingBody(std::move(items));
}

std::variant<End, TrackingEvent, RefusedItem> TrackingBody::next() { return items_->next(); }
std::size_t TrackingBody::item_count() const { return items_->count(); }
std::optional<std::string_view> TrackingBody::write_key() const { return items_->write_key(); }

}  // namespace hf
