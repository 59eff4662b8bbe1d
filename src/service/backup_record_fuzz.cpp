// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "service/backup_record.h"

// Whatever bytes come in are refused or are a record that is written and read back the same. They
// are tried as they are and, so that the fuzzer gets past the checksum, as a body below a right
// first line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)hf::decode_backup(bytes);
  const auto record = hf::decode_backup(
      fmt::format("holdfast backup 1 crc32c={:08x}\n{}", hf::crc32c(bytes), bytes));
  if (!record) return 0;
  const auto again = hf::decode_backup(hf::encode_backup(*record));
  if (!again || *again != *record) __builtin_trap();
  return 0;
}
