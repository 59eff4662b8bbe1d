// SPDX-License-Identifier: Apache-2.0
#include "service/uploads.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/utf8.h"

namespace hf {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::size_t ending_bytes_max = 20;  // ".csv.gz"

std::unexpected<Error> too_large(std::uint64_t bytes_max) {
  return fail(ErrorCode::invalid_argument, "upload_too_large",
              fmt::format("the file is over {} bytes, which `holdfast serve --upload-limit` sets; "
                          "`holdfast import` on the server's machine has no limit",
                          bytes_max));
}

std::unexpected<Error> no_such(std::string_view id) {
  return fail(ErrorCode::not_found, "no_upload",
              fmt::format("there is no file {}; they are kept for a day, and until the server "
                          "stops",
                          id.substr(0, 64)));
}

/// Longest prefix of at most `bytes` that ends between characters.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

std::string fit_file_name(std::string_view name) {
  name.remove_prefix(name.find_last_of("/\\") + 1);
  std::string fit;
  for (const char c : is_utf8(name) ? name : std::string_view()) {
    const auto code = static_cast<unsigned char>(c);
    fit += code < 0x20 || code == 0x7f ? '_' : c;
  }
  if (fit.find_first_not_of(". ") == std::string::npos) return "upload";
  if (fit.front() == '.' || fit.front() == '-') fit.front() = '_';
  if (fit.size() <= name_bytes_max) return fit;
  std::size_t dot = fit.find('.', fit.size() - ending_bytes_max);
  if (dot == std::string::npos) dot = fit.size();
  const std::string ending = fit.substr(dot);
  return std::string(cut(fit, name_bytes_max - ending.size())) + ending;
}

/// A file below uploads/<id>/, removed unless it was taken over.
class Uploads::Incoming {
 public:
  Incoming(const Env& env, std::string folder, Upload upload, std::uint64_t bytes_max,
           std::shared_ptr<std::atomic<std::size_t>> files)
      : env_(env),
        folder_(std::move(folder)),
        upload_(std::move(upload)),
        bytes_max_(bytes_max),
        files_(std::move(files)) {
    files_->fetch_add(1);
  }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  // What cannot be removed now is by the next process.
  ~Incoming() {
    file_.reset();
    (void)env_.files.remove(upload_.path);
    (void)env_.files.remove(folder_);
    files_->fetch_sub(1);
  }

  Result<void> create() {
    HF_CHECK(env_.files.make_directories(folder_));
    HF_TRY(file_, env_.files.open(upload_.path, OpenMode::create_new));
    return {};
  }
  Result<void> write(std::string_view piece) {
    if (upload_.bytes + piece.size() > bytes_max_) return too_large(bytes_max_);
    HF_CHECK(file_->write_at(upload_.bytes, std::as_bytes(std::span(piece))));
    upload_.bytes += piece.size();
    return {};
  }
  void close() { file_.reset(); }
  void expire(TimestampMs at_ms) { upload_.expires_ms = at_ms; }
  [[nodiscard]] const Upload& upload() const { return upload_; }

 private:
  Env env_;
  std::string folder_;
  Upload upload_;
  std::uint64_t bytes_max_;
  std::shared_ptr<std::atomic<std::size_t>> files_;
  std::unique_ptr<File> file_;
};

Result<std::unique_ptr<Uploads>> Uploads::open(const Env& env, std::string directory,
                                               const Options& options) {
  std::unique_ptr<Uploads> uploads(new Uploads(env, std::move(directory), options));
  HF_CHECK(uploads->remove_leftovers());
  return uploads;
}

Uploads::Uploads(const Env& env, std::string directory, const Options& options)
    : env_(env),
      directory_(std::move(directory) + "/uploads"),
      options_(options),
      files_(std::make_shared<std::atomic<std::size_t>>(0)),
      thread_([this] { write_pieces(); }) {}

Uploads::~Uploads() {
  queue_.lock()->stopping = true;
  changed_.notify_all();
  thread_.join();
}

Result<void> Uploads::remove_leftovers() {
  if (!env_.files.exists(directory_)) return {};
  HF_TRY(const auto folders, env_.files.list(directory_));
  for (const std::string& folder : folders) {
    const std::string path = directory_ + "/" + folder;
    if (const auto names = env_.files.list(path)) {
      for (const std::string& name : *names) {
        HF_CHECK(env_.files.remove(fmt::format("{}/{}", path, name)));
      }
    }
    HF_CHECK(env_.files.remove(path));
  }
  return env_.files.remove(directory_);
}

Result<void> Uploads::require_room(std::uint64_t bytes) const {
  HF_TRY(const DiskSpace space, env_.files.space(directory_));
  if (space.free_bytes >= options_.reserve_bytes + bytes) return {};
  return fail(ErrorCode::resource_exhausted, "disk_full",
              fmt::format("the server's disk has {} bytes left, of which {} are kept for events",
                          space.free_bytes, options_.reserve_bytes));
}

Result<std::shared_ptr<Uploads::Receiving>> Uploads::begin(std::string_view name,
                                                           std::optional<std::uint64_t> bytes) {
  if (bytes && *bytes > options_.bytes_max) return too_large(options_.bytes_max);
  if (files_->load() >= options_.files_max) {
    return fail(
        ErrorCode::resource_exhausted, "too_many_uploads",
        fmt::format("{} files are being received or wait to be imported", options_.files_max));
  }
  HF_CHECK(env_.files.make_directories(directory_));
  HF_CHECK(require_room(bytes.value_or(0)));
  std::array<std::byte, 16> random;
  env_.random.fill(random);
  std::string id;
  for (const std::byte each : random) id += fmt::format("{:02x}", static_cast<unsigned>(each));
  const std::string folder = directory_ + "/" + id;
  Upload upload{.id = id, .name = fit_file_name(name)};
  upload.path = folder + "/" + upload.name;
  auto incoming =
      std::make_shared<Incoming>(env_, folder, std::move(upload), options_.bytes_max, files_);
  HF_CHECK(incoming->create());

  class Receiver final : public Receiving {
   public:
    Receiver(Uploads& uploads, std::shared_ptr<Incoming> file)
        : uploads_(uploads), file_(std::move(file)), outcome_(std::make_shared<Outcome>()) {}
    void write(std::string piece, std::function<void(bool)> done) override {
      const auto note = [outcome = outcome_, done = std::move(done)](Result<void> written) {
        const bool is_written = written.has_value();
        if (!is_written) *outcome->lock() = std::move(written).error();
        done(is_written);
      };
      uploads_.enqueue({file_, std::move(piece), note});
    }
    Result<Kept> finish() override {
      if (auto error = *outcome_->lock()) return std::unexpected(*std::move(error));
      return uploads_.keep(file_);
    }

   private:
    using Outcome = Guarded<std::optional<Error>>;
    Uploads& uploads_;
    std::shared_ptr<Incoming> file_;
    std::shared_ptr<Outcome> outcome_;
  };
  return std::make_shared<Receiver>(*this, std::move(incoming));
}

void Uploads::enqueue(Work work) {
  queue_.lock()->work.push_back(std::move(work));
  changed_.notify_one();
}

Result<Uploads::Kept> Uploads::keep(const std::shared_ptr<Incoming>& file) {
  if (file->upload().bytes == 0) {
    return fail(ErrorCode::invalid_argument, "empty_upload", "the file is empty");
  }
  file->close();
  file->expire(env_.clock.now_ms() + options_.age_ms_max);
  Kept kept(file, &file->upload());  // Owns the file.
  kept_.lock()->emplace(kept->id, kept);
  return kept;
}

Result<Uploads::Kept> Uploads::find(std::string_view id) const {
  const auto kept = kept_.lock();
  const auto found = kept->find(id);
  if (found == kept->end()) return no_such(id);
  return found->second;
}

Result<void> Uploads::remove(std::string_view id) {
  Kept last;  // Removes the file when the lock is let go.
  const auto kept = kept_.lock();
  const auto found = kept->find(id);
  if (found == kept->end()) return no_such(id);
  last = std::move(found->second);
  kept->erase(found);
  return {};
}

void Uploads::tick() {
  const TimestampMs now_ms = env_.clock.now_ms();
  std::vector<Kept> expired;
  const auto kept = kept_.lock();
  std::erase_if(*kept, [&](auto& each) {
    const bool is_over = each.second->expires_ms <= now_ms;
    if (is_over) expired.push_back(std::move(each.second));
    return is_over;
  });
}

void Uploads::write_pieces() {
  while (true) {
    Work work;
    {
      auto queue = queue_.lock();
      queue.wait(changed_, [](const Queue& q) { return q.stopping || !q.work.empty(); });
      if (queue->work.empty()) return;
      work = std::move(queue->work.front());
      queue->work.pop_front();
    }
    Result<void> written = require_room(work.piece.size());
    if (written) written = work.file->write(work.piece);
    work.file.reset();  // Its last owner may be told now.
    work.done(std::move(written));
  }
}

}  // namespace hf
