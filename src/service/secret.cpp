// SPDX-License-Identifier: Apache-2.0
#include "service/secret.h"

#include <sodium.h>

#include <tuple>

namespace hf {

std::string base64url(std::span<const std::byte> bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), variant);
  text.pop_back();  // The 0 at its end.
  return text;
}

std::string new_secret(Random& random) {
  std::array<std::byte, secret_bytes> secret;
  random.fill(secret);
  std::string text = base64url(secret);
  sodium_memzero(secret.data(), secret.size());
  return text;
}

std::array<std::byte, 32> sha256(std::string_view text) {
  std::array<std::byte, 32> hash;
  static_assert(std::tuple_size_v<decltype(hash)> == crypto_hash_sha256_BYTES);
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hash;
}

}  // namespace hf
