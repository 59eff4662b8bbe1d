// SPDX-License-Identifier: Apache-2.0
//
// What the commands share that write a query from flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/asking.h"
#include "cli/chart.h"
#include "cli/session.h"
#include "metric/common_fields.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's.
class App;
}

namespace hf {

/// The flags that all commands which ask a question share.
struct CommonArguments {
  AskingLimits limits;
  std::string from;
  std::string to;
  std::string last;
  std::string as_of;
  std::string timezone;
  std::string week_start;
  std::string where;
  std::string breakdown;
  std::int64_t top = 0;
  std::string period;
  std::string format = "table";
  bool show_query = false;
};

void add_common_options(CLI::App& command, CommonArguments& a);
/// Of these, what the answer may cost.
void add_limit_options(CLI::App& command, AskingLimits& limits);

/// Writes the member unless it is empty.
void put_text(JsonWriter& out, std::string_view name, const std::string& value);
/// "purchase" or a whole matcher as JSON.
void write_matcher(JsonWriter& out, const std::string& argument);
/// Writes the fields of the common flags into the query.
void write_common(JsonWriter& out, const CommonArguments& a, const Session::Reading& reading,
                  const Env& env);

/// "397,884 events of 4,338 people, 1 Dec 2010 to 9 Dec 2011, Europe/London".
[[nodiscard]] std::string data_facts(const Session::Reading& reading, Words words);
/// The local date up to which the query sees data.
[[nodiscard]] std::string data_end(const Session::Reading& reading, const CommonFields& common);

/// Prints what needs no screen: the query itself, or the answer as JSON. False where there is more
/// to do.
[[nodiscard]] Result<bool> print_plainly(const CommonArguments& a, const Session::Reading& reading,
                                         const QueryContext& context, Asking& asking,
                                         const std::string& query);

}  // namespace hf
