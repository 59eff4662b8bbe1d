// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hf {

/// Where the owner's name and password are set. The token stands behind '#', which browsers keep to
/// themselves: no server and no proxy sees it on the way, or writes it to a log.
[[nodiscard]] std::string owner_link_path(std::string_view token);

}  // namespace hf
