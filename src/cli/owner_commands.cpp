// SPDX-License-Identifier: Apache-2.0
//
// The owner's account: who it is, and the link for another password.
#include <fmt/format.h>

#include "base/json.h"
#include "calendar/time_text.h"
#include "cli/command_table.h"
#include "cli/owner_link.h"
#include "service/account.h"

namespace hf {
namespace {

/// With the state of a data directory that is there; one that was mistyped is told, not made.
Result<void> with_state(Session& session, const std::function<Result<void>(State&)>& work) {
  if (!session.env().files.exists(session.data)) {
    return fail(ErrorCode::not_found, "no_data_directory",
                fmt::format("no Holdfast data in {}", session.data));
  }
  return session.with_own_state([&](State* present) -> Result<void> {
    if (present != nullptr) return work(*present);
    HF_TRY(const auto made, session.open_state());
    return work(*made);
  });
}

Result<int> print_link(Session& session) {
  std::string token;
  HF_CHECK(with_state(session, [&](State& state) -> Result<void> {
    HF_TRY(token, make_setup_token(state, session.env()));
    return {};
  }));
  // The path last, and alone on its line, for scripts.
  const Words words = session.words();
  print_error(fmt::format(
      "{}\n",
      words("Open this path on the server's own machine, at its address (http://127.0.0.1:8400\n"
            "unless it listens elsewhere). It works once, for 24 hours, and links made before do\n"
            "not work any more:",
            "请在服务器本机上，在其地址（默认为 http://127.0.0.1:8400）后打开以下路径。\n"
            "链接只能使用一次，24 小时内有效；之前生成的链接已失效：")));
  print(owner_link_path(token) + "\n");
  return 0;
}

Result<int> show_owner(Session& session, bool as_json) {
  std::optional<Account> owner;
  HF_CHECK(with_state(session, [&](State& state) -> Result<void> {
    HF_TRY(owner, find_owner(state));
    return {};
  }));
  const auto time = [](TimestampMs ms) { return format_rfc3339(ms, *Zone::utc()); };
  if (as_json) {
    JsonWriter out;
    out.begin_object();
    out.key("owner_exists").boolean(owner.has_value());
    if (owner) {
      out.key("name").text(owner->name);
      out.key("role").text(to_string(owner->role));
      out.key("created_at").text(time(owner->created_ms));
      if (owner->signed_in_ms) out.key("signed_in_at").text(time(*owner->signed_in_ms));
    }
    out.end_object();
    print(out.take() + "\n");
    return 0;
  }
  const Words words = session.words();
  if (!owner) {
    print(fmt::format("{}\n",
                      words("There is no owner yet. `holdfast owner link` shows how to become it.",
                            "尚无所有者。运行 `holdfast owner link` 可获取设置链接。")));
    return 0;
  }
  const auto line = [](std::string_view label, std::string_view value) {
    print(fmt::format("{}  {}\n", pad_right(std::string(label), 14), value));
  };
  line(words("name", "名称"), owner->name);
  line(words("created", "创建于"), time(owner->created_ms));
  line(words("last signed in", "最近登录"),
       owner->signed_in_ms ? time(*owner->signed_in_ms) : std::string(words("never", "从未")));
  return 0;
}

}  // namespace

std::string owner_link_path(std::string_view token) {
  return fmt::format("/console/welcome#{}", token);
}

void add_owner_commands(CommandTable& table) {
  Session& session = table.session();
  const auto format = std::make_shared<std::string>("table");
  const auto show =
      session.owning([&session, format] { return show_owner(session, *format == "json"); });
  CLI::App* owner =
      table.add("owner", "Who signs in to the console, and the link for another password",
                "  holdfast owner link\n"
                "  holdfast owner show\n"
                "  holdfast owner show --format json",
                show);
  owner->require_subcommand(0, 1);
  table.set_owning(owner);
  table.set_owning(table.add_below(
      *owner, "link",
      "Print a new link, good once, with which the owner sets a name and a password: the first\n"
      "time, or because the password was forgotten. All sessions end when it is used",
      "  holdfast owner link\n"
      "  holdfast --data /srv/shop owner link",
      session.owning([&session] { return print_link(session); })));
  CLI::App* shown = table.add_below(*owner, "show", "Name, when it was made, when last signed in",
                                    "  holdfast owner show\n"
                                    "  holdfast owner show --format json   for programs",
                                    show);
  shown->add_option("--format", *format, "Form of the answer")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  table.set_owning(shown);
}

}  // namespace hf
