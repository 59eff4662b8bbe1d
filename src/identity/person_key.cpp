// SPDX-License-Identifier: Apache-2.0
#include "identity/person_key.h"

#include <string>

namespace hf {

Hash128 person_key(const HashKey& hash_key, IdKind kind, std::string_view id) {
  std::string bytes;
  bytes.reserve(id.size() + 1);
  bytes += static_cast<char>(kind);
  bytes += id;
  return keyed_hash128(hash_key, bytes);
}

}  // namespace hf
