// SPDX-License-Identifier: Apache-2.0
//
// Who may do what (DESIGN section 8): write keys only write; reading needs a read or admin key.
// Until there are accounts, a client on the same machine may read, too, where neither its Host nor
// its Origin says that a page from elsewhere sent it. Whoever opened the socket in the data
// directory is this user and may do everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "service/access.h"

namespace hf::http {

enum class Access : std::uint8_t {
  open,   ///< Anybody.
  write,  ///< Events of a source: write keys.
  read,
  admin,
  local,  ///< Only by the socket in the data directory.
};

/// The key in the Authorization header: the user of Basic, or Bearer; empty where the header is
/// something else. Nothing where there is no such header.
[[nodiscard]] std::optional<std::string> key_of(const Request& request);

/// True where a request of the same machine may do what a read key may.
[[nodiscard]] bool is_trusted_loopback(const Request& request);

/// What the request may, where `access` asks for no more: the grant of its key; id 0 without one.
/// Errors: those of Keyring::check(); permission_denied/wrong_key_kind.
[[nodiscard]] Result<Grant> authorize(const Request& request, Access access, const Keyring& keyring,
                                      TimestampMs now_ms, bool trusts_loopback = true);
/// The same with a key from elsewhere, for writing.
[[nodiscard]] Result<Grant> authorize_write(std::string_view token, const Keyring& keyring,
                                            TimestampMs now_ms);

}  // namespace hf::http
