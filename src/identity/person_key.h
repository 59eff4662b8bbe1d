// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/hash.h"

namespace hf {

/// What an id is. The values are hashed into person keys: never renumber.
enum class IdKind : char { user = 'u', anonymous = 'a' };

/// The key under which a person is known: a keyed 128-bit hash of (kind, id), so that it can be
/// computed anywhere without coordination and says nothing without the workspace's `hash_key`.
[[nodiscard]] Hash128 person_key(const HashKey& hash_key, IdKind kind, std::string_view id);

/// The key under which a message is known: the same hash of (source, message id).
[[nodiscard]] Hash128 message_key(const HashKey& hash_key, std::string_view source,
                                  std::string_view message_id);

}  // namespace hf
