// SPDX-License-Identifier: Apache-2.0
//
// Reading in small pieces must give what reading at once gives, and never go wrong. The first three
// bytes choose delimiter, piece and row size.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/assert.h"
#include "event/chunked_source.h"
#include "event/csv_reader.h"

namespace {

std::string read(const std::string& text, hf::CsvDialect dialect, std::size_t chunk) {
  hf::CsvReader reader(std::make_unique<hf::ChunkedSource>(text, chunk), dialect);
  std::string seen;
  const auto note = [&seen](auto number) { seen += std::to_string(number) + ' '; };
  for (;;) {
    note(reader.position().line);
    note(reader.position().offset);
    const auto next = reader.next();
    if (!next) return seen + std::string(next.error().reason);
    if (std::holds_alternative<hf::End>(*next)) return seen;
    if (const auto* row = std::get_if<hf::CsvRow>(&*next)) {
      HF_ASSERT(row->fields.size() == row->quoted.size());
      for (std::size_t i = 0; i < row->fields.size(); ++i) {
        note(row->fields[i].size());
        seen += row->fields[i];
        note(int{row->quoted[i]});
      }
    }
    if (const auto* row = std::get_if<hf::RejectedRow>(&*next)) {
      HF_ASSERT(row->excerpt.size() <= hf::excerpt_bytes_max);
      seen += row->reason;
      note(row->column);
      seen += row->message + row->excerpt;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const hf::CsvDialect dialect = {.delimiter = data[0] % 2 == 0 ? ',' : '\t',
                                  .quote = data[0] % 16 == 15 ? '\0' : '"',
                                  .header = data[0] % 4 < 2,
                                  .row_bytes_max = data[2] == 0 ? hf::row_bytes_max : data[2]};
  const std::string text(reinterpret_cast<const char*>(data) + 3, size - 3);
  HF_ASSERT(read(text, dialect, 1 + data[1]) == read(text, dialect, 1 << 20));
  return 0;
}
