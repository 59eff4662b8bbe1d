// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "http/door.h"
#include "http/problem.h"

namespace hf::http {

struct Door::Call {
  Request request;
  Reply reply;
  Grant grant;  ///< Not of routes that anybody may ask, nor of those that look themselves.
  std::string parameter;  ///< What stands for "{..}" in the path.

  /// With JSON, or why not.
  void answer(const Result<std::string>& text, int status = 200) const {
    reply(text ? json(*text, status) : problem(text.error(), request.id));
  }
  void refuse(const Error& error) const { reply(problem(error, request.id)); }
};

}  // namespace hf::http
