// SPDX-License-Identifier: Apache-2.0
#include "service/file_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>

#include "base/site.h"

namespace hf {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;

/// Bytes and digest of the whole file.
Result<CopiedFile> described(const File& file, const std::string& name) {
  CopiedFile copied{.name = name};
  StreamHash128 hash;
  std::vector<std::byte> block(block_bytes);
  while (true) {
    HF_TRY(const std::size_t got, file.read_at(copied.bytes, block));
    if (got == 0) break;
    hash.update(std::span(block).first(got));
    copied.bytes += got;
  }
  copied.digest = hash.digest();
  return copied;
}

}  // namespace

Result<void> FileCopier::begin(const std::vector<std::string>& below) {
  made_directory_ = !env_.files.exists(directory_);
  HF_CHECK(env_.files.make_directories(directory_));
  for (const std::string& name : below) {
    if (!env_.files.exists(path_of(name))) made_.push_back(name);
    HF_CHECK(env_.files.make_directories(path_of(name)));
    below_.push_back(name);
  }
  return {};
}

Result<void> FileCopier::announce(const std::string& path) {
  progress_.file = path;
  return advance(0);
}

Result<void> FileCopier::advance(std::uint64_t bytes) {
  progress_.bytes_done += bytes;
  control_.on_progress(progress_);
  if (control_.stop != nullptr && control_.stop->load(std::memory_order_relaxed)) {
    return fail(ErrorCode::cancelled, "cancelled", "stopped on request; nothing was left behind");
  }
  return {};
}

Result<CopiedFile> FileCopier::copy(const File& source, const std::string& name,
                                    std::optional<std::uint64_t> bytes) {
  HF_TRY(const auto file, env_.files.open(path_of(name), OpenMode::create_new));
  made_.push_back(name);
  CopiedFile copied{.name = name};
  StreamHash128 hash;
  std::vector<std::byte> block(block_bytes);
  while (!bytes || copied.bytes < *bytes) {
    const std::uint64_t wanted =
        bytes ? std::min<std::uint64_t>(*bytes - copied.bytes, block.size()) : block.size();
    HF_TRY(const std::size_t got, source.read_at(copied.bytes, std::span(block).first(wanted)));
    if (got == 0 && !bytes) break;
    if (got == 0) {
      return fail(ErrorCode::data_loss, "short_file",
                  fmt::format("{}: {} bytes, of which it should have {}", progress_.file,
                              copied.bytes, *bytes));
    }
    const auto read = std::span(block).first(got);
    hash.update(read);
    HF_CHECK(file->write_at(copied.bytes, read));
    copied.bytes += got;
    HF_CHECK(advance(got));
  }
  copied.digest = hash.digest();
  HF_CHECK(sync(*file));
  if (HF_SITE("copy.read_back")) HF_CHECK(read_back(*file, copied));
  return copied;
}

Result<CopiedFile> FileCopier::make(const std::string& name,
                                    const std::function<Result<void>(const std::string&)>& write) {
  if (env_.files.exists(path_of(name))) {
    return fail(ErrorCode::already_exists, "already_exists", path_of(name) + ": is there already");
  }
  made_.push_back(name);
  HF_CHECK(write(path_of(name)));
  HF_TRY(const auto file, env_.files.open(path_of(name), OpenMode::update));
  HF_CHECK(sync(*file));
  HF_TRY(CopiedFile copied, described(*file, name));
  HF_CHECK(advance(copied.bytes));
  return copied;
}

Result<void> FileCopier::sync(File& copy) {
  if (HF_SITE("copy.file.sync")) HF_CHECK(copy.sync());
  return {};
}

Result<void> FileCopier::read_back(const File& copy, const CopiedFile& copied) const {
  HF_TRY(const CopiedFile found, described(copy, copied.name));
  if (found == copied) return {};
  return fail(ErrorCode::data_loss, "bad_copy",
              fmt::format("{}: read back, it is not what was written", path_of(copied.name)));
}

Result<void> FileCopier::remove(const std::string& name) {
  HF_CHECK(env_.files.remove(path_of(name)));
  std::erase(made_, name);
  return {};
}

Result<void> FileCopier::put_last(const std::string& name, std::string_view bytes) {
  for (const std::string& directory : below_) {
    if (HF_SITE("copy.directory.sync")) HF_CHECK(env_.files.sync_directory(path_of(directory)));
  }
  // The names of copies directly in the directory become durable together with this one.
  made_.push_back(name);
  return replace_file(env_, path_of(name), bytes);
}

void FileCopier::discard() {
  // Once the file that makes the others count is gone for good, whoever meets them refuses them.
  if (made_.empty()) return;
  (void)env_.files.remove(path_of(made_.back()));
  (void)env_.files.sync_directory(directory_);
  for (made_.pop_back(); !made_.empty(); made_.pop_back()) {
    (void)env_.files.remove(path_of(made_.back()));
  }
  if (made_directory_) (void)env_.files.remove(directory_);
}

Result<std::vector<std::string>> names_in_the_way(const Env& env, const std::string& directory) {
  std::vector<std::string> in_the_way;
  if (!env.files.exists(directory)) return in_the_way;
  HF_TRY(const auto names, env.files.list(directory));
  for (const std::string& name : names) {
    if (name == "LOCK") continue;
    std::string path = directory;
    path.append("/").append(name);
    const auto below = env.files.list(path);
    if (!below || !below->empty()) in_the_way.push_back(name);
  }
  return in_the_way;
}

bool overlap(const std::string& a, const std::string& b) {
  const auto names_of = [](const std::string& path) {
    return std::filesystem::path(path + "/.").lexically_normal();
  };
  const auto of_a = names_of(a);
  const auto of_b = names_of(b);
  const auto [at_a, at_b] = std::ranges::mismatch(of_a, of_b);
  // A normal path of a directory ends with an empty name.
  const auto at_end = [](const auto& path, auto at) {
    return at == path.end() || (at->empty() && std::next(at) == path.end());
  };
  return at_end(of_a, at_a) || at_end(of_b, at_b);
}

}  // namespace hf
