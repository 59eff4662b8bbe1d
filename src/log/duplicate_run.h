// SPDX-License-Identifier: Apache-2.0
//
// A run: a file of message keys, sorted, written once and never changed; docs/format/duplicates.md.
// Keys are keyed hashes, so uniform: speed relies on that (pages are found by interpolation, the
// filter takes its bits from the key itself), correctness does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"
#include "log/offset.h"

namespace hf {

/// Tells that a key is surely not in a run, or that it may be: a Bloom filter in which all bits of
/// a key lie in one block, a cache line (Putze, Sanders & Singler 2009, ACM JEA 14:4), one bit in
/// each of its eight words.
class DuplicateFilter {
 public:
  struct alignas(64) Block {
    std::array<std::uint64_t, 8> words{};
  };
  /// Memory a key: about 2 of 1,000 absent keys pass.
  static constexpr std::uint64_t bits_per_key = 14;

  /// Blocks that suit so many keys.
  [[nodiscard]] static std::uint64_t blocks_for(std::uint64_t keys);

  /// No filter: every key may be there.
  DuplicateFilter() = default;
  /// Nothing is there yet.
  explicit DuplicateFilter(std::uint64_t blocks);

  void prefetch(const Hash128& key) const {
    if (!blocks_.empty()) __builtin_prefetch(&block_of(key));
  }
  [[nodiscard]] bool may_hold(const Hash128& key) const {
    if (blocks_.empty()) return true;
    const Block& block = block_of(key);
    const auto bit = [&](unsigned word) {
      return block.words[word] >> (key.high >> 6 * word & 63);
    };
    // Nearly all absent keys fail here already, which makes the branch foreseeable.
    if ((bit(0) & bit(1) & bit(2) & bit(3) & 1) == 0) return false;
    return (bit(4) & bit(5) & bit(6) & bit(7) & 1) != 0;
  }
  /// Requires a filter.
  void add(const Hash128& key);

  [[nodiscard]] bool can_halve() const { return blocks_.size() >= 2 && blocks_.size() % 2 == 0; }
  /// Takes half the memory and lets more absent keys pass. Requires can_halve().
  void halve();

  [[nodiscard]] std::span<const Block> blocks() const { return blocks_; }
  [[nodiscard]] std::span<Block> blocks() { return blocks_; }
  [[nodiscard]] std::uint64_t bytes() const { return blocks_.size() * sizeof(Block); }

 private:
  // The block is floor(low * blocks / 2^64), so of twice as many blocks two neighbours become one.
  // The bits come from the other half of the key.
  [[nodiscard]] std::size_t index_of(const Hash128& key) const {
    __extension__ typedef unsigned __int128 Uint128;
    return static_cast<std::size_t>(Uint128{key.low} * blocks_.size() >> 64);
  }
  [[nodiscard]] const Block& block_of(const Hash128& key) const { return blocks_[index_of(key)]; }

  std::vector<Block> blocks_;
};

/// Records [first, end).
struct OffsetRange {
  Offset first = 0;
  Offset end = 0;
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

/// "00000000000000000001-00000000000000000100.run"
[[nodiscard]] std::string duplicate_run_name(const OffsetRange& range);
/// Nothing where `name` is not one that duplicate_run_name() gives a range that is not empty.
[[nodiscard]] std::optional<OffsetRange> parse_duplicate_run_name(std::string_view name);

/// What the header of a run says.
struct DuplicateRunInfo {
  OffsetRange range;         ///< The records whose keys it holds.
  Offset complete_from = 0;  ///< With the runs before it, it holds all of [complete_from, end).
  TimestampMs time_min = 0;  ///< When the records were received.
  TimestampMs time_max = 0;
  std::uint64_t keys = 0;
  std::uint64_t filter_blocks = 0;
};

/// A run that is whole. The first key of every page is in memory, rounded. Const methods may run
/// concurrently. Their errors: data_loss/bad_duplicates, naming path and offset; those of reading.
class DuplicateRun {
 public:
  /// Verifies header and page keys; filter and pages are verified when they are read.
  [[nodiscard]] static Result<std::shared_ptr<const DuplicateRun>> open(
      const Env& env, const std::string& directory, const OffsetRange& range);

  [[nodiscard]] const DuplicateRunInfo& info() const { return info_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t disk_bytes() const;
  /// What page keys and filter of a new run of so many keys take in memory.
  [[nodiscard]] static std::uint64_t memory_bytes_for(std::uint64_t keys);
  /// What the page keys take.
  [[nodiscard]] std::uint64_t memory_bytes() const { return fences_.size() * sizeof fences_[0]; }

  /// The filter, halved until it takes no more than `bytes_max`, or none where that cannot be.
  [[nodiscard]] Result<DuplicateFilter> read_filter(std::uint64_t bytes_max) const;
  /// Brings near what holds() needs first.
  void prefetch(const Hash128& key) const;
  /// Reads one page.
  [[nodiscard]] Result<bool> holds(const Hash128& key) const;
  /// Reads all of it from the disk again, and that `filter` lets every key pass.
  [[nodiscard]] Result<void> verify(const Env& env, const DuplicateFilter& filter) const;

 private:
  friend class DuplicateRunScan;
  friend class DuplicateRunWriter;
  DuplicateRun() = default;
  [[nodiscard]] std::uint64_t guess_of(const Hash128& key) const;
  [[nodiscard]] Result<void> read_whole(std::uint64_t at, std::span<std::byte> out) const;
  [[nodiscard]] Result<void> check_page(std::uint64_t page, std::span<const std::byte> bytes) const;

  std::string path_;
  std::unique_ptr<const File> file_;  // Never null.
  DuplicateRunInfo info_;
  std::uint32_t filter_crc_ = 0;
  std::uint32_t page_seed_ = 0;        // Checksums of pages continue this one.
  std::vector<std::uint32_t> fences_;  // The top 32 bits of the first key of each page.
};

/// Reads the keys of a run in order. The run must outlive it.
class DuplicateRunScan {
 public:
  explicit DuplicateRunScan(const DuplicateRun& run) : run_(run) {}
  /// The keys of the next page, valid until the next call; none at the end.
  /// Errors: data_loss/bad_duplicates (checksum, keys out of order), those of reading.
  [[nodiscard]] Result<std::span<const Hash128>> next();

 private:
  const DuplicateRun& run_;
  std::uint64_t page_ = 0;  // The next one.
  std::vector<std::byte> read_ahead_;
  std::size_t used_ = 0;  // Bytes of read_ahead_.
  std::vector<Hash128> keys_;
};

/// A run as lookups want it.
struct FilteredDuplicateRun {
  std::shared_ptr<const DuplicateRun> run;
  DuplicateFilter filter;
};

/// Writes a run under a temporary name until finish(). Without that, nothing stays behind, unless
/// the process or the disk fails; "*.tmp" then.
class DuplicateRunWriter {
 public:
  /// `info.keys`: how many keys will be added, at most; `info.filter_blocks` is not looked at.
  [[nodiscard]] static Result<std::unique_ptr<DuplicateRunWriter>> open(
      const Env& env, const std::string& directory, const DuplicateRunInfo& info);
  ~DuplicateRunWriter();
  DuplicateRunWriter(const DuplicateRunWriter&) = delete;
  DuplicateRunWriter& operator=(const DuplicateRunWriter&) = delete;

  /// Requires `key` to be above those before it.
  [[nodiscard]] Result<void> add(const Hash128& key);
  /// Gives the run its name, durably. After an error it may be there or not, but never in part.
  [[nodiscard]] Result<FilteredDuplicateRun> finish();

 private:
  DuplicateRunWriter(const Env& env, const std::string& directory, const DuplicateRunInfo& info);
  [[nodiscard]] Result<void> end_page();
  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> give_name();

  Env env_;
  std::string directory_;
  std::string unfinished_;  // The file's path until all is done.
  std::unique_ptr<File> file_;
  std::shared_ptr<DuplicateRun> run_;  // What it will be.
  DuplicateFilter filter_;
  Hash128 last_;
  std::uint64_t keys_max_;
  std::uint64_t written_ = 0;      // Bytes of the file.
  std::vector<std::byte> buffer_;  // Pages that are to follow them.
  std::vector<Hash128> page_;      // Keys of the page that follows those.
};

}  // namespace hf
