// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/json.h"
#include "calendar/time_text.h"
#include "cli/command_table.h"
#include "service/erasure.h"
#include "service/person_card.h"
#include "service/upkeep.h"

namespace hf {
namespace {

struct PersonArguments {
  std::string a;
  std::string b;
  bool now = false;
  std::string format = "table";
};

struct PurgeArguments {
  std::string before;
  std::string event;
};

Result<int> link(Session& session, const PersonArguments& arguments, bool linked) {
  HF_TRY(const PersonId a, parse_person_id(arguments.a));
  HF_TRY(const PersonId b, parse_person_id(arguments.b));
  HF_CHECK(session.with_own_store([&](Store& store) {
    return linked ? link_persons(store, a, b) : unlink_persons(store, a, b);
  }));
  const Words words = session.words();
  print(fmt::format(fmt::runtime(linked ? words("{} and {} are one person\n", "{} 与 {} 是同一人\n")
                                        : words("nothing links {} and {} any more\n",
                                                "{} 与 {} 之间不再有关联\n")),
                    to_string(a), to_string(b)));
  return 0;
}

Result<int> show_ids(Session& session, const PersonArguments& arguments) {
  HF_TRY(const PersonId id, parse_person_id(arguments.a));
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::read));
  HF_TRY(const auto ids, store->ids_of(id));
  if (ids.empty()) {
    return fail(ErrorCode::not_found, "no_person", "nothing is known of this id");
  }
  for (const PersonId& each : ids) print(to_string(each) + "\n");
  return 0;
}

std::string card_json(const PersonCard& card, const Zone& zone) {
  JsonWriter out;
  const auto put_time = [&](std::string_view name, std::optional<TimestampMs> at) {
    out.key(name);
    if (at) {
      out.text(format_rfc3339(*at, zone));
    } else {
      out.null();
    }
  };
  out.begin_object().key("ids").begin_array();
  for (const PersonId& id : card.ids) out.text(to_string(id));
  out.end_array();
  put_time("first_seen", card.first_seen_ms);
  put_time("last_seen", card.last_seen_ms);
  out.key("events").begin_array();
  for (const PersonCard::EventName& event : card.events) {
    out.begin_object().key("event").text(event.name);
    out.key("count").integer(static_cast<std::int64_t>(event.count));
    put_time("first", event.first_ms);
    put_time("last", event.last_ms);
    out.end_object();
  }
  out.end_array().key("traits").begin_object();
  for (const TraitHistory& trait : card.traits) {
    out.key(trait.trait).begin_array();
    for (const TraitHistory::Entry& entry : trait.values) {
      out.begin_object();
      put_time("since", entry.time_ms);
      out.key("value");
      const bool is_json = entry.kind != ValueKind::text;
      is_json ? out.raw(entry.text) : out.text(entry.text);
      out.end_object();
    }
    out.end_array();
  }
  return out.end_object().end_object().take() + "\n";
}

using Lines = std::vector<std::vector<std::string>>;

/// The first line is the heading; columns but the last are padded, counts to the right.
std::string render_columns(const Lines& lines, std::size_t right_column, const Terminal& terminal) {
  std::vector<int> widths(lines.front().size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(line[i]));
    }
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool is_last = i + 1 == line.size();
      text += "  ";
      text += i == right_column ? pad_left(line[i], widths[i])
              : is_last         ? line[i]
                                : pad_right(line[i], widths[i]);
    }
    out += (&line == &lines.front() ? dim(text, terminal.color) : text) + "\n";
  }
  return out + "\n";
}

/// A line of a terminal: what comes from outside cannot move the cursor.
std::string shown(std::string_view text) {
  constexpr std::size_t bytes_max = 60;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (out.size() >= bytes_max && (byte & 0xc0u) != 0x80u) return out + "…";
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out;
}

std::string card_text(const PersonCard& card, const Zone& zone, const Terminal& terminal,
                      Words words) {
  const auto time = [&](TimestampMs at) { return format_rfc3339(at, zone); };
  constexpr std::size_t none = 99;
  std::string out = bold(shown(to_string(card.ids.front())), terminal.color) + "\n\n";
  for (std::size_t i = 1; i < card.ids.size(); ++i) {
    out += fmt::format("  {}{}\n", words("also ", "亦为 "), shown(to_string(card.ids[i])));
  }
  if (card.first_seen_ms) {
    out += fmt::format("  {} {}\n", words("first seen", "首次出现"), time(*card.first_seen_ms));
  }
  if (card.last_seen_ms) {
    out += fmt::format("  {} {}\n", words("last seen ", "最近出现"), time(*card.last_seen_ms));
  }
  out += "\n";
  Lines events{{std::string(words("event", "事件")), std::string(words("count", "次数")),
                std::string(words("first", "首次")), std::string(words("last", "最近"))}};
  for (const PersonCard::EventName& event : card.events) {
    events.push_back({shown(event.name), with_separators(event.count), time(event.first_ms),
                      time(event.last_ms)});
  }
  if (events.size() > 1) out += render_columns(events, 1, terminal);
  Lines traits{{std::string(words("trait", "属性")), std::string(words("since", "自")),
                std::string(words("value", "值"))}};
  for (const TraitHistory& trait : card.traits) {
    for (const TraitHistory::Entry& entry : trait.values | std::views::reverse) {
      const bool is_latest = &entry == &trait.values.back();
      traits.push_back(
          {is_latest ? shown(trait.trait) : "", time(entry.time_ms), shown(entry.text)});
    }
  }
  if (traits.size() > 1) out += render_columns(traits, none, terminal);
  return out;
}

Result<int> show(Session& session, const PersonArguments& arguments) {
  HF_TRY(const PersonId id, parse_person_id(arguments.a));
  HF_TRY(const auto reading, session.read_store());
  HF_TRY(const PersonCard card, read_person_card(*reading.store, id));
  print(arguments.format == "json"
            ? card_json(card, *reading.zone)
            : card_text(card, *reading.zone, session.terminal(), session.words()));
  return 0;
}

Result<int> erase(Session& session, const PersonArguments& arguments) {
  HF_TRY(const PersonId id, parse_person_id(arguments.a));
  ForgottenPerson forgotten;
  HF_CHECK(session.with_own_state([&](State* state) {
    return session.with_own_store([&](Store& store) -> Result<void> {
      HF_TRY(forgotten, forget_person(store, state, id, arguments.now));
      return {};
    });
  }));
  const Erasure& erased = forgotten.erased;
  const Words words = session.words();
  print(fmt::format(fmt::runtime(words("{} events of a person with {} ids are gone\n",
                                       "已删除一人（{1} 个标识）的 {0} 个事件\n")),
                    with_separators(erased.events), erased.ids.size()));
  if (forgotten.refusals) {
    print(fmt::format(fmt::runtime(words("{} refused events that named the person are gone\n",
                                         "已删除提及此人的 {} 个被拒事件\n")),
                      with_separators(*forgotten.refusals)));
  }
  if (!arguments.now) {
    print(words("compaction will remove them from the files; --now does it at once\n",
                "压缩时将从文件中清除；加 --now 立即清除\n"));
  }
  print(
      words("the log keeps what was appended in the last 7 days; backups and the files of\n"
            "rejected rows are not touched\n",
            "日志保留最近 7 天追加的内容；备份与被拒行文件不受影响\n"));
  return 0;
}

Result<int> purge(Session& session, const PurgeArguments& arguments) {
  std::uint64_t events = 0;
  HF_CHECK(session.with_own_store([&](Store& store) -> Result<void> {
    HF_TRY(const auto zone, Zone::load(session.env(), store.settings().timezone));
    const auto before = parse_time(arguments.before, {}, *zone);
    if (!before) {
      return fail(ErrorCode::invalid_argument, "bad_time",
                  fmt::format("--before: a date (2025-01-31) or an instant of RFC 3339, not \"{}\"",
                              arguments.before));
    }
    HF_TRY(events, purge_events(store, *before, arguments.event));
    return {};
  }));
  print(fmt::format(
      fmt::runtime(session.words()("{} events are gone; who did what first is still known\n",
                                   "已删除 {} 个事件；每人首次行为的时间仍然保留\n")),
      with_separators(events)));
  return 0;
}

Result<int> compact(Session& session) {
  struct Totals {
    std::size_t parts = 0;
    std::uint64_t bytes = 0;
  };
  const auto totals = [](const Store& store) {
    Totals all{.parts = store.manifest().parts.size()};
    for (const PartEntry& part : store.manifest().parts) all.bytes += part.bytes;
    return all;
  };
  Totals before;
  Totals after;
  const auto merge = [&](Store& store) -> Result<void> {
    HF_CHECK(store.flush());
    before = totals(store);
    HF_CHECK(store.compact(Store::CompactionKind::full));
    after = totals(store);
    return {};
  };
  HF_CHECK(session.with_own_store(merge));
  print(fmt::format(fmt::runtime(session.words()("parts {} -> {}, bytes {} -> {}\n",
                                                 "分片 {} -> {}，字节 {} -> {}\n")),
                    with_separators(before.parts), with_separators(after.parts),
                    with_separators(before.bytes), with_separators(after.bytes)));
  return 0;
}

}  // namespace

void add_person_commands(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<PersonArguments>();
  CLI::App* person = table.add(
      "person", "Who is who, and who is to be forgotten. An id is ann, user:ann or anonymous:x1",
      "  holdfast person show ann                       ids, events, traits with their history\n"
      "  holdfast person ids ann                        all ids of one person\n"
      "  holdfast person link ann anonymous:x1          they are one person\n"
      "  holdfast person unlink ann anonymous:x1\n"
      "  holdfast person erase ann --now                forget the person, with all ids",
      [] { return 0; });
  person->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& description,
                       const std::string& examples, bool is_pair, bool is_owning,
                       std::function<Result<int>()> run) {
    std::function<int()> reporting = [run] { return reported(run); };
    CLI::App* command = table.add_below(*person, name, description, examples,
                                        is_owning ? session.owning(run) : reporting);
    if (is_owning) table.set_owning(command);
    command->add_option("ID", arguments->a, "Of the person: ann, user:ann or anonymous:x1")
        ->type_name("ID")
        ->required();
    if (is_pair) {
      command->add_option("OTHER", arguments->b, "The other id")->type_name("ID")->required();
    }
    return command;
  };
  add("show", "Show what is known of a person",
      "  holdfast person show ann\n"
      "  holdfast person show anonymous:x1 --format json",
      false, false, [&session, arguments] { return show(session, *arguments); })
      ->add_option("--format", arguments->format, "Form of the answer")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  add("ids", "Show all ids that are one person", "  holdfast person ids ann", false, false,
      [&session, arguments] { return show_ids(session, *arguments); });
  add("link", "Say that two ids are one person", "  holdfast person link ann anonymous:x1", true,
      true, [&session, arguments] { return link(session, *arguments, true); });
  add("unlink", "Take back whatever says that two ids are one person",
      "  holdfast person unlink ann anonymous:x1", true, true,
      [&session, arguments] { return link(session, *arguments, false); });
  add("erase", "Forget a person: no question sees an event of it again",
      "  holdfast person erase ann\n"
      "  holdfast person erase ann --now        off the disk, too, before it ends",
      false, true, [&session, arguments] { return erase(session, *arguments); })
      ->add_flag("--now", arguments->now, "Also take its events out of the files before ending");

  const auto purged = std::make_shared<PurgeArguments>();
  CLI::App* purge_command = table.add(
      "purge",
      "Remove old events; who did what first stays known, so that nobody becomes new again",
      "  holdfast purge --before 2024-01-01\n"
      "  holdfast purge --before 2025-06-01 --event page",
      session.owning([&session, purged] { return purge(session, *purged); }));
  table.set_owning(purge_command);
  purge_command
      ->add_option("--before", purged->before,
                   "A date of the workspace's zone, or an instant of RFC 3339")
      ->type_name("DATE")
      ->required();
  purge_command
      ->add_option("--event", purged->event,
                   "Only events of this name (default: all that is activity)")
      ->type_name("EVENT");

  CLI::App* compact_command =
      table.add("compact", "Merge all parts, each person's events side by side",
                "  holdfast compact --data /srv/shop",
                session.owning([&session] { return compact(session); }));
  compact_command->group("Keep it running");
  table.set_owning(compact_command);
}

}  // namespace hf
