// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include "base/assert.h"

namespace hf {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::failed_precondition: return "failed_precondition";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::data_loss: return "data_loss";
    case ErrorCode::in_doubt: return "in_doubt";
    case ErrorCode::cancelled: return "cancelled";
  }
  HF_ASSERT(false);
}

}  // namespace hf
