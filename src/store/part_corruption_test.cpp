// SPDX-License-Identifier: Apache-2.0
//
// Parts that a disk, or a faulty writer, has damaged: nothing of it may be read as if it were data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory_file.h"
#include "base/sim_env.h"
#include "store/footer.h"
#include "store/page.h"
#include "store/part_builder.h"
#include "store/postings.h"
#include "store/rewritten_part.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;
using part_format::ColumnRole;
using part_format::PageKind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string path = "/parts/1.part";

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Every list the part has.
Result<void> read_postings(const Part& part) {
  for (std::uint32_t code = 0; code < part.names().size(); ++code) {
    if (part.has_postings(code)) HF_CHECK(part.postings(code));
  }
  return {};
}

class DamagedPart : public ::testing::Test {
 protected:
  DamagedPart() : sim_(1), cache_(1 << 20) {
    Rng rng(11);
    auto events = any_events(rng, 60);
    for (AnyEvent& event : events) event.message_id = fmt::format("m{}", rng.below(50));
    events.back().time = timestamp_end_ms - 1;  // At least one raw time.
    events.back().received.reset();
    PartBuilder builder(1'700'000'000'000);
    for (const AnyEvent& event : events) {
      event.with_view([&](const EventView& view) { builder.add(view); });
    }
    EXPECT_TRUE(sim_.env().files.make_directories("/parts"));
    PersonRegistry persons(HashKey{}, 0);
    EXPECT_TRUE(builder.write(sim_.env(),
                              {.directory = "/parts",
                               .file = "1.part",
                               .source = "shop",
                               .hash_key = {},
                               .zone = Zone::utc(),
                               .postings = {1000, 1000}},
                              persons, {}));
    whole_ = read_file(sim_.env(), path, 1 << 20).value_or("");
    const auto part = Part::open(sim_.env(), path, cache_).value();
    rows_ = read_rows(*part).value();
  }

  void put(std::string_view bytes) {
    const auto file = sim_.env().files.open(path, OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, as_bytes(bytes)));
  }

  /// Puts `bytes` in the part's place, reads all of it, and returns what was complained about:
  /// nothing if every check was passed. What reads without complaint must be the true rows.
  std::string complaint_about(std::string_view bytes) {
    put(bytes);
    const auto note = [&](const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::data_loss) << error.message;
      EXPECT_EQ(error.reason, "bad_part");
      EXPECT_THAT(error.message, StartsWith(path));
      return error.message;
    };
    const auto part = Part::open(sim_.env(), path, cache_);
    if (!part) return note(part.error());
    const auto rows = read_rows(**part);
    if (rows) {
      EXPECT_EQ(*rows, rows_);
    } else {
      (void)note(rows.error());
    }
    const auto listed = read_postings(**part);
    if (!listed) (void)note(listed.error());
    const auto verified = (*part)->verify();
    if (!verified) return note(verified.error());
    EXPECT_TRUE(rows);
    EXPECT_TRUE(listed);
    return "";
  }

  [[nodiscard]] std::string flipped(std::size_t bit) const {
    std::string bytes = whole_;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    return bytes;
  }

  SimEnv sim_;
  PageCache cache_;
  std::string whole_;
  std::vector<StoredRow> rows_;
};

TEST_F(DamagedPart, IsSoundBeforeItIsDamaged) {
  EXPECT_EQ(complaint_about(whole_), "");
  ASSERT_GT(whole_.size(), 1'000u);
}

TEST_F(DamagedPart, IsNoticedWhateverBitFlips) {
  Rng rng(1);
  std::vector<std::size_t> bits;
  for (int i = 0; i < 3'000; ++i) bits.push_back(rng.below(whole_.size() * 8));
  // Each byte of header and trailer, and of the postings and the footer page before the trailer.
  const RewrittenPart sound(whole_);
  const auto postings =
      std::ranges::find(sound.pages(), PageKind::postings, &RewrittenPart::Page::kind);
  ASSERT_NE(postings, sound.pages().end());
  for (std::size_t at = 0; at < part_format::header_bytes; ++at) bits.push_back(at * 8 + at % 8);
  for (std::size_t at = postings->offset; at < whole_.size(); ++at) bits.push_back(at * 8 + at % 8);
  for (const std::size_t bit : bits) {
    SCOPED_TRACE(fmt::format("bit {} of byte {} of {}", bit % 8, bit / 8, whole_.size()));
    const std::string complaint = complaint_about(flipped(bit));
    ASSERT_NE(complaint, "");
    ASSERT_THAT(complaint, HasSubstr("offset "));
  }
}

TEST_F(DamagedPart, IsNoticedWhereverItIsCutOffOrLengthened) {
  for (std::size_t size = 0; size < whole_.size(); ++size) {
    SCOPED_TRACE(size);
    ASSERT_NE(complaint_about(std::string_view(whole_).substr(0, size)), "");
  }
  ASSERT_NE(complaint_about(whole_ + '\0'), "");
  ASSERT_NE(complaint_about(whole_ + whole_.substr(0, 100)), "");
}

TEST_F(DamagedPart, IsNoticedWhereASectorReadsAsZerosOrAsAnotherOne) {
  for (std::size_t at = 0; at < whole_.size(); at += 512) {
    const std::size_t n = std::min<std::size_t>(512, whole_.size() - at);
    std::string bytes = whole_;
    bytes.replace(at, n, n, '\0');
    ASSERT_NE(complaint_about(bytes), "") << at;
    if (at == 0 || n < 512) continue;
    bytes = whole_;
    bytes.replace(at, n, whole_, 0, n);
    ASSERT_NE(complaint_about(bytes), "") << at;
  }
}

TEST_F(DamagedPart, SaysWhereItIsDamaged) {
  EXPECT_EQ(complaint_about(""), path + ": offset 0: file too short to be a part");
  EXPECT_EQ(complaint_about(flipped(0)), path + ": offset 0: no part file");
  EXPECT_EQ(complaint_about(flipped(8 * 8)), path + ": offset 0: header checksum does not match");
  EXPECT_EQ(
      complaint_about(flipped((whole_.size() - 30) * 8)),
      fmt::format("{}: offset {}: trailer checksum does not match", path, whole_.size() - 32));
  EXPECT_EQ(complaint_about(flipped((whole_.size() - 1) * 8)),
            fmt::format("{}: offset {}: file ends without its trailer", path, whole_.size() - 32));
  EXPECT_EQ(complaint_about(flipped((part_format::header_bytes + 17) * 8)),
            fmt::format("{}: offset 64: page checksum (CRC-32C) does not match", path));
}

TEST_F(DamagedPart, IsNoticedWhenItShrinksWhileItIsOpen) {
  const auto part = Part::open(sim_.env(), path, cache_).value();
  ASSERT_TRUE(sim_.env().files.open(path, OpenMode::update).value()->truncate(100));
  EXPECT_THAT(part->times(0).error().message, HasSubstr("shorter than it was"));
}

// What only a faulty writer can have left, every checksum being right.
class MiswrittenPart : public DamagedPart {
 protected:
  MiswrittenPart() : rewritten_(whole_), payload_(rewritten_.footer_payload()) {}

  std::string complaint_about_footer(const Footer& footer) {
    return complaint_about_payload(encode_footer(footer));
  }
  std::string complaint_about_payload(std::string_view payload) {
    return complaint_about(rewritten_.with_footer(payload));
  }
  FooterColumn& column(Footer& footer, ColumnRole role, ValueKind kind) {
    const auto found = std::ranges::find_if(footer.columns, [&](const FooterColumn& c) {
      return c.info.role == role && (role != ColumnRole::property || c.info.kind == kind);
    });
    EXPECT_NE(found, footer.columns.end());
    return *found;
  }

  const RewrittenPart rewritten_;
  const std::string payload_;  // Of the footer.
};

TEST_F(MiswrittenPart, IsSoundWithTheFooterItHad) {
  EXPECT_EQ(rewritten_.with_footer(payload_), whole_);
  EXPECT_EQ(rewritten_.with_payload(0, rewritten_.pages()[0].payload), whole_);
  EXPECT_EQ(encode_footer(rewritten_.footer()), payload_);
}

TEST_F(MiswrittenPart, MayHaveSectionsThatSayTheyCanBePassedOver) {
  ByteWriter section;
  section.u8(0x80 | 40);
  section.text("from the future");
  EXPECT_EQ(complaint_about_payload(payload_ + section.str()), "");
  section.clear();
  section.u8(40);
  section.text("from the future");
  EXPECT_THAT(complaint_about_payload(payload_ + section.str()), HasSubstr("newer version"));
}

TEST_F(MiswrittenPart, IsRefusedWhenItsSectionsAreMissingRepeatedOrOutOfOrder) {
  // The sections one by one.
  std::vector<std::string> sections;
  ByteReader in(payload_);
  while (in.remaining() > 0) {
    ByteWriter section;
    section.u8(in.u8());
    section.text(in.text());
    sections.push_back(section.take());
  }
  ASSERT_EQ(sections.size(), 10u);
  const std::size_t postings = payload_.size() - sections[9].size();
  const std::size_t days = postings - sections[8].size();
  const std::size_t links = days - sections[7].size();
  EXPECT_EQ(complaint_about_payload(payload_.substr(0, postings)), "")
      << "a part may have no postings";
  EXPECT_EQ(complaint_about_payload(payload_.substr(0, days)), "") << "nor days";
  EXPECT_EQ(complaint_about_payload(payload_.substr(0, links)), "") << "nor links";
  EXPECT_THAT(complaint_about_payload(payload_ + sections[8]), HasSubstr("twice"));
  EXPECT_THAT(complaint_about_payload(payload_ + sections[9]), HasSubstr("twice"));
  // Wherever they stand: the names they go by may come later.
  EXPECT_EQ(
      complaint_about_payload(sections[0] + sections[9] +
                              payload_.substr(sections[0].size(), postings - sections[0].size())),
      "");
  for (std::size_t left_out = 0; left_out < 7; ++left_out) {
    std::string payload;
    for (std::size_t i = 0; i < sections.size(); ++i) {
      if (i != left_out) payload += sections[i];
    }
    EXPECT_NE(complaint_about_payload(payload), "") << left_out;
    EXPECT_THAT(complaint_about_payload(payload_ + sections[left_out]), HasSubstr("twice"));
  }
  std::string summary_last = payload_.substr(sections[0].size()) + sections[0];
  EXPECT_THAT(complaint_about_payload(summary_last), HasSubstr("begin with its summary"));
  EXPECT_NE(complaint_about_payload(""), "");
  for (std::size_t size = 0; size < payload_.size(); ++size) {
    if (size == postings || size == days || size == links) continue;
    ASSERT_NE(complaint_about_payload(std::string_view(payload_).substr(0, size)), "") << size;
  }
}

TEST_F(MiswrittenPart, IsRefusedWhenAnythingInItsFooterContradictsItsPages) {
  const auto changed = [&](auto&& change) {
    Footer footer = rewritten_.footer();
    change(footer);
    return complaint_about_footer(footer);
  };
  EXPECT_NE(changed([](Footer& f) { ++f.row_count; }), "");
  EXPECT_NE(changed([](Footer& f) { --f.row_count; }), "");
  EXPECT_NE(changed([](Footer& f) { f.row_count = part_format::rows_max; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.person_count; }), "");
  EXPECT_NE(changed([](Footer& f) { --f.person_count; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.time_min; }), "");
  EXPECT_NE(changed([](Footer& f) { --f.time_max; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.names[0].count; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.names[0].time_max; }), "");
  EXPECT_NE(changed([](Footer& f) { --f.names[0].time_min; }), "");
  EXPECT_NE(changed([](Footer& f) { f.names.pop_back(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.names.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.names[1].name = f.names[0].name; }), "");
  EXPECT_NE(changed([](Footer& f) { f.directory_pages.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.directory_pages.push_back(f.directory_pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.id_pages.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.id_pages.push_back(f.id_pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.id_key_pages.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.id_key_pages.push_back(f.id_key_pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.message_key_pages.push_back(f.message_key_pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.message_key_pages = f.directory_pages; }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_pages.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_pages.push_back(f.day_pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_pages = f.directory_pages; }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_rules[0].offset_s += 86'400; }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_rules[0].offset_s += 864'000; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.day_rules[0].from_ms; }), "");
  EXPECT_NE(changed([](Footer& f) { f.day_rules.push_back(f.day_rules[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].pages.clear(); }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].pages.push_back(f.postings[0].pages[0]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].pages = f.postings[1].pages; }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].pages = f.directory_pages; }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].pages[0] = {}; }), "");
  EXPECT_NE(changed([](Footer& f) { ++f.postings[0].count; }), "");
  EXPECT_NE(changed([](Footer& f) { --f.postings[0].count; }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].count = 0; }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[0].count = part_format::rows_max; }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings[1].name_code = f.postings[0].name_code; }), "");
  EXPECT_NE(changed([](Footer& f) { std::swap(f.postings[0], f.postings[1]); }), "");
  EXPECT_NE(changed([](Footer& f) { f.postings.push_back(f.postings[0]); }), "");
  EXPECT_NE(changed([](Footer& f) {
              f.postings.back().name_code = static_cast<std::uint32_t>(f.names.size());
            }),
            "");
  EXPECT_NE(changed([](Footer& f) { f.columns.push_back(f.columns.back()); }), "");
  EXPECT_NE(changed([](Footer& f) { f.columns.erase(f.columns.begin()); }), "");
  EXPECT_NE(changed([&](Footer& f) {
              column(f, ColumnRole::time, {}).pages[0].offset = whole_.size() + 1;
            }),
            "");
  EXPECT_NE(changed([&](Footer& f) { column(f, ColumnRole::time, {}).pages[0] = {}; }), "");
  EXPECT_NE(changed([&](Footer& f) { column(f, ColumnRole::name, {}).pages[0] = {}; }), "");
  EXPECT_NE(changed([&](Footer& f) { column(f, ColumnRole::received_at, {}).pages.clear(); }), "");
  EXPECT_NE(
      changed([&](Footer& f) { column(f, ColumnRole::raw_time, {}).info.kind = ValueKind::text; }),
      "");
  EXPECT_NE(changed([&](Footer& f) { column(f, ColumnRole::channel, {}).info.property = "x"; }),
            "");
  EXPECT_NE(changed([&](Footer& f) { ++column(f, ColumnRole::message_id, {}).info.value_count; }),
            "");
  const auto number = [&](Footer& f) -> ColumnInfo& {
    return column(f, ColumnRole::property, ValueKind::number).info;
  };
  EXPECT_NE(changed([&](Footer& f) { --number(f).value_count; }), "");
  EXPECT_NE(changed([&](Footer& f) { number(f).number_min = Decimal{0, 0}; }), "");
  EXPECT_NE(changed([&](Footer& f) { number(f).number_max = Decimal{0, 0}; }), "");
  EXPECT_NE(changed([&](Footer& f) { --number(f).scale_max; }), "");
  const auto boolean = [&](Footer& f) -> ColumnInfo& {
    return column(f, ColumnRole::property, ValueKind::boolean).info;
  };
  EXPECT_NE(changed([&](Footer& f) { boolean(f).dictionary_size = 3; }), "");
  EXPECT_NE(changed([&](Footer& f) { boolean(f).dictionary_size = 1; }), "");
  const auto text = [&](Footer& f) -> FooterColumn& {
    return column(f, ColumnRole::property, ValueKind::text);
  };
  EXPECT_NE(changed([&](Footer& f) { ++text(f).info.dictionary_size; }), "");
  EXPECT_NE(changed([&](Footer& f) { text(f).info.dictionary_size = 0; }), "");
  EXPECT_NE(changed([&](Footer& f) { text(f).dictionary_pages.clear(); }), "");
}

// Each list reads well by itself: only the rows can tell that it is not theirs.
TEST_F(MiswrittenPart, IsToldByItsRowsWhenItsPostingsAreOthers) {
  const auto listed = [&](std::uint32_t code) {
    const FooterPostings& postings = rewritten_.footer().postings[code];
    std::size_t page = 0;
    while (rewritten_.pages()[page].offset != postings.pages.at(0).offset) ++page;
    return page;
  };
  const auto read = [&](std::uint32_t code) {
    PostingRows list;
    const NameInfo& name = rewritten_.footer().names[code];
    EXPECT_TRUE(read_posting_page(rewritten_.pages()[listed(code)].payload,
                                  static_cast<std::uint32_t>(name.count),
                                  rewritten_.footer().row_count, name, list));
    return list;
  };
  const auto complaint_about_list = [&](std::uint32_t code, const PostingRows& list) {
    MemoryFile file;
    PageWriter pages(file, /*compress=*/false);
    const PageRef ref = write_postings(pages, list).value().at(0);
    EXPECT_TRUE(pages.flush());
    std::string stored(ref.stored_bytes, '\0');
    EXPECT_TRUE(file.read_at(0, std::as_writable_bytes(std::span(stored))));
    return complaint_about(
        rewritten_.with_payload(listed(code), decode_page(stored, PageKind::postings).value()));
  };
  ASSERT_EQ(rewritten_.footer().postings.size(), rewritten_.footer().names.size());
  const PostingRows sound = read(0);
  ASSERT_EQ(complaint_about_list(0, sound), "");

  // A time of the name, but another row's.
  PostingRows list = sound;
  const auto other = std::ranges::find_if(list.times, [&](TimestampMs time) {
    return time != list.times.front() && time != rewritten_.footer().names[0].time_min &&
           time != rewritten_.footer().names[0].time_max;
  });
  ASSERT_NE(other, list.times.end());
  *other = list.times.front();
  EXPECT_THAT(complaint_about_list(0, list), HasSubstr("differs from its name's postings"));

  // A row of another name in the place of each of its own.
  std::set<RowNumber> own(sound.rows.begin(), sound.rows.end());
  for (std::size_t i = 0; i < sound.rows.size(); ++i) {
    const RowNumber first = i == 0 ? 0 : sound.rows[i - 1] + 1;
    const RowNumber end =
        i + 1 < sound.rows.size() ? sound.rows[i + 1] : rewritten_.footer().row_count;
    for (RowNumber row = first; row < end; ++row) {
      if (own.contains(row)) continue;
      list = sound;
      list.rows[i] = row;
      ASSERT_THAT(complaint_about_list(0, list), HasSubstr("differs from its name's postings"));
    }
  }
}

TEST_F(MiswrittenPart, NeverAllocatesByTheWordOfACount) {
  const auto refused = [](auto&& read, const ByteWriter& payload) {
    const auto result = read(payload.str());
    return !result.has_value() && result.error().code == ErrorCode::data_loss;
  };
  constexpr std::uint64_t huge = std::uint64_t{1} << 60;
  ByteWriter payload;
  payload.varint(huge);
  payload.bytes("abc");
  EXPECT_TRUE(refused(
      [](std::string_view bytes) {
        RawIds ids;
        return read_id_page(bytes, 100, 100, ids);
      },
      payload));
  EXPECT_TRUE(refused(
      [](std::string_view bytes) {
        std::vector<PersonOrdinal> ordinals;
        std::vector<RowNumber> offsets = {0};
        return read_directory_page(bytes, 100, ordinals, offsets);
      },
      payload));
  // A count of pages that nothing follows: read as none, it would have hidden every message id.
  ByteWriter keys;
  keys.u8(6);
  ByteWriter body;
  body.varint(0);
  body.varint(5);
  keys.text(body.str());
  std::string sections;
  ByteReader in(payload_);
  while (in.remaining() > 0) {
    ByteWriter section;
    const std::uint8_t tag = in.u8();
    section.u8(tag);
    section.text(in.text());
    sections += tag == 6 ? keys.str() : section.str();
  }
  EXPECT_FALSE(decode_footer(sections));
}

// Wrong payloads need not be noticed (another event is an event, too), but nothing may crash, and
// what verify() finds sound every reader must be able to read.
TEST_F(MiswrittenPart, IsRefusedOrReadableWhateverItsPagesSay) {
  int refused = 0;
  int readable = 0;
  const auto edited = [](Rng& rng, std::string payload) {
    for (std::uint64_t n = rng.below(3) + 1; n > 0 && !payload.empty(); --n) {
      const std::size_t at =
          rng.below(rng.chance(0.5) ? std::min<std::size_t>(16, payload.size()) : payload.size());
      payload[at] = static_cast<char>(rng.chance(0.5) ? rng.next() : rng.below(4));
    }
    if (rng.chance(0.2)) payload.resize(rng.below(payload.size() + 3));
    return payload;
  };
  for (std::uint64_t seed = 0; seed < 6'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::size_t page = rng.below(rewritten_.pages().size() + 1);
    put(page == rewritten_.pages().size()
            ? rewritten_.with_footer(edited(rng, payload_))
            : rewritten_.with_payload(page, edited(rng, rewritten_.pages()[page].payload)));
    const auto part = Part::open(sim_.env(), path, cache_);
    if (!part) {
      ASSERT_EQ(part.error().code, ErrorCode::data_loss);
      ++refused;
      continue;
    }
    const auto rows = read_rows(**part);
    const auto listed = read_postings(**part);
    const auto verified = (*part)->verify();
    if (verified) {
      ASSERT_TRUE(rows) << rows.error().message;
      ASSERT_TRUE(listed) << listed.error().message;
      ++readable;
    } else {
      ASSERT_EQ(verified.error().code, ErrorCode::data_loss);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_GT(readable, 100);
}

}  // namespace
}  // namespace hf
