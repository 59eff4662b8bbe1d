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
  std::string keep_events;
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
  if (arguments.keep_events == "forever") {
    record.keep_events = "";
  } else if (!arguments.keep_events.empty()) {
    HF_CHECK(parse_keep(arguments.keep_events));
    record.keep_events = arguments.keep_events;
  }
  if (record == SettingsRecord{}) return {};
  FrameBuilder frame;
  frame.add(encode_record(record));
  const auto append = [&](Store& store) -> Result<void> {
    HF_CHECK(store.append(frame));
    return {};
  };
  constexpr bool makes_directory = true;
  return session.with_own_store(append, makes_directory);
}

Result<int> settings(Session& session, const SettingsArguments& arguments) {
  HF_CHECK(change(session, arguments));
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::read));
  const Words words = session.words();
  const Settings& now = store->settings();
  const std::string_view start =
      now.week_start == WeekStart::monday ? words("monday", "星期一") : words("sunday", "星期日");
  const std::string_view keep =
      now.keep_events.empty() ? words("forever", "永久") : std::string_view(now.keep_events);
  for (const auto& [name, value] :
       {std::pair(words("timezone", "时区"), std::string_view(now.timezone)),
        std::pair(words("currency", "货币"), std::string_view(now.currency)),
        std::pair(words("week start", "每周起始日"), start),
        std::pair(words("keep events", "事件保留"), keep)}) {
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
      "  holdfast settings --week-start sunday\n"
      "  holdfast settings --keep-events P24M           older activity is purged day by day",
      session.owning([&session, arguments] { return settings(session, *arguments); }));
  table.set_owning(command);
  command
      ->add_option("--timezone", arguments->timezone,
                   "Whose days and months are counted (IANA name)")
      ->type_name("ZONE");
  command->add_option("--currency", arguments->currency, "Of money that names none (ISO 4217)")
      ->type_name("CODE");
  command->add_option("--week-start", arguments->week_start, "First day of a week")
      ->check(CLI::IsMember({"monday", "sunday"}))
      ->type_name("DAY");
  command
      ->add_option("--keep-events", arguments->keep_events,
                   "How long: P24M, P90D, .. or forever. append then purges what is older,\n"
                   "as purge does; who did what first stays known")
      ->type_name("DURATION");
}

}  // namespace hf
