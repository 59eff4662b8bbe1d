// SPDX-License-Identifier: Apache-2.0
#include "identity/person_key.h"

#include <string>

#include "base/bytes.h"

namespace hf {

Hash128 person_key(const HashKey& hash_key, IdKind kind, std::string_view id) {
  std::string bytes;
  bytes.reserve(id.size() + 1);
  bytes += static_cast<char>(kind);
  bytes += id;
  return keyed_hash128(hash_key, bytes);
}

Hash128 message_key(const HashKey& hash_key, std::string_view source, std::string_view message_id) {
  ByteWriter bytes;
  bytes.text(source);  // With its length: no source and id run into another pair's.
  bytes.bytes(message_id);
  return keyed_hash128(hash_key, bytes.str());
}

}  // namespace hf
