// SPDX-License-Identifier: Apache-2.0
#include "store/flush.h"

#include "base/assert.h"
#include "store/decode_like.h"

namespace hf {

Result<void> Flush::run() {
  auto written = write();
  if (!written) discard();
  return written;
}

Result<void> Flush::write() {
  const auto& placed = work_.placement->of;
  PersonRegistry persons(work_.hash_key, work_.person_end);
  for (const auto& [key, person] : placed) persons.add(person.key, person.ordinal);
  HF_CHECK(add_owners(*work_.events, persons));
  const PartBuilder::Target target{.directory = work_.directory,
                                   .file = work_.file,
                                   .source = {},
                                   .hash_key = work_.hash_key,
                                   .canonical =
                                       [&](const Hash128& key) {
                                         const auto found = placed.find(key);
                                         return found == placed.end() ? key : found->second.key;
                                       },
                                   .zone = work_.zone,
                                   .keep_duplicates = true,
                                   .postings = work_.postings};
  HF_TRY(const PartSummary summary, joined(*work_.events)->write(env_, target, persons, {}));
  HF_ASSERT(persons.next() == work_.person_end);  // Everybody was known.
  output_ = {.file = work_.file,
             .rows = summary.rows,
             .persons = summary.persons,
             .bytes = summary.bytes,
             .time_min = summary.time_min,
             .time_max = summary.time_max};
  HF_TRY(part_.part, Part::open(env_, work_.directory + "/" + work_.file, cache_));
  std::vector<std::shared_ptr<const Part>> in_use;
  for (const Head::Tier& tier : *work_.events) {
    if (tier.part != nullptr) in_use.push_back(tier.part);
  }
  HF_CHECK(decode_like(in_use, *part_.part, cache_, work_.zone.get()));
  HF_TRY(auto owners, owner_runs(*part_.part));
  part_.owners = std::make_shared<const OwnerRuns>(std::move(owners));
  return {};
}

void Flush::discard() {
  part_ = {};
  if (!output_.file.empty()) (void)env_.files.remove(work_.directory + "/" + output_.file);
  output_ = {};
}

}  // namespace hf
