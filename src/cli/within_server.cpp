// SPDX-License-Identifier: Apache-2.0
#include "cli/within_server.h"

#include <fmt/format.h>

#include <charconv>

#include "base/json.h"
#include "cli/session.h"
#include "http/local_client.h"

namespace hf {

Result<std::optional<int>> run_within_server(const std::string& data, const std::string& language,
                                             const std::vector<std::string>& arguments) {
  JsonWriter out;
  out.begin_object().key("arguments").begin_array();
  for (const std::string& argument : arguments) out.text(argument);
  // What this process takes from its environment is not the server's.
  if (language.empty()) {
    out.text("--lang").text(choose_language("") == Language::chinese ? "zh" : "en");
  }
  out.end_array().end_object();
  HF_TRY(const auto answer,
         http::ask_local(http::socket_path_of(data), "POST", "/local/v1/run", out.str()));
  if (!answer) return std::optional<int>();
  HF_TRY(const Json json, parse_json(*answer));
  print(json.find("out")->text);
  print_error(json.find("err")->text);
  int code = 1;
  const std::string& text = json.find("exit")->text;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return std::optional(code);
}

Result<std::string> run_for_client(const Env& env, const Adapters& adapters, const Serving& serving,
                                   const std::string& body) {
  HF_TRY(const Json json, parse_json(body));
  const Json* const list = json.is_object() ? json.find("arguments") : nullptr;
  std::vector<std::string> arguments;
  if (list != nullptr && list->is_array()) {
    for (const Json& each : list->array) arguments.push_back(each.text);
  }
  if (arguments.empty()) {
    return fail(ErrorCode::invalid_argument, "bad_arguments", "arguments: a list of texts",
                "/arguments");
  }
  CapturedOutput captured;
  const int code = run_command(env, adapters, arguments, &serving);
  JsonWriter out;
  out.begin_object();
  out.key("exit").integer(code);
  out.key("out").text(captured.out);
  out.key("err").text(captured.err);
  out.end_object();
  return out.take();
}

Result<bool> is_served(const std::string& data) {
  HF_TRY(const auto answer, http::ask_local(http::socket_path_of(data), "GET", "/healthz", {}));
  return answer.has_value();
}

}  // namespace hf
