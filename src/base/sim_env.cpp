// SPDX-License-Identifier: Apache-2.0
//
// Every node holds what programs see and, apart from it, what the disk holds. A change goes to
// the visible side at once and into a list of pending changes; syncing plays the list onto the
// disk, a crash plays a random part of it and then copies the disk over the visible side.
#include "base/sim_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/rng.h"

namespace hf {
namespace {

constexpr std::size_t sector_bytes = 512;
constexpr TimestampMs start_ms = 1'700'000'000'000;
// Of a disk without set_capacity().
constexpr std::uint64_t ample_bytes = std::uint64_t{1} << 50;

struct FileChange {
  bool truncation = false;
  std::uint64_t at = 0;  // Offset of a write, new size of a truncation.
  std::string bytes;
};

void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

void play(std::string& content, const FileChange& change) {
  if (change.truncation) {
    content.resize(change.at, '\0');
  } else {
    write_into(content, change.at, change.bytes);
  }
}

struct Node {
  explicit Node(bool is_directory) : directory(is_directory) {}

  const bool directory;
  PathAccess access;
  // A file:
  std::string content;
  std::string disk_content;
  std::vector<FileChange> pending;
  std::optional<std::string> lock_holder;
  // A directory:
  std::map<std::string, std::shared_ptr<Node>> entries;
  std::map<std::string, std::shared_ptr<Node>> disk_entries;
};
using NodePtr = std::shared_ptr<Node>;

struct Name {
  NodePtr directory;  // Null: no such side.
  std::string name;
  friend auto operator<=>(const Name&, const Name&) = default;
};

// A creation (no `from`), a removal (no `to`) or a rename of `node`.
struct NameChange {
  Name from;
  Name to;
  NodePtr node;

  [[nodiscard]] bool touches(const std::set<Name>& names) const {
    return names.contains(from) || names.contains(to);
  }
  void add_names(std::set<Name>& names) const {
    if (from.directory) names.insert(from);
    if (to.directory) names.insert(to);
  }
  void apply_to_disk() const {
    if (from.directory) from.directory->disk_entries.erase(from.name);
    if (to.directory) to.directory->disk_entries.insert_or_assign(to.name, node);
  }
};

std::unexpected<Error> crashed_error(std::string_view path) {
  return fail(ErrorCode::unavailable, "crashed",
              fmt::format("the simulated machine has crashed: {}", path));
}

std::unexpected<Error> missing(std::string_view path) {
  return fail(ErrorCode::not_found, "not_found", fmt::format("no such file: {}", path));
}

std::unexpected<Error> not_a_directory(std::string_view path) {
  return fail(ErrorCode::failed_precondition, "not_a_directory",
              fmt::format("not a directory: {}", path));
}

std::unexpected<Error> is_a_directory(std::string_view path) {
  return fail(ErrorCode::failed_precondition, "is_a_directory",
              fmt::format("is a directory: {}", path));
}

std::unexpected<Error> disk_full(std::string_view path) {
  return fail(ErrorCode::resource_exhausted, "disk_full",
              fmt::format("no space left on the simulated disk: {}", path));
}

std::unexpected<Error> io_error(std::string_view path) {
  return fail(ErrorCode::unavailable, "io_error", fmt::format("simulated I/O error: {}", path));
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") names.emplace_back(name);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return names;
}

}  // namespace

class SimEnv::Machine {
 public:
  enum class Effect : std::uint8_t { reads, mutates };
  enum class Verdict : std::uint8_t { proceed, crash, io_error, disk_full };

  explicit Machine(std::uint64_t seed) : rng(seed), root(std::make_shared<Node>(true)) {}

  // Counts a call and says what becomes of it. Every fallible call comes through here first.
  Verdict begin(Effect effect) {
    if (crashed) return Verdict::crash;
    ++fallible_calls;
    if (effect == Effect::mutates && ++mutating_calls == crash_at) {
      crashed = true;
      return Verdict::crash;
    }
    if (fallible_calls != fail_at) return Verdict::proceed;
    return fault == Fault::io_error ? Verdict::io_error : Verdict::disk_full;
  }

  [[nodiscard]] static std::unexpected<Error> refusal(Verdict verdict, std::string_view path) {
    switch (verdict) {
      case Verdict::crash: return crashed_error(path);
      case Verdict::io_error: return io_error(path);
      case Verdict::disk_full: return disk_full(path);
      case Verdict::proceed: break;
    }
    HF_ASSERT(false);
  }

  // Runs one call of the file system: `act` under the verdict of begin(). A planned crash lets it
  // act first, because a crash during a call may leave its effect; a fault does not.
  template <class Act>
  auto call(Effect effect, const std::string& path, Act&& act) -> decltype(act()) {
    const bool was_crashed = crashed;
    const Verdict verdict = begin(effect);
    if (was_crashed || verdict == Verdict::io_error || verdict == Verdict::disk_full) {
      return refusal(verdict, path);
    }
    auto result = act();
    if (verdict == Verdict::crash) return crashed_error(path);
    return result;
  }

  Result<NodePtr> find(const std::string& path) const {
    NodePtr node = root;
    for (const std::string& name : split(path)) {
      if (!node->directory) return not_a_directory(path);
      const auto entry = node->entries.find(name);
      if (entry == node->entries.end()) return missing(path);
      node = entry->second;
    }
    return node;
  }

  // The directory a path lies in (which must exist) and its last name. Requires one.
  Result<Name> find_name(const std::string& path) const {
    std::vector<std::string> names = split(path);
    if (names.empty()) return is_a_directory(path);
    Name found{.directory = root, .name = std::move(names.back())};
    names.pop_back();
    for (const std::string& name : names) {
      const auto entry = found.directory->entries.find(name);
      if (entry == found.directory->entries.end()) return missing(path);
      if (!entry->second->directory) return not_a_directory(path);
      found.directory = entry->second;
    }
    return found;
  }

  static NodePtr node_of(const Name& name) {
    const auto entry = name.directory->entries.find(name.name);
    return entry == name.directory->entries.end() ? nullptr : entry->second;
  }

  static void change(Node& file, FileChange change) {
    play(file.content, change);
    file.pending.push_back(std::move(change));
  }

  void change_name(NameChange change) {
    if (change.from.directory) change.from.directory->entries.erase(change.from.name);
    if (change.to.directory) {
      change.to.directory->entries.insert_or_assign(change.to.name, change.node);
    }
    pending_names.push_back(std::move(change));
  }

  // What a write of `bytes` at `offset` can still add to the disk, as a count of its bytes.
  [[nodiscard]] std::uint64_t room_for(const Node& file, std::uint64_t offset,
                                       std::uint64_t size) const {
    if (!capacity || offset + size <= file.content.size()) return size;
    const std::uint64_t others = used_bytes(*root) - file.content.size();
    const std::uint64_t size_max = *capacity > others ? *capacity - others : 0;
    const std::uint64_t end_max = std::max<std::uint64_t>(size_max, file.content.size());
    return end_max > offset ? std::min(end_max - offset, size) : 0;
  }

  static std::uint64_t used_bytes(const Node& node) {
    std::uint64_t bytes = node.content.size();
    for (const auto& [name, child] : node.entries) bytes += used_bytes(*child);
    return bytes;
  }

  static void sync_file(Node& file) {
    for (const FileChange& change : file.pending) play(file.disk_content, change);
    file.pending.clear();
  }

  // The kernel marks the pages clean whatever became of them: none is tried again.
  void fail_sync(Node& file) {
    for (const FileChange& change : file.pending) {
      if (rng.chance(0.5)) play(file.disk_content, change);
    }
    file.pending.clear();
  }

  // Plays the changes of a directory's names onto the disk, together with the earlier changes
  // they build on (the creation of what was renamed in, say).
  void sync_names(const NodePtr& directory) {
    std::set<Name> names;
    std::vector<bool> wanted(pending_names.size());
    for (std::size_t i = pending_names.size(); i-- > 0;) {
      const NameChange& change = pending_names[i];
      wanted[i] = change.from.directory == directory || change.to.directory == directory ||
                  change.touches(names);
      if (wanted[i]) change.add_names(names);
    }
    std::vector<NameChange> left;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i]) {
        pending_names[i].apply_to_disk();
      } else {
        left.push_back(std::move(pending_names[i]));
      }
    }
    pending_names = std::move(left);
  }

  void lose_power(std::uint64_t seed) {
    Rng crash_rng(seed);
    // Keeping all and keeping nothing are the two ends every test should meet often.
    const auto any_survival = [&] {
      return std::clamp(crash_rng.uniform01() * 1.5 - 0.25, 0.0, 1.0);
    };
    const double name_survival = any_survival();
    std::set<Name> lost_names;
    for (const NameChange& change : pending_names) {
      if (crash_rng.chance(name_survival) && !change.touches(lost_names)) {
        change.apply_to_disk();
      } else {
        change.add_names(lost_names);
      }
    }
    pending_names.clear();
    settle(*root, crash_rng, any_survival());
    end_life();
  }

  void end_life() {
    release_locks(*root);
    ++life;
    crashed = false;
    crash_at = 0;
    fail_at = 0;
  }

  std::recursive_mutex mutex;  // A lock that a crashing call took is given back inside that call.
  Rng rng;
  NodePtr root;
  std::vector<NameChange> pending_names;  // Of all directories, in order.
  std::uint64_t life = 0;
  bool crashed = false;
  std::uint64_t fallible_calls = 0;
  std::uint64_t mutating_calls = 0;
  std::uint64_t sync_calls = 0;
  std::uint64_t crash_at = 0;  // Of mutating_calls; 0 is never.
  std::uint64_t fail_at = 0;   // Of fallible_calls; 0 is never.
  Fault fault = Fault::io_error;
  std::optional<std::uint64_t> capacity;
  TimestampMs now_ms = start_ms;
  std::int64_t monotonic_ns = 0;

 private:
  // Makes everything below what the disk kept.
  static void settle(Node& node, Rng& rng, double survival) {
    for (const FileChange& change : node.pending) settle(node.disk_content, change, rng, survival);
    node.pending.clear();
    node.content = node.disk_content;
    node.entries = node.disk_entries;
    for (const auto& [name, child] : node.entries) settle(*child, rng, survival);
  }

  static void settle(std::string& content, const FileChange& change, Rng& rng, double survival) {
    if (rng.chance(survival)) {
      play(content, change);
      return;
    }
    if (change.truncation) return;
    const std::uint64_t end = change.at + change.bytes.size();
    if (rng.chance(0.5)) {  // Torn: each sector for itself.
      const double sector_survival = rng.uniform01();
      for (std::uint64_t at = change.at; at < end;) {
        const std::uint64_t next = std::min(end, (at / sector_bytes + 1) * sector_bytes);
        if (rng.chance(sector_survival)) {
          write_into(content, at, std::string_view(change.bytes).substr(at - change.at, next - at));
        }
        at = next;
      }
    }
    if (content.size() < end && rng.chance(0.3)) content.resize(end, '\0');
  }

  static void release_locks(Node& node) {
    node.lock_holder.reset();
    for (const auto& [name, child] : node.entries) release_locks(*child);
  }
};

class SimEnv::SimFile final : public File {
 public:
  SimFile(Machine& machine, NodePtr node, std::string path, bool writable)
      : machine_(machine),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        life_(machine.life) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return on_machine(Machine::Effect::reads, [&]() -> Result<std::size_t> {
      const std::string& content = node_->content;
      if (offset >= content.size()) return 0;
      const std::size_t n = std::min<std::size_t>(out.size(), content.size() - offset);
      std::ranges::copy(std::as_bytes(std::span(content)).subspan(offset, n), out.begin());
      return n;
    });
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(machine_.mutex);
    if (life_ != machine_.life || machine_.crashed) return crashed_error(path_);
    if (!writable_) return io_error(path_);
    const auto verdict = machine_.begin(Machine::Effect::mutates);
    const bool failing =
        verdict == Machine::Verdict::io_error || verdict == Machine::Verdict::disk_full;
    std::uint64_t n = machine_.room_for(*node_, offset, bytes.size());
    const bool full = n < bytes.size();
    if (failing) n = machine_.rng.below(n + 1);
    if (n > 0) {
      const auto* data = reinterpret_cast<const char*>(bytes.data());
      Machine::change(*node_, {.at = offset, .bytes = std::string(data, n)});
    }
    if (verdict != Machine::Verdict::proceed) return Machine::refusal(verdict, path_);
    if (full) return disk_full(path_);
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard lock(machine_.mutex);
    if (life_ != machine_.life || machine_.crashed) return crashed_error(path_);
    const auto verdict = machine_.begin(Machine::Effect::mutates);
    ++machine_.sync_calls;
    if (verdict == Machine::Verdict::crash) return crashed_error(path_);
    if (verdict != Machine::Verdict::proceed) {
      machine_.fail_sync(*node_);
      return Machine::refusal(verdict, path_);
    }
    Machine::sync_file(*node_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    return on_machine(Machine::Effect::reads,
                      [&]() -> Result<std::uint64_t> { return node_->content.size(); });
  }

  Result<void> truncate(std::uint64_t size) override {
    return on_machine(Machine::Effect::mutates, [&] { return resize(size); });
  }

  Result<void> allocate(std::uint64_t size) override {
    return on_machine(Machine::Effect::mutates, [&]() -> Result<void> {
      return size <= node_->content.size() ? Result<void>{} : resize(size);
    });
  }

 private:
  Result<void> resize(std::uint64_t size) {
    if (!writable_) return io_error(path_);
    const std::uint64_t begin = node_->content.size();
    if (size > begin && machine_.room_for(*node_, begin, size - begin) < size - begin) {
      return disk_full(path_);
    }
    Machine::change(*node_, {.truncation = true, .at = size, .bytes = {}});
    return {};
  }

  template <class Act>
  auto on_machine(Machine::Effect effect, Act&& act) const -> decltype(act()) {
    const std::lock_guard lock(machine_.mutex);
    if (life_ != machine_.life) return crashed_error(path_);
    return machine_.call(effect, path_, act);
  }

  Machine& machine_;
  const NodePtr node_;
  const std::string path_;
  const bool writable_;
  const std::uint64_t life_;
};

class SimEnv::SimLock final : public FileLock {
 public:
  SimLock(Machine& machine, NodePtr node)
      : machine_(machine), node_(std::move(node)), life_(machine.life) {}
  ~SimLock() override {
    const std::lock_guard lock(machine_.mutex);
    if (life_ == machine_.life) node_->lock_holder.reset();
  }

 private:
  Machine& machine_;
  const NodePtr node_;
  const std::uint64_t life_;
};

class SimEnv::SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(Machine& machine) : machine_(machine) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const bool creating = mode == OpenMode::create || mode == OpenMode::create_new;
    const auto effect = creating ? Machine::Effect::mutates : Machine::Effect::reads;
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(effect, path, [&]() -> Result<std::unique_ptr<File>> {
      NodePtr node;
      if (creating) {
        HF_TRY(const Name name, machine_.find_name(path));
        node = Machine::node_of(name);
        if (node && mode == OpenMode::create_new) {
          return fail(ErrorCode::already_exists, "already_exists",
                      fmt::format("file exists: {}", path));
        }
        if (!node) {
          node = std::make_shared<Node>(false);
          machine_.change_name({.from = {}, .to = name, .node = node});
        }
      } else {
        HF_TRY(node, machine_.find(path));
      }
      if (node->directory) return is_a_directory(path);
      if (mode == OpenMode::create && !node->content.empty()) {
        Machine::change(*node, {.truncation = true, .at = 0, .bytes = {}});
      }
      return std::make_unique<SimFile>(machine_, node, path, mode != OpenMode::read);
    });
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(Machine::Effect::mutates, from, [&]() -> Result<void> {
      HF_TRY(const Name source, machine_.find_name(from));
      HF_TRY(const Name target, machine_.find_name(to));
      const NodePtr node = Machine::node_of(source);
      if (!node) return missing(from);
      const NodePtr replaced = Machine::node_of(target);
      if (replaced == node) return {};
      if (replaced && replaced->directory != node->directory) {
        return replaced->directory ? is_a_directory(to) : not_a_directory(to);
      }
      if (replaced && !replaced->entries.empty()) return not_empty(to);
      machine_.change_name({.from = source, .to = target, .node = node});
      return {};
    });
  }

  Result<void> remove(const std::string& path) override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(Machine::Effect::mutates, path, [&]() -> Result<void> {
      HF_TRY(const Name name, machine_.find_name(path));
      const NodePtr node = Machine::node_of(name);
      if (!node) return missing(path);
      if (!node->entries.empty()) return not_empty(path);
      machine_.change_name({.from = name, .to = {}, .node = node});
      return {};
    });
  }

  Result<void> sync_directory(const std::string& path) override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(Machine::Effect::mutates, path, [&]() -> Result<void> {
      HF_TRY(const NodePtr node, machine_.find(path));
      if (!node->directory) return not_a_directory(path);
      ++machine_.sync_calls;
      if (!machine_.crashed) machine_.sync_names(node);
      return {};
    });
  }

  Result<void> make_directories(const std::string& path) override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(Machine::Effect::mutates, path, [&]() -> Result<void> {
      NodePtr node = machine_.root;
      for (const std::string& name : split(path)) {
        NodePtr child = Machine::node_of({.directory = node, .name = name});
        if (!child) {
          child = std::make_shared<Node>(true);
          machine_.change_name(
              {.from = {}, .to = {.directory = node, .name = name}, .node = child});
        }
        if (!machine_.crashed) machine_.sync_names(node);
        if (!child->directory) return not_a_directory(path);
        node = child;
      }
      return {};
    });
  }

  Result<std::vector<std::string>> list(const std::string& path) const override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.call(Machine::Effect::reads, path, [&]() -> Result<std::vector<std::string>> {
      HF_TRY(const NodePtr node, machine_.find(path));
      if (!node->directory) return not_a_directory(path);
      std::vector<std::string> names;
      for (const auto& [name, child] : node->entries) names.push_back(name);
      return names;
    });
  }

  bool exists(const std::string& path) const override {
    const std::lock_guard lock(machine_.mutex);
    return !machine_.crashed && machine_.find(path).has_value();
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         std::string_view holder) override {
    const std::lock_guard guard(machine_.mutex);
    return machine_.call(
        Machine::Effect::mutates, path, [&]() -> Result<std::unique_ptr<FileLock>> {
          HF_TRY(const Name name, machine_.find_name(path));
          NodePtr node = Machine::node_of(name);
          if (!node) {
            node = std::make_shared<Node>(false);
            machine_.change_name({.from = {}, .to = name, .node = node});
          }
          if (node->directory) return is_a_directory(path);
          if (node->lock_holder) {
            return fail(ErrorCode::failed_precondition, "locked",
                        fmt::format("locked by another process: {}: {}", path, *node->lock_holder));
          }
          Machine::change(*node, {.truncation = true, .at = 0, .bytes = {}});
          Machine::change(*node, {.at = 0, .bytes = std::string(holder)});
          node->lock_holder = holder;
          return std::make_unique<SimLock>(machine_, node);
        });
  }

  Result<std::optional<std::string>> lock_holder(const std::string& path) const override {
    const std::lock_guard guard(machine_.mutex);
    return machine_.call(Machine::Effect::reads, path, [&]() -> Result<std::optional<std::string>> {
      const auto node = machine_.find(path);
      if (node) return (*node)->lock_holder;
      if (node.error().code == ErrorCode::not_found) return std::optional<std::string>{};
      return std::unexpected(node.error());
    });
  }

  Result<DiskSpace> space(const std::string& path) const override {
    const std::lock_guard guard(machine_.mutex);
    return machine_.call(Machine::Effect::reads, path, [&]() -> Result<DiskSpace> {
      HF_CHECK(machine_.find(path));
      const std::uint64_t total = machine_.capacity.value_or(ample_bytes);
      return DiskSpace{.free_bytes = total - std::min(total, Machine::used_bytes(*machine_.root)),
                       .total_bytes = total};
    });
  }

  Result<PathAccess> access(const std::string& path) const override {
    const std::lock_guard guard(machine_.mutex);
    return machine_.call(Machine::Effect::reads, path, [&]() -> Result<PathAccess> {
      HF_TRY(const NodePtr node, machine_.find(path));
      return node->access;
    });
  }

 private:
  static std::unexpected<Error> not_empty(const std::string& path) {
    return fail(ErrorCode::failed_precondition, "directory_not_empty",
                fmt::format("directory not empty: {}", path));
  }

  Machine& machine_;
};

class SimEnv::SimClock final : public Clock {
 public:
  explicit SimClock(Machine& machine) : machine_(machine) {}
  TimestampMs now_ms() const override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.now_ms;
  }
  std::int64_t monotonic_ns() const override {
    const std::lock_guard lock(machine_.mutex);
    return machine_.monotonic_ns;
  }

 private:
  Machine& machine_;
};

class SimEnv::SimRandom final : public Random {
 public:
  SimRandom(Machine& machine, std::uint64_t seed) : machine_(machine), rng_(seed) {}
  void fill(std::span<std::byte> out) override {
    const std::lock_guard lock(machine_.mutex);
    for (std::byte& byte : out) byte = static_cast<std::byte>(rng_.next() >> 56);
  }

 private:
  Machine& machine_;
  Rng rng_;  // Apart from the machine's, so that a fault does not change the ids drawn after it.
};

SimEnv::SimEnv(std::uint64_t seed)
    : machine_(std::make_unique<Machine>(seed)),
      files_(std::make_unique<SimFileSystem>(*machine_)),
      clock_(std::make_unique<SimClock>(*machine_)),
      random_(std::make_unique<SimRandom>(*machine_, ~seed)) {}

SimEnv::~SimEnv() = default;

Env SimEnv::env() { return {.files = *files_, .clock = *clock_, .random = *random_}; }

void SimEnv::crash(std::uint64_t seed) {
  const std::lock_guard lock(machine_->mutex);
  machine_->lose_power(seed);
}

void SimEnv::kill() {
  const std::lock_guard lock(machine_->mutex);
  machine_->end_life();
}

void SimEnv::fail_call(std::uint64_t n, Fault fault) {
  HF_ASSERT(n > 0);
  const std::lock_guard lock(machine_->mutex);
  machine_->fail_at = machine_->fallible_calls + n;
  machine_->fault = fault;
}

void SimEnv::crash_at_call(std::uint64_t n) {
  HF_ASSERT(n > 0);
  const std::lock_guard lock(machine_->mutex);
  machine_->crash_at = machine_->mutating_calls + n;
}

void SimEnv::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(machine_->mutex);
  machine_->capacity = bytes;
}

void SimEnv::set_access(const std::string& path, const PathAccess& access) {
  const std::lock_guard lock(machine_->mutex);
  const auto node = machine_->find(path);
  HF_ASSERT(node.has_value());
  (*node)->access = access;
}

std::uint64_t SimEnv::fallible_calls() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->fallible_calls;
}

std::uint64_t SimEnv::mutating_calls() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->mutating_calls;
}

std::uint64_t SimEnv::sync_calls() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->sync_calls;
}

bool SimEnv::crashed() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->crashed;
}

void SimEnv::set_now_ms(TimestampMs now) {
  const std::lock_guard lock(machine_->mutex);
  machine_->now_ms = now;
}

void SimEnv::advance_ms(std::int64_t ms) {
  HF_ASSERT(ms >= 0);
  const std::lock_guard lock(machine_->mutex);
  machine_->now_ms += ms;
  machine_->monotonic_ns += ms * 1'000'000;
}

}  // namespace hf
