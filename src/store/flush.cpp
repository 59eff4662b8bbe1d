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
  PersonRegistry persons(work_.hash_key, work_.person_end);
  for (const auto& [key, person] : work_.placement->of) persons.add(person.key, person.ordinal);
  HF_CHECK(add_owners(*work_.events, persons));
  const PartBuilder::Target target{.directory = work_.directory,
                                   .file = work_.file,
                                   .source = {},
                                   .hash_key = work_.hash_key,
                                   .canonical = work_.placement->canonical(),
                                   .zone = work_.zone,
                                   .keep_duplicates = true,
                                   .postings = work_.postings};
  HF_TRY(const PartSummary summary, joined(*work_.events)->write(env_, target, persons, {}));
  HF_ASSERT(persons.next() == work_.person_end);  // Everybody was known.
  output_ = PartEntry::of(work_.file, summary);
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
