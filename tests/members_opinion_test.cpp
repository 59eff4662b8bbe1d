// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on who is behind a cell by SQL (second_opinion.h).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "second_opinion.h"

namespace hf::test {
namespace {

/// A cell of an answer, and how a question of its members names it; what stands in it, where that
/// is a number of events or persons.
struct AskedCell {
  Cell cell;
  std::string json;
  std::optional<std::int64_t> value;
};

std::string bucket_json(const Json& bucket) {
  std::string list;
  for (const Json& item : bucket.array) {
    JsonWriter text;
    if (item.is_text()) text.text(item.text);
    list += (list.empty() ? "" : ",") + (item.is_null()     ? std::string("null")
                                         : item.is_object() ? std::string(R"({"other":true})")
                                                            : text.take());
  }
  return fmt::format(R"(,"bucket":[{}])", list);
}

/// One of the cells of an answer; nothing where it has none.
std::optional<AskedCell> cell_of(const Question& q, const Json& data, std::size_t choice) {
  const auto pick = [&](std::size_t n) {
    const std::size_t picked = choice % n;
    choice /= n;
    return picked;
  };
  const Json* groups = data.find("groups");
  AskedCell asked;
  Cell& cell = asked.cell;
  const Json* table = groups == nullptr ? &data : data.find("total");
  std::string bucket;
  if (groups != nullptr && !groups->array.empty()) {
    cell.group = static_cast<int>(pick(groups->array.size() + 1));
    if (cell.group > 0) {
      table = &groups->array[static_cast<std::size_t>(cell.group) - 1];
      bucket = bucket_json(*table->find("bucket"));
    }
  }
  const auto whole = [](const Json& value) { return std::stoll(value.text); };
  if (q.metric == Metric::trend) {
    const auto& periods = data.find("periods")->array;
    cell.series = static_cast<int>(pick(q.series.size()));
    cell.row = static_cast<int>(pick(periods.size() + 1)) - 1;
    const Json& series = table->find("series")->array.at(static_cast<std::size_t>(cell.series));
    asked.json = fmt::format(R"("series":{})", cell.series);
    const auto row = static_cast<std::size_t>(cell.row);
    if (cell.row >= 0) asked.json += fmt::format(R"(,"period":"{}")", periods[row].text);
    const Math math = q.series[static_cast<std::size_t>(cell.series)].math;
    if (math <= Math::monthly_active) {
      asked.value = whole(cell.row < 0 ? *series.find("total") : series.find("values")->array[row]);
    }
  } else {
    const bool is_retention = q.metric == Metric::retention;
    const auto& rows = table->find(is_retention ? "cohorts" : "periods")->array;
    if (rows.empty()) return std::nullopt;
    cell.row = static_cast<int>(pick(rows.size()));
    const Json& row = rows[static_cast<std::size_t>(cell.row)];
    const std::string& start = row.find("start")->text;
    if (is_retention) {
      const auto& cells = row.find("cells")->array;
      cell.column = static_cast<int>(pick(cells.size()));
      asked.json = fmt::format(R"("cohort":"{}","column":{})", start, cell.column);
      asked.value = whole(*cells[static_cast<std::size_t>(cell.column)].find("count"));
    } else {
      constexpr std::array kinds = {"new", "returning", "resurrecting", "dormant", "active"};
      cell.kind = kinds[pick(kinds.size())];
      asked.json = fmt::format(R"("period":"{}","kind":"{}")", start, cell.kind);
      asked.value = std::abs(whole(*row.find(cell.kind)));
    }
  }
  asked.json += bucket;
  return asked;
}

class MembersOpinion : public SecondOpinion {
 protected:
  void compare_members(const Subject& subject) {
    const WorldChoice choice = *any_world();
    const auto events = *rc::gen::nonEmpty(
        rc::gen::scale(0.7, rc::gen::container<std::vector<EventChoice>>(any_event())));
    World world(choice, events, *engine_, parquet());
    RC_ASSERT(sql_.load(parquet()) == static_cast<std::int64_t>(events.size()));
    for (int i = 0; i < 4; ++i) {
      QuestionChoice c = *any_question(subject);
      c.windows = 0;  // Their cells have names of their own.
      const Question question = question_of(c, choice);
      const std::string query = question.json();
      const auto answer = world.answer(query, question.now_ms, 1);
      if (!answer) continue;  // Of what is refused the answer's own tests speak.
      const Json json = parse_json(*answer).value();
      const auto asked =
          cell_of(question, *json.find("data"), static_cast<std::size_t>(*any_of(0, 1'000'000)));
      if (!asked) continue;
      const std::string question_of_members = fmt::format(
          R"({},"members":{{"cell":{{{}}}}}}})", query.substr(0, query.size() - 1), asked->json);
      const auto told = world.answer(question_of_members, question.now_ms, 1);
      if (!told) RC_LOG() << question_of_members << '\n' << told.error().message << '\n';
      RC_ASSERT(told.has_value());
      const std::vector<std::string> expected = sql_.members(question, asked->cell);
      const std::vector<std::string> lines = lines_of(*told, expected, asked->value);
      if (are_nearly(lines, expected)) continue;
      RC_LOG() << question_of_members << "\nnow " << rfc3339(question.now_ms) << "\nevents\n";
      for (const EventChoice& event : events) RC_LOG() << row_of(event, choice);
      RC_LOG() << differences(expected, lines);
      RC_FAIL("SQL and the engine disagree");
    }
  }

 private:
  // Where the answer tells no count of each, only who it is can be compared, and their total.
  static std::vector<std::string> lines_of(const std::string& told,
                                           const std::vector<std::string>& expected,
                                           std::optional<std::int64_t> value) {
    const Json json = parse_json(told).value();
    const Json& data = *json.find("data");
    std::vector<std::string> lines;
    for (const Json& member : data.find("members")->array) {
      const Json* unit = member.find("unit");
      const std::string& who = (unit != nullptr ? unit : member.find("person"))->text;
      const Json* count = member.find("count");
      const auto same = std::ranges::find_if(expected, [&](const std::string& line) {
        return line.substr(0, line.rfind(' ')) == who;
      });
      lines.push_back(count != nullptr         ? who + " " + count->text
                      : same == expected.end() ? who + " not in SQL's"
                                               : *same);
    }
    std::ranges::sort(lines);
    RC_ASSERT(std::stoull(data.find("count")->text) == lines.size());
    std::int64_t total = 0;
    for (const std::string& line : expected) total += std::stoll(line.substr(line.rfind(' ') + 1));
    const std::int64_t cell = std::stoll(data.find("total")->text);
    if (value && *value != cell) lines.push_back(fmt::format("cell {}, not {}", *value, cell));
    if (total != cell) lines.push_back(fmt::format("total {}, not {}", cell, total));
    return lines;
  }
};

TEST_F(MembersOpinion, SqlOverAnExportSaysWhoIsBehindACell) {
  using enum Metric;
  check_cases("members agree with SQL", 50, [&] {
    compare_members({.metrics = {trend, lifecycle, retention}, .maths = true, .dimensions = true});
  });
}

}  // namespace
}  // namespace hf::test
