// SPDX-License-Identifier: Apache-2.0
//
// Env over POSIX. Every call that can be cut short by a signal or a full device is finished or
// reported here, so that no caller sees a short write.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/env.h"

namespace hf {
namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;
// Linux moves at most 2 GiB - 4 KiB a call; asking for less keeps the arithmetic plain.
constexpr std::size_t transfer_bytes_max = 1u << 30;
// lock_holder() has to take the lock for a moment; who wants to own it is not to fail by that.
constexpr int lock_tries = 10;

std::unexpected<Error> os_error(int error, std::string_view action, std::string_view path) {
  std::string message =
      fmt::format("cannot {}: {}: {}", action, path, std::generic_category().message(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT: return fail(ErrorCode::resource_exhausted, "disk_full", std::move(message));
    case EMFILE:
    case ENFILE: return fail(ErrorCode::resource_exhausted, "too_many_files", std::move(message));
    case EFBIG: return fail(ErrorCode::resource_exhausted, "file_too_large", std::move(message));
    case EACCES:
    case EPERM:
    case EROFS: return fail(ErrorCode::permission_denied, "permission_denied", std::move(message));
    case ENOENT: return fail(ErrorCode::not_found, "not_found", std::move(message));
    case EEXIST: return fail(ErrorCode::already_exists, "already_exists", std::move(message));
    case ENOTDIR:
      return fail(ErrorCode::failed_precondition, "not_a_directory", std::move(message));
    case EISDIR: return fail(ErrorCode::failed_precondition, "is_a_directory", std::move(message));
    case ENOTEMPTY:
      return fail(ErrorCode::failed_precondition, "directory_not_empty", std::move(message));
    default: return fail(ErrorCode::unavailable, "io_error", std::move(message));
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    // Not retried on EINTR: Linux has released the number already and another thread may own it.
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor open_retrying(const std::string& path, int flags) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, file_mode);
  while (fd < 0 && errno == EINTR);
  return Descriptor(fd);
}

// Returns the bytes read, fewer only at the end of the file; -1 with errno set on failure.
ssize_t read_fully(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(fd, out.data() + done, std::min(out.size() - done, transfer_bytes_max),
                static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

// Returns false with errno set on failure; some of the bytes may then be in the file.
bool write_fully(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        ::pwrite(fd, bytes.data() + done, std::min(bytes.size() - done, transfer_bytes_max),
                 static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;  // Not allowed for a file by POSIX, and it would loop for ever.
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

bool offsets_fit(std::uint64_t offset, std::size_t size) {
  constexpr auto offset_max = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  return offset <= offset_max && size <= offset_max - offset;
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!offsets_fit(offset, out.size())) return os_error(EFBIG, "read", path_);
    const ssize_t n = read_fully(fd_.get(), offset, out);
    if (n < 0) return os_error(errno, "read", path_);
    return static_cast<std::size_t>(n);
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (!offsets_fit(offset, bytes.size())) return os_error(EFBIG, "write", path_);
    if (!write_fully(fd_.get(), offset, bytes)) return os_error(errno, "write", path_);
    return {};
  }

  Result<void> sync() override {
    // fdatasync, not fsync: it also flushes the metadata that reading the data back needs, a
    // changed file size and new block addresses among them, and leaves out only times and mode
    // (POSIX "synchronized I/O data integrity completion"; fdatasync(2)). That saves a journal
    // commit for a write inside the file. The directory entry of a new file is in neither.
    // Never retried: the kernel reports a lost page once and then calls it clean.
    if (::fdatasync(fd_.get()) != 0) return os_error(errno, "sync", path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status = {};
    if (::fstat(fd_.get(), &status) != 0) return os_error(errno, "stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (!offsets_fit(size, 0)) return os_error(EFBIG, "truncate", path_);
    int status;
    do status = ::ftruncate(fd_.get(), static_cast<off_t>(size));
    while (status != 0 && errno == EINTR);
    if (status != 0) return os_error(errno, "truncate", path_);
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    if (!offsets_fit(size, 0)) return os_error(EFBIG, "allocate", path_);
    int error;
    do error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    while (error == EINTR);
    if (error != 0) return os_error(error, "allocate", path_);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // Closing it gives up the lock. The file stays: unlinking would race.
};

std::string read_holder(int fd) {
  std::array<std::byte, 512> bytes;
  const ssize_t n = read_fully(fd, 0, bytes);
  if (n <= 0) return "(a process that has not yet written its name)";
  return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(n)};
}

// True when `path` still names the file behind `fd`: someone may have removed it in between, and
// a lock on a file without a name would exclude nobody.
bool still_named(int fd, const std::string& path) {
  struct stat opened = {};
  struct stat named = {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read: return O_RDONLY;
    case OpenMode::create: return O_RDWR | O_CREAT | O_TRUNC;
    case OpenMode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::update: return O_RDWR;
  }
  HF_ASSERT(false);
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    Descriptor fd = open_retrying(path, open_flags(mode));
    if (!fd.open()) return os_error(errno, "open", path);
    return std::make_unique<PosixFile>(std::move(fd), path);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      const int error = errno;
      return os_error(error, fmt::format("rename to {}", to), from);
    }
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return os_error(errno, "remove", path);
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    const Descriptor fd = open_retrying(path, O_RDONLY | O_DIRECTORY);
    if (!fd.open()) return os_error(errno, "open directory", path);
    if (::fsync(fd.get()) != 0) return os_error(errno, "sync directory", path);
    return {};
  }

  Result<void> make_directories(const std::string& path) override {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string prefix = path.substr(0, end);
      const bool made = ::mkdir(prefix.c_str(), directory_mode) == 0;
      if (const int error = errno; !made && !is_directory(prefix)) {
        return os_error(error == EEXIST ? ENOTDIR : error, "make directory", prefix);
      }
      const std::size_t slash = prefix.find_last_of('/', prefix.find_last_not_of('/'));
      const std::string parent = slash == std::string::npos ? "."
                                 : slash == 0               ? "/"
                                                            : prefix.substr(0, slash);
      // Also where it is there: who made it may have died before this. Directories that are not
      // ours to read were not made by us.
      const auto synced = sync_directory(parent);
      if (!synced && (made || synced.error().code != ErrorCode::permission_denied)) return synced;
      if (end == std::string::npos) return {};
    }
  }

  Result<std::vector<std::string>> list(const std::string& path) const override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return os_error(errno, "list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(directory);
    if (error != 0) return os_error(error, "list", path);
    std::ranges::sort(names);
    return names;
  }

  bool exists(const std::string& path) const override { return ::access(path.c_str(), F_OK) == 0; }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         std::string_view holder) override {
    for (int refusals = 0;;) {
      Descriptor fd = open_retrying(path, O_RDWR | O_CREAT);
      if (!fd.open()) return os_error(errno, "open lock", path);
      if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return os_error(errno, "lock", path);
        if (++refusals < lock_tries) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          continue;
        }
        return fail(ErrorCode::failed_precondition, "locked",
                    fmt::format("locked by another process: {}: {}", path, read_holder(fd.get())));
      }
      if (!still_named(fd.get(), path)) continue;
      if (::ftruncate(fd.get(), 0) != 0) return os_error(errno, "write lock", path);
      if (!write_fully(fd.get(), 0, std::as_bytes(std::span(holder)))) {
        return os_error(errno, "write lock", path);
      }
      return std::make_unique<PosixLock>(std::move(fd));
    }
  }

  Result<std::optional<std::string>> lock_holder(const std::string& path) const override {
    const Descriptor fd = open_retrying(path, O_RDONLY);
    if (!fd.open() && errno == ENOENT) return std::optional<std::string>{};
    if (!fd.open()) return os_error(errno, "open lock", path);
    int status;
    do status = ::flock(fd.get(), LOCK_SH | LOCK_NB);
    while (status != 0 && errno == EINTR);
    if (status == 0) return std::optional<std::string>{};  // Closing gives it back.
    if (errno != EWOULDBLOCK) return os_error(errno, "look at lock", path);
    return read_holder(fd.get());
  }

  Result<DiskSpace> space(const std::string& path) const override {
    struct statvfs disk = {};
    int status;
    do status = ::statvfs(path.c_str(), &disk);
    while (status != 0 && errno == EINTR);
    if (status != 0) return os_error(errno, "ask for the free space of", path);
    return DiskSpace{.free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize,
                     .total_bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize};
  }

  Result<PathAccess> access(const std::string& path) const override {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return os_error(errno, "stat", path);
    const bool directory = S_ISDIR(status.st_mode);
    const int enter = directory ? X_OK : 0;
    const mode_t others = directory ? S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH : S_IRGRP | S_IROTH;
    const auto may = [&](int what) {
      return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
    };
    return PathAccess{.readable = may(R_OK | enter),
                      .writable = may(W_OK | enter),
                      .open_to_others = (status.st_mode & others) != 0};
  }

 private:
  static bool is_directory(const std::string& path) {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }
};

class SystemClock final : public Clock {
 public:
  TimestampMs now_ms() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(now).count();
  }
  std::int64_t monotonic_ns() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::nanoseconds(now).count();
  }
};

class KernelRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t n = ::getrandom(out.data(), out.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      HF_ASSERT(n > 0);  // Waits for the first seed; Linux 3.17 and later never fail otherwise.
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
};

}  // namespace

Env real_env() {
  static PosixFileSystem files;
  static SystemClock clock;
  static KernelRandom random;
  return {.files = files, .clock = clock, .random = random};
}

}  // namespace hf
