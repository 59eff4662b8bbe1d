// SPDX-License-Identifier: Apache-2.0
#include "store/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"

namespace hf {
namespace {

using ::testing::HasSubstr;

std::string any_text(Rng& rng) {
  static constexpr std::string_view pieces[] = {"a", "Größe", "\"",   "\\", "\n",
                                                "/", "{",     "\x01", "中"};
  std::string text;
  for (std::uint64_t n = rng.below(8); n > 0; --n) text += pieces[rng.below(std::size(pieces))];
  return text;
}
std::uint64_t any_count(Rng& rng) { return rng.next() >> rng.below(64); }

Manifest any_manifest(Rng& rng) {
  Manifest m;
  m.generation = any_count(rng);
  m.data_version = any_count(rng);
  m.store_id = {.high = rng.next(), .low = rng.next()};
  m.epoch = {.high = rng.next(), .low = rng.next()};
  for (std::byte& byte : m.hash_key) byte = static_cast<std::byte>(rng.next());
  m.next_person = static_cast<PersonOrdinal>(rng.next());
  m.next_part = static_cast<std::uint32_t>(rng.next());
  m.next_import = static_cast<std::uint32_t>(rng.next());
  m.log_end = 1 + rng.next() / 2;
  m.settings.timezone = any_text(rng);
  m.settings.currency = any_text(rng);
  m.settings.week_start = rng.chance(0.5) ? WeekStart::monday : WeekStart::sunday;
  m.settings.keep_events = rng.chance(0.5) ? "" : "P24M";
  const auto any_id = [&] {
    return PersonId{rng.chance(0.5) ? IdKind::user : IdKind::anonymous, any_text(rng)};
  };
  for (std::uint64_t n = rng.below(3); n > 0; --n) {
    m.links.push_back({rng.chance(0.5), any_id(), any_id(), rng.between(0, 1'000)});
  }
  const auto ascending = [&](std::vector<std::uint32_t>& out) {
    std::set<std::uint32_t> numbers;
    for (std::uint64_t n = rng.below(4); n > 0; --n) {
      numbers.insert(static_cast<std::uint32_t>(rng.next()));
    }
    out.assign(numbers.begin(), numbers.end());
  };
  int number = 0;
  for (auto* parts : {&m.parts, &m.first_seen}) {
    for (std::uint64_t n = rng.below(4); n > 0; --n) {
      PartEntry& part = parts->emplace_back();
      part = {.file = fmt::format("{:08}.part", ++number),
              .import = static_cast<std::uint32_t>(rng.below(4)),
              .group = static_cast<std::uint32_t>(rng.below(4)),
              .rows = any_count(rng),
              .persons = any_count(rng),
              .bytes = any_count(rng),
              .time_min = rng.between(INT64_MIN, INT64_MAX),
              .time_max = rng.between(INT64_MIN, INT64_MAX)};
      ascending(part.imports);
    }
  }
  ascending(m.erased);
  for (std::uint64_t n = rng.below(3); n > 0; --n) {
    m.purges.push_back(
        {{rng.between(-5, INT64_MAX), any_text(rng)}, static_cast<std::uint32_t>(rng.next())});
  }
  for (std::uint64_t n = rng.below(4); n > 0; --n) {
    ImportRecord& import = m.imports.emplace_back();
    import.id = static_cast<std::uint32_t>(n);
    import.state = static_cast<ImportState>(rng.below(3));
    import.started_at_ms = rng.between(0, INT64_MAX);
    import.finished_at_ms = rng.between(-1, 1);
    import.mapping = any_text(rng);
    for (std::uint64_t f = rng.below(3); f > 0; --f) {
      import.files.push_back({any_text(rng), any_count(rng), any_text(rng)});
    }
    import.counts = {any_count(rng), any_count(rng), any_count(rng), any_count(rng),
                     any_count(rng)};
    import.reject_bytes = any_count(rng);
    import.reject_crc32c = static_cast<std::uint32_t>(rng.next());
    import.position = {static_cast<std::uint32_t>(rng.between(0, std::ssize(import.files))),
                       any_count(rng), any_count(rng), any_count(rng)};
  }
  return m;
}

void expect_equal(const Manifest& a, const Manifest& b) {
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.data_version, b.data_version);
  EXPECT_EQ(a.store_id, b.store_id);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.hash_key, b.hash_key);
  EXPECT_EQ(a.next_person, b.next_person);
  EXPECT_EQ(a.next_part, b.next_part);
  EXPECT_EQ(a.next_import, b.next_import);
  EXPECT_EQ(a.log_end, b.log_end);
  EXPECT_EQ(a.settings, b.settings);
  EXPECT_EQ(a.links, b.links);
  EXPECT_EQ(a.parts, b.parts);
  EXPECT_EQ(a.first_seen, b.first_seen);
  EXPECT_EQ(a.erased, b.erased);
  EXPECT_EQ(a.purges, b.purges);
  ASSERT_EQ(a.imports.size(), b.imports.size());
  for (std::size_t i = 0; i < a.imports.size(); ++i) {
    const ImportRecord& x = a.imports[i];
    const ImportRecord& y = b.imports[i];
    const auto tie = [](const ImportRecord& r) {
      return std::tie(r.id, r.state, r.started_at_ms, r.finished_at_ms, r.mapping, r.counts,
                      r.reject_bytes, r.reject_crc32c, r.position.file, r.position.offset,
                      r.position.line, r.position.row);
    };
    EXPECT_EQ(tie(x), tie(y));
    ASSERT_EQ(x.files.size(), y.files.size());
    for (std::size_t f = 0; f < x.files.size(); ++f) {
      EXPECT_EQ(x.files[f].name, y.files[f].name);
      EXPECT_EQ(x.files[f].bytes, y.files[f].bytes);
      EXPECT_EQ(x.files[f].digest, y.files[f].digest);
    }
  }
}

TEST(Manifest, ReadsBackWhatWasWritten) {
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Manifest manifest = any_manifest(rng);
    const auto read = decode_manifest(encode_manifest(manifest));
    ASSERT_TRUE(read) << read.error().message;
    expect_equal(*read, manifest);
    ASSERT_EQ(encode_manifest(*read), encode_manifest(manifest));
  }
}

TEST(Manifest, NumbersItsPartFiles) {
  EXPECT_EQ((PartEntry{.file = "00000012.part"}.number()), 12u);
  EXPECT_EQ((PartEntry{.file = "123456789.part"}.number()), 123'456'789u);
  EXPECT_EQ((PartEntry{.file = "00000012.part.tmp"}.number()), 0u);
  EXPECT_EQ((PartEntry{.file = "old.part"}.number()), 0u);
}

std::string refusal(std::string_view bytes) {
  const auto read = decode_manifest(bytes);
  if (read) return "";
  EXPECT_EQ(read.error().code, ErrorCode::data_loss);
  EXPECT_EQ(read.error().reason, "bad_manifest");
  return read.error().message;
}

TEST(ManifestDamage, IsNoticedWhateverBitFlipsAndWhereverItIsCut) {
  Rng rng(5);
  Manifest manifest;
  while (manifest.parts.empty() || manifest.imports.empty()) manifest = any_manifest(rng);
  const std::string whole = encode_manifest(manifest);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(refusal(flipped), "") << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_NE(refusal(whole.substr(0, size)), "") << size;
  }
  EXPECT_NE(refusal(whole + "\n"), "");
}

// With a right checksum: what a faulty program or a hand has left.
std::string signed_again(const std::string& whole, std::string_view from, std::string_view to) {
  std::string body = whole.substr(whole.find('\n') + 1);
  const std::size_t at = body.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  body.replace(at, from.size(), to);
  return fmt::format("holdfast manifest 1 crc32c={:08x}\n{}", crc32c(body), body);
}

TEST(Manifest, SaysWhatIsWrongInIt) {
  Manifest manifest;
  manifest.parts.push_back({.file = "00000001.part", .import = 1});
  manifest.parts.push_back({.file = "00000002.part", .import = 1});
  manifest.imports.push_back({.id = 1});
  manifest.imports.push_back({.id = 2});
  const std::string whole = encode_manifest(manifest);
  const auto changed = [&](std::string_view from, std::string_view to) {
    return refusal(signed_again(whole, from, to));
  };
  EXPECT_EQ(changed("generation", "generation"), "");
  EXPECT_THAT(changed("\"generation\":0", "\"generation\":-1"), HasSubstr("generation"));
  EXPECT_THAT(changed("\"generation\":0,", ""), HasSubstr("generation"));
  EXPECT_THAT(changed("\"next_person\":0", "\"next_person\":4294967296"), HasSubstr("next_person"));
  EXPECT_THAT(changed("\"next_part\":1", "\"next_part\":\"1\""), HasSubstr("next_part"));
  EXPECT_THAT(changed("\"next_part\":1", "\"next_part\":1.5"), HasSubstr("next_part"));
  EXPECT_THAT(changed("monday", "friday"), HasSubstr("week_start"));
  EXPECT_THAT(changed("running", "walking"), HasSubstr("state"));
  EXPECT_THAT(changed("\"hash_key\":\"00", "\"hash_key\":\"zz"), HasSubstr("hash_key"));
  EXPECT_THAT(changed("\"hash_key\":\"00", "\"hash_key\":\""), HasSubstr("hash_key"));
  EXPECT_THAT(changed("\"position\":{", "\"position\":[{"), HasSubstr("JSON"));
  EXPECT_THAT(changed("\"file\":0", "\"file\":1"), HasSubstr("wrong import: 1"));
  EXPECT_THAT(changed("\"id\":2", "\"id\":1"), HasSubstr("wrong import: 1"));
  EXPECT_THAT(changed("00000002.part", "00000001.part"), HasSubstr("wrong part file"));
  EXPECT_THAT(changed("00000002.part", "../MANIFEST"), HasSubstr("wrong part file"));
  EXPECT_THAT(changed("00000002.part", "a/b"), HasSubstr("wrong part file"));
  EXPECT_THAT(changed("00000002.part", ""), HasSubstr("wrong part file"));
  EXPECT_THAT(refusal("holdfast manifest 2 crc32c=00000000\n{}\n"), HasSubstr("newer version"));
}

TEST(Manifest, ShowsThePartsOfDoneImportsOnly) {
  Manifest manifest;
  manifest.imports = {{.id = 1, .state = ImportState::running},
                      {.id = 2, .state = ImportState::done},
                      {.id = 3, .state = ImportState::undone}};
  EXPECT_FALSE(manifest.is_visible({.file = "a", .import = 1}));
  EXPECT_TRUE(manifest.is_visible({.file = "a", .import = 2}));
  EXPECT_FALSE(manifest.is_visible({.file = "a", .import = 3}));
  EXPECT_FALSE(manifest.is_visible({.file = "a", .import = 4}));
  EXPECT_EQ(manifest.find_import(2)->id, 2u);
  EXPECT_EQ(manifest.find_import(4), nullptr);
}

}  // namespace
}  // namespace hf
