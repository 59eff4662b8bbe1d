// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/site.h"

namespace hf {
namespace {

Result<void> write_new(FileSystem& files, const std::string& path, std::string_view bytes) {
  HF_TRY(const auto file, files.open(path, OpenMode::create));
  HF_CHECK(file->write_at(0, std::as_bytes(std::span(bytes))));
  if (HF_SITE("base.replace.sync")) HF_CHECK(file->sync());
  return {};
}

}  // namespace

Result<std::string> read_file(const Env& env, const std::string& path, std::uint64_t size_max) {
  HF_TRY(const auto file, env.files.open(path, OpenMode::read));
  HF_TRY(const std::uint64_t size, file->size());
  std::string bytes;
  // The size is a hint: it reads 0 under /proc, and another process may be appending. One byte
  // more than expected tells the end apart from a file that has grown.
  std::uint64_t wanted = size + 1;
  for (;;) {
    if (size > size_max || bytes.size() > size_max) {
      return fail(ErrorCode::resource_exhausted, "file_too_large",
                  fmt::format("file over {} bytes: {}", size_max, path));
    }
    const std::size_t begin = bytes.size();
    bytes.resize(begin + static_cast<std::size_t>(wanted));
    HF_TRY(const std::size_t n,
           file->read_at(begin, std::as_writable_bytes(std::span(bytes).subspan(begin))));
    const bool at_end = n < wanted;
    bytes.resize(begin + n);
    if (at_end && bytes.size() <= size_max) return bytes;
    wanted = 64 * 1024;
  }
}

Result<void> replace_file(const Env& env, const std::string& path, std::string_view bytes) {
  const std::size_t slash = path.find_last_of('/');
  HF_ASSERT(slash != std::string::npos);
  const std::string temporary = path + ".tmp";
  auto written = write_new(env.files, temporary, bytes);
  if (written) written = env.files.rename(temporary, path);
  if (!written) {
    // Frees the space on a full disk; what stays behind is overwritten by the next try.
    (void)env.files.remove(temporary);
    return written;
  }
  if (HF_SITE("base.replace.directory_sync")) {
    HF_CHECK(env.files.sync_directory(slash == 0 ? "/" : path.substr(0, slash)));
  }
  return {};
}

}  // namespace hf
