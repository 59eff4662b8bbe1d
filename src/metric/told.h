// SPDX-License-Identifier: Apache-2.0
//
// Test support: a question asked in every way in which events can be read, and some of what it
// says.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "metric/answer_cells.h"
#include "metric/shop_questions.h"

namespace hf::test {

/// What a ' for " question is answered, the same by days, by rows, by lists and by events.
template <class World>
std::string ask_each_way(World& world, const std::string& question) {
  const Snapshot snapshot = world.snapshot();
  QueryContext context = world.context(1);
  const std::string data = ask_data(snapshot, context, quoted(question));
  const auto expect_same = [&](const char* without) {
    EXPECT_EQ(ask_data(snapshot, context, quoted(question)), data) << without << ' ' << question;
  };
  context.day_sets = false;
  expect_same("without days");
  context.postings = false;
  expect_same("without days and lists");
  context.bitmaps = false;
  expect_same("event by event");
  return data;
}

/// The values that a path of names, indexes and * leads to, parted by blanks: of {"a":[{"b":1},
/// {"b":2}]} "a.*.b" tells "1 2".
inline std::string told(const std::string& data, std::string_view path) {
  std::vector<const Json*> at;
  const Json all = parse_json(data).value();
  at.push_back(&all);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    std::vector<const Json*> next;
    for (const Json* json : at) {
      std::size_t index = 0;
      if (name == "*") {
        for (const Json& item : json->array) next.push_back(&item);
      } else if (json->is_array() &&
                 std::from_chars(name.data(), name.data() + name.size(), index).ec == std::errc{}) {
        if (index < json->array.size()) next.push_back(&json->array[index]);
      } else if (json->is_object() && json->find(name) != nullptr) {
        next.push_back(json->find(name));
      } else {
        ADD_FAILURE() << "no " << name << " in " << answer_cells::written(*json);
      }
    }
    at = std::move(next);
  }
  std::string values;
  for (const Json* json : at) {
    if (!values.empty()) values += ' ';
    values += json->is_text() ? json->text : answer_cells::written(*json);
  }
  return values;
}

}  // namespace hf::test
