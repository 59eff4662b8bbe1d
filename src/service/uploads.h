// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/env.h"
#include "base/guarded.h"
#include "base/result.h"

namespace hf {

/// A file somebody sent to be imported. It is removed when the last one lets it go.
struct Upload {
  std::string id;    ///< 32 hexadecimal digits that nobody can guess.
  std::string name;  ///< As the sender calls it, made fit to be a file's name.
  std::string path;
  std::uint64_t bytes = 0;
  TimestampMs expires_ms = 0;
};

/// Files on their way into an import, below uploads/ of the data directory. Nothing of them
/// outlives the process: an import that was cut off is told the file again, and goes on. Methods
/// may be called from any thread.
class Uploads {
 public:
  struct Options {
    std::uint64_t bytes_max = std::uint64_t{4} << 30;  ///< Of one file.
    std::size_t files_max = 16;                        ///< At a time, unfinished ones too.
    std::int64_t age_ms_max = std::int64_t{24} * 3'600'000;
    /// What the disk must keep free for events; what would reach into it is refused.
    std::uint64_t reserve_bytes = std::uint64_t{1} << 30;
  };
  using Kept = std::shared_ptr<const Upload>;

  /// Removes what an earlier process left. Errors: those of the files.
  [[nodiscard]] static Result<std::unique_ptr<Uploads>> open(const Env& env, std::string directory,
                                                             const Options& options);
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  /// A file that is being received; given up, it is removed.
  class Receiving {
   public:
    virtual ~Receiving() = default;
    /// Writes the next piece on a thread of the uploads' own, and calls `done` from there; the
    /// caller waits for it before the next. False: not written, finish() says why.
    virtual void write(std::string piece, std::function<void(bool is_written)> done) = 0;
    /// All has come. Errors: invalid_argument/empty_upload, upload_too_large;
    /// resource_exhausted/disk_full; those of the files.
    [[nodiscard]] virtual Result<Kept> finish() = 0;
  };
  /// `bytes` is what the sender says will come. Errors: invalid_argument/upload_too_large;
  /// resource_exhausted/too_many_uploads, disk_full; those of the files.
  [[nodiscard]] Result<std::shared_ptr<Receiving>> begin(std::string_view name,
                                                         std::optional<std::uint64_t> bytes);
  /// Errors: not_found/no_upload.
  [[nodiscard]] Result<Kept> find(std::string_view id) const;
  /// Forgets it; whoever imports it still may. Errors: not_found/no_upload.
  [[nodiscard]] Result<void> remove(std::string_view id);
  /// Forgets those that expired. To be called now and then.
  void tick();

  [[nodiscard]] const Options& options() const { return options_; }

 private:
  class Incoming;
  struct Work {
    std::shared_ptr<Incoming> file;
    std::string piece;
    std::function<void(Result<void>)> done;
  };
  struct Queue {
    std::deque<Work> work;
    bool stopping = false;
  };

  Uploads(const Env& env, std::string directory, const Options& options);
  [[nodiscard]] Result<void> remove_leftovers();
  [[nodiscard]] Result<void> require_room(std::uint64_t bytes) const;
  void enqueue(Work work);
  [[nodiscard]] Result<Kept> keep(const std::shared_ptr<Incoming>& file);
  void write_pieces();

  Env env_;
  std::string directory_;  // The uploads' own.
  Options options_;
  Guarded<std::map<std::string, Kept, std::less<>>> kept_;
  std::shared_ptr<std::atomic<std::size_t>> files_;  // Not yet removed.
  Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::thread thread_;  // Last: it uses the rest.
};

/// What a sender calls a file, as the name of one: without folders and control characters, 1 to 200
/// bytes, its ending kept.
[[nodiscard]] std::string fit_file_name(std::string_view name);

}  // namespace hf
