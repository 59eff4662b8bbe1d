// SPDX-License-Identifier: Apache-2.0
//
// Sources and keys: of the server that runs on the data directory, else of its state itself.
#include <fmt/format.h>

#include <functional>

#include "base/json.h"
#include "cli/command_table.h"
#include "cli/state_asking.h"
#include "http/access_api.h"
#include "service/access.h"

namespace hf {
namespace {

Result<Json> ask(Session& session, std::string_view method, const std::string& path,
                 const std::string& body, const LocalAsking& local) {
  HF_TRY(const std::string answer, ask_state(session, method, path, body, local));
  return parse_json(answer);
}

std::string_view member(const Json& json, std::string_view name) {
  const Json* const found = json.find(name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

std::string object_of(std::initializer_list<std::pair<std::string_view, std::string_view>> texts) {
  JsonWriter out;
  out.begin_object();
  for (const auto& [name, value] : texts) {
    if (!value.empty()) out.key(name).text(value);
  }
  out.end_object();
  return out.take();
}

Result<int> list_sources(Session& session, bool as_json = false) {
  HF_TRY(const std::string text, ask_state(session, "GET", "/api/v1/sources", "",
                                           [](State& state) { return http::source_list(state); }));
  if (as_json) {
    print(text + "\n");
    return 0;
  }
  HF_TRY(const Json answer, parse_json(text));
  const Words words = session.words();
  for (const Json& source : answer.find("sources")->array) {
    const bool enabled = source.find("enabled")->boolean;
    print(fmt::format("{}  {}\n", pad_right(std::string(member(source, "name")), 20),
                      enabled ? words("enabled", "已启用") : words("disabled", "已停用")));
  }
  return 0;
}

Result<int> add_source(Session& session, const std::string& name) {
  const std::string body = object_of({{"name", name}});
  HF_CHECK(ask(session, "POST", "/api/v1/sources", body, in_transaction([&](StateChange& change) {
                 return http::new_source(change, session.env(), body);
               })));
  return list_sources(session);
}

Result<int> switch_source(Session& session, const std::string& name, bool enabled) {
  HF_CHECK(check_source_name(name));
  const std::string body = enabled ? R"({"enabled":true})" : R"({"enabled":false})";
  HF_CHECK(ask(session, "POST", "/api/v1/sources/" + name, body,
               in_transaction(
                   [&](StateChange& change) { return http::changed_source(change, name, body); })));
  return list_sources(session);
}

Result<int> list_keys(Session& session, bool as_json = false) {
  HF_TRY(const std::string text, ask_state(session, "GET", "/api/v1/keys", "",
                                           [](State& state) { return http::key_list(state); }));
  if (as_json) {
    print(text + "\n");
    return 0;
  }
  HF_TRY(const Json answer, parse_json(text));
  const Words words = session.words();
  for (const Json& key : answer.find("keys")->array) {
    const std::string_view state =
        !member(key, "revoked_at").empty() ? words("revoked", "已吊销") : std::string_view();
    std::string line =
        fmt::format("{:>4}  {}  {}  ..{}  {} {}", member(key, "id"),
                    pad_right(std::string(member(key, "kind")), 5),
                    pad_right(std::string(member(key, "source")), 20), member(key, "hint"),
                    words("made", "创建于"), member(key, "created_at"));
    for (const auto& [name, shown] : {std::pair("last_used_at", words("last used", "最近使用")),
                                      std::pair("expires_at", words("expires", "失效于"))}) {
      if (!member(key, name).empty()) line += fmt::format("  {} {}", shown, member(key, name));
    }
    for (const std::string_view more : {member(key, "label"), state}) {
      if (!more.empty()) line += fmt::format("  {}", more);
    }
    print(line + "\n");
  }
  return 0;
}

struct KeyArguments {
  std::string kind = "write";
  std::string source;
  std::string label;
  std::string expires;
  std::string id;
};

Result<int> create_key(Session& session, const KeyArguments& arguments) {
  const std::string body = object_of({{"kind", arguments.kind},
                                      {"source", arguments.source},
                                      {"label", arguments.label},
                                      {"expires_at", arguments.expires}});
  HF_TRY(const Json key,
         ask(session, "POST", "/api/v1/keys", body, in_transaction([&](StateChange& change) {
               return http::new_key(change, session.env(), body);
             })));
  const Words words = session.words();
  // The key last, and alone on its line, for scripts.
  fmt::print(stderr, "{}\n",
             words("This is shown once; keep it safe:", "此密钥只显示一次，请妥善保存："));
  print(fmt::format("{}\n", member(key, "key")));
  return 0;
}

Result<int> revoke_key(Session& session, const std::string& id) {
  HF_CHECK(ask(session, "POST", "/api/v1/keys/" + id + "/revoke", "",
               in_transaction([&](StateChange& change) {
                 return http::revoked_key(change, session.env(), id);
               })));
  return list_keys(session);
}

void add_list(CommandTable& table, CLI::App& parent, const char* description, const char* examples,
              Result<int> (*run)(Session&, bool as_json)) {
  const auto format = std::make_shared<std::string>("table");
  Session& session = table.session();
  table
      .add_below(parent, "list", description, examples,
                 [&session, format, run] {
                   return reported([&] { return run(session, *format == "json"); });
                 })
      ->add_option("--format", *format, "Form of the list")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace

void add_access_commands(CommandTable& table) {
  Session& session = table.session();
  const auto name = std::make_shared<std::string>();
  CLI::App* source =
      table.add("source", "Where events come from: an app, a shop",
                "  holdfast source add web\n"
                "  holdfast source list\n"
                "  holdfast source list --format json",
                [&session] { return reported([&] { return list_sources(session); }); });
  source->require_subcommand(0, 1);
  const auto add_named = [&](const char* verb, const char* description, const char* examples,
                             std::function<Result<int>(const std::string&)> run) {
    table
        .add_below(*source, verb, description, examples,
                   [name, run = std::move(run)] { return reported([&] { return run(*name); }); })
        ->add_option("NAME", *name, "1 to 64 of a-z, 0-9, _ and -")
        ->type_name("NAME")
        ->required();
  };
  add_named("add", "Add a source", "  holdfast source add web",
            [&session](const std::string& n) { return add_source(session, n); });
  add_named("disable", "Refuse its keys from now on", "  holdfast source disable web",
            [&session](const std::string& n) { return switch_source(session, n, false); });
  add_named("enable", "Take its keys again", "  holdfast source enable web",
            [&session](const std::string& n) { return switch_source(session, n, true); });
  add_list(table, *source, "All sources",
           "  holdfast source list\n"
           "  holdfast source list --format json   for programs: as GET /api/v1/sources",
           list_sources);

  const auto arguments = std::make_shared<KeyArguments>();
  CLI::App* key = table.add("key", "Who may send events and who may ask",
                            "  holdfast key create --kind write --source web\n"
                            "  holdfast key create --kind read --label dashboard\n"
                            "  holdfast key list\n"
                            "  holdfast key list --format json\n"
                            "  holdfast key revoke 3",
                            [&session] { return reported([&] { return list_keys(session); }); });
  key->require_subcommand(0, 1);
  CLI::App* create = table.add_below(
      *key, "create", "Make a key; it is printed last, alone on its line",
      "  KEY=$(holdfast key create --kind write --source web)\n"
      "  holdfast key create --kind read --label dashboard\n"
      "  holdfast key create --kind read --expires 2027-01-01T00:00:00Z",
      [&session, arguments] { return reported([&] { return create_key(session, *arguments); }); });
  create->add_option("--kind", arguments->kind, "What it may do")
      ->check(CLI::IsMember({"write", "read", "admin"}))
      ->capture_default_str();
  create->add_option("--source", arguments->source, "Of a write key: whose events it sends")
      ->type_name("NAME");
  create->add_option("--label", arguments->label, "For people: who has it")->type_name("TEXT");
  create->add_option("--expires", arguments->expires, "Refused from then on (RFC 3339)")
      ->type_name("INSTANT");
  add_list(table, *key, "All keys, without themselves",
           "  holdfast key list\n"
           "  holdfast key list --format json   for programs: as GET /api/v1/keys",
           list_keys);
  table
      .add_below(*key, "revoke", "Refuse a key from now on, for good", "  holdfast key revoke 3",
                 [&session, arguments] {
                   return reported([&] { return revoke_key(session, arguments->id); });
                 })
      ->add_option("ID", arguments->id, "Its number in `holdfast key list`")
      ->type_name("ID")
      ->required();
}

}  // namespace hf
