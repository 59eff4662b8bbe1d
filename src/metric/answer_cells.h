// SPDX-License-Identifier: Apache-2.0
//
// Test support: what the JSON of an answer says, cell by cell, each as `members` names it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "metric/query.h"

namespace hf::test {

struct AnswerCell {
  std::string cell;  ///< As JSON.
  std::int64_t count = 0;
  bool is_of_persons = true;  ///< As many as it says, each once.
};

/// The data of an answer, whatever of it was measured or depends on how it was found left out.
inline std::string data_of(std::string_view answer) {
  const std::size_t at = answer.find(R"("data":)");
  HF_ASSERT(at != std::string_view::npos && answer.ends_with('}'));
  answer.remove_suffix(1);
  return std::string(answer.substr(at + 7));
}

/// The data of the answer to a question that must have one.
inline std::string ask_data(const Snapshot& snapshot, const QueryContext& context,
                            const std::string& query) {
  const auto answer = answer_query(snapshot, context, query);
  EXPECT_TRUE(answer) << query << ' ' << answer.error().message;
  return answer ? data_of(*answer) : "null";
}

namespace answer_cells {

inline std::int64_t integer(const Json& json) {
  return std::strtoll(json.text.c_str(), nullptr, 10);
}
inline std::string written(const Json& json) {
  JsonWriter out;
  out.json(json);
  return out.take();
}

/// Collects the cells of the tables of one answer.
class Collector {
 public:
  Collector(const Json& query, const Json& data) : query_(query), data_(data) {}

  std::vector<AnswerCell> collect() && {
    const Json* const groups = data_.find("groups");
    if (groups == nullptr) {
      add_table(data_, "", false);
    } else {
      for (const Json& group : groups->array) {
        const std::string bucket = written(*group.find("bucket"));
        // A person counts once for each value beyond the top.
        add_table(group, fmt::format(R"("bucket":{},)", bucket), bucket.contains("other"));
      }
      add_table(*data_.find("total"), "", false);
    }
    return std::move(cells_);
  }

 private:
  void add_table(const Json& table, const std::string& bucket, bool is_other) {
    bucket_ = bucket;
    is_of_persons_ = !is_other;
    const std::string& metric = query_.find("metric")->text;
    if (metric == "retention") add_retention(table);
    if (metric == "lifecycle") {
      add_kinds(*table.find("periods"), {"new", "returning", "resurrecting", "dormant", "active"});
    }
    if (metric == "stickiness") add_stickiness(table);
    if (metric == "trend") add_trend(table);
    if (metric == "funnel") add_funnel(table);
    if (metric == "segment_size") add_segment_size(table);
  }

  void add(std::string cell, std::int64_t count) {
    if (cell.empty() && !bucket_.empty()) {
      cell = bucket_.substr(0, bucket_.size() - 1);
    } else {
      cell = bucket_ + cell;
    }
    cells_.push_back({fmt::format("{{{}}}", cell), count, is_of_persons_});
  }

  void add_retention(const Json& table) {
    if (const Json* const initial = table.find("initial")) {
      add(R"("window":"initial")", integer(*initial->find("count")));
      add(R"("window":"retained")", integer(*table.find("retention")->find("numerator")));
      add(R"("window":"current")", integer(*table.find("current")->find("count")));
      return;
    }
    for (const Json& cohort : table.find("cohorts")->array) {
      const auto& cells = cohort.find("cells")->array;
      for (std::size_t column = 0; column < cells.size(); ++column) {
        add(fmt::format(R"("cohort":"{}","column":{})", cohort.find("start")->text, column),
            integer(*cells[column].find("count")));
      }
    }
  }

  void add_kinds(const Json& periods, std::initializer_list<const char*> kinds) {
    for (const Json& period : periods.array) {
      for (const char* kind : kinds) {
        add(fmt::format(R"("period":"{}","kind":"{}")", period.find("start")->text, kind),
            std::abs(integer(*period.find(kind))));
      }
    }
  }

  void add_stickiness(const Json& table) {
    if (const Json* const histogram = table.find("histogram")) {
      for (const Json& row : histogram->array) {
        add(fmt::format(R"("active_periods":{})", row.find("active_periods")->text),
            integer(*row.find("count")));
      }
    } else {
      add_kinds(*table.find("over_time"), {"dau", "wau", "mau"});
    }
  }

  void add_trend(const Json& table) {
    const auto& periods = data_.find("periods")->array;
    const auto& asked = query_.find("series")->array;
    for (std::size_t s = 0; s < asked.size(); ++s) {
      const Json* const named = asked[s].find("math");
      const std::string math = named == nullptr ? "total" : named->text;
      const bool of_persons = math == "unique" || math.ends_with("_active");
      if (!of_persons && math != "total") continue;  // Its value is no count.
      const Json& series = table.find("series")->array[s];
      const auto add_value = [&](std::string cell, const Json& value) {
        add(fmt::format(R"("series":{}{})", s, cell), integer(value));
        cells_.back().is_of_persons = of_persons && is_of_persons_;
      };
      for (std::size_t i = 0; i < periods.size(); ++i) {
        add_value(fmt::format(R"(,"period":"{}")", periods[i].text),
                  series.find("values")->array[i]);
      }
      add_value("", *series.find("total"));
    }
  }

  void add_funnel(const Json& table) {
    if (const Json* const steps = table.find("steps")) {
      std::int64_t before = 0;
      for (std::size_t k = 0; k < steps->array.size(); ++k) {
        const std::int64_t count = integer(*steps->array[k].find("count"));
        add(fmt::format(R"("step":{})", k + 1), count);
        if (k > 0) add(fmt::format(R"("step":{},"dropped":true)", k + 1), before - count);
        before = count;
      }
    } else if (const Json* const bins = table.find("bins")) {
      std::int64_t converted = 0;
      for (std::size_t i = 0; i < bins->array.size(); ++i) {
        add(fmt::format(R"("bin":{})", i), integer(*bins->array[i].find("count")));
        converted += cells_.back().count;
      }
      add("", converted);
    } else {
      add_kinds(*table.find("periods"), {"entered", "completed"});
    }
  }

  void add_segment_size(const Json& table) {
    add("", integer(*table.find("count")));
    const Json* const overlaps = table.find("exactly_in");
    if (overlaps == nullptr) return;
    for (const Json& overlap : overlaps->array) {
      add(fmt::format(R"("in":{})", written(*overlap.find("in"))), integer(*overlap.find("count")));
    }
  }

  const Json& query_;
  const Json& data_;
  std::string bucket_;
  bool is_of_persons_ = true;
  std::vector<AnswerCell> cells_;
};

}  // namespace answer_cells

/// All cells of an answer that count persons or events, of the total and of all groups.
inline std::vector<AnswerCell> cells_of(const std::string& query, const std::string& data) {
  const Json asked = parse_json(query).value();
  const Json answered = parse_json(data).value();
  return answer_cells::Collector(asked, answered).collect();
}

/// Calls visit(name, numerator, denominator) for each rate of an answer: those that are written as
/// rates, by the name they have, and persons counted of those eligible.
template <class Visit>
void for_each_rate(const Json& json, std::string_view name, Visit&& visit) {
  if (json.is_object()) {
    const auto ratio = [&](const char* numerator, const char* denominator) {
      const Json* const a = json.find(numerator);
      const Json* const b = json.find(denominator);
      if (a == nullptr || b == nullptr) return;
      visit(name, answer_cells::integer(*a), answer_cells::integer(*b));
    };
    ratio("numerator", "denominator");
    ratio("count", "eligible");
  }
  for (const Json& item : json.array) for_each_rate(item, name, visit);
  for (const auto& [member, value] : json.object) for_each_rate(value, member, visit);
}

}  // namespace hf::test
