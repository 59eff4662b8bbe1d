// SPDX-License-Identifier: Apache-2.0
//
// Saved queries. `query --saved` answers one: so it has all that `query` has.
#include "cli/saved_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "cli/command_table.h"
#include "cli/query_commands.h"
#include "cli/state_asking.h"
#include "http/saved_query_api.h"

namespace hf {
namespace {

struct SavedArguments {
  std::string name;
  std::string file = "-";
  std::string title;
  std::string description;
  std::string format = "table";
};

/// Of a directory that is there; one that was mistyped is told, not made.
Result<std::string> ask(Session& session, std::string_view method, const std::string& path,
                        const std::string& body, const LocalAsking& local) {
  if (!session.env().files.exists(session.data)) {
    return fail(ErrorCode::not_found, "no_data_directory",
                fmt::format("no Holdfast data in {}", session.data));
  }
  return ask_state(session, method, path, body, local);
}

std::string path_of(const std::string& name) { return "/api/v1/queries/" + name; }

std::string_view member(const Json& json, std::string_view name) {
  const Json* const found = json.find(name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

/// In the language at hand, where the query is a ready-made one.
std::string_view title_of(const Json& query, Words words) {
  const Json* const translations = query.find("translations");
  if (translations == nullptr || words.language == Language::english) return member(query, "title");
  return member(*translations->find("zh"), "title");
}

Result<int> list_saved(Session& session, bool as_json) {
  HF_TRY(const std::string text, ask(session, "GET", "/api/v1/queries", "",
                                     [](State& state) { return http::query_list(state); }));
  if (as_json) {
    print(text + "\n");
    return 0;
  }
  HF_TRY(const Json answer, parse_json(text));
  const Words words = session.words();
  const std::vector<Json>& queries = answer.find("queries")->array;
  int width = 0;
  for (const Json& query : queries) width = std::max(width, display_width(member(query, "name")));
  for (const Json& query : queries) {
    const bool is_built_in = query.find("built_in")->boolean;
    print(fmt::format("{}  {}{}\n", pad_right(member(query, "name"), width),
                      harmless(title_of(query, words)),
                      is_built_in ? words("  (ready-made)", "（内置）") : ""));
  }
  return 0;
}

Result<int> show_saved(Session& session, const std::string& name) {
  HF_TRY(const std::string question, saved_question(session, name));
  print(question + "\n");
  return 0;
}

Result<Json> put(Session& session, const std::string& name, std::string_view title,
                 std::string_view description, const Json& query) {
  HF_CHECK(check_query_name(name));  // It becomes part of a path.
  JsonWriter out;
  out.begin_object();
  if (!title.empty()) out.key("title").text(title);
  if (!description.empty()) out.key("description").text(description);
  out.key("query").json(query).end_object();
  const std::string body = out.take();
  HF_TRY(const std::string answer,
         ask(session, "PUT", path_of(name), body,
             in_transaction([&](StateChange& change) -> Result<http::AccessAnswer> {
               HF_TRY(const std::string by, saved_by(change, {}));
               return http::put_query(change, session.env(), name, by, body);
             })));
  return parse_json(answer);
}

Result<void> save(Session& session, const std::string& name, std::string_view title,
                  std::string_view description, const Json& query) {
  HF_TRY(const Json saved, put(session, name, title, description, query));
  print(fmt::format(
      fmt::runtime(session.words()("{} is saved, version {}\n", "已保存 {}，版本 {}\n")), name,
      member(saved, "version")));
  return {};
}

Result<int> save_one(Session& session, const SavedArguments& a) {
  HF_TRY(const std::string text, read_query(session.env(), a.file));
  HF_TRY(const Json query, parse_json(text));
  HF_CHECK(save(session, a.name, a.title, a.description, query));
  return 0;
}

/// What `saved list --format json` prints; the ready-made ones are there already.
Result<int> load_saved(Session& session, const std::string& file) {
  HF_TRY(const std::string text, read_query(session.env(), file));
  HF_TRY(const Json list, parse_json(text));
  const Json* const queries = list.is_object() ? list.find("queries") : nullptr;
  if (queries == nullptr || !queries->is_array()) {
    return fail(ErrorCode::invalid_argument, "wrong_type",
                "expected what `holdfast saved list --format json` prints", "/queries");
  }
  for (std::size_t i = 0; i < queries->array.size(); ++i) {
    const Json& one = queries->array[i];
    const std::string place = pointer_to("/queries", i);
    const Json* const query = one.is_object() ? one.find("query") : nullptr;
    if (query == nullptr) {
      return fail(ErrorCode::invalid_argument, "missing_field", "what is saved is a query",
                  place + "/query");
    }
    if (const Json* const built_in = one.find("built_in"); built_in && built_in->boolean) continue;
    const std::string name(member(one, "name"));
    auto saved = save(session, name, member(one, "title"), member(one, "description"), *query);
    if (saved) continue;
    saved.error().pointer.insert(0, place);
    return std::unexpected(std::move(saved).error());
  }
  return 0;
}

Result<int> remove_saved(Session& session, const std::string& name) {
  HF_CHECK(check_query_name(name));
  HF_CHECK(ask(session, "DELETE", path_of(name), "", in_transaction([&](StateChange& change) {
                 return http::removed_query(change, name, {});
               })));
  print(fmt::format(fmt::runtime(session.words()("{} is removed\n", "已移除 {}\n")), name));
  return 0;
}

}  // namespace

Result<std::string> saved_question(Session& session, const std::string& name) {
  HF_CHECK(check_query_name(name));
  HF_TRY(const std::string text, ask(session, "GET", path_of(name), "",
                                     [&](State& state) { return http::shown_query(state, name); }));
  HF_TRY(const Json shown, parse_json(text));
  JsonWriter out;
  out.json(*shown.find("query"));
  return out.take();
}

void add_saved_commands(CommandTable& table) {
  Session& session = table.session();
  const auto a = std::make_shared<SavedArguments>();
  CLI::App* saved =
      table.add("saved", "Questions saved under a name, and the ready-made ones",
                "  holdfast saved list\n"
                "  holdfast saved save weekly question.json --title \"Every week\"\n"
                "  holdfast query --saved repurchase\n"
                "  holdfast saved show repurchase\n"
                "  holdfast saved remove weekly",
                [&session, a] { return reported([&] { return list_saved(session, false); }); });
  saved->require_subcommand(0, 1);
  const auto add_name = [&](CLI::App* command) {
    command->add_option("NAME", a->name, "1 to 64 of a-z, 0-9, _ and -")
        ->type_name("NAME")
        ->required();
    return command;
  };
  table
      .add_below(*saved, "list", "All saved queries, and the ready-made ones",
                 "  holdfast saved list\n"
                 "  holdfast saved list --format json > saved.json   whole, for `saved load`",
                 [&session, a] {
                   return reported([&] { return list_saved(session, a->format == "json"); });
                 })
      ->add_option("--format", a->format, "Form of the list")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  add_name(table.add_below(
      *saved, "show", "Print a saved query as JSON",
      "  holdfast saved show repurchase\n"
      "  holdfast saved show repurchase | holdfast query - --explain",
      [&session, a] { return reported([&] { return show_saved(session, a->name); }); }));
  CLI::App* save_command = add_name(table.add_below(
      *saved, "save",
      "Save a query under a name, or replace the one there; it is checked, and replaced whole",
      "  holdfast saved save weekly question.json --title \"Every week\"\n"
      "  holdfast retention --period week --show-query | holdfast saved save weekly -",
      [&session, a] { return reported([&] { return save_one(session, *a); }); }));
  save_command->add_option("FILE", a->file, "File with the query, - for standard input")
      ->type_name("FILE")
      ->capture_default_str();
  save_command->add_option("--title", a->title, "For people; at most 200 bytes (default: the name)")
      ->type_name("TITLE");
  save_command->add_option("--description", a->description, "What it is for; at most 2,000 bytes")
      ->type_name("WORDS");
  add_name(table.add_below(
      *saved, "remove", "Remove a saved query", "  holdfast saved remove weekly",
      [&session, a] { return reported([&] { return remove_saved(session, a->name); }); }));
  table
      .add_below(*saved, "load",
                 "Save all queries of a file that `saved list --format json` printed, here or\n"
                 "elsewhere; others stay",
                 "  holdfast --data /srv/new saved load saved.json",
                 [&session, a] { return reported([&] { return load_saved(session, a->file); }); })
      ->add_option("FILE", a->file, "File with the list, - for standard input")
      ->type_name("FILE")
      ->capture_default_str();
}

}  // namespace hf
