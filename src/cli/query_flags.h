// SPDX-License-Identifier: Apache-2.0
//
// What the commands share that write a query from flags, so that what is shown can always be asked
// again as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/answer_screen.h"
#include "cli/asking.h"
#include "cli/chart.h"
#include "cli/session.h"
#include "metric/common_fields.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's.
class App;
}

namespace hf {

/// The flags that all commands which ask a question share. Whether a number is in its range, the
/// question says: what was said goes into it.
struct CommonArguments {
  AskingLimits limits;
  std::string from;
  std::string to;
  std::string last;
  std::string as_of;
  std::string timezone;
  std::string week_start;
  std::string where;
  std::string people;
  std::string unit;
  std::vector<std::string> breakdown;
  std::optional<std::int64_t> top;
  std::string attribution;
  std::optional<double> sample;
  std::string period;
  std::string members;
  std::optional<std::int64_t> limit;
  std::optional<std::string> cursor;
  std::string format = "table";
  bool show_query = false;
};

/// Which of them a question understands.
enum class Scope : std::uint8_t {
  events,  ///< All.
  people,  ///< Those that do not choose events.
};

void add_common_options(CLI::App& command, CommonArguments& a, Scope scope = Scope::events);
/// Of these, what the answer may cost.
void add_limit_options(CLI::App& command, AskingLimits& limits);

/// Writes the member unless it is empty.
void put_text(JsonWriter& out, std::string_view name, const std::string& value);
/// Writes the member if it was said.
void put_number(JsonWriter& out, std::string_view name, std::optional<std::int64_t> value);
/// A document given as JSON or as the file that holds it; `flag` is told in errors.
/// Errors: those of parse_json and of reading the file.
[[nodiscard]] Result<Json> json_argument(const Env& env, std::string_view flag,
                                         const std::string& argument);
/// "purchase" or a whole matcher as JSON, and what `more` adds to it.
/// Errors: those of parse_json.
[[nodiscard]] Result<void> write_matcher(JsonWriter& out, const std::string& argument,
                                         const std::function<void(const Json* matcher)>& more = {});
/// Writes the fields of the common flags into the query. Errors: those of json_argument().
[[nodiscard]] Result<void> write_common(JsonWriter& out, const CommonArguments& a,
                                        const Session::Reading& reading, const Env& env);

/// "397,884 events of 4,338 people, 1 Dec 2010 to 9 Dec 2011, Europe/London".
[[nodiscard]] std::string data_facts(const Session::Reading& reading, Words words);
/// The local date up to which the query sees data.
[[nodiscard]] std::string data_end(const Session::Reading& reading, const CommonFields& common);

/// Asks the question that `write` writes and prints the answer in the form the flags want, or the
/// question itself. Errors: those of `write`, of reading the store and of the question.
[[nodiscard]] Result<int> show_question(
    Session& session, const CommonArguments& a,
    const std::function<Result<std::string>(const Session::Reading&)>& write,
    const OwnWords& own = {});

}  // namespace hf
