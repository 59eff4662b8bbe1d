// SPDX-License-Identifier: Apache-2.0
//
// Holds docs/format/part.md and manifest.md to the bytes: a part of three events is read here with
// nothing but what the page says.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/sim_env.h"
#include "identity/person_key.h"
#include "store/footer.h"
#include "store/manifest.h"
#include "store/page.h"
#include "store/part_builder.h"
#include "store/postings.h"

namespace hf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string doc(const std::string& name) {
  std::ifstream in(std::string(HOLDFAST_SOURCE_DIR) + "/docs/format/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

constexpr TimestampMs day = 86'400'000;

std::string tiny_part() {
  PartBuilder builder(20'000 * day);
  const std::array<PropertyView, 1> paid = {
      {{"amount", {.kind = ValueKind::number, .number = {1995, 2}}}}};
  builder.add({.user_id = "ann",
               .name = "pay",
               .time_ms = 19'003 * day,
               .message_id = "m1",
               .properties = paid});
  builder.add({.anonymous_id = "x", .name = "page", .time_ms = 19'001 * day, .channel = "web"});
  builder.add({.user_id = "ann", .anonymous_id = "x", .name = "page", .time_ms = 19'000 * day});
  SimEnv sim(1);
  PersonRegistry persons(HashKey{}, 5);
  EXPECT_TRUE(builder.write(sim.env(), {"", "part", "shop", HashKey{}}, persons, {}));
  return read_file(sim.env(), "/part", 1 << 20).value_or("");
}

template <class T>
T at(const std::string& bytes, std::size_t offset) {
  return load_le<T>(bytes.data() + offset);
}

struct RawPage {
  std::uint8_t kind;
  std::size_t offset;
  std::size_t size;  // Header included.
  std::string payload;
};

// By the tables "The whole file" and "Page".
std::vector<RawPage> pages_of(const std::string& part) {
  std::vector<RawPage> pages;
  for (std::size_t offset = 64; offset < part.size() - 32;) {
    const auto kind = at<std::uint8_t>(part, offset);
    const std::size_t crc_at = (kind & 0x80) != 0 ? 56 : 12;
    const auto stored_bytes = at<std::uint32_t>(part, offset + 8);
    EXPECT_EQ(at<std::uint16_t>(part, offset + 2), 0);
    const std::string stored = part.substr(offset + crc_at + 4, stored_bytes);
    EXPECT_EQ(at<std::uint32_t>(part, offset + crc_at),
              crc32c(stored, crc32c(part.substr(offset, crc_at))));
    std::string payload = stored;
    if (at<std::uint8_t>(part, offset + 1) == 1) {
      payload.resize(at<std::uint32_t>(part, offset + 4));
      EXPECT_EQ(ZSTD_decompress(payload.data(), payload.size(), stored.data(), stored.size()),
                payload.size());
    } else {
      EXPECT_EQ(at<std::uint8_t>(part, offset + 1), 0);
    }
    EXPECT_EQ(at<std::uint32_t>(part, offset + 4), payload.size());
    if (crc_at == 56) {
      EXPECT_EQ(part.substr(offset + 12, 44), std::string(44, '\0'));
    }
    pages.push_back({kind, offset, crc_at + 4 + stored_bytes, std::move(payload)});
    offset += pages.back().size;
  }
  return pages;
}

TEST(PartFormatDoc, DescribesHeaderAndTrailer) {
  const std::string part = tiny_part();
  EXPECT_EQ(part.substr(0, 8), "HFPART01");
  EXPECT_EQ(at<std::uint16_t>(part, 8), 1);
  EXPECT_EQ(at<std::uint16_t>(part, 10), 64);
  EXPECT_EQ(at<std::uint32_t>(part, 12), 65'536u);
  EXPECT_EQ(part.substr(16, 44), std::string(44, '\0'));
  EXPECT_EQ(at<std::uint32_t>(part, 60), crc32c(part.substr(0, 60)));
  const std::string trailer = part.substr(part.size() - 32);
  const auto footer = pages_of(part).back();
  EXPECT_EQ(at<std::uint64_t>(trailer, 0), footer.offset);
  EXPECT_EQ(at<std::uint32_t>(trailer, 8), footer.size);
  EXPECT_EQ(at<std::uint64_t>(trailer, 12), 0u);
  EXPECT_EQ(at<std::uint32_t>(trailer, 20), crc32c(trailer.substr(0, 20)));
  EXPECT_EQ(trailer.substr(24), "HFPART01");
}

TEST(PartFormatDoc, DescribesThePagesInTheirOrder) {
  const auto pages = pages_of(tiny_part());
  std::vector<int> kinds;
  for (const RawPage& page : pages) kinds.push_back(page.kind);
  // Directory; time, name, id_code, received_at; channel; message_id; amount; ids; both keys;
  // links; footer.
  ASSERT_THAT(kinds, ElementsAre(1, 2, 2, 2, 2, 0x82, 2, 0x83, 2, 0x81, 3, 3, 0x84, 4));
  const auto bytes = [](std::initializer_list<int> values) {
    std::string out;
    for (const int value : values) out += static_cast<char>(value);
    return out;
  };
  EXPECT_EQ(pages[0].payload, bytes({2, 5, 1, 2, 1})) << "persons 5 and 6 with 2 rows and 1";
  ByteWriter times;
  times.bytes(bytes({0, 1}));
  times.signed_varint(19'000 * day);
  times.varint(static_cast<std::uint64_t>(day));
  times.bytes(bytes({0, 3, 1}));
  EXPECT_EQ(pages[1].payload, times.str());
  EXPECT_EQ(pages[2].payload, bytes({0, 0, 0, 0, 3, 0, 1, 0, 1, 0})) << "page, pay, page";
  EXPECT_EQ(pages[3].payload, bytes({0, 0, 0, 0, 3, 0, 1, 1, 0, 0})) << "ann with x, ann; x";
  ByteWriter received;
  received.bytes(bytes({0, 0, 0, 0, 3}));
  received.signed_varint(20'000 * day);
  received.u8(0);
  EXPECT_EQ(pages[4].payload, received.str());
  EXPECT_EQ(pages[5].payload, bytes({1, 3}) + "web");
  EXPECT_EQ(pages[6].payload, bytes({1, 0, 0, 0, 1, 4, 0, 0})) << "row 2 only, by a bitmap";
  EXPECT_EQ(pages[7].payload, bytes({0, 2, 0}) + "m1");
  EXPECT_EQ(pages[8].payload, bytes({1, 0, 2, 0, 1, 2}) + bytes({0x96, 0x1f, 0})) << "19.95";
  EXPECT_EQ(pages[9].payload, bytes({2, 2, 3}) + "ann" + bytes({0, 3}) + "ann" + bytes({1}) + "x" +
                                  bytes({1, 0, 1}) + "x");
  const auto key = [&](const std::string& text) {
    const Hash128 hash = keyed_hash128(HashKey{}, text);
    ByteWriter out;
    out.fixed(hash.high);
    out.fixed(hash.low);
    return out.take();
  };
  EXPECT_EQ(pages[10].payload, key("uann") + key("ax"));
  EXPECT_EQ(pages[11].payload, key(bytes({4}) + "shopm1"));
  ByteWriter link;
  link.bytes(bytes({0, 3}) + "ann" + bytes({1}) + "x");
  link.signed_varint(19'000 * day);
  EXPECT_EQ(pages[12].payload, link.str());
}

TEST(PartFormatDoc, DescribesOwnersAndSources) {
  PartBuilder builder(20'000 * day);
  builder.add({.user_id = "ann", .name = "pay", .time_ms = 19'003 * day}, "app");
  builder.add({.anonymous_id = "x", .name = "page", .time_ms = 19'001 * day});
  builder.add({.user_id = "bob", .name = "page", .time_ms = 19'001 * day});
  SimEnv sim(1);
  PersonRegistry persons(HashKey{}, 5);
  const Hash128 ann = person_key({}, IdKind::user, "ann");
  const Hash128 x = person_key({}, IdKind::anonymous, "x");
  ASSERT_TRUE(builder.write(
      sim.env(),
      {"", "part", "shop", HashKey{}, [&](const Hash128& key) { return key == x ? ann : key; }},
      persons, {}));
  const auto pages = pages_of(read_file(sim.env(), "/part", 1 << 20).value());
  std::vector<int> kinds;
  for (const RawPage& page : pages) kinds.push_back(page.kind);
  // Directory; time, name, id_code, received_at; source; ids; person keys; owners; footer.
  ASSERT_THAT(kinds, ElementsAre(1, 2, 2, 2, 2, 0x82, 2, 0x81, 3, 5, 4));
  EXPECT_EQ(pages[5].payload, std::string("\x01\x03") + "app");
  ByteWriter owners;
  owners.varint(0);
  owners.varint(2);
  for (const auto& [ordinal, key] : {std::pair(5u, ann), std::pair(6u, x)}) {
    owners.varint(ordinal);
    owners.fixed(key.high);
    owners.fixed(key.low);
  }
  EXPECT_EQ(pages[9].payload, owners.str());
}

TEST(PartFormatDoc, DescribesPostings) {
  PartBuilder builder(20'000 * day);
  const auto add = [&](std::string_view user, std::string_view name, TimestampMs time) {
    builder.add({.user_id = user, .name = name, .time_ms = 19'000 * day + time});
  };
  add("ann", "page", 0);
  add("ann", "pay", 3'000);
  add("ann", "pay", 4'000);
  add("ann", "page", 5'000);
  add("bob", "page", 1);
  add("bob", "page", 2);
  add("bob", "pay", 302'000);
  SimEnv sim(1);
  PersonRegistry persons(HashKey{}, 5);
  ASSERT_TRUE(builder.write(sim.env(), {.directory = "", .file = "part", .postings = {1000, 430}},
                            persons, {}));
  const auto pages = pages_of(read_file(sim.env(), "/part", 1 << 20).value());
  std::vector<int> kinds;
  for (const RawPage& page : pages) kinds.push_back(page.kind);
  // Directory; time, name, id_code, received_at; ids; person keys; postings of "pay"; footer.
  ASSERT_THAT(kinds, ElementsAre(1, 2, 2, 2, 2, 0x81, 3, 7, 4));
  ByteWriter list;
  list.signed_varint(19'000 * day + 3'000);
  list.varint(1'000);
  list.u8(9);
  // 0, 1 and 299 s, nine bits each: 000000000, 100000000, 110101001, the lowest bit first.
  for (const int packed : {0x00, 0x02, 0xac, 0x04}) list.u8(static_cast<std::uint8_t>(packed));
  for (const int gap : {1, 0, 3}) list.varint(static_cast<std::uint64_t>(gap));
  EXPECT_EQ(pages[7].payload, list.str());

  ByteReader sections(pages.back().payload);
  std::uint8_t tag = 0;
  std::string_view body;
  while (sections.remaining() > 0) {
    tag = sections.u8();
    body = sections.text();
  }
  EXPECT_EQ(tag, 0x8b) << "the last one";
  ByteReader postings(body);
  EXPECT_EQ(postings.varint(), 1u) << "names with a list";
  EXPECT_EQ(postings.varint(), 1u) << "pay: the second most frequent";
  EXPECT_EQ(postings.varint(), 3u) << "entries";
  EXPECT_EQ(postings.varint(), 1u) << "pages";
  EXPECT_EQ(postings.varint(), pages[7].size);
  EXPECT_EQ(postings.signed_varint(), static_cast<std::int64_t>(pages[7].offset));
  EXPECT_TRUE(postings.complete());
}

TEST(PartFormatDoc, DescribesTheFooter) {
  const auto pages = pages_of(tiny_part());
  ByteReader sections(pages.back().payload);
  std::map<int, std::string_view> bodies;
  std::vector<int> tags;
  while (sections.remaining() > 0) {
    tags.push_back(sections.u8());
    bodies[tags.back()] = sections.text();
  }
  ASSERT_TRUE(sections.complete());
  ASSERT_THAT(tags, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  ByteReader summary(bodies[1]);
  EXPECT_EQ(summary.varint(), 3u);
  EXPECT_EQ(summary.varint(), 2u);
  EXPECT_EQ(summary.signed_varint(), 19'000 * day);
  EXPECT_EQ(summary.signed_varint(), 19'003 * day);
  EXPECT_TRUE(summary.complete());
  ByteReader names(bodies[2]);
  EXPECT_EQ(names.varint(), 2u);
  EXPECT_EQ(names.text(), "page");
  EXPECT_EQ(names.varint(), 2u);
  EXPECT_EQ(names.signed_varint(), 19'000 * day);
  EXPECT_EQ(names.signed_varint(), 19'001 * day);
  EXPECT_EQ(names.text(), "pay");

  const auto expect_refs = [&](ByteReader& in, std::initializer_list<std::size_t> expected) {
    EXPECT_EQ(in.varint(), expected.size());
    std::uint64_t end = 0;
    for (const std::size_t page : expected) {
      EXPECT_EQ(in.varint(), pages[page].size);
      EXPECT_EQ(end + static_cast<std::uint64_t>(in.signed_varint()), pages[page].offset);
      end = pages[page].offset + pages[page].size;
    }
  };
  ByteReader columns(bodies[3]);
  ASSERT_EQ(columns.varint(), 7u);
  struct Column {
    int role;
    int kind;
    std::string property;
    std::uint64_t values;
    std::initializer_list<std::size_t> dictionary;
    std::size_t page;
  };
  for (const Column& expected : std::initializer_list<Column>{{1, 1, "", 3, {}, 1},
                                                              {2, 2, "", 3, {}, 2},
                                                              {3, 2, "", 3, {}, 3},
                                                              {4, 2, "", 3, {}, 4},
                                                              {6, 1, "", 1, {5}, 6},
                                                              {5, 1, "", 1, {}, 7},
                                                              {0, 2, "amount", 1, {}, 8}}) {
    SCOPED_TRACE(expected.role);
    const bool is_amount = expected.role == 0;
    EXPECT_EQ(columns.u8(), expected.role);
    EXPECT_EQ(columns.u8(), expected.kind);
    EXPECT_EQ(columns.text(), expected.property);
    EXPECT_EQ(columns.varint(), expected.values);
    EXPECT_EQ(columns.u8(), is_amount ? 2 : 0);
    for (int bound = 0; bound < 2; ++bound) {
      EXPECT_EQ(columns.signed_varint(), is_amount ? 1995 : 0);
      EXPECT_EQ(columns.u8(), is_amount ? 2 : 0);
    }
    EXPECT_EQ(columns.varint(), expected.dictionary.size());
    expect_refs(columns, expected.dictionary);
    expect_refs(columns, {expected.page});
  }
  EXPECT_TRUE(columns.complete());
  ByteReader directory(bodies[4]);
  expect_refs(directory, {0});
  EXPECT_TRUE(directory.complete());
  ByteReader ids(bodies[5]);
  expect_refs(ids, {9});
  ByteReader keys(bodies[6]);
  expect_refs(keys, {10});
  expect_refs(keys, {11});
  EXPECT_TRUE(keys.complete());
  ByteReader origin(bodies[7]);
  EXPECT_EQ(origin.text(), "shop");
}

TEST(PartFormatDoc, NamesTheConstantsOfTheCode) {
  const std::string text = doc("part.md");
  const auto row = [](std::size_t offset, std::string_view type, const std::string& value) {
    return fmt::format("| {} | {} | {} |", offset, type, value);
  };
  EXPECT_THAT(text, HasSubstr(row(0, "8 bytes", fmt::format("magic: `{}`", part_format::magic))));
  EXPECT_THAT(text,
              HasSubstr(row(8, "u16", fmt::format("format version: {}", part_format::version))));
  EXPECT_THAT(text,
              HasSubstr(row(10, "u16",
                            fmt::format("length of the header: {}", part_format::header_bytes))));
  EXPECT_THAT(text,
              HasSubstr(row(12, "u32", fmt::format("rows per page: {}", part_format::page_rows))));
  EXPECT_THAT(text,
              HasSubstr(fmt::format("| size - {0} | {0} | trailer |", part_format::trailer_bytes)));
  EXPECT_THAT(text, HasSubstr(fmt::format("| event names | {} |", part_format::names_max)));
  EXPECT_THAT(text, HasSubstr(fmt::format("| columns | {} |", part_format::columns_max)));
  EXPECT_THAT(text,
              HasSubstr(fmt::format("| bytes of ids | {} MiB", part_format::id_bytes_max >> 20)));
  EXPECT_THAT(text,
              HasSubstr(fmt::format("| payload of a page | {} MiB |", page_payload_max >> 20)));
  const PostingRule rule;
  EXPECT_THAT(text, HasSubstr(fmt::format("at most {} per mille of the part's\nrows and all "
                                          "together with at most {} per mille",
                                          rule.each_per_mille, rule.all_per_mille)));
  EXPECT_EQ(posting_page_entries, 65'536u);
  EXPECT_EQ(part_format::rows_max, 1u << 30);
  EXPECT_THAT(text, HasSubstr("| rows | 2^30 "));
}

TEST(ManifestFormatDoc, NamesEveryMemberAndTheFirstLine) {
  Manifest manifest;
  manifest.parts.push_back({.file = "00000001.part"});
  manifest.imports.push_back({.files = {{"a.csv", 1, "xxh3-128:00"}}});
  const std::string written = encode_manifest(manifest);
  const std::string text = doc("manifest.md");
  const std::string first_line = written.substr(0, written.find('='));
  EXPECT_THAT(text, HasSubstr("    " + first_line + "=<8 small hexadecimal digits>"));
  EXPECT_EQ(written.substr(first_line.size() + 1, 8),
            fmt::format("{:08x}", crc32c(written.substr(written.find('\n') + 1))));
  const std::regex member("\"([a-z_]+)\":");
  int members = 0;
  for (std::sregex_iterator it(written.begin(), written.end(), member), end; it != end; ++it) {
    const std::string name = (*it)[1];
    EXPECT_TRUE(text.find("`" + name + "`") != std::string::npos ||
                text.find("\n| " + name + " |") != std::string::npos)
        << name;
    ++members;
  }
  EXPECT_GT(members, 30);
}

}  // namespace
}  // namespace hf
