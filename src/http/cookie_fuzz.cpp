// SPDX-License-Identifier: Apache-2.0
//
// Whatever stands in Cookie: a value found is a part of it without ';', and what is put behind
// others, under a name of its own, is found again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/cookie.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  hf::http::Request request;
  HF_ASSERT(!hf::http::cookie_of(request, "a"));
  request.headers = {{"cookie", text}};
  if (const auto value = hf::http::cookie_of(request, "a")) {
    HF_ASSERT(value->find(';') == std::string_view::npos);
    HF_ASSERT(value->empty() || text.find(*value) != std::string::npos);
  }
  const auto others = static_cast<std::size_t>(std::ranges::count(text, ';')) + 1;
  if (others < hf::http::cookies_max && text.find("mine") == std::string::npos) {
    request.headers = {{"cookie", text + ";mine=1"}};
    HF_ASSERT(hf::http::cookie_of(request, "mine") == "1");
  }
  return 0;
}
