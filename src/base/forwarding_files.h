// SPDX-License-Identifier: Apache-2.0
//
// Test support: files that are those of another file system, to be overridden in one point.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"

namespace hf::test {

class ForwardingFile : public File {
 public:
  explicit ForwardingFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return file_->read_at(offset, out);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return file_->write_at(offset, bytes);
  }
  Result<void> sync() override { return file_->sync(); }
  Result<std::uint64_t> size() const override { return file_->size(); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
  Result<void> allocate(std::uint64_t size) override { return file_->allocate(size); }

 private:
  std::unique_ptr<File> file_;
};

class ForwardingFiles : public FileSystem {
 public:
  explicit ForwardingFiles(FileSystem& files) : files_(files) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return files_.open(path, mode);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> sync_directory(const std::string& path) override {
    return files_.sync_directory(path);
  }
  Result<void> make_directories(const std::string& path) override {
    return files_.make_directories(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) const override {
    return files_.list(path);
  }
  bool exists(const std::string& path) const override { return files_.exists(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         std::string_view holder) override {
    return files_.lock(path, holder);
  }
  Result<std::optional<std::string>> lock_holder(const std::string& path) const override {
    return files_.lock_holder(path);
  }
  Result<DiskSpace> space(const std::string& path) const override { return files_.space(path); }
  Result<PathAccess> access(const std::string& path) const override { return files_.access(path); }

 private:
  FileSystem& files_;
};

}  // namespace hf::test
