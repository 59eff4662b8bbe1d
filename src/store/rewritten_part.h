// SPDX-License-Identifier: Apache-2.0
//
// Test support: a part taken apart into its pages and put together again with another payload in
// one of them and every checksum right, as only a faulty or newer writer leaves it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/sim_env.h"
#include "store/footer.h"
#include "store/page.h"

namespace hf::test {

class RewrittenPart {
 public:
  struct Page {
    part_format::PageKind kind;
    std::uint64_t offset;
    std::string payload;
  };

  /// Requires a sound part.
  explicit RewrittenPart(std::string_view whole) {
    const auto footer_ref = read_trailer(whole.substr(whole.size() - part_format::trailer_bytes));
    HF_ASSERT(footer_ref.has_value());
    for (std::uint64_t at = part_format::header_bytes; at <= footer_ref->offset;) {
      const auto kind = static_cast<part_format::PageKind>(whole[at]);
      // Bytes 8..11 are the length of what follows the header.
      const bool personal = (static_cast<std::uint8_t>(kind) & part_format::personal_bit) != 0;
      const std::size_t size = (personal ? 60 : 16) + load_le<std::uint32_t>(whole.data() + at + 8);
      auto payload = decode_page(whole.substr(at, size), kind);
      HF_ASSERT(payload.has_value());
      if (at == footer_ref->offset) {
        footer_payload_ = *std::move(payload);
      } else {
        pages_.push_back({kind, at, *std::move(payload)});
      }
      at += size;
    }
    auto footer = decode_footer(footer_payload_);
    HF_ASSERT(footer.has_value());
    footer_ = *std::move(footer);
  }

  /// All pages but the footer.
  [[nodiscard]] const std::vector<Page>& pages() const { return pages_; }
  [[nodiscard]] const Footer& footer() const { return footer_; }
  [[nodiscard]] const std::string& footer_payload() const { return footer_payload_; }

  [[nodiscard]] std::string with_payload(std::size_t page, std::string_view payload) const {
    return written([&](PageWriter& out) {
      std::map<std::uint64_t, PageRef> moved;
      for (std::size_t i = 0; i < pages_.size(); ++i) {
        moved[pages_[i].offset] =
            out.append(pages_[i].kind, i == page ? payload : pages_[i].payload).value();
      }
      Footer footer = footer_;
      const auto move = [&](std::vector<PageRef>& refs) {
        for (PageRef& ref : refs) {
          if (ref.stored_bytes != 0) ref = moved.at(ref.offset);
        }
      };
      for (auto* refs : {&footer.directory_pages, &footer.id_pages, &footer.id_key_pages,
                         &footer.message_key_pages, &footer.link_pages, &footer.owner_pages,
                         &footer.day_pages}) {
        move(*refs);
      }
      for (FooterColumn& column : footer.columns) {
        move(column.dictionary_pages);
        move(column.pages);
      }
      for (FooterPostings& postings : footer.postings) move(postings.pages);
      return write_footer(out, encode_footer(footer));
    });
  }
  [[nodiscard]] std::string with_footer(std::string_view payload) const {
    return written([&](PageWriter& out) {
      for (const Page& page : pages_) (void)out.append(page.kind, page.payload).value();
      return write_footer(out, payload);
    });
  }

 private:
  template <class Write>
  static std::string written(Write&& write) {
    SimEnv sim(1);
    const auto file = sim.env().files.open("/part", OpenMode::create).value();
    PageWriter pages(*file);
    HF_ASSERT(pages.append_raw(encode_part_header()).has_value());
    HF_ASSERT(write(pages).has_value());
    HF_ASSERT(pages.flush().has_value());
    return read_file(sim.env(), "/part", std::uint64_t{1} << 30).value();
  }

  std::vector<Page> pages_;
  std::string footer_payload_;
  Footer footer_;
};

}  // namespace hf::test
