// SPDX-License-Identifier: Apache-2.0
#include "event/tracking_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/rng.h"
#include "calendar/time_text.h"
#include "event/segment_call.h"

namespace hf {
namespace {

constexpr TimestampMs received_at_ms = 1'000'000'000;  // 1970-01-12T13:46:40Z

// "user|anonymous|name|time|received_at|message_id|channel|property=value;.."
std::string text_of(const EventView& event) {
  std::string text;
  for (const std::string_view part : {event.user_id, event.anonymous_id, event.name}) {
    text += part;
    text += '|';
  }
  text += std::to_string(event.time_ms) + "|";
  if (event.received_at_ms) text += std::to_string(*event.received_at_ms);
  text += "|" + std::string(event.message_id) + "|" + std::string(event.channel) + "|";
  for (const PropertyView& property : event.properties) {
    text += std::string(property.name) + "=" + canonical_text(property.value) + ";";
  }
  return text;
}

// One text an item, in their order: that of an event, or "! reason"; or one "!! reason" of the
// body.
using Reading = std::vector<std::string>;

Reading read(TrackingEndpoint endpoint, std::string body) {
  auto opened = TrackingBody::open(endpoint, std::move(body), received_at_ms);
  if (!opened) {
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
    return {"!! " + std::string(opened.error().reason)};
  }
  Reading reading;
  for (;;) {
    const auto item = opened->next();
    if (std::holds_alternative<End>(item)) break;
    if (const auto* event = std::get_if<TrackingEvent>(&item)) {
      EXPECT_EQ(event->index, reading.size());
      reading.push_back(text_of(event->event));
    } else {
      const auto& refused = std::get<RefusedItem>(item);
      EXPECT_EQ(refused.index, reading.size());
      EXPECT_FALSE(refused.message.empty());
      reading.push_back("! " + std::string(refused.reason));
    }
  }
  EXPECT_EQ(reading.size(), opened->item_count());
  return reading;
}

Reading read_batch(std::string body) { return read(TrackingEndpoint::batch, std::move(body)); }

// The twin of the first pass: recursive descent, one byte at a time. It notes the outermost members
// and the elements of those that are lists.
class SlowOutline {
 public:
  struct Member {
    std::string name;  // As written, with quotes.
    std::string value;
    std::vector<std::string> elements;
  };

  explicit SlowOutline(std::string_view text) : text_(text) {}

  bool read() {
    blanks();
    const std::size_t begin = at_;
    if (!value(0)) return false;
    root = text_.substr(begin, at_ - begin);
    blanks();
    return at_ == text_.size();
  }

  std::string root;
  std::vector<Member> members;

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) { return peek() == c && (++at_, true); }
  void blanks() {
    while (std::string_view(" \t\r\n").find(peek()) != std::string_view::npos && at_ < text_.size())
      ++at_;
  }
  bool take_word(std::string_view word) {
    return text_.substr(at_).starts_with(word) && (at_ += word.size(), true);
  }
  bool digits() {
    const std::size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > begin;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }
  bool quoted() {
    if (!take('"')) return false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') continue;
      ++at_;
      if (std::string_view("\"\\/bfnrt").find(peek()) != std::string_view::npos && peek() != '\0')
        continue;
      if (peek() != 'u') return false;
      for (int i = 0; i < 4; ++i) {
        ++at_;
        if (std::string_view("0123456789abcdefABCDEF").find(peek()) == std::string_view::npos ||
            peek() == '\0')
          return false;
      }
    }
    return false;
  }
  bool value(int depth) {
    switch (peek()) {
      case '{': return list('}', depth);
      case '[': return list(']', depth);
      case '"': return quoted();
      case 't': return take_word("true");
      case 'f': return take_word("false");
      case 'n': return take_word("null");
      default: return number();
    }
  }
  bool list(char closer, int depth) {
    ++at_;
    blanks();
    if (take(closer)) return true;
    do {
      blanks();
      Member* member = nullptr;
      if (closer == '}') {
        const std::size_t begin = at_;
        if (!quoted()) return false;
        if (depth == 0) {
          members.push_back({std::string(text_.substr(begin, at_ - begin)), {}, {}});
          member = &members.back();
        }
        blanks();
        if (!take(':')) return false;
        blanks();
      }
      const std::size_t begin = at_;
      if (!value(depth + 1)) return false;
      const auto element = std::string(text_.substr(begin, at_ - begin));
      if (member != nullptr) member->value = element;
      if (depth == 1 && closer == ']' && !members.empty()) {
        members.back().elements.push_back(element);
      }
      blanks();
    } while (take(','));
    return take(closer);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

using Leaves = std::vector<std::pair<std::string, Json>>;

void flatten(const Json& object, const std::string& before, Leaves& leaves) {
  for (const auto& [name, value] : object.object) {
    if (value.is_object()) {
      flatten(value, before + name + ".", leaves);
    } else if (!value.is_null()) {
      leaves.emplace_back(before + name, value);
    }
  }
}

const Json* find(const Leaves& leaves, std::string_view name) {
  const auto found = std::ranges::find(leaves, name, &Leaves::value_type::first);
  return found == leaves.end() ? nullptr : &found->second;
}

// A text with the memory behind it that JsonFields asks for.
class Padded {
 public:
  explicit Padded(const std::string& text)
      : bytes_(text + std::string(JsonFields::padding_bytes, ' ')), size_(text.size()) {}
  std::string_view text() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_;
};

struct SlowTime {
  std::string_view reason;  // Empty: it is readable, or absent.
  std::optional<TimestampMs> time_ms;
};

SlowTime slow_time(const Json* value) {
  if (value == nullptr || (value->is_text() && value->text.empty())) return {};
  if (!value->is_text()) return {"invalid_time", {}};
  const auto time_ms = parse_time(value->text, TimeFormat{}, *Zone::utc());
  if (time_ms) return {"", *time_ms};
  return {time_ms.error() == TimeError::not_a_time ? "invalid_time" : "time_out_of_range", {}};
}

bool is_true(const Json* value) {
  return value != nullptr && value->is_boolean() && value->boolean;
}

// The twin of an item: a line of an import in which everything is said in full.
std::string read_item_slowly(const std::string& item, const std::string& type_of_endpoint,
                             const Leaves& outer, const Json* outer_sent_at) {
  if (item.size() > limits::event_bytes_max) return "! event_too_large";
  if (!item.starts_with("{")) return "! not_an_object";
  JsonFields object(4 * limits::event_bytes_max);
  if (!object.read(Padded(item).text())) return "! " + std::string(object.refusal().reason);
  Leaves leaves;
  flatten(*parse_json(item), "", leaves);

  const Json* const type = find(leaves, "type");
  const std::string kind = !type_of_endpoint.empty()            ? type_of_endpoint
                           : type != nullptr && type->is_text() ? type->text
                                                                : "";
  const std::string_view kinds[] = {"identify", "track", "page", "screen", "group", "alias"};
  if (std::ranges::count(kinds, kind) == 0) return "! unknown_type";

  const SlowTime named = slow_time(find(leaves, "timestamp"));
  const SlowTime original = slow_time(find(leaves, "originalTimestamp"));
  for (const SlowTime& each : {named, original}) {
    if (!each.reason.empty()) return "! " + std::string(each.reason);
  }
  const bool has_both = named.time_ms && original.time_ms;
  const SlowTime client = named.time_ms ? named : original;
  TimestampMs time_ms = client.time_ms.value_or(received_at_ms);
  SlowTime sent = slow_time(find(leaves, "sentAt"));
  if (sent.reason.empty() && !sent.time_ms) sent = slow_time(outer_sent_at);
  if (client.time_ms && !has_both && sent.time_ms && !is_true(find(leaves, "context.historical")) &&
      !is_true(find(outer, "context.historical"))) {
    time_ms = std::clamp<TimestampMs>(received_at_ms - *sent.time_ms + *client.time_ms,
                                      timestamp_min_ms, timestamp_end_ms - 1);
  }

  const std::size_t own = leaves.size();
  for (const auto& [name, value] : outer) {
    if (find(Leaves(leaves.begin(), leaves.begin() + own), name) == nullptr) {
      leaves.emplace_back(name, value);
    }
  }
  for (auto& [name, value] : leaves) {
    if (!value.is_text() ||
        (name != "userId" && name != "anonymousId" && (kind != "alias" || name != "previousId"))) {
      continue;
    }
    while (!value.text.empty() && std::isspace(static_cast<unsigned char>(value.text.back())))
      value.text.pop_back();
    while (!value.text.empty() && std::isspace(static_cast<unsigned char>(value.text.front())))
      value.text.erase(0, 1);
  }
  std::erase_if(leaves, [](const auto& leaf) {
    return leaf.first == "type" || leaf.first == "timestamp" || leaf.first == "originalTimestamp" ||
           leaf.first == "sentAt" || leaf.first == "receivedAt";
  });
  JsonWriter line;
  line.begin_object();
  line.key("type").text(kind);
  line.key("timestamp").text(format_rfc3339(time_ms, *Zone::utc()));
  line.key("receivedAt").text(format_rfc3339(received_at_ms, *Zone::utc()));
  for (const auto& [name, value] : leaves) line.key(name).json(value);
  line.end_object();

  const std::string text = line.take();
  const Padded padded(text);
  EXPECT_TRUE(object.read(padded.text())) << text;
  const auto call = call_kind(object.fields());
  if (!call) {  // No id: but other faults are told first.
    for (const std::string_view name : {"properties", "traits"}) {
      const bool counts = name == "traits" ? kind == "identify" || kind == "group"
                                           : kind == "track" || kind == "page" || kind == "screen";
      if (counts && find(leaves, name) != nullptr) return "! invalid_properties";
    }
    return "! missing_person";
  }
  CallBuffer buffer;
  const auto event = to_event(*call, object.fields(), buffer);
  if (!event) return "! " + std::string(event.error().reason);
  if (const auto valid = validate(*event); !valid) return "! " + std::string(valid.error().reason);
  return text_of(*event);
}

Reading read_slowly(TrackingEndpoint endpoint, const std::string& body) {
  SlowOutline outline(body);
  if (!outline.read()) return {is_utf8(body) ? "!! invalid_json" : "!! invalid_utf8"};
  if (!outline.root.starts_with("{")) return {"!! not_an_object"};
  if (endpoint != TrackingEndpoint::batch) {
    static constexpr std::string_view types[] = {"identify", "track", "page",
                                                 "screen",   "group", "alias"};
    return {read_item_slowly(outline.root, std::string(types[static_cast<int>(endpoint)]), {},
                             nullptr)};
  }
  const auto member = [&](std::string_view name) -> const SlowOutline::Member* {
    const SlowOutline::Member* found = nullptr;
    for (const SlowOutline::Member& each : outline.members) {
      const auto json = parse_json(each.name);
      if (json && json->text == name) found = &each;
    }
    return found;
  };
  for (const std::string_view name : {"batch", "context", "sentAt", "writeKey"}) {
    const auto n = std::ranges::count_if(outline.members, [&](const auto& each) {
      const auto json = parse_json(each.name);
      return json && json->text == name;
    });
    if (n > 1) return {"!! duplicate_key"};
  }
  const SlowOutline::Member* const batch = member("batch");
  if (batch == nullptr || !batch->value.starts_with("[")) return {"!! missing_batch"};
  if (batch->elements.empty()) return {"!! empty_batch"};

  Leaves outer;
  if (const auto* context = member("context"); context && context->value.starts_with("{")) {
    const std::string wrapped = "{\"context\":" + context->value + "}";
    JsonFields object(4 * limits::event_bytes_max);
    if (!object.read(Padded(wrapped).text())) return {"!! " + std::string(object.refusal().reason)};
    flatten(*parse_json(wrapped), "", outer);
  }
  Json sent_at;
  if (const auto* sent = member("sentAt"); sent && sent->value.starts_with("\"")) {
    sent_at = parse_json(sent->value).value_or(Json{});
  }
  const bool has_sent_at = sent_at.is_text() && !sent_at.text.empty();
  Reading reading;
  for (const std::string& item : batch->elements) {
    reading.push_back(read_item_slowly(item, "", outer, has_sent_at ? &sent_at : nullptr));
  }
  return reading;
}

// More often one of the first half, which are mostly good: most items would be refused otherwise.
template <std::size_t n>
std::string any_of(Rng& rng, const std::string_view (&texts)[n]) {
  return std::string(texts[rng.below(rng.chance(0.7) ? n / 2 : n)]);
}

constexpr std::string_view types[] = {
    "\"track\"", "\"track\"",       "\"track\"", "\"page\"", "\"screen\"", "\"identify\"",
    "\"group\"", "\"alias\"",       "\"sale\"",  "null",     "1",          "\"Track\"",
    "\"alias\"", "\"tr\\u0061ck\"", "{}"};
constexpr std::string_view ids[] = {"\"u\"",   "\"u\"", "\" u\\t\"",   "\" \"",      "\"\"",
                                    "7",       "1.50",  "\"\\u00e9\"", "null",       "true",
                                    "[\"u\"]", "1e30",  "{\"id\":1}",  "\"\\ud800\""};
constexpr std::string_view times[] = {R"("1970-01-12T13:46:30Z")",
                                      R"("1970-01-12T13:46:30.250+01:00")",
                                      R"("1970-01-01T00:00:01Z")",
                                      R"("1970-01-12 12:00")",
                                      R"("2099-12-31T23:59:59Z")",
                                      R"("1970-01-12T13:46:4\u0030Z")",
                                      "\"\"",
                                      "null",
                                      R"("1969-01-01T00:00:00Z")",
                                      R"("soon")",
                                      "12",
                                      "{}",
                                      "[]"};
constexpr std::string_view objects[] = {"{}",
                                        R"({"total":1.50,"sku":[1,"x"]})",
                                        R"({"name":"n","deep":{"er":[{"a":1}]}})",
                                        "null",
                                        R"({"t":"\"\\[{,\u00e9"})",
                                        R"({"context":{"locale":"pt"}})",
                                        R"({"big":123456789012345678901234567890})",
                                        "[1]",
                                        "\"x\"",
                                        R"({"a":1,"a":2})",
                                        R"({"a.b":1,"a":{"b":2}})",
                                        R"({"t":"\udc00"})",
                                        "[]",
                                        "7"};
constexpr std::string_view scalars[] = {"\"x\"", "\"hf:sent\"", "1",    "true",
                                        "null",  "[\"y\"]",     "\"\"", "\"\\n\""};
constexpr std::string_view leftovers[] = {"\"_metadata\":{\"nodeVersion\":\"22\"}",
                                          "\"integrations\":{\"All\":true}",
                                          "\"receivedAt\":\"1970-01-02T00:00:00Z\"",
                                          "\"context.locale\":\"fr\"",
                                          "\"\":1",
                                          "\"us\\u0065rId\":\"e\""};

std::string any_context(Rng& rng) {
  static constexpr std::string_view contexts[] = {"\"locale\":\"en\"",
                                                  "\"locale\":null",
                                                  "\"channel\":\"mobile\"",
                                                  "\"ip\":\"1.2.3.4\"",
                                                  "\"page\":{\"url\":\"/a\"}",
                                                  "\"campaign\":{\"source\":\"s\"}",
                                                  "\"historical\":true",
                                                  "\"historical\":false",
                                                  "\"page\":{\"title\":\"t\"}",
                                                  "\"page.url\":\"/b\"",
                                                  "\"library\":{\"name\":\"l\",\"version\":\"1\"}",
                                                  "\"timezone\":\"Asia/Tokyo\""};
  if (rng.chance(0.1)) return any_of(rng, objects);
  std::string json = "{";
  for (std::uint64_t n = rng.below(4), i = 0; i < n; ++i) {
    json += (i > 0 ? "," : "") + any_of(rng, contexts);
  }
  return json + "}";
}

std::string any_item(Rng& rng) {
  if (rng.chance(0.03)) return any_of(rng, scalars);
  std::string json = "{";
  const auto add = [&](double chance, std::string_view name, const std::string& value) {
    if (!rng.chance(chance)) return;
    if (json.size() > 1) json += rng.chance(0.1) ? " ,\t" : ",";
    json += "\"" + std::string(name) + "\"" + (rng.chance(0.1) ? " : " : ":") + value;
  };
  add(0.95, "type", any_of(rng, types));
  add(0.7, "userId", any_of(rng, ids));
  add(0.6, "anonymousId", any_of(rng, ids));
  add(0.2, "previousId", any_of(rng, ids));
  add(0.2, "groupId", any_of(rng, ids));
  add(0.8, "event", rng.chance(0.8) ? "\"e\"" : any_of(rng, scalars));
  add(0.2, "name", any_of(rng, scalars));
  add(0.2, "category", any_of(rng, scalars));
  add(0.3, "messageId", any_of(rng, ids));
  add(0.2, "channel", any_of(rng, scalars));
  add(0.6, "properties", any_of(rng, objects));
  add(0.3, "traits", any_of(rng, objects));
  add(0.5, "context", any_context(rng));
  add(0.6, "timestamp", any_of(rng, times));
  add(0.5, "originalTimestamp", any_of(rng, times));
  add(0.5, "sentAt", any_of(rng, times));
  add(0.02, "userId", "\"again\"");
  add(0.02, "deep", std::string(70, '[') + std::string(70, ']'));
  add(0.01, "long", "\"" + std::string(limits::event_bytes_max, 'x') + "\"");
  if (rng.chance(0.2)) json += (json.size() > 1 ? "," : "") + any_of(rng, leftovers);
  return json + "}";
}

std::string any_body(Rng& rng) {
  std::vector<std::string> members;
  std::string batch = "[";
  for (std::uint64_t n = rng.chance(0.05) ? 0 : 1 + rng.below(5), i = 0; i < n; ++i) {
    if (i > 0) batch += rng.chance(0.1) ? " , " : ",";
    batch += any_item(rng);
  }
  members.push_back((rng.chance(0.1) ? "\"b\\u0061tch\":" : "\"batch\":") + batch + "]");
  if (rng.chance(0.5)) members.push_back("\"context\":" + any_context(rng));
  if (rng.chance(0.5)) members.push_back("\"sentAt\":" + any_of(rng, times));
  if (rng.chance(0.3)) members.push_back("\"writeKey\":" + any_of(rng, scalars));
  if (rng.chance(0.3)) members.push_back(any_of(rng, leftovers));
  if (rng.chance(0.3)) members.push_back("\"nested\":{\"batch\":[{}],\"context\":1}");
  if (rng.chance(0.02)) members.push_back("\"batch\":" + any_of(rng, objects));
  if (rng.chance(0.02)) members.erase(members.begin());
  rng.shuffle(members);
  std::string body = rng.chance(0.1) ? " {" : "{";
  for (const std::string& member : members) body += (&member == members.data() ? "" : ",") + member;
  return body + (rng.chance(0.1) ? "}\r\n" : "}");
}

TEST(TrackingBody, AgreesWithAnImportThatSaysEverythingInFull) {
  int events = 0;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    Rng rng(seed);
    const bool is_batch = rng.chance(0.8);
    const auto endpoint =
        is_batch ? TrackingEndpoint::batch : static_cast<TrackingEndpoint>(rng.below(6));
    const std::string body = is_batch ? any_body(rng) : any_item(rng);
    const Reading reading = read(endpoint, body);
    ASSERT_EQ(reading, read_slowly(endpoint, body)) << seed << ": " << body;
    for (const std::string& item : reading) ++(item.starts_with("!") ? refused : events);
  }
  EXPECT_GT(events, 5'000);
  EXPECT_GT(refused, 5'000);
}

TEST(TrackingBody, IsRefusedWholeWhereverItIsNoJson) {
  static constexpr std::string_view noise = "{}[]\",:\\x0-.e \xC3\x01tn";
  int whole = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    Rng rng(seed);
    std::string body = any_body(rng);
    for (std::int64_t n = rng.between(1, 2); n > 0; --n) {
      const std::size_t at = rng.below(body.size() + 1);
      const char c = noise[rng.below(noise.size())];
      switch (rng.below(3)) {
        case 0: body.insert(at, 1, c); break;
        case 1: body.erase(at, 1); break;
        default: body.resize(std::max(body.size(), at + 1), ' '), body[at] = c;
      }
    }
    SlowOutline outline(body);
    const bool is_json = outline.read();
    const Reading reading = read_batch(body);
    const bool is_refused = reading[0].starts_with("!! invalid_");
    // What is JSON but for ill-formed UTF-8 in an item costs only that item.
    if (is_utf8(body)) {
      ASSERT_EQ(reading, read_slowly(TrackingEndpoint::batch, body)) << seed << ": " << body;
    } else if (!is_json) {
      ASSERT_EQ(reading, Reading{"!! invalid_utf8"}) << seed << ": " << body;
    }
    whole += is_refused;
  }
  EXPECT_GT(whole, 3'000);
}

TEST(TrackingBody, IsAnEventByTheRulesOfTime) {
  const std::string track = R"({"type":"track","userId":"u","event":"e")";
  const struct {
    std::string_view name;
    std::string item;
    std::string outer;
    std::string_view time;
  } cases[] = {
      {"no time", "", "", "1000000000"},
      {"sentAt alone", R"(,"sentAt":"1970-01-12T13:46:00Z")", "", "1000000000"},
      {"timestamp alone", R"(,"timestamp":"1970-01-12T13:46:00Z")", "", "999960000"},
      {"a clock 10 minutes late",
       R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"1970-01-12T13:36:40Z")", "", "999990000"},
      {"sentAt of the batch", R"(,"timestamp":"1970-01-12T13:36:30Z")",
       R"(,"sentAt":"1970-01-12T13:36:40Z")", "999990000"},
      {"the item's sentAt wins",
       R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"1970-01-12T13:36:40Z")",
       R"(,"sentAt":"1970-01-12T10:00:00Z")", "999990000"},
      {"an empty sentAt is none", R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"")",
       R"(,"sentAt":"1970-01-12T13:36:40Z")", "999990000"},
      {"an unreadable sentAt corrects nothing",
       R"(,"timestamp":"1970-01-12T13:46:00Z","sentAt":"soon")",
       R"(,"sentAt":"1970-01-12T13:36:40Z")", "999960000"},
      {"an unreadable sentAt of the batch", R"(,"timestamp":"1970-01-12T13:46:00Z")",
       R"(,"sentAt":17)", "999960000"},
      {"a timestamp that somebody named",
       R"(,"timestamp":"1970-01-11T00:00:00Z","originalTimestamp":"1970-01-12T13:36:30Z",)"
       R"("sentAt":"1970-01-12T13:36:40Z")",
       "", "864000000"},
      {"historical",
       R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"1970-01-12T13:36:40Z",)"
       R"("context":{"historical":true})",
       "", "999390000"},
      {"a historical batch",
       R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"1970-01-12T13:36:40Z")",
       R"(,"context":{"historical":true})", "999390000"},
      {"historical is a boolean",
       R"(,"timestamp":"1970-01-12T13:36:30Z","sentAt":"1970-01-12T13:36:40Z",)"
       R"("context":{"historical":"true"})",
       "", "999990000"},
      {"corrected to before 1970",
       R"(,"timestamp":"1970-01-01T00:00:00Z","sentAt":"1990-01-01T00:00:00Z")", "", "0"},
      {"corrected to after 2100",
       R"(,"timestamp":"2100-12-31T00:00:00Z","sentAt":"1970-01-01T00:00:00Z")", "",
       "4133980799999"},
      {"more than a day ahead is the store's to mend", R"(,"timestamp":"1970-02-01T00:00:00Z")", "",
       "2678400000"},
      {"a client's receivedAt has no meaning", R"(,"receivedAt":"1970-01-02T00:00:00Z")", "",
       "1000000000"},
  };
  for (const auto& [name, item, outer, time] : cases) {
    EXPECT_EQ(read_batch("{\"batch\":[" + track + item + "}]" + outer + "}"),
              Reading{"u||e|" + std::string(time) + "|1000000000|||"})
        << name;
  }
}

TEST(TrackingBody, IsRefusedByItem) {
  const std::string good = R"({"type":"page","anonymousId":"a"})";
  const struct {
    std::string_view name;
    std::string item;
    std::string_view reason;
  } cases[] = {
      {"no type", R"({"userId":"u","event":"e"})", "unknown_type"},
      {"an unknown type", R"({"type":"sale","userId":"u"})", "unknown_type"},
      {"type no text", R"({"type":1,"userId":"u"})", "unknown_type"},
      {"no person", R"({"type":"track","event":"e"})", "missing_person"},
      {"a person of blanks", R"({"type":"track","event":"e","userId":" \t"})", "missing_person"},
      {"an alias of no user", R"({"type":"alias","previousId":"p"})", "missing_person"},
      {"no event", R"({"type":"track","userId":"u"})", "missing_event"},
      {"a reserved name", R"({"type":"track","userId":"u","event":"hf:sent"})", "reserved_name"},
      {"no object", "17", "not_an_object"},
      {"a list", "[{}]", "not_an_object"},
      {"null", "null", "not_an_object"},
      {"properties no object", R"({"type":"track","userId":"u","event":"e","properties":[]})",
       "invalid_properties"},
      {"no time", R"({"type":"page","userId":"u","timestamp":"soon"})", "invalid_time"},
      {"1969",
       R"({"type":"page","userId":"u","timestamp":"1969-12-31T23:59:59Z","sentAt":)"
       R"("1969-12-31T23:59:59Z"})",
       "time_out_of_range"},
      {"the same name twice", R"({"type":"page","userId":"u","userId":"v"})", "duplicate_key"},
      {"too deep",
       R"({"type":"page","userId":"u","x":)" + std::string(2000, '[') + std::string(2000, ']') +
           "}",
       "too_deep"},
      {"half a surrogate pair", R"({"type":"page","userId":"\ud83d"})", "invalid_json"},
      {"ill-formed UTF-8", "{\"type\":\"page\",\"userId\":\"\xE9\"}", "invalid_utf8"},
      {"an id too long", R"({"type":"page","userId":")" + std::string(256, 'u') + "\"}",
       "id_too_long"},
  };
  for (const auto& [name, item, reason] : cases) {
    auto body = TrackingBody::open(TrackingEndpoint::batch,
                                   "{\"batch\":[" + good + ", " + item + " ," + good + "]}",
                                   received_at_ms);
    ASSERT_TRUE(body) << name;
    EXPECT_TRUE(std::holds_alternative<TrackingEvent>(body->next())) << name;
    const auto next = body->next();
    const auto* refused = std::get_if<RefusedItem>(&next);
    ASSERT_NE(refused, nullptr) << name;
    EXPECT_EQ(refused->reason, reason) << name;
    EXPECT_EQ(refused->index, 1u) << name;
    EXPECT_EQ(refused->text, item) << name;
    EXPECT_TRUE(std::holds_alternative<TrackingEvent>(body->next())) << name;
    EXPECT_TRUE(std::holds_alternative<End>(body->next())) << name;
    EXPECT_TRUE(std::holds_alternative<End>(body->next())) << name;
  }
}

TEST(TrackingBody, IsTakenUpToTheSizeOfAnEventAndRefusedBeyond) {
  const std::string head = R"({"type":"page","userId":"u","integrations":{"x":")";
  const std::string tail = "\"}}";
  const std::string largest =
      head + std::string(limits::event_bytes_max - head.size() - tail.size(), 'x') + tail;
  const std::string longer = head + "x" + largest.substr(head.size());
  EXPECT_EQ(read_batch("{\"batch\":[ " + largest + " , " + longer + " ]}"),
            (Reading{"u||page|1000000000|1000000000|||", "! event_too_large"}));
  EXPECT_EQ(read(TrackingEndpoint::page, "  " + largest + "  "),
            Reading{"u||page|1000000000|1000000000|||"});
  EXPECT_EQ(read(TrackingEndpoint::page, longer), Reading{"! event_too_large"});
}

TEST(TrackingBody, SaysWhyItIsRefusedWhole) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  const struct {
    std::string_view name;
    std::string body;
    std::string_view reason;
    std::string_view message;  // Empty: any.
  } cases[] = {
      {"empty", "", "invalid_json", "not valid JSON: the body is empty: byte 0"},
      {"blank", " \r\n", "invalid_json", ""},
      {"cut off", R"({"batch":[{})", "invalid_json",
       "not valid JSON: neither a comma nor ] behind a value: byte 12"},
      {"cut off in a text", R"({"batch":[{"a":"b)", "invalid_json",
       "not valid JSON: a text is not closed by a quote: byte 15"},
      {"a control character", "{\"batch\":[{\"a\":\"b\x01\"}]}", "invalid_json",
       "not valid JSON: a control character in a text: byte 17"},
      {"a fault in a later item", R"({"batch":[{"type":"page","userId":"u"},{"a":01}]})",
       "invalid_json", "not valid JSON: a value is missing or is none: byte 44"},
      {"brackets crossed", R"({"batch":[{"a":[1}]]})", "invalid_json",
       "not valid JSON: neither a comma nor ] behind a value: byte 17"},
      {"a trailing comma", R"({"batch":[{},]})", "invalid_json", ""},
      {"a wrong escape", R"({"batch":[{"a":"\x"}]})", "invalid_json",
       "not valid JSON: a wrong escape in a text: byte 16"},
      {"an escape cut off", R"({"batch":[{"a":"\u00"}]})", "invalid_json", ""},
      {"two bodies", R"({"batch":[{}]}{})", "invalid_json",
       "not valid JSON: something follows the end: byte 14"},
      {"Latin-1 beside the items", "{\"batch\":[{}],\"x\":\"\xE9\"}", "invalid_utf8",
       "not valid UTF-8: byte 19"},
      {"no JSON and no UTF-8", "\x1F\x8B\x08", "invalid_utf8", ""},
      {"a list", "[{}]", "not_an_object", ""},
      {"a text", "\"x\"", "not_an_object", ""},
      {"no batch", "{}", "missing_batch", ""},
      {"batch no list", R"({"batch":{}})", "missing_batch", ""},
      {"batch within another", R"({"x":{"batch":[{}]}})", "missing_batch", ""},
      {"no item", R"({"batch":[ ]})", "empty_batch", ""},
      {"two batches", R"({"batch":[{}],"batch":[{}]})", "duplicate_key", ""},
      {"two batches, one with an escape", R"({"batch":[{}],"\u0062atch":[{}]})", "duplicate_key",
       ""},
      {"context too deep", R"({"batch":[{}],"context":{"a":)" + deep + "}}", "too_deep", ""},
      {"a name twice in context", R"({"batch":[{}],"context":{"a":1,"a":2}})", "duplicate_key", ""},
  };
  for (const auto& [name, body, reason, message] : cases) {
    const auto opened = TrackingBody::open(TrackingEndpoint::batch, body, received_at_ms);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().reason, reason) << name;
    if (!message.empty()) {
      EXPECT_EQ(opened.error().message, message) << name;
    }
  }
}

TEST(TrackingBody, TakesWhatTheBatchSaysForAllItsItems) {
  EXPECT_EQ(
      read_batch(
          R"({"context":{"locale":"en","page":{"url":"/o","title":"O"},"channel":"server","ip":"::1"},)"
          R"("batch":[{"type":"page","userId":"u","context":{"page":{"url":"/i"},"locale":null}},)"
          R"({"type":"page","userId":"v","channel":"web"}],"integrations":{"All":false}})"),
      (Reading{"u||page|1000000000|1000000000||server|context.page.url=/i;context.locale=en;"
               "context.page.title=O;",
               "v||page|1000000000|1000000000||web|context.locale=en;context.page.url=/o;"
               "context.page.title=O;"}));
  EXPECT_EQ(read_batch(R"({"batch":[{"type":"page","userId":"u"}],"context":"none"})"),
            Reading{"u||page|1000000000|1000000000|||"});
}

TEST(TrackingBody, IsOfTheKindOfItsEndpointWhateverItsTypeSays) {
  const struct {
    std::string_view tail;
    std::string_view event;
  } cases[] = {
      {"identify", "u|a|identify|1000000000|1000000000|m||plan=pro;"},
      {"track", "u|a|e|1000000000|1000000000|m||total=1;"},
      {"page", "u|a|page|1000000000|1000000000|m||total=1;name=n;"},
      {"screen", "u|a|screen|1000000000|1000000000|m||total=1;name=n;"},
      {"group", "u|a|group|1000000000|1000000000|m||plan=pro;group_id=g;"},
      {"alias", "u|a|alias|1000000000|1000000000|m||previous_id=p;"},
  };
  for (const auto& [tail, event] : cases) {
    const auto endpoint = tracking_endpoint(tail);
    ASSERT_TRUE(endpoint) << tail;
    EXPECT_EQ(read(*endpoint,
                   "\xEF\xBB\xBF"
                   R"({"type":"sale","userId":" u ","anonymousId":"\ta\n","event":"e","name":"n",)"
                   R"("groupId":"g","previousId":" p","messageId":"m","properties":{"total":1},)"
                   R"("traits":{"plan":"pro"},"writeKey":"wk"})"),
              Reading{std::string(event)})
        << tail;
  }
  EXPECT_EQ(tracking_endpoint("batch"), TrackingEndpoint::batch);
  for (const std::string_view tail : {"", "t", "Track", "track/", "import", "merge", "batch "}) {
    EXPECT_EQ(tracking_endpoint(tail), std::nullopt) << tail;
  }
}

TEST(TrackingBody, HandsOutItsWriteKey) {
  const auto key_of = [](TrackingEndpoint endpoint, std::string body) -> std::string {
    auto opened = TrackingBody::open(endpoint, std::move(body), received_at_ms);
    if (!opened) return "!! " + std::string(opened.error().reason);
    const TrackingBody moved = std::move(*opened);
    const auto key = moved.write_key();
    return key ? std::string(*key) : "none";
  };
  using enum TrackingEndpoint;
  EXPECT_EQ(key_of(batch, R"({"batch":[{"writeKey":"i"}],"writeKey":"w\u006b"})"), "wk");
  EXPECT_EQ(key_of(batch, R"({"batch":[{"writeKey":"i"}]})"), "none");
  EXPECT_EQ(key_of(batch, R"({"batch":[{}],"writeKey":null})"), "none");
  EXPECT_EQ(key_of(batch, R"({"batch":[{}],"writeKey":""})"), "none");
  EXPECT_EQ(key_of(batch, R"({"batch":[{}],"writeKey":"\ud800"})"), "none");
  EXPECT_EQ(key_of(track, R"({"properties":{"writeKey":"p"},"writeKey":"wk"})"), "wk");
}

// A nesting that only memory bounds must not end the process.
TEST(TrackingBody, IsWalkedWithoutRecursion) {
  const std::string deep = std::string(2'000'000, '[');
  EXPECT_EQ(read_batch("{\"batch\":" + deep), Reading{"!! invalid_json"});
  EXPECT_EQ(read_batch("{\"batch\":" + deep + std::string(deep.size(), ']') + "}"),
            Reading{"! event_too_large"});
}

TEST(TrackingBody, ReadsWhatAnalyticsNodeSends) {
  EXPECT_EQ(
      read_batch(
          R"({"batch":[{"timestamp":"1970-01-12T13:46:28.000Z","integrations":{},"userId":"u1",)"
          R"("anonymousId":"an1","properties":{"total":12.5,"products":[{"sku":"x"}]},)"
          R"("event":"Order Completed","type":"track","context":{"library":{"name":)"
          R"("@segment/analytics-node","version":"3.1.0"}},"messageId":)"
          R"("node-next-999988000-8a1c2f7e-3b1d-4e55-9a40-2f6d1b7c0e11",)"
          R"("_metadata":{"nodeVersion":"22.1.0","jsRuntime":"node"}},)"
          R"({"timestamp":"1970-01-12T13:46:29.000Z","integrations":{},"anonymousId":"an1",)"
          R"("name":"Home","category":"Docs","properties":{"category":"Docs","url":"/"},)"
          R"("type":"page","context":{"library":{"name":"@segment/analytics-node",)"
          R"("version":"3.1.0"}},"messageId":"node-next-2","_metadata":{"nodeVersion":"22.1.0",)"
          R"("jsRuntime":"node"}}],"writeKey":"wk","sentAt":"1970-01-12T13:46:38.000Z"})"),
      (Reading{"u1|an1|Order Completed|999990000|1000000000|"
               "node-next-999988000-8a1c2f7e-3b1d-4e55-9a40-2f6d1b7c0e11||total=12.5;"
               "products=[{\"sku\":\"x\"}];",
               "|an1|page|999991000|1000000000|node-next-2||category=Docs;url=/;name=Home;"}));
}

TEST(TrackingBody, ReadsWhatRudderSdkNodeSends) {
  EXPECT_EQ(
      read_batch(
          R"({"batch":[{"userId":"u1","traits":{"plan":"pro"},"type":"identify","context":)"
          R"({"library":{"name":"@rudderstack/rudder-sdk-node","version":"3.0.13"}},"channel":)"
          R"("server","_metadata":{"nodeVersion":"22.1.0"},"originalTimestamp":)"
          R"("1970-01-12T13:46:28.000Z","messageId":"1f0c8a7e-6a3b-4c39-8a55-0d6a4a4b8d10",)"
          R"("sentAt":"1970-01-12T13:46:38.000Z"},)"
          R"({"userId":"u1","event":"Order Completed","properties":{"total":1},"type":"track",)"
          R"("context":{"library":{"name":"@rudderstack/rudder-sdk-node","version":"3.0.13"}},)"
          R"("channel":"server","timestamp":"1970-01-10T00:00:00.000Z","originalTimestamp":)"
          R"("1970-01-12T13:46:29.000Z","messageId":"m2","sentAt":"1970-01-12T13:46:38.000Z"}],)"
          R"("sentAt":"1970-01-12T13:46:38.000Z"})"),
      (Reading{"u1||identify|999990000|1000000000|1f0c8a7e-6a3b-4c39-8a55-0d6a4a4b8d10|server|"
               "plan=pro;",
               "u1||Order Completed|777600000|1000000000|m2|server|total=1;"}));
}

}  // namespace
}  // namespace hf
