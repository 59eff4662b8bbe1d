// SPDX-License-Identifier: Apache-2.0
//
// What is read as an idempotency key is one, and is the same again when it is written as a string.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/idempotency_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hf::http::Request request;
  HF_ASSERT(hf::http::idempotency_key_of(request).value() == std::nullopt);
  request.headers = {{"idempotency-key", std::string(reinterpret_cast<const char*>(data), size)}};
  const auto key = hf::http::idempotency_key_of(request);
  if (!key) return 0;
  HF_ASSERT(*key && !(*key)->empty());
  HF_ASSERT((*key)->size() <= hf::http::idempotency_key_characters_max);
  HF_ASSERT(std::ranges::all_of(**key, [](char c) { return c > ' ' && c < 0x7f; }));
  std::string quoted = "\"";
  for (const char c : **key) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  request.headers.front().value = quoted + '"';
  HF_ASSERT(hf::http::idempotency_key_of(request).value() == *key);
  return 0;
}
