// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/manifest.h"

// Whatever bytes come in are refused or are a manifest that is written and read back the same.
// They are tried as they are and, so that the fuzzer gets past the checksum, as a body below a
// right first line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)hf::decode_manifest(bytes);
  const auto manifest = hf::decode_manifest(
      fmt::format("holdfast manifest 1 crc32c={:08x}\n{}", hf::crc32c(bytes), bytes));
  if (!manifest) return 0;
  const std::string written = hf::encode_manifest(*manifest);
  const auto again = hf::decode_manifest(written);
  if (!again || hf::encode_manifest(*again) != written) __builtin_trap();
  return 0;
}
