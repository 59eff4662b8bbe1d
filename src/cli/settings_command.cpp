// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/command_table.h"
#include "log/record.h"
#include "store/store.h"

namespace hf {
namespace {

struct SettingsArguments {
  std::string timezone;
  std::string currency;
  std::string week_start;
};

Result<void> change(Session& session, const SettingsArguments& arguments) {
  SettingsRecord record;
  if (!arguments.timezone.empty()) {
    HF_CHECK(Zone::load(session.env(), arguments.timezone));
    record.timezone = arguments.timezone;
  }
  if (!arguments.currency.empty()) {
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (arguments.currency.size() != 3 || !std::ranges::all_of(arguments.currency, is_capital)) {
      return fail(ErrorCode::invalid_argument, "bad_currency",
                  fmt::format("a currency is its three capital letters of ISO 4217, like EUR, not "
                              "\"{}\"",
                              arguments.currency));
    }
    record.currency = arguments.currency;
  }
  if (!arguments.week_start.empty()) {
    record.week_start = arguments.week_start == "sunday" ? WeekStart::sunday : WeekStart::monday;
  }
  if (record == SettingsRecord{}) return {};
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::own));
  FrameBuilder frame;
  frame.add(encode_record(record));
  HF_CHECK(store->append(frame));
  return {};
}

Result<int> settings(Session& session, const SettingsArguments& arguments) {
  HF_CHECK(change(session, arguments));
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::read));
  const Words words = session.words();
  const Settings& now = store->settings();
  const std::string_view start =
      now.week_start == WeekStart::monday ? words("monday", "星期一") : words("sunday", "星期日");
  for (const auto& [name, value] :
       {std::pair(words("timezone", "时区"), std::string_view(now.timezone)),
        std::pair(words("currency", "货币"), std::string_view(now.currency)),
        std::pair(words("week start", "每周起始日"), start)}) {
    print(fmt::format("{}  {}\n", pad_right(name, 12), value));
  }
  return 0;
}

}  // namespace

void add_settings_command(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<SettingsArguments>();
  CLI::App* command = table.add(
      "settings", "Show or change what holds for the whole workspace",
      "  holdfast settings\n"
      "  holdfast settings --timezone Asia/Shanghai --currency CNY\n"
      "  holdfast settings --week-start sunday",
      [&session, arguments] { return reported([&] { return settings(session, *arguments); }); });
  command->add_option("--timezone", arguments->timezone,
                      "Whose days and months are counted (IANA name)");
  command->add_option("--currency", arguments->currency, "Of money that names none (ISO 4217)");
  command->add_option("--week-start", arguments->week_start, "monday or sunday")
      ->check(CLI::IsMember({"monday", "sunday"}));
}

}  // namespace hf
