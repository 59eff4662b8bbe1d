// SPDX-License-Identifier: Apache-2.0
//
// Who signs in: for now one account, the owner's, with a name and a password. Who is the owner is
// settled by a link that only this machine shows: it holds a token, good once, with which the
// owner's name and password are set, the first time and whenever the password was forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/result.h"
#include "service/state.h"

namespace hf {

/// "owner".
[[nodiscard]] std::string_view to_string(Role role);

inline constexpr std::size_t account_name_characters_max = 64;
inline constexpr std::size_t password_characters_min = 12;
inline constexpr std::size_t password_bytes_max = 1024;

/// The name without blanks at its ends. Errors: invalid_argument/bad_name at "/name" unless it is
/// then 1 to 64 characters of UTF-8, none of them a control character.
[[nodiscard]] Result<std::string> account_name(std::string_view text);

/// Errors: invalid_argument/weak_password at "/password" where it is under 12 characters, over
/// 1,024 bytes, not UTF-8, one character over and over, among the commonest, or contains the name
/// in whatever case; a name of one or two bytes is in too many words to count.
[[nodiscard]] Result<void> check_password(std::string_view password, std::string_view name);

/// Argon2id (RFC 9106) in its textual form, as libsodium's crypto_pwhash_str with INTERACTIVE
/// limits makes it: takes 64 MiB and some 50 ms. Errors: resource_exhausted/out_of_memory.
[[nodiscard]] Result<std::string> hash_password(Random& random, std::string_view password);
/// True where `hash` was made of this password. Takes as long as that.
[[nodiscard]] bool is_password(const std::string& hash, std::string_view password);
/// A hash of no password, for who has to take as long where there is no account.
[[nodiscard]] const std::string& hash_of_nobody();

/// Of the owner; nothing where nobody is it yet.
[[nodiscard]] Result<std::optional<Account>> find_owner(const StateView& state);

inline constexpr std::string_view setup_token_prefix = "hf_setup_";
inline constexpr std::int64_t setup_token_lasts_ms = std::int64_t{24} * 3'600'000;

/// A new token, good once and for a day: setup_token_prefix and a secret. Those before are good no
/// more. Errors: those of State.
[[nodiscard]] Result<std::string> make_setup_token(StateChange& change, const Env& env);
[[nodiscard]] Result<std::string> make_setup_token(State& state, const Env& env);
/// Errors: unauthenticated/bad_token where it is unknown, used or expired; those of StateView.
[[nodiscard]] Result<void> check_setup_token(const StateView& state, std::string_view token,
                                             TimestampMs now_ms);

/// Uses up the token and makes the owner's account, or gives it this name and password and ends all
/// its sessions. Requires a name of account_name() and a password of hash_password(), which is too
/// slow for a transaction. Errors: those of check_setup_token() and State.
[[nodiscard]] Result<StoredAccount> set_owner(StateChange& change, TimestampMs now_ms,
                                              std::string_view token, std::string_view name,
                                              std::string_view password_hash);

}  // namespace hf
