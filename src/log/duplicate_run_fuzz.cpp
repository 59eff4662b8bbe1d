// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a run holds: they are refused, or lookups, filter and scan work on them, and what
// verify() finds sound holds every key it lists. The first byte of an input says what the others
// are:
//   0     the file
//   1     the file, its checksums to be made right, so that what lies behind them is reached
//   2     edits of a sound file, (offset: 2 bytes, byte) each, checksums made right
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "log/duplicate_run.h"

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t crc_at = page_bytes - 4;
const hf::OffsetRange sound_range{1, 600};

std::string sound_run() {
  hf::Rng rng(1);
  std::vector<hf::Hash128> keys(600);
  for (hf::Hash128& key : keys) key = {rng.next() & rng.next(), rng.below(4)};
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  hf::SimEnv sim(1);
  auto writer = hf::DuplicateRunWriter::open(
                    sim.env(), "", {.range = sound_range, .complete_from = 1, .keys = keys.size()})
                    .value();
  for (const hf::Hash128& key : keys) (void)writer->add(key).value();
  const auto written = writer->finish().value();
  return hf::read_file(sim.env(), written.run->path(), 1 << 20).value();
}

std::uint32_t crc(std::string_view bytes, std::size_t at, std::size_t n, std::uint32_t so_far = 0) {
  return hf::crc32c(bytes.substr(at, n), so_far);
}

std::string with_right_checksums(std::string bytes) {
  if (bytes.size() < page_bytes) return bytes;
  const auto keys = hf::load_le<std::uint64_t>(&bytes[56]);
  const auto blocks = hf::load_le<std::uint64_t>(&bytes[64]);
  const std::uint64_t pages = keys / 255 + (keys % 255 != 0);
  const std::uint64_t filter_at = (1 + pages) * page_bytes;
  if (keys <= bytes.size() && blocks <= bytes.size() &&
      filter_at + blocks * 64 + pages * 4 == bytes.size()) {
    const std::uint32_t seed = crc(bytes, 16, 16);
    for (std::uint64_t page = 0; page < pages; ++page) {
      const std::size_t at = (1 + page) * page_bytes;
      const std::uint32_t numbered = hf::crc32c(std::as_bytes(std::span(&page, 1)), seed);
      hf::store_le(&bytes[at + crc_at], crc(bytes, at, crc_at, numbered));
    }
    hf::store_le(&bytes[72], crc(bytes, filter_at + blocks * 64, pages * 4));
    hf::store_le(&bytes[76], crc(bytes, filter_at, blocks * 64));
  }
  hf::store_le(&bytes[crc_at], crc(bytes, 0, crc_at));
  return bytes;
}

std::string file_of(std::string_view input) {
  static const std::string sound = sound_run();
  if (input.empty()) return sound;
  const int mode = input[0];
  input.remove_prefix(1);
  if (mode == 1) return with_right_checksums(std::string(input));
  if (mode != 2) return std::string(input);
  std::string bytes = sound;
  for (; input.size() >= 3; input.remove_prefix(3)) {
    bytes[hf::load_le<std::uint16_t>(input.data()) % bytes.size()] = input[2];
  }
  return with_right_checksums(std::move(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = file_of({reinterpret_cast<const char*>(data), size});
  hf::OffsetRange range = sound_range;
  if (bytes.size() >= 32) {
    range = {hf::load_le<hf::Offset>(&bytes[16]), hf::load_le<hf::Offset>(&bytes[24])};
  }
  hf::SimEnv sim(1);
  const auto file =
      sim.env().files.open('/' + hf::duplicate_run_name(range), hf::OpenMode::create).value();
  (void)file->write_at(0, std::as_bytes(std::span(bytes)));
  const auto run = hf::DuplicateRun::open(sim.env(), "", range);
  if (!run) return 0;
  const auto filter = (*run)->read_filter(bytes.size());
  (void)(*run)->read_filter(100);
  for (std::uint64_t i = 0; i < 16; ++i) {
    const hf::Hash128 key{(i << 60) + i, i};
    (*run)->prefetch(key);
    (void)(*run)->holds(key);
  }
  const bool is_sound = filter && (*run)->verify(sim.env(), *filter).has_value();
  hf::DuplicateRunScan scan(**run);
  std::uint64_t scanned = 0;
  for (;;) {
    const auto keys = scan.next();
    if (!keys || keys->empty()) break;
    scanned += keys->size();
    for (const hf::Hash128& key : *keys) {
      if (is_sound && !(*run)->holds(key).value_or(false)) __builtin_trap();
    }
  }
  if (is_sound && scanned != (*run)->info().keys) __builtin_trap();
  return 0;
}
