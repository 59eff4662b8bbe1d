// SPDX-License-Identifier: Apache-2.0
#include "log/duplicate_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/site.h"

namespace hf {
namespace {

constexpr std::string_view magic = "HFDUPE01";
constexpr std::uint16_t version = 1;
constexpr std::size_t page_bytes =
    4096;  // Also of the header, so that pages are those of the disk.
constexpr std::size_t page_keys = 255;
constexpr std::size_t page_crc_at = page_bytes - sizeof(std::uint32_t);
constexpr std::size_t write_bytes = 256 * page_bytes;
constexpr std::size_t read_ahead_bytes = 16 * page_bytes;
constexpr std::size_t filter_read_bytes = 1 << 20;
constexpr std::size_t offset_digits = 20;
constexpr std::string_view suffix = ".run";

static_assert(sizeof(Hash128) == 16 && page_keys * sizeof(Hash128) <= page_crc_at);
static_assert(filter_read_bytes % sizeof(DuplicateFilter::Block) == 0);

struct Header {
  DuplicateRunInfo info;
  std::uint32_t fences_crc = 0;
  std::uint32_t filter_crc = 0;
};

std::string encode_header(const Header& header) {
  ByteWriter out;
  out.bytes(magic);
  out.fixed(version);
  out.bytes(std::string(6, '\0'));
  out.fixed(header.info.range.first);
  out.fixed(header.info.range.end);
  out.fixed(header.info.complete_from);
  out.fixed(header.info.time_min);
  out.fixed(header.info.time_max);
  out.fixed(header.info.keys);
  out.fixed(header.info.filter_blocks);
  out.fixed(header.fences_crc);
  out.fixed(header.filter_crc);
  out.bytes(std::string(page_crc_at - out.size(), '\0'));
  out.fixed(crc32c(out.str()));
  return out.take();
}

std::unexpected<Error> damage(const std::string& path, std::uint64_t at, std::string_view why) {
  return fail(ErrorCode::data_loss, "bad_duplicates",
              fmt::format("{}: offset {}: {}", path, at, why));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t pages_of(std::uint64_t keys) { return keys / page_keys + (keys % page_keys != 0); }
std::uint64_t page_at(std::uint64_t page) { return (1 + page) * page_bytes; }
std::uint64_t filter_at(const DuplicateRunInfo& info) { return page_at(pages_of(info.keys)); }
std::uint64_t fences_at(const DuplicateRunInfo& info) {
  return filter_at(info) + info.filter_blocks * sizeof(DuplicateFilter::Block);
}
std::uint64_t file_bytes(const DuplicateRunInfo& info) {
  return fences_at(info) + pages_of(info.keys) * sizeof(std::uint32_t);
}

std::size_t keys_in(std::uint64_t page, const DuplicateRunInfo& info) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(page_keys, info.keys - page * page_keys));
}

// So that a page in another's place, or of another file, is noticed too.
std::uint32_t page_seed_of(const OffsetRange& range) {
  ByteWriter out;
  out.fixed(range.first);
  out.fixed(range.end);
  return crc32c(out.str());
}
std::uint32_t page_crc(std::uint32_t seed, std::uint64_t page, std::span<const std::byte> bytes) {
  return crc32c(bytes.first(page_crc_at), crc32c(std::as_bytes(std::span(&page, 1)), seed));
}

std::uint32_t fence_of(const Hash128& key) { return static_cast<std::uint32_t>(key.high >> 32); }

Hash128 key_at(std::span<const std::byte> page, std::size_t i) {
  Hash128 key;
  std::memcpy(&key, page.data() + i * sizeof key, sizeof key);  // High, low, as they are in it.
  return key;
}

}  // namespace

// Filter.

std::uint64_t DuplicateFilter::blocks_for(std::uint64_t keys) {
  constexpr std::uint64_t block_bits = sizeof(Block) * 8;
  const std::uint64_t blocks = (keys * bits_per_key + block_bits - 1) / block_bits;
  // Can be halved a few times.
  return blocks <= 64 ? std::bit_ceil(blocks) * (blocks != 0) : (blocks + 63) / 64 * 64;
}

DuplicateFilter::DuplicateFilter(std::uint64_t blocks)
    : blocks_(static_cast<std::size_t>(blocks)) {}

void DuplicateFilter::add(const Hash128& key) {
  HF_ASSERT(!blocks_.empty());
  Block& block = blocks_[index_of(key)];
  for (unsigned word = 0; word < block.words.size(); ++word) {
    block.words[word] |= std::uint64_t{1} << (key.high >> 6 * word & 63);
  }
}

void DuplicateFilter::halve() {
  HF_ASSERT(can_halve());
  std::vector<Block> half(blocks_.size() / 2);
  for (std::size_t i = 0; i < half.size(); ++i) {
    for (std::size_t word = 0; word < half[i].words.size(); ++word) {
      half[i].words[word] = blocks_[2 * i].words[word] | blocks_[2 * i + 1].words[word];
    }
  }
  blocks_ = std::move(half);
}

// Names.

std::string duplicate_run_name(const OffsetRange& range) {
  return fmt::format("{:0{}}-{:0{}}{}", range.first, offset_digits, range.end, offset_digits,
                     suffix);
}

std::optional<OffsetRange> parse_duplicate_run_name(std::string_view name) {
  if (name.size() != 2 * offset_digits + 1 + suffix.size()) return std::nullopt;
  OffsetRange range;
  std::from_chars(name.data(), name.data() + offset_digits, range.first);
  std::from_chars(name.data() + offset_digits + 1, name.data() + 2 * offset_digits + 1, range.end);
  if (range.first >= range.end || duplicate_run_name(range) != name) return std::nullopt;
  return range;
}

// Reading.

Result<std::shared_ptr<const DuplicateRun>> DuplicateRun::open(const Env& env,
                                                               const std::string& directory,
                                                               const OffsetRange& range) {
  std::shared_ptr<DuplicateRun> run(new DuplicateRun);
  run->path_ = directory + '/' + duplicate_run_name(range);
  HF_TRY(run->file_, env.files.open(run->path_, OpenMode::read));
  HF_TRY(const std::uint64_t size, run->file_->size());
  if (size < page_bytes) return damage(run->path_, 0, "file too short to be a run");
  std::array<std::byte, page_bytes> bytes;
  HF_CHECK(run->read_whole(0, bytes));

  ByteReader in(as_text(bytes));
  if (in.bytes(magic.size()) != magic) return damage(run->path_, 0, "no run of message keys");
  if (in.fixed<std::uint16_t>() != version) return damage(run->path_, 0, "unknown version");
  if (HF_SITE("duplicates.header.checksum") &&
      crc32c(std::span(bytes).first(page_crc_at)) != load_le<std::uint32_t>(&bytes[page_crc_at])) {
    return damage(run->path_, 0, "header checksum (CRC-32C) does not match");
  }
  (void)in.bytes(6);
  DuplicateRunInfo& info = run->info_;
  info.range.first = in.fixed<Offset>();
  info.range.end = in.fixed<Offset>();
  info.complete_from = in.fixed<Offset>();
  info.time_min = in.fixed<TimestampMs>();
  info.time_max = in.fixed<TimestampMs>();
  info.keys = in.fixed<std::uint64_t>();
  info.filter_blocks = in.fixed<std::uint64_t>();
  const auto fences_crc = in.fixed<std::uint32_t>();
  run->filter_crc_ = in.fixed<std::uint32_t>();
  if (info.range != range) return damage(run->path_, 0, "header of another run");
  if (info.complete_from > range.first || info.time_min > info.time_max) {
    return damage(run->path_, 0, "header contradicts itself");
  }
  // The first two keep the sum from overflowing.
  if (info.keys > size || info.filter_blocks > size || file_bytes(info) != size) {
    return damage(run->path_, size, "length of the file differs from its header");
  }

  run->page_seed_ = page_seed_of(range);
  run->fences_.resize(static_cast<std::size_t>(pages_of(info.keys)));
  const auto fences = std::as_writable_bytes(std::span(run->fences_));
  HF_CHECK(run->read_whole(fences_at(info), fences));
  if (HF_SITE("duplicates.fences.checksum") && crc32c(fences) != fences_crc) {
    return damage(run->path_, fences_at(info),
                  "checksum (CRC-32C) of the page keys does not match");
  }
  return run;
}

std::uint64_t DuplicateRun::memory_bytes_for(std::uint64_t keys) {
  return DuplicateFilter::blocks_for(keys) * sizeof(DuplicateFilter::Block) +
         pages_of(keys) * sizeof(std::uint32_t);
}

std::uint64_t DuplicateRun::disk_bytes() const { return file_bytes(info_); }

Result<void> DuplicateRun::read_whole(std::uint64_t at, std::span<std::byte> out) const {
  HF_TRY(const std::size_t n, file_->read_at(at, out));
  if (n < out.size()) return damage(path_, at + n, "file ends early");
  return {};
}

Result<DuplicateFilter> DuplicateRun::read_filter(std::uint64_t bytes_max) const {
  using Block = DuplicateFilter::Block;
  unsigned halvings = 0;
  std::uint64_t blocks = info_.filter_blocks;
  for (; blocks > 1 && blocks % 2 == 0 && blocks * sizeof(Block) > bytes_max; ++halvings)
    blocks /= 2;
  if (blocks * sizeof(Block) > bytes_max) blocks = 0;  // Still read, for its checksum.

  DuplicateFilter filter(blocks);
  std::vector<Block> chunk(
      std::min<std::uint64_t>(info_.filter_blocks, filter_read_bytes / sizeof(Block)));
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < info_.filter_blocks; done += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), info_.filter_blocks - done));
    const auto bytes = std::as_writable_bytes(std::span(chunk));
    HF_CHECK(read_whole(filter_at(info_) + done * sizeof(Block), bytes));
    crc = crc32c(bytes, crc);
    if (blocks == 0) continue;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      Block& to = filter.blocks()[(done + i) >> halvings];
      for (std::size_t word = 0; word < to.words.size(); ++word)
        to.words[word] |= chunk[i].words[word];
    }
  }
  if (HF_SITE("duplicates.filter.checksum") && crc != filter_crc_) {
    return damage(path_, filter_at(info_), "filter checksum (CRC-32C) does not match");
  }
  return filter;
}

Result<void> DuplicateRun::check_page(std::uint64_t page, std::span<const std::byte> bytes) const {
  if (HF_SITE("duplicates.page.checksum") &&
      page_crc(page_seed_, page, bytes) != load_le<std::uint32_t>(&bytes[page_crc_at])) {
    return damage(path_, page_at(page), "page checksum (CRC-32C) does not match");
  }
  return {};
}

// Where the page would be if the keys lay evenly.
std::uint64_t DuplicateRun::guess_of(const Hash128& key) const {
  return fence_of(key) * std::uint64_t{fences_.size()} >> 32;
}

void DuplicateRun::prefetch(const Hash128& key) const {
  if (!fences_.empty()) __builtin_prefetch(&fences_[guess_of(key)]);
}

Result<bool> DuplicateRun::holds(const Hash128& key) const {
  if (fences_.empty()) return false;
  // The last page whose fence is not above the key's. From the guess it is a few steps: of n
  // uniform keys the rank of one is off by about sqrt(n) / 2, a page has 255.
  const std::uint32_t fence = fence_of(key);
  std::uint64_t low = guess_of(key);
  std::uint64_t high = low;
  for (std::uint64_t step = 8; low > 0 && fences_[low] > fence; step *= 2) {
    high = low;
    low -= std::min(low, step);
  }
  for (std::uint64_t step = 8; high < fences_.size() && fences_[high] <= fence; step *= 2) {
    low = high;
    high = std::min<std::uint64_t>(fences_.size(), high + step);
  }
  const auto after = std::upper_bound(fences_.begin() + static_cast<std::ptrdiff_t>(low),
                                      fences_.begin() + static_cast<std::ptrdiff_t>(high), fence);
  // Where fences are equal it may begin after the key: then the key is on a page before.
  for (auto page = static_cast<std::uint64_t>(after - fences_.begin()); page-- > 0;) {
    alignas(64) std::array<std::byte, page_bytes> bytes;
    HF_CHECK(read_whole(page_at(page), bytes));
    HF_CHECK(check_page(page, bytes));
    if (key < key_at(bytes, 0)) continue;
    std::size_t begin = 0;  // Its key is not above; that of end is.
    for (std::size_t end = keys_in(page, info_); end - begin > 1;) {
      const std::size_t middle = (begin + end) / 2;
      (key < key_at(bytes, middle) ? end : begin) = middle;
    }
    return key == key_at(bytes, begin);
  }
  return false;
}

Result<void> DuplicateRun::verify(const Env& env, const DuplicateFilter& filter) const {
  const std::size_t slash = path_.rfind('/');
  HF_TRY(const auto run, open(env, path_.substr(0, slash), info_.range));
  HF_TRY(const DuplicateFilter unused, run->read_filter(0));
  DuplicateRunScan scan(*run);
  for (std::uint64_t page = 0; page < run->fences_.size(); ++page) {
    HF_TRY(const auto keys, scan.next());
    if (fence_of(keys[0]) != run->fences_[page]) {
      return damage(path_, page_at(page), "page begins with another key than was noted");
    }
    for (const Hash128& key : keys) {
      if (!filter.may_hold(key)) return damage(path_, page_at(page), "key missing in the filter");
    }
  }
  return {};
}

Result<std::span<const Hash128>> DuplicateRunScan::next() {
  if (page_ == run_.fences_.size()) return std::span<const Hash128>{};
  if (used_ == read_ahead_.size()) {
    read_ahead_.resize(static_cast<std::size_t>(
        std::min<std::uint64_t>(read_ahead_bytes, (run_.fences_.size() - page_) * page_bytes)));
    used_ = 0;
    HF_CHECK(run_.read_whole(page_at(page_), read_ahead_));
  }
  const auto bytes = std::span(read_ahead_).subspan(used_, page_bytes);
  HF_CHECK(run_.check_page(page_, bytes));
  const std::optional<Hash128> before = keys_.empty() ? std::nullopt : std::optional(keys_.back());
  keys_.resize(keys_in(page_, run_.info_));
  std::memcpy(keys_.data(), bytes.data(), keys_.size() * sizeof(Hash128));
  const bool is_sorted =
      std::ranges::adjacent_find(keys_, std::ranges::greater_equal()) == keys_.end();
  if (!is_sorted || (before && *before >= keys_.front())) {
    return damage(run_.path_, page_at(page_), "keys out of order");
  }
  used_ += page_bytes;
  ++page_;
  return keys_;
}

// Writing.

Result<std::unique_ptr<DuplicateRunWriter>> DuplicateRunWriter::open(const Env& env,
                                                                     const std::string& directory,
                                                                     const DuplicateRunInfo& info) {
  HF_ASSERT(info.range.first < info.range.end && info.complete_from <= info.range.first);
  HF_ASSERT(info.time_min <= info.time_max);
  std::unique_ptr<DuplicateRunWriter> writer(new DuplicateRunWriter(env, directory, info));
  HF_TRY(writer->file_, env.files.open(writer->unfinished_, OpenMode::create));
  return writer;
}

DuplicateRunWriter::DuplicateRunWriter(const Env& env, const std::string& directory,
                                       const DuplicateRunInfo& info)
    : env_(env),
      directory_(directory),
      run_(new DuplicateRun),
      filter_(DuplicateFilter::blocks_for(info.keys)),
      keys_max_(info.keys),
      written_(page_bytes) {  // The header comes last.
  run_->path_ = directory + '/' + duplicate_run_name(info.range);
  run_->info_ = info;
  run_->info_.keys = 0;
  run_->info_.filter_blocks = filter_.blocks().size();
  run_->page_seed_ = page_seed_of(info.range);
  run_->fences_.reserve(static_cast<std::size_t>(pages_of(info.keys)));
  unfinished_ = run_->path_ + ".tmp";
  buffer_.reserve(std::min<std::size_t>(write_bytes, run_->fences_.capacity() * page_bytes));
  page_.reserve(page_keys);
}

DuplicateRunWriter::~DuplicateRunWriter() {
  if (!unfinished_.empty()) (void)env_.files.remove(unfinished_);  // Frees room on a full disk.
}

Result<void> DuplicateRunWriter::add(const Hash128& key) {
  HF_ASSERT(run_->info_.keys == 0 || last_ < key);
  HF_ASSERT(run_->info_.keys < keys_max_);
  last_ = key;
  ++run_->info_.keys;
  page_.push_back(key);
  filter_.prefetch(key);
  return page_.size() < page_keys ? Result<void>{} : end_page();
}

Result<void> DuplicateRunWriter::end_page() {
  const std::uint64_t page = run_->fences_.size();
  run_->fences_.push_back(fence_of(page_[0]));
  for (const Hash128& key : page_) filter_.add(key);

  const std::size_t at = buffer_.size();
  buffer_.resize(at + page_bytes);
  const auto bytes = std::span(buffer_).subspan(at);
  std::memcpy(bytes.data(), page_.data(), page_.size() * sizeof(Hash128));
  store_le(&bytes[page_crc_at], page_crc(run_->page_seed_, page, bytes));
  page_.clear();
  if (buffer_.size() < write_bytes) return {};
  HF_CHECK(write(buffer_));
  buffer_.clear();
  return {};
}

Result<void> DuplicateRunWriter::write(std::span<const std::byte> bytes) {
  HF_CHECK(file_->write_at(written_, bytes));
  written_ += bytes.size();
  return {};
}

Result<FilteredDuplicateRun> DuplicateRunWriter::finish() {
  if (!page_.empty()) HF_CHECK(end_page());
  const auto filter = std::as_bytes(filter_.blocks());
  const auto fences = std::as_bytes(std::span(run_->fences_));
  run_->filter_crc_ = crc32c(filter);
  for (const auto part : {std::span<const std::byte>(buffer_), filter, fences}) {
    if (!part.empty()) HF_CHECK(write(part));
  }
  HF_ASSERT(written_ == file_bytes(run_->info_));
  const std::string header = encode_header(
      {.info = run_->info_, .fences_crc = crc32c(fences), .filter_crc = run_->filter_crc_});
  HF_CHECK(file_->write_at(0, std::as_bytes(std::span(header))));
  if (HF_SITE("duplicates.run.sync")) HF_CHECK(file_->sync());
  file_.reset();
  HF_CHECK(give_name());
  return FilteredDuplicateRun{std::move(run_), std::move(filter_)};
}

Result<void> DuplicateRunWriter::give_name() {
  if (HF_SITE("duplicates.run.rename")) HF_CHECK(env_.files.rename(unfinished_, run_->path_));
  unfinished_ = run_->path_;
  if (HF_SITE("duplicates.run.directory_sync")) HF_CHECK(env_.files.sync_directory(directory_));
  HF_TRY(run_->file_, env_.files.open(run_->path_, OpenMode::read));
  unfinished_.clear();
  return {};
}

}  // namespace hf
