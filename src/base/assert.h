// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hf {

[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace hf

/// States what no input can break; on in every build. What a request can trigger is an Error.
#define HF_ASSERT(condition) \
  ((condition) ? void(0) : ::hf::assertion_failed(#condition, __FILE__, __LINE__))
