// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/input_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "adapter/duckdb/cell_types.h"
#include "base/env.h"
#include "base/json.h"
#include "event/byte_source.h"

namespace hf::duckdb {
namespace {

constexpr std::string_view decimal_type = "DECIMAL(38,9)";

/// How DuckDB is told to decompress, by the files' first bytes rather than their names.
Result<std::string> compression_of(const std::vector<std::string>& paths) {
  std::string common;
  for (const std::string& path : paths) {
    HF_TRY(const auto file, real_env().files.open(path, OpenMode::read));
    std::array<std::byte, 4> magic = {};
    HF_TRY(const std::size_t size, file->read_at(0, magic));
    const std::string_view bytes(reinterpret_cast<const char*>(magic.data()), size);
    std::string found = "uncompressed";
    if (bytes.starts_with("\x1f\x8b")) found = "gzip";
    if (bytes == "\x28\xb5\x2f\xfd") found = "zstd";
    if (common.empty()) common = found;
    // DuckDB takes one setting for all files; mixed ones must have telling names.
    if (common != found) return std::string("auto_detect");
  }
  return common;
}

std::string list_of(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "" : ", ") + quoted_text(path);
  return "[" + out + "]";
}

/// DuckDB's reason without its page of advice.
std::string first_reason(std::string_view message) {
  std::vector<std::string_view> lines;
  while (!message.empty() && lines.size() < 2) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    lines.push_back(message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  if (lines.empty()) return "no reason given";
  std::string_view first = lines[0];
  if (const std::size_t at = first.find("Error: "); at != std::string_view::npos) {
    first.remove_prefix(at + std::string_view("Error: ").size());
  }
  if (lines.size() == 1) return std::string(first);
  if (first.starts_with("Error when sniffing")) return std::string(lines[1]);
  return fmt::format("{}: {}", first, lines[1]);
}

Result<std::string> beginning_of(const std::string& path) {
  constexpr std::size_t sample_bytes = 64 * 1024;
  HF_TRY(const auto source, ByteSource::open_file(real_env(), path));
  std::string sample(sample_bytes, '\0');
  HF_TRY(const std::size_t size, source->read(sample));
  sample.resize(size);
  return sample;
}

char character(const std::optional<std::string>& text, char otherwise) {
  if (!text || *text == "(empty)" || text->empty()) return otherwise;
  return *text == "\\t" ? '\t' : (*text)[0];
}

/// Column names and types of a table expression.
struct Described {
  std::string name;
  std::string type;
};
Result<std::vector<Described>> describe(Session& session, const std::string& table) {
  HF_TRY(auto rows, session.rows("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " +
                                 table + ")"));
  std::vector<Described> out;
  for (auto& row : rows) {
    out.push_back({std::move(row[0]).value_or(""), std::move(row[1]).value_or("")});
  }
  return out;
}

/// The AND of hf_cell_types() over each of `columns` (SQL expressions).
Result<std::vector<std::uint8_t>> types_over_all_rows(Session& session,
                                                      const std::vector<std::string>& columns,
                                                      const std::string& from) {
  std::vector<std::uint8_t> out;
  if (columns.empty()) return out;
  std::string select;
  for (const std::string& column : columns) {
    select += fmt::format("{}CAST(bit_and(hf_cell_types({})) AS VARCHAR)",
                          select.empty() ? "" : ", ", column);
  }
  HF_TRY(const auto rows, session.rows("SELECT " + select + " FROM " + from));
  for (const auto& text : rows.at(0)) {
    std::uint8_t types = 0;  // A column without values is text.
    if (text) std::from_chars(text->data(), text->data() + text->size(), types);
    out.push_back(types);
  }
  return out;
}

Result<void> create_view(Session& session, const std::vector<std::string>& columns,
                         const std::string& from) {
  std::string select;
  for (const std::string& column : columns) select += (select.empty() ? "" : ", ") + column;
  return session.run("CREATE VIEW input AS SELECT " + select + " FROM " + from);
}

Result<void> create_csv(Session& session, const SqlInput& input) {
  HF_TRY(const RecognizedCsv csv, recognize_csv(session, input.paths.at(0)));
  HF_TRY(const std::string compression, compression_of(input.paths));
  const auto character_text = [](char c) { return quoted_text(std::string_view(&c, c != 0)); };
  const std::string quote = character_text(csv.dialect.quote);
  const std::string table = fmt::format(
      "read_csv({}, all_varchar = true, delim = {}, quote = {}, escape = {}, header = {}, "
      "skip = 0, comment = '', compression = '{}', union_by_name = {})",
      list_of(input.paths), character_text(csv.dialect.delimiter), quote, quote, csv.dialect.header,
      compression, input.paths.size() > 1);
  HF_TRY(const auto columns, describe(session, table));
  std::vector<std::string> names;
  for (const Described& column : columns) names.push_back(quoted_name(column.name));
  HF_TRY(const auto types, types_over_all_rows(session, names, table));
  std::vector<std::string> select;
  for (std::size_t i = 0; i < names.size(); ++i) {
    select.push_back(fmt::format("{} AS {}", cast_to(types[i], names[i]), names[i]));
  }
  return create_view(session, select, table);
}

/// Rewrites a DuckDB type: DOUBLE becomes DECIMAL(38,9), times and the like, which DuckDB guessed
/// from texts, become VARCHAR again.
class NestedType {
 public:
  explicit NestedType(std::string_view type) : rest_(type) {}
  [[nodiscard]] std::string rewritten() {
    type();
    out_ += rest_;
    return std::move(out_);
  }

 private:
  void take(std::size_t n) {
    out_ += rest_.substr(0, n);
    rest_.remove_prefix(std::min(n, rest_.size()));
  }
  void member_name() {
    if (!rest_.starts_with('"')) return take(std::min(rest_.find(' '), rest_.size()));
    std::size_t end = 1;
    while (end < rest_.size() && (rest_[end] != '"' || rest_.substr(end + 1).starts_with('"'))) {
      end += rest_[end] == '"' ? 2 : 1;
    }
    take(end + 1);
  }
  void type() {
    const std::size_t end = std::min(rest_.find_first_of("(),[ "), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    if (word == "STRUCT" || word == "MAP") {
      const bool has_names = word == "STRUCT";
      take(end);
      while (rest_.starts_with('(') || rest_.starts_with(", ")) {
        take(rest_[0] == '(' ? 1 : 2);
        if (has_names) {
          member_name();
          take(1);
        }
        type();
      }
      take(1);
    } else {
      const bool keeps = word == "BIGINT" || word == "UBIGINT" || word == "HUGEINT" ||
                         word == "BOOLEAN" || word == "JSON" || word == "VARCHAR";
      if (keeps) {
        out_ += word;
      } else {
        out_ += word == "DOUBLE" ? decimal_type : "VARCHAR";
      }
      rest_.remove_prefix(end);
      // "TIMESTAMP WITH TIME ZONE", "DECIMAL(18,3)".
      if (rest_.starts_with(' '))
        rest_.remove_prefix(std::min(rest_.find_first_of("),["), rest_.size()));
      if (rest_.starts_with('(')) rest_.remove_prefix(std::min(rest_.find(')') + 1, rest_.size()));
    }
    while (rest_.starts_with('[')) take(std::min(rest_.find(']') + 1, rest_.size()));
  }

  std::string_view rest_;
  std::string out_;
};

bool is_nested(std::string_view type) {
  return type.ends_with(']') || type.starts_with("STRUCT(") || type.starts_with("MAP(");
}

Result<void> create_json(Session& session, const SqlInput& input) {
  HF_TRY(const std::string compression, compression_of(input.paths));
  const std::string paths = list_of(input.paths);
  HF_TRY(const auto columns,
         describe(session, fmt::format("read_json({}, format = 'newline_delimited', compression = "
                                       "'{}', sample_size = -1, union_by_name = {})",
                                       paths, compression, input.paths.size() > 1)));
  const std::string lines =
      fmt::format("read_ndjson_objects({}, format = 'newline_delimited', compression = '{}')",
                  paths, compression);
  const auto member = [](const Described& column) {
    return fmt::format("hf_json_member(json, {})", quoted_text(column.name));
  };
  const auto text = [](const Described& column) {
    return fmt::format("hf_json_text(json, {})", quoted_text(column.name));
  };
  // What DuckDB guessed is checked on every line, by the digits written there: it takes numbers
  // with a fraction through double, and has no time without a guess at its zone.
  std::vector<std::string> checked;
  std::vector<std::string> nested;
  for (const Described& column : columns) {
    if (is_nested(column.type)) {
      nested.push_back(
          fmt::format("CAST(bool_and(hf_exact_numbers({})) AS VARCHAR)", member(column)));
    } else if (column.type != "VARCHAR" && column.type != "JSON" && column.type != "BOOLEAN") {
      checked.push_back(text(column));
    }
  }
  HF_TRY(const auto types, types_over_all_rows(session, checked, lines));
  std::vector<std::optional<std::string>> exact;
  if (!nested.empty()) {
    std::string select;
    for (const std::string& check : nested) select += (select.empty() ? "" : ", ") + check;
    HF_TRY(auto rows, session.rows("SELECT " + select + " FROM " + lines));
    exact = std::move(rows.at(0));
  }
  std::vector<std::string> select;
  std::size_t next_checked = 0;
  std::size_t next_nested = 0;
  for (const Described& column : columns) {
    std::string value;
    if (is_nested(column.type)) {
      value = fmt::format("CAST({} AS JSON)", member(column));
      if (exact[next_nested++].value_or("true") == "true") {
        std::string structure;
        append_json_text(structure, NestedType(column.type).rewritten());
        value = fmt::format("json_transform({}, {})", value, quoted_text(structure));
      }
    } else if (column.type == "JSON") {
      value = fmt::format("CAST({} AS JSON)", member(column));
    } else if (column.type == "VARCHAR") {
      value = text(column);
    } else if (column.type == "BOOLEAN") {
      value = fmt::format("CAST({} AS BOOLEAN)", text(column));
    } else {
      value = cast_to(types[next_checked], checked[next_checked]);
      ++next_checked;
    }
    select.push_back(value + " AS " + quoted_name(column.name));
  }
  return create_view(session, select, lines);
}

}  // namespace

Result<RecognizedCsv> recognize_csv(Session& session, const std::string& path) {
  HF_TRY(const std::string compression, compression_of({path}));
  HF_TRY(const std::string sample, beginning_of(path));
  if (sample.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "unrecognized_csv",
                fmt::format("not recognised as CSV: {}: it is no UTF-8 text", path));
  }
  Result<std::vector<std::vector<std::optional<std::string>>>> rows;
  for (const bool strict : {true, false}) {
    rows = session.rows(
        fmt::format("SELECT Delimiter, Quote, CAST(HasHeader AS VARCHAR), unnest(Columns).name "
                    "FROM sniff_csv({}, compression = '{}', skip = 0, comment = ''{})",
                    quoted_text(path), compression,
                    strict ? "" : ", strict_mode = false, ignore_errors = true"));
    if (rows || rows.error().reason != "invalid_sql") break;
  }
  if (!rows && rows.error().reason != "invalid_sql") return std::unexpected(rows.error());
  if (!rows || rows->empty()) {
    return fail(ErrorCode::invalid_argument, "unrecognized_csv",
                fmt::format("not recognised as CSV: {}: {}", path,
                            rows ? "it has no columns" : first_reason(rows.error().message)));
  }
  const auto& first = rows->front();
  RecognizedCsv out;
  out.dialect.delimiter = character(first[0], ',');
  // Without a quote in the sample, later rows may still have quoted fields.
  const bool quotes = sample.find('"') != std::string::npos;
  out.dialect.quote = character(first[1], quotes ? '\0' : '"');
  out.dialect.header = first[2] == "true";
  for (const auto& row : *rows) out.columns.push_back(row[3].value_or(""));
  return out;
}

Result<void> create_input(Session& session, const SqlInput& input) {
  if (input.paths.empty()) {
    return fail(ErrorCode::invalid_argument, "no_input", "no input file is named");
  }
  for (const std::string& path : input.paths) {
    if (!real_env().files.exists(path)) {
      return fail(ErrorCode::not_found, "not_found", "no such file: " + path);
    }
  }
  HF_CHECK(register_cell_functions(session));
  switch (input.format) {
    case SqlInput::Format::csv: return create_csv(session, input);
    case SqlInput::Format::json: return create_json(session, input);
    case SqlInput::Format::parquet:
      return create_view(session, {"*"},
                         fmt::format("read_parquet({}, union_by_name = {})", list_of(input.paths),
                                     input.paths.size() > 1));
  }
  return {};
}

}  // namespace hf::duckdb
