// SPDX-License-Identifier: Apache-2.0
//
// Whatever stands in Authorization: a key or none, never longer than what was sent; and what is
// written as Basic is read back.
#include <sodium.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/access_rule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string value(reinterpret_cast<const char*>(data), size);
  hf::http::Request request;
  HF_ASSERT(!hf::http::key_of(request));
  request.is_loopback = true;
  request.headers.push_back({"authorization", value});
  const auto key = hf::http::key_of(request);
  HF_ASSERT(key && key->size() <= value.size());

  const std::string user = value.substr(0, value.find(':'));
  std::string coded(sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(coded.data(), coded.size(), data, size, sodium_base64_VARIANT_ORIGINAL);
  coded.pop_back();  // The 0 at its end.
  request.headers.back().value = "Basic " + coded;
  HF_ASSERT(hf::http::key_of(request) == user);
  request.headers.back().value = "bearer " + value;
  HF_ASSERT(hf::http::key_of(request) == value);

  // A host or origin that says something else is never trusted.
  request.headers = {{"host", value}, {"origin", "http://evil.example"}};
  if (value != "evil.example") HF_ASSERT(!hf::http::is_trusted_loopback(request));
  return 0;
}
