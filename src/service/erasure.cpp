// SPDX-License-Identifier: Apache-2.0
#include "service/erasure.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"

namespace hf {
namespace {

constexpr std::size_t page_refusals = 100;

bool is_one_of(std::string_view value, std::span<const PersonId> ids) {
  return std::ranges::find(ids, value, &PersonId::id) != ids.end();
}

bool has_value(const Json& json, std::span<const PersonId> ids) {
  switch (json.kind) {
    case Json::Kind::null:
    case Json::Kind::boolean: return false;
    case Json::Kind::text: return is_one_of(json.text, ids);
    // An id that came as a number is kept in the one way to write it.
    case Json::Kind::number:
      return is_one_of(json.text, ids) || is_one_of(canonical_number(json.text), ids);
    case Json::Kind::array:
      return std::ranges::any_of(json.array,
                                 [&](const Json& each) { return has_value(each, ids); });
    case Json::Kind::object:
      return std::ranges::any_of(
          json.object, [&](const Json::Member& each) { return has_value(each.second, ids); });
  }
  return false;
}

/// Letters of other scripts are words, too: all bytes that are not ASCII.
bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool has_word(std::string_view text, std::string_view id) {
  for (std::size_t at = text.find(id); at != std::string_view::npos; at = text.find(id, at + 1)) {
    const std::size_t end = at + id.size();
    const bool begins = at == 0 || !is_of_word(text[at - 1]);
    const bool ends = end == text.size() || !is_of_word(text[end]);
    if (begins && ends) return true;
  }
  return false;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Takes the escapes of JSON out of a text that may be a piece of it: what is none stays.
class Unescaped {
 public:
  explicit Unescaped(std::string_view text) : left_(text) {
    while (!left_.empty()) {
      const std::size_t plain = std::min(left_.find('\\'), left_.size());
      out_ += left_.substr(0, plain);
      left_.remove_prefix(plain);
      if (!left_.empty()) take_escape();
    }
  }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  void take_escape() {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t letter = left_.size() < 2 ? std::string_view::npos : letters.find(left_[1]);
    if (letter != std::string_view::npos) {
      out_ += meanings[letter];
      left_.remove_prefix(2);
      return;
    }
    const auto code = code_at(0);
    if (!code) {
      out_ += left_.front();
      left_.remove_prefix(1);
      return;
    }
    const auto low = code_at(6);
    const bool is_pair =
        *code >= 0xd800 && *code < 0xdc00 && low && *low >= 0xdc00 && *low < 0xe000;
    append_utf8(out_, is_pair ? 0x10000 + (*code - 0xd800) * 0x400 + (*low - 0xdc00) : *code);
    left_.remove_prefix(is_pair ? 12 : 6);
  }

  /// Of \uXXXX.
  [[nodiscard]] std::optional<std::uint32_t> code_at(std::size_t at) const {
    if (left_.size() < at + 6 || left_[at] != '\\' || left_[at + 1] != 'u') return std::nullopt;
    std::uint32_t code = 0;
    const char* const end = left_.data() + at + 6;
    const auto [read, error] = std::from_chars(left_.data() + at + 2, end, code, 16);
    if (error != std::errc{} || read != end) return std::nullopt;
    return code;
  }

  std::string_view left_;
  std::string out_;
};

bool names_one_of(const std::string& text, std::span<const PersonId> ids) {
  if (const auto json = parse_json(text)) return has_value(*json, ids);
  const Unescaped unescaped(text);
  return std::ranges::any_of(ids, [&](const PersonId& id) {
    return has_word(text, id.id) || has_word(unescaped.text(), id.id);
  });
}

/// Adds the refusals after `after` that name one of the ids, and returns the newest there is.
Result<std::uint64_t> find_refusals(const StateView& state, std::span<const PersonId> ids,
                                    std::uint64_t after, std::vector<std::uint64_t>& found) {
  std::uint64_t newest = after;
  RefusalQuery query = {.limit = page_refusals};
  do {
    HF_TRY(const RefusalPage page, state.refusals(query));
    for (const Refusal& refusal : page.refusals) {
      if (refusal.id <= after) return newest;
      newest = std::max(newest, refusal.id);
      if (names_one_of(refusal, ids)) found.push_back(refusal.id);
    }
    query.before = page.next_before;
  } while (query.before);
  return newest;
}

}  // namespace

bool names_one_of(const Refusal& refusal, std::span<const PersonId> ids) {
  return names_one_of(refusal.text, ids) || names_one_of(refusal.message, ids);
}

Result<std::uint64_t> remove_refusals_of(State& state, std::span<const PersonId> ids) {
  // All are looked through beside the writing of others; within the transaction only what came
  // meanwhile.
  std::vector<std::uint64_t> found;
  HF_TRY(const std::uint64_t newest, find_refusals(state, ids, 0, found));
  std::uint64_t removed = 0;
  const auto remove = [&](StateChange& change) -> Result<void> {
    std::vector<std::uint64_t> all = found;
    HF_CHECK(find_refusals(change, ids, newest, all));
    HF_TRY(removed, change.remove_refusals(all));
    return {};
  };
  HF_CHECK(state.change(remove));
  return removed;
}

Result<ForgottenPerson> forget_person(Store& store, State* state, const PersonId& id, bool now) {
  ForgottenPerson forgotten;
  HF_TRY(forgotten.erased.ids, store.ids_of(id));
  const bool is_known = !forgotten.erased.ids.empty();
  if (!is_known) forgotten.erased.ids.push_back(id);
  if (state != nullptr) {
    HF_TRY(forgotten.refusals, remove_refusals_of(*state, forgotten.erased.ids));
  }
  if (!is_known && forgotten.refusals.value_or(0) > 0) return forgotten;
  HF_TRY(forgotten.erased, erase_person(store, id, now));
  return forgotten;
}

}  // namespace hf
