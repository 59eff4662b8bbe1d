// SPDX-License-Identifier: Apache-2.0
//
// The rows of a part's rarer event names, listed beside the columns: questions about signups need
// not touch the rows of page views. Writing and reading stand side by side here, as in footer.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "calendar/zone.h"
#include "store/page.h"
#include "store/part.h"

namespace hf {

/// Which names of a part get postings: the rarest first, each with at most `each_per_mille` of the
/// rows, all together with at most `all_per_mille`. All names at 1000, none at 0.
struct PostingRule {
  std::uint32_t each_per_mille = 20;
  std::uint32_t all_per_mille = 300;
};
/// The first code that gets postings, as all after it do. Requires names in code order.
[[nodiscard]] std::uint32_t first_posting_code(std::span<const NameInfo> names, RowNumber row_count,
                                               const PostingRule& rule);

/// The rows of one name and their times, ascending by row.
struct PostingRows {
  std::vector<RowNumber> rows;
  std::vector<TimestampMs> times;
};

/// Entries per page.
inline constexpr std::uint32_t posting_page_entries = part_format::page_rows;

/// Requires at least one row. Returns one reference per posting_page_entries.
[[nodiscard]] Result<std::vector<PageRef>> write_postings(PageWriter& pages,
                                                          const PostingRows& list);
/// Appends a page's entries, `count` of them. `row_count` is the part's, `name` gives the times'
/// bounds. Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_posting_page(std::string_view payload, std::uint32_t count,
                                             RowNumber row_count, const NameInfo& name,
                                             PostingRows& list);

/// The same rows by their owners. Reads, of shared runs, the ids of the rows listed.
/// Errors: those of Part's readers.
[[nodiscard]] Result<Postings> with_owners(const Part& part, PostingRows list);

}  // namespace hf
