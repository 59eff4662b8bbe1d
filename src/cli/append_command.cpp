// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/command_table.h"
#include "cli/within_server.h"
#include "event/byte_source.h"
#include "http/local_client.h"
#include "service/appender.h"
#include "service/row_source.h"

namespace hf {
namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;

/// The members of an object a line; all others are properties.
ImportMapping mapping_of_lines() {
  ImportMapping mapping{.format = InputFormat::json};
  const auto add = [&](const char* name, FieldRole role) {
    mapping.fields.push_back({.column = name, .role = role});
  };
  add("person", FieldRole::person);
  add("user_id", FieldRole::person);
  add("anonymous_id", FieldRole::anonymous);
  add("event", FieldRole::event);
  add("time", FieldRole::time);
  add("message_id", FieldRole::message_id);
  add("channel", FieldRole::channel);
  return mapping;
}

/// Standard input in whole lines, as many as have come. Of a line longer than a row may be only
/// the beginning is kept, enough for the reader of rows to refuse it.
class LineInput {
 public:
  explicit LineInput(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  /// Nothing at the end.
  Result<std::optional<std::string>> next() {
    std::string block(read_bytes, '\0');
    while (!ended_) {
      HF_TRY(const std::size_t got, source_->read(block));
      ended_ = got == 0;
      take(std::string_view(block).substr(0, got));
      const std::size_t end = rest_.rfind('\n');
      if (end == std::string::npos) continue;
      std::string lines = rest_.substr(0, end + 1);
      rest_.erase(0, end + 1);
      return lines;
    }
    if (rest_.empty()) return std::optional<std::string>{};
    return std::exchange(rest_, {});
  }

 private:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t newline = bytes.find('\n');
      const std::size_t end = newline == std::string_view::npos ? bytes.size() : newline;
      const std::size_t kept = std::min(end, line_bytes_max - std::min(line_, line_bytes_max));
      rest_ += bytes.substr(0, kept);
      line_ += kept;
      if (newline == std::string_view::npos) return;
      rest_ += '\n';
      line_ = 0;
      bytes.remove_prefix(newline + 1);
    }
  }

  static constexpr std::size_t line_bytes_max = row_bytes_max + 1;
  std::unique_ptr<ByteSource> source_;
  std::string rest_;
  std::size_t line_ = 0;  // Bytes kept of the line that is being read.
  bool ended_ = false;
};

/// Lines as events, and what there is to say of each.
struct LineGroup {
  struct Answer {
    std::uint64_t line;
    std::string rejection;  // Empty: what the appender says.
  };
  PreparedEvents events;
  std::vector<Answer> answers;
  std::uint64_t rejected = 0;

  [[nodiscard]] std::string told(std::span<const Appender::Outcome> outcomes) const {
    auto outcome = outcomes.begin();
    std::string text;
    for (const Answer& answer : answers) {
      std::string_view what = answer.rejection;
      if (what.empty()) what = *outcome++ == Appender::Outcome::appended ? "appended" : "duplicate";
      text += fmt::format("{} {}\n", answer.line, what);
    }
    return text;
  }
};

/// Where the lines stand in the whole input.
struct LinePlace {
  std::string source;
  std::uint64_t lines_before = 0;
};

Result<LineGroup> read_lines(const HashKey& hash_key, const LinePlace& place, std::string lines) {
  // A text may begin with the marks of an encoding or of compression; a later line may not.
  const std::uint64_t added = place.lines_before == 0 ? 0 : 1;
  if (added > 0) lines.insert(lines.begin(), '\n');
  static const ImportMapping mapping = mapping_of_lines();  // Outlives the reader.
  HF_TRY(const auto rows,
         open_json_rows(ByteSource::from_bytes(std::move(lines)), mapping, Zone::utc(), {}));
  LineGroup group{.events = PreparedEvents(hash_key, place.source)};
  while (true) {
    HF_TRY(const auto next, rows->next());
    if (std::holds_alternative<End>(next)) return group;
    if (const auto* row = std::get_if<EventRow>(&next)) {
      group.answers.push_back({place.lines_before + row->line - added, {}});
      group.events.add(row->event);
    } else {
      const auto& rejected = std::get<RejectedRow>(next);
      ++group.rejected;
      group.answers.push_back({place.lines_before + rejected.line - added,
                               fmt::format("rejected {}: {}", rejected.reason, rejected.message)});
    }
  }
}

/// What became of some lines, by whom they were appended.
struct LineAnswers {
  std::string text;
  std::uint64_t rejected = 0;
};
using AppendLines = std::function<Result<LineAnswers>(const LinePlace&, std::string lines)>;

Result<int> append_input(const std::string& source, const AppendLines& append) {
  HF_TRY(auto bytes, ByteSource::from_stdin());
  LineInput input(std::move(bytes));
  LinePlace place{.source = source};
  std::uint64_t rejected = 0;
  while (true) {
    HF_TRY(auto lines, input.next());
    if (!lines) return rejected == 0 ? 0 : 2;
    const auto count = static_cast<std::uint64_t>(std::ranges::count(*lines, '\n')) +
                       (lines->ends_with('\n') ? 0 : 1);
    HF_TRY(const LineAnswers answers, append(place, *std::move(lines)));
    print(answers.text);
    std::fflush(stdout);
    place.lines_before += count;
    rejected += answers.rejected;
  }
}

Result<int> append_to_store(Session& session, const std::string& source) {
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::own));
  HF_TRY(const auto appender, Appender::open(*store));
  return append_input(
      source, [&](const LinePlace& place, std::string lines) -> Result<LineAnswers> {
        HF_TRY(LineGroup group, read_lines(store->manifest().hash_key, place, std::move(lines)));
        appender->add(std::exchange(group.events, {{}, {}}));
        HF_TRY(const auto outcomes, appender->commit());
        HF_CHECK(appender->maintain());
        return LineAnswers{group.told(outcomes), group.rejected};
      });
}

/// By the server that owns the data directory.
Result<int> append_to_server(Session& session, const std::string& source) {
  const std::string socket = http::socket_path_of(session.data);
  return append_input(
      source, [&](const LinePlace& place, std::string lines) -> Result<LineAnswers> {
        JsonWriter head;
        head.begin_object().key("source").text(place.source);
        head.key("lines_before").integer(static_cast<std::int64_t>(place.lines_before));
        head.end_object();
        HF_TRY(const auto answer,
               http::ask_local(socket, "POST", "/local/v1/append", head.str() + "\n" + lines));
        if (!answer) {
          return fail(ErrorCode::unavailable, "server_gone",
                      "the server stopped; lines not answered may be in its log, "
                      "and are found as duplicates when sent again");
        }
        HF_TRY(const Json json, parse_json(*answer));
        const Json* const rejected = json.find("rejected");
        return LineAnswers{json.find("answers")->text, rejected->text == "0" ? 0u : 1u};
      });
}

Result<int> append_lines(Session& session, const std::string& source) {
  if (source.empty() || source.size() > limits::id_bytes_max || !is_utf8(source)) {
    return fail(ErrorCode::invalid_argument, "bad_source",
                fmt::format("a source has 1 to {} bytes of UTF-8", limits::id_bytes_max));
  }
  HF_TRY(const bool serves, is_served(session.data));
  return serves ? append_to_server(session, source) : append_to_store(session, source);
}

}  // namespace

Result<std::string> append_for_client(Workspace& workspace, std::string body) {
  const std::size_t end = std::min(body.find('\n'), body.size());
  HF_TRY(const Json head, parse_json(std::string_view(body).substr(0, end)));
  const Json* const source = head.is_object() ? head.find("source") : nullptr;
  const Json* const before = head.is_object() ? head.find("lines_before") : nullptr;
  LinePlace place;
  if (source == nullptr || !source->is_text() || before == nullptr || !before->is_number()) {
    return fail(ErrorCode::invalid_argument, "bad_arguments", "source and lines_before come first");
  }
  place.source = source->text;
  std::from_chars(before->text.data(), before->text.data() + before->text.size(),
                  place.lines_before);
  body.erase(0, std::min(body.size(), end + 1));
  HF_TRY(LineGroup group, read_lines(workspace.hash_key(), place, std::move(body)));
  std::promise<Result<std::vector<Appender::Outcome>>> done;
  if (group.events.empty()) {
    done.set_value(std::vector<Appender::Outcome>());
  } else {
    HF_CHECK(workspace.submit(std::exchange(group.events, {{}, {}}),
                              [&](Result<std::vector<Appender::Outcome>> outcomes) {
                                done.set_value(std::move(outcomes));
                              }));
  }
  HF_TRY(const auto outcomes, done.get_future().get());
  JsonWriter out;
  out.begin_object();
  out.key("answers").text(group.told(outcomes));
  out.key("rejected").integer(static_cast<std::int64_t>(group.rejected));
  out.end_object();
  return out.take();
}

void add_append_command(CommandTable& table) {
  Session& session = table.session();
  const auto source = std::make_shared<std::string>("append");
  CLI::App* append = table.add(
      "append",
      "Append events from standard input, JSON lines; each line is answered once it is durable, "
      "with\n"
      "\"<line> appended\", \"<line> duplicate\" or \"<line> rejected <reason>\"",
      "  echo '{\"user_id\":\"ann\",\"event\":\"signup\","
      "\"time\":\"2026-01-31T08:00:00Z\"}' | holdfast append\n"
      "  tail -F calls.jsonl | holdfast append --source web    whole Segment calls, too",
      [&session, source] { return reported([&] { return append_lines(session, *source); }); });
  append->add_option("--source", *source, "Source the message ids are unique within")
      ->type_name("NAME")
      ->capture_default_str();
}

}  // namespace hf
