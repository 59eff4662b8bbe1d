// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a part file holds: they are refused, or every reader works on them. The first byte
// of an input says what the others are:
//   0     the file
//   1     byte 1 chooses a page of a sound part, the rest is its payload
//   2     byte 1 chooses a page, the rest are edits of its payload, (offset: 2 bytes, byte) each
//   3     the footer's payload
//   4     edits of the footer's payload
// From 1 on checksums are made right, so that what lies behind them is reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/sim_env.h"
#include "store/part_builder.h"
#include "store/rewritten_part.h"
#include "store/stored_rows.h"

namespace {

using hf::test::RewrittenPart;

constexpr std::uint32_t rows_read_max = 4 * hf::part_format::page_rows;  // What time allows.

std::string sound_part() {
  hf::Rng rng(11);
  hf::PartBuilder builder(1'700'000'000'000);
  for (const hf::test::AnyEvent& event : hf::test::any_events(rng, 80)) {
    event.with_view([&](const hf::EventView& view) { builder.add(view); });
  }
  hf::SimEnv sim(1);
  hf::PersonRegistry persons(hf::HashKey{}, 0);
  (void)builder
      .write(sim.env(),
             {.directory = "",
              .file = "part",
              .source = "shop",
              .hash_key = {},
              .zone = hf::Zone::utc(),
              .postings = {1000, 1000}},
             persons, {})
      .value();
  return hf::read_file(sim.env(), "/part", std::uint64_t{1} << 30).value();
}

std::string edited(std::string payload, std::string_view edits) {
  for (; edits.size() >= 3 && !payload.empty(); edits.remove_prefix(3)) {
    payload[hf::load_le<std::uint16_t>(edits.data()) % payload.size()] = edits[2];
  }
  return payload;
}

std::string file_of(std::string_view input) {
  static const RewrittenPart part{sound_part()};
  if (input.empty()) return {};
  const int mode = input[0];
  input.remove_prefix(1);
  if (mode == 3) return part.with_footer(input);
  if (mode == 4) return part.with_footer(edited(part.footer_payload(), input));
  if (input.empty() || (mode != 1 && mode != 2)) return std::string(input);
  const std::size_t page = static_cast<std::uint8_t>(input[0]) % part.pages().size();
  input.remove_prefix(1);
  return part.with_payload(
      page, mode == 1 ? std::string(input) : edited(part.pages()[page].payload, input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = file_of({reinterpret_cast<const char*>(data), size});
  hf::SimEnv sim(1);
  const auto file = sim.env().files.open("/part", hf::OpenMode::create).value();
  (void)file->write_at(0, std::as_bytes(std::span(bytes)));
  hf::PageCache cache(std::size_t{64} << 20);
  const auto part = hf::Part::open(sim.env(), "/part", cache);
  if (!part || (*part)->row_count() > rows_read_max) return 0;
  const bool is_sound = (*part)->verify().has_value();
  const auto rows = hf::test::read_rows(**part);
  for (std::uint32_t page = 0; page < (*part)->page_count(); ++page) {
    (void)(*part)->compact_times(page);
  }
  bool are_listed = true;
  for (std::uint32_t code = 0; code < (*part)->names().size(); ++code) {
    if ((*part)->has_postings(code)) are_listed &= (*part)->postings(code).has_value();
  }
  if (is_sound && (!rows || !are_listed)) __builtin_trap();
  return 0;
}
