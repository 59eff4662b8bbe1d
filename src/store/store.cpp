// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::uint64_t manifest_bytes_max = 1u << 30;

void fill(const Env& env, Hash128& out) {
  env.random.fill(std::as_writable_bytes(std::span(&out, 1)));
}

std::string reject_file(std::uint32_t import) { return fmt::format("import-{}.csv", import); }

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const Env& env, const std::string& directory,
                                           Access access, std::size_t cache_bytes) {
  auto store = std::unique_ptr<Store>(new Store(env, directory, cache_bytes));
  const std::string manifest_path = directory + "/MANIFEST";
  if (access == Access::read) {
    if (!env.files.exists(manifest_path)) {
      return fail(ErrorCode::not_found, "no_data_directory",
                  fmt::format("no Holdfast data in {}: import something into it first", directory));
    }
  } else {
    HF_CHECK(env.files.make_directories(directory));
    HF_TRY(store->lock_,
           env.files.lock(directory + "/LOCK", fmt::format("process {}", ::getpid())));
    HF_CHECK(env.files.make_directories(store->parts_directory()));
    HF_CHECK(env.files.make_directories(store->rejects_directory()));
    HF_CHECK(env.files.sync_directory(directory));
  }
  if (env.files.exists(manifest_path)) {
    HF_TRY(const std::string bytes, read_file(env, manifest_path, manifest_bytes_max));
    HF_TRY(store->manifest_, decode_manifest(bytes));
    if (access == Access::own) HF_CHECK(store->remove_unlisted_files());
  } else {
    // Parts are written only below a durable manifest. Without it nobody knows which of them count,
    // and a fresh one would have them all removed.
    HF_TRY(const auto parts, env.files.list(store->parts_directory()));
    if (!parts.empty()) {
      return fail(ErrorCode::data_loss, "bad_manifest",
                  fmt::format("manifest: missing beside {} files in {}", parts.size(),
                              store->parts_directory()));
    }
    Manifest first;
    fill(env, first.store_id);
    env.random.fill(std::as_writable_bytes(std::span(first.hash_key)));
    HF_CHECK(store->commit(std::move(first)));
  }
  return store;
}

std::string Store::reject_path(std::uint32_t import) const {
  return rejects_directory() + "/" + reject_file(import);
}

Result<std::shared_ptr<const Part>> Store::open_part(const std::string& file) {
  if (const auto found = open_parts_.find(file); found != open_parts_.end()) return found->second;
  HF_TRY(auto part, Part::open(env_, parts_directory() + "/" + file, cache_));
  if (part->persons().back() >= manifest_.next_person) {
    return fail(ErrorCode::data_loss, "bad_part",
                fmt::format("{}: a person beyond those the manifest knows", part->path()));
  }
  open_parts_.emplace(file, part);
  return part;
}

Result<Snapshot> Store::snapshot() {
  Snapshot snapshot;
  snapshot.person_end = manifest_.next_person;
  snapshot.data_version = manifest_.data_version;
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry)) continue;
    HF_TRY(auto part, open_part(entry.file));
    snapshot.parts.push_back(std::move(part));
  }
  return snapshot;
}

Result<std::vector<std::shared_ptr<const Part>>> Store::parts_of(std::uint32_t import) {
  std::vector<std::shared_ptr<const Part>> parts;
  for (const PartEntry& entry : manifest_.parts) {
    if (entry.import != import) continue;
    HF_TRY(parts.emplace_back(), open_part(entry.file));
  }
  return parts;
}

Result<void> Store::commit(Manifest next) {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  next.generation = manifest_.generation + 1;
  auto replaced = replace_file(env_, directory_ + "/MANIFEST", encode_manifest(next));
  if (!replaced) {
    in_doubt_ = true;
    return replaced;
  }
  manifest_ = std::move(next);
  return {};
}

Result<void> Store::check_certain() const {
  if (!in_doubt_) return {};
  return fail(ErrorCode::failed_precondition, "manifest_in_doubt",
              "an earlier change of the manifest failed and may be on disk or not: open the data "
              "directory again");
}

Result<void> Store::remove_unlisted_files() {
  HF_ASSERT(lock_ != nullptr);
  HF_CHECK(check_certain());
  std::set<std::string> parts;
  for (const PartEntry& part : manifest_.parts) parts.insert(part.file);
  std::erase_if(open_parts_, [&](const auto& open) { return !parts.contains(open.first); });
  HF_CHECK(keep_only(parts_directory(), parts));
  // Rejected rows are personal data: what is undone, or was never part of the store, leaves none.
  std::set<std::string> rejects;
  for (const ImportRecord& import : manifest_.imports) {
    if (import.state == ImportState::undone || import.reject_bytes == 0) continue;
    rejects.insert(reject_file(import.id));
  }
  return keep_only(rejects_directory(), rejects);
}

Result<void> Store::keep_only(const std::string& directory, const std::set<std::string>& listed) {
  HF_TRY(const auto names, env_.files.list(directory));
  bool removed = false;
  for (const std::string& name : names) {
    if (listed.contains(name)) continue;
    std::string path = directory;
    path.append("/").append(name);
    HF_CHECK(env_.files.remove(path));
    removed = true;
  }
  if (removed) HF_CHECK(env_.files.sync_directory(directory));
  return {};
}

Result<PersonRegistry> Store::load_persons(std::uint32_t import) {
  PersonRegistry persons(manifest_.hash_key, manifest_.next_person);
  for (const PartEntry& entry : manifest_.parts) {
    if (!manifest_.is_visible(entry) && entry.import != import) continue;
    HF_TRY(const auto part, open_part(entry.file));
    HF_TRY(const auto keys, part->id_keys());
    for (const Part::IdKey& key : keys) persons.add(key.key, key.person);
  }
  return persons;
}

}  // namespace hf
