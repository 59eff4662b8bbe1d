// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/command_table.h"
#include "event/byte_source.h"
#include "service/appender.h"
#include "service/row_source.h"

namespace hf {
namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;
constexpr std::size_t group_bytes_max = std::size_t{4} << 20;

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

/// Appends groups of lines and says of each line what became of it.
class LineAppender {
 public:
  LineAppender(Appender& appender, std::string source)
      : appender_(appender), source_(std::move(source)), mapping_(mapping_of_lines()) {}

  Result<void> append(std::string lines) {
    const auto line_count = static_cast<std::uint64_t>(std::ranges::count(lines, '\n')) +
                            (lines.ends_with('\n') ? 0 : 1);
    // A text may begin with the marks of an encoding or of compression; a later line may not.
    const std::uint64_t before = is_first_ ? 0 : 1;
    if (!is_first_) lines.insert(lines.begin(), '\n');
    is_first_ = false;
    HF_TRY(const auto rows,
           open_json_rows(ByteSource::from_bytes(std::move(lines)), mapping_, Zone::utc(), {}));
    while (true) {
      HF_TRY(const auto next, rows->next());
      if (std::holds_alternative<End>(next)) break;
      if (const auto* row = std::get_if<EventRow>(&next)) {
        answers_.push_back({lines_before_ + row->line - before, {}});
        appender_.add(source_, row->event);
        if (appender_.group_bytes() >= group_bytes_max) HF_CHECK(commit());
      } else {
        const auto& rejected = std::get<RejectedRow>(next);
        ++rejected_;
        answers_.push_back({lines_before_ + rejected.line - before,
                            fmt::format("rejected {}: {}", rejected.reason, rejected.message)});
      }
    }
    lines_before_ += line_count;
    HF_CHECK(commit());
    return appender_.maintain();
  }

  [[nodiscard]] std::uint64_t rejected() const { return rejected_; }

 private:
  struct Answer {
    std::uint64_t line;
    std::string rejection;  // Empty: what the appender says.
  };

  Result<void> commit() {
    HF_TRY(const auto outcomes, appender_.commit());
    auto outcome = outcomes.begin();
    std::string text;
    for (const Answer& answer : answers_) {
      std::string_view what = answer.rejection;
      if (what.empty()) what = *outcome++ == Appender::Outcome::appended ? "appended" : "duplicate";
      text += fmt::format("{} {}\n", answer.line, what);
    }
    answers_.clear();
    print(text);
    std::fflush(stdout);
    return {};
  }

  Appender& appender_;
  std::string source_;
  ImportMapping mapping_;
  std::vector<Answer> answers_;
  std::uint64_t lines_before_ = 0;
  bool is_first_ = true;
  std::uint64_t rejected_ = 0;
};

Result<int> append_lines(Session& session, const std::string& source) {
  if (source.empty() || source.size() > limits::id_bytes_max) {
    return fail(ErrorCode::invalid_argument, "bad_source",
                fmt::format("a source has 1 to {} bytes", limits::id_bytes_max));
  }
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::own));
  HF_TRY(const auto appender, Appender::open(*store));
  HF_TRY(auto bytes, ByteSource::from_stdin());
  LineInput input(std::move(bytes));
  LineAppender lines(*appender, source);
  while (true) {
    HF_TRY(auto next, input.next());
    if (!next) break;
    HF_CHECK(lines.append(*std::move(next)));
  }
  return lines.rejected() == 0 ? 0 : 2;
}

}  // namespace

void add_append_command(CommandTable& table) {
  Session& session = table.session();
  const auto source = std::make_shared<std::string>("append");
  CLI::App* append = table.add(
      "append",
      "Append events from standard input, JSON lines; each line is answered once it is durable:\n"
      "\"<line> appended\", \"<line> duplicate\" or \"<line> rejected <reason>\"",
      "  echo '{\"user_id\":\"ann\",\"event\":\"signup\",\"time\":\"2026-01-31T08:00:00Z\","
      "\"message_id\":\"1\"}' | holdfast append\n"
      "  tail -F calls.jsonl | holdfast append --source web    whole Segment calls, too",
      [&session, source] { return reported([&] { return append_lines(session, *source); }); });
  append->add_option("--source", *source, "Source the message ids are unique within")
      ->capture_default_str();
}

}  // namespace hf
