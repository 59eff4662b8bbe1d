// SPDX-License-Identifier: Apache-2.0
//
// Linked into the <layer>_sites programs: the environment says which site is left out.
#include <cstdlib>
#include <string_view>

#include "base/site.h"

namespace hf {

bool is_left_out(std::string_view site) {
  static const char* const left_out = std::getenv("HOLDFAST_LEAVE_OUT");
  return left_out != nullptr && site == left_out;
}

}  // namespace hf
