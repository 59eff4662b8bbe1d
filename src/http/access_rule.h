// SPDX-License-Identifier: Apache-2.0
//
// Who may do what (DESIGN section 8): write keys only write; reading needs a read or admin key, or
// the session of who signed in, which does all but write. Until there is an owner, a client on the
// same machine may read, too, where neither its Host nor its Origin says that a page from elsewhere
// sent it. Whoever opened the socket in the data directory is this user and may do everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "service/access.h"
#include "service/sign_in.h"

namespace hf::http {

enum class Access : std::uint8_t {
  open,     ///< Anybody.
  visitor,  ///< Anybody, a browser only from a page of this server.
  link,     ///< Such a visitor on this machine: is_trusted_loopback().
  write,    ///< Events of a source: write keys.
  read,
  admin,
  local,  ///< Only by the socket in the data directory.
};

/// The key in the Authorization header: the user of Basic, or Bearer; empty where the header is
/// something else. Nothing where there is no such header.
[[nodiscard]] std::optional<std::string> key_of(const Request& request);

/// True where a request of the same machine may do what a read key may.
[[nodiscard]] bool is_trusted_loopback(const Request& request);

/// What decides who comes in.
struct Gate {
  const Keyring& keyring;
  const SignIns& sign_ins;
  bool trusts_loopback = true;  ///< As long as there is no owner.
  bool is_tls = false;
};

/// Who is signed in where the request's cookie says so.
struct Session {
  Account account;
  std::string token;
};
[[nodiscard]] std::optional<Session> session_of(const Request& request, const Gate& gate);

/// Whether the session's own page sent the request: GET and HEAD change nothing and need no proof.
/// Errors: permission_denied/other_origin, bad_csrf_token (header X-CSRF-Token).
[[nodiscard]] Result<void> check_page(const Request& request, const Session& session,
                                      const Gate& gate);

/// What the request may, where `access` asks for no more: the grant of its key or session; ids 0
/// without. Errors: those of Keyring::check() and check_page(); permission_denied/wrong_key_kind,
/// loopback_only, not_local.
[[nodiscard]] Result<Grant> authorize(const Request& request, Access access, const Gate& gate,
                                      TimestampMs now_ms);
/// The same with a key from elsewhere, for writing.
[[nodiscard]] Result<Grant> authorize_write(std::string_view token, const Keyring& keyring,
                                            TimestampMs now_ms);

}  // namespace hf::http
