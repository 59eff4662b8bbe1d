// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a record holds: it is refused, or it is written back the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "log/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<hf::PropertyView> scratch;
  const auto record = hf::decode_record(bytes, scratch);
  if (!record) return 0;
  // Control records may be written with other spaces, events have one form but for their decimals.
  const std::string written = hf::encode_record(*record);
  std::vector<hf::PropertyView> again_scratch;
  const auto again = hf::decode_record(written, again_scratch);
  HF_ASSERT(again.has_value());
  HF_ASSERT(hf::encode_record(*again) == written);
  return 0;
}
