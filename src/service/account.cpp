// SPDX-License-Identifier: Apache-2.0
#include "service/account.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/assert.h"
#include "base/utf8.h"
#include "service/secret.h"

namespace hf {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

/// The code point of a well-formed sequence of `size` bytes.
char32_t code_point(std::string_view text, std::size_t size) {
  constexpr std::array<unsigned, 5> lead_bits = {0, 0x7f, 0x1f, 0x0f, 0x07};
  auto point = static_cast<char32_t>(static_cast<unsigned char>(text[0]) & lead_bits[size]);
  for (std::size_t i = 1; i < size; ++i) {
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return point;
}

/// Nothing where the text is not UTF-8.
std::optional<std::u32string> characters_of(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) {
    const std::size_t size = utf8_sequence_length(text);
    if (size == 0) return std::nullopt;
    characters += code_point(text, size);
    text.remove_prefix(size);
  }
  return characters;
}

/// What fingers leave at the ends of a field: also the blank of Chinese and Japanese keyboards.
bool is_blank(char32_t c) {
  return c == U' ' || (c >= U'\t' && c <= U'\r') || c == U'\u00a0' ||
         (c >= U'\u2000' && c <= U'\u200b') || c == U'\u3000' || c == U'\ufeff';
}

/// Also what ends a line or turns its direction: a name stands within other text.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Those of the commonest that are long enough to be taken at all, in lower case.
constexpr std::array<std::string_view, 40> commonest = {
    "123456789012",   "1234567890123",    "12345678901234",   "123456789123",
    "1234567891011",  "123456123456",     "123123123123",     "123321123321",
    "121212121212",   "112233445566",     "987654321098",     "098765432109",
    "0987654321098",  "1qaz2wsx3edc",     "1q2w3e4r5t6y",     "1q2w3e4r5t6y7u",
    "qwertyuiop12",   "qwertyuiop123",    "qwertyuiopasdf",   "qwertyuiop[]",
    "qwerty123456",   "qwertyqwerty",     "asdfghjkl123",     "asdfghjkl;'",
    "zxcvbnm12345",   "abcdefghijkl",     "abcdefghijklm",    "abc123abc123",
    "password1234",   "password12345",    "password123456",   "passwordpassword",
    "passw0rd1234",   "administrator",    "administrator1",   "adminadminadmin",
    "letmeinletmein", "iloveyouiloveyou", "changemechangeme", "correct horse battery staple",
};

std::unexpected<Error> weak(std::string message) {
  return fail(invalid, "weak_password", std::move(message), "/password");
}

std::unexpected<Error> bad_token() {
  return fail(ErrorCode::unauthenticated, "bad_token",
              "this link is not good: it is unknown here, was used, or has expired");
}

constexpr unsigned long long operations = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr std::size_t memory_bytes = crypto_pwhash_MEMLIMIT_INTERACTIVE;
constexpr std::size_t salt_bytes = crypto_pwhash_SALTBYTES;
constexpr std::size_t sum_bytes = 32;

/// As crypto_pwhash_str() writes it.
std::string textual(std::span<const std::byte> salt, std::span<const std::byte> sum) {
  const auto base64 = [](std::span<const std::byte> bytes) {
    constexpr int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), variant);
    text.pop_back();  // The 0 at its end.
    return text;
  };
  return fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", memory_bytes / 1024, operations,
                     base64(salt), base64(sum));
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::owner: return "owner";
  }
  HF_ASSERT(false);
  return {};
}

Result<std::string> account_name(std::string_view text) {
  const auto characters = characters_of(text);
  if (!characters) return fail(invalid, "bad_name", "the name is not UTF-8", "/name");
  const auto is_text = [](char32_t c) { return !is_blank(c); };
  const auto begin = std::ranges::find_if(*characters, is_text);
  auto end = characters->end();
  while (end != begin && !is_text(end[-1])) --end;
  const auto size = static_cast<std::size_t>(end - begin);
  if (size < 1 || size > account_name_characters_max || std::any_of(begin, end, is_control)) {
    return fail(invalid, "bad_name",
                fmt::format("a name is 1 to {} characters, and no control characters",
                            account_name_characters_max),
                "/name");
  }
  std::string name;
  for (auto c = begin; c != end; ++c) append(name, *c);
  return name;
}

Result<void> check_password(std::string_view password, std::string_view name) {
  constexpr std::size_t telling_name_bytes_min = 3;
  if (password.size() > password_bytes_max) {
    return weak(fmt::format("the password is over {} bytes", password_bytes_max));
  }
  const auto characters = characters_of(password);
  if (!characters) return weak("the password is not UTF-8");
  if (characters->size() < password_characters_min) {
    return weak(fmt::format("the password is under {} characters", password_characters_min));
  }
  if (characters->find_first_not_of(characters->front()) == std::u32string::npos) {
    return weak("the password is one character over and over");
  }
  const std::string lower = lower_case(password);
  if (name.size() >= telling_name_bytes_min && lower.find(lower_case(name)) != std::string::npos) {
    return weak("the password contains the name");
  }
  if (std::ranges::find(commonest, lower) != commonest.end()) {
    return weak("the password is among the commonest");
  }
  return {};
}

Result<std::string> hash_password(Random& random, std::string_view password) {
  // Not crypto_pwhash_str(), which draws its salt itself.
  std::array<std::byte, salt_bytes> salt;
  random.fill(salt);
  std::array<std::byte, sum_bytes> sum;
  const int outcome =
      crypto_pwhash(reinterpret_cast<unsigned char*>(sum.data()), sum.size(), password.data(),
                    password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                    operations, memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  if (outcome != 0) {
    return fail(ErrorCode::resource_exhausted, "out_of_memory",
                "there is not enough memory for hashing a password");
  }
  return textual(salt, sum);
}

bool is_password(const std::string& hash, std::string_view password) {
  // One that is longer was never taken.
  return crypto_pwhash_str_verify(hash.c_str(), password.data(),
                                  std::min(password.size(), password_bytes_max + 1)) == 0;
}

const std::string& hash_of_nobody() {
  static const std::string hash =
      textual(std::array<std::byte, salt_bytes>{}, std::array<std::byte, sum_bytes>{});
  return hash;
}

Result<std::optional<Account>> find_owner(const StateView& state) {
  HF_TRY(const auto accounts, state.accounts());
  for (const StoredAccount& each : accounts) {
    if (each.account.role == Role::owner) return each.account;
  }
  return std::optional<Account>();
}

Result<std::string> make_setup_token(StateChange& change, const Env& env) {
  std::string token = fmt::format("{}{}", setup_token_prefix, new_secret(env.random));
  HF_TRY(const auto before, change.setup_tokens());
  for (const SetupToken& each : before) HF_CHECK(change.remove_setup_token(each.hash));
  HF_CHECK(change.save_setup_token(
      {.hash = sha256(token), .expires_ms = env.clock.now_ms() + setup_token_lasts_ms}));
  return token;
}

Result<std::string> make_setup_token(State& state, const Env& env) {
  std::string token;
  HF_CHECK(state.change([&](StateChange& change) -> Result<void> {
    HF_TRY(token, make_setup_token(change, env));
    return {};
  }));
  return token;
}

Result<void> check_setup_token(const StateView& state, std::string_view token, TimestampMs now_ms) {
  const TokenHash hash = sha256(token);
  HF_TRY(const auto tokens, state.setup_tokens());
  const bool is_good = std::ranges::any_of(tokens, [&](const SetupToken& each) {
    return sodium_memcmp(each.hash.data(), hash.data(), hash.size()) == 0 &&
           now_ms < each.expires_ms;
  });
  if (!is_good) return bad_token();
  return {};
}

Result<StoredAccount> set_owner(StateChange& change, TimestampMs now_ms, std::string_view token,
                                std::string_view name, std::string_view password_hash) {
  HF_CHECK(check_setup_token(change, token, now_ms));
  HF_CHECK(change.remove_setup_token(sha256(token)));
  HF_TRY(const auto accounts, change.accounts());
  const auto found = std::ranges::find(accounts, Role::owner,
                                       [](const StoredAccount& each) { return each.account.role; });
  if (found == accounts.end()) {
    StoredAccount owner = {.account = {.name = std::string(name), .created_ms = now_ms},
                           .password = std::string(password_hash)};
    HF_TRY(owner.account.id, change.add_account(owner));
    return owner;
  }
  StoredAccount owner = *found;
  owner.account.name = name;
  owner.password = password_hash;
  HF_CHECK(change.save_account(owner));
  HF_TRY(const auto sessions, change.sessions());
  for (const StoredSession& each : sessions) {
    if (each.account == owner.account.id) HF_CHECK(change.remove_session(each.hash));
  }
  return owner;
}

}  // namespace hf
