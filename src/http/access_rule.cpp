// SPDX-License-Identifier: Apache-2.0
#include "http/access_rule.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "http/cookie.h"

namespace hf::http {
namespace {

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
         });
}

std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

std::unexpected<Error> wrong_kind(Access access) {
  const std::string_view wanted = access == Access::write  ? "a write key"
                                  : access == Access::read ? "a read or admin key"
                                                           : "an admin key";
  return fail(ErrorCode::permission_denied, "wrong_key_kind", fmt::format("this needs {}", wanted));
}

/// True unless a browser says that a page of another origin sent it.
bool is_of_this_site(const Request& request, bool is_tls) {
  if (const auto site = request.header("sec-fetch-site");
      site && *site != "same-origin" && *site != "none") {
    return false;
  }
  const auto origin = request.header("origin");
  if (!origin) return true;
  const auto host = request.header("host");
  if (!host) return false;
  // Without TLS of ours a proxy may have it.
  return *origin == fmt::format("https://{}", *host) ||
         (!is_tls && *origin == fmt::format("http://{}", *host));
}

std::unexpected<Error> other_origin() {
  return fail(ErrorCode::permission_denied, "other_origin",
              "a page of another origin sent this, and only this server's own may");
}

}  // namespace

std::optional<std::string> key_of(const Request& request) {
  const auto header = request.header("authorization");
  if (!header) return std::nullopt;
  std::string_view value = *header;
  if (starts_with_word(value, "bearer ")) {
    value.remove_prefix(7);
    return std::string(value);
  }
  if (!starts_with_word(value, "basic ")) return std::string();
  value.remove_prefix(6);
  std::string text(value.size(), '\0');
  std::size_t size = 0;
  const int outcome =
      sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(), value.data(),
                        value.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (outcome != 0) return std::string();
  text.resize(size);
  return text.substr(0, text.find(':'));
}

bool is_trusted_loopback(const Request& request) {
  if (!request.is_loopback) return false;
  // Somebody forwards what others sent.
  for (const Header& header : request.headers) {
    constexpr std::array<std::string_view, 6> of_proxies{
        "forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "client-ip"};
    if (header.name.starts_with("x-forwarded-") ||
        std::ranges::find(of_proxies, header.name) != of_proxies.end()) {
      return false;
    }
  }
  const auto host = request.header("host");
  if (!host) return false;
  constexpr std::array<std::string_view, 3> names{"localhost", "127.0.0.1", "[::1]"};
  if (std::ranges::find(names, without_port(*host)) == names.end()) return false;
  return is_of_this_site(request, /*is_tls=*/false);
}

std::optional<Session> session_of(const Request& request, const Gate& gate) {
  const auto token = cookie_of(request, session_cookie_name(gate.is_tls));
  if (!token) return std::nullopt;
  auto account = gate.sign_ins.check(*token);
  if (!account) return std::nullopt;
  return Session{*std::move(account), std::string(*token)};
}

Result<void> check_page(const Request& request, const Session& session, const Gate& gate) {
  if (request.method == "GET" || request.method == "HEAD") return {};
  if (!is_of_this_site(request, gate.is_tls)) return other_origin();
  if (!is_csrf_token(session.token, request.header("x-csrf-token").value_or(""))) {
    return fail(ErrorCode::permission_denied, "bad_csrf_token",
                "who is signed in sends the session's csrf as X-CSRF-Token along");
  }
  return {};
}

Result<Grant> authorize(const Request& request, Access access, const Gate& gate,
                        TimestampMs now_ms) {
  if (access == Access::open) return Grant{};
  if (access == Access::visitor || access == Access::link) {
    if (!is_of_this_site(request, gate.is_tls)) return other_origin();
    if (access == Access::link && !is_trusted_loopback(request)) {
      return fail(ErrorCode::permission_denied, "loopback_only",
                  "the owner is set from the server's own machine, at localhost");
    }
    return Grant{};
  }
  const std::optional<std::string> token = key_of(request);
  if (access == Access::local) {
    if (request.is_local) return Grant{.kind = KeyKind::admin};
    return fail(ErrorCode::permission_denied, "not_local",
                "this is asked by the socket in the data directory");
  }
  if (!token && access != Access::write) {
    if (request.is_local) return Grant{.kind = KeyKind::admin};
    if (const auto session = session_of(request, gate)) {
      HF_CHECK(check_page(request, *session, gate));
      switch (session->account.role) {
        case Role::owner: return Grant{.kind = KeyKind::admin, .account = session->account.id};
      }
    }
    if (access == Access::read && gate.trusts_loopback && !gate.sign_ins.has_owner() &&
        is_trusted_loopback(request)) {
      return Grant{.kind = KeyKind::read};
    }
  }
  HF_TRY(Grant grant, gate.keyring.check(token.value_or(std::string()), now_ms));
  const bool may = access == Access::write  ? grant.kind == KeyKind::write
                   : access == Access::read ? grant.kind != KeyKind::write
                                            : grant.kind == KeyKind::admin;
  if (!may) return wrong_kind(access);
  return grant;
}

Result<Grant> authorize_write(std::string_view token, const Keyring& keyring, TimestampMs now_ms) {
  HF_TRY(Grant grant, keyring.check(token, now_ms));
  if (grant.kind != KeyKind::write) return wrong_kind(Access::write);
  return grant;
}

}  // namespace hf::http
