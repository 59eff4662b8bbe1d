// SPDX-License-Identifier: Apache-2.0
//
// Places without which a crash or a damaged disk would cost data: every sync, every checksum
// check, every order of two steps that matters. Each has a name, so that the crash tests can build
// the code with one of them left out and see that they notice (tests/sites_test.cpp).
#pragma once

#ifdef HOLDFAST_SITES
#include <string_view>

namespace hf {
/// Defined by the test program.
[[nodiscard]] bool is_left_out(std::string_view site);
}  // namespace hf
#define HF_SITE(name) (!::hf::is_left_out(name))
#else
/// True, but in a test that leaves this place out.
#define HF_SITE(name) true
#endif
