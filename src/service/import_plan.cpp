// SPDX-License-Identifier: Apache-2.0
#include "service/import_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/json.h"
#include "event/csv_reader.h"
#include "event/json_rows.h"
#include "service/event_json.h"
#include "service/import_input.h"

namespace hf {
namespace {

constexpr std::size_t sample_rows = 20'000;
constexpr std::uint64_t sample_bytes = 8u << 20;

bool has_suffix(std::string_view path, std::initializer_list<std::string_view> suffixes) {
  return std::ranges::any_of(suffixes, [&](std::string_view s) { return path.ends_with(s); });
}

std::string_view without_compression(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst", ".zstd"}) {
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
  }
  return path;
}

Result<InputFormat> format_of(const Env& env, const std::string& path) {
  const std::string_view plain = without_compression(path);
  if (has_suffix(plain, {".parquet"})) return InputFormat::parquet;
  if (has_suffix(plain, {".json", ".jsonl", ".ndjson"})) return InputFormat::json;
  if (has_suffix(plain, {".csv", ".tsv", ".txt"})) return InputFormat::csv;
  if (path == "-") return InputFormat::csv;
  HF_TRY(const auto bytes, ByteSource::open_file(env, path));
  char beginning[64];
  HF_TRY(const std::size_t n, bytes->read(beginning));
  std::string_view text(beginning, n);
  if (text.starts_with("PAR1")) return InputFormat::parquet;
  while (!text.empty() && std::strchr(" \t\r\n", text.front()) != nullptr) text.remove_prefix(1);
  return text.starts_with('{') ? InputFormat::json : InputFormat::csv;
}

/// Samples columns by name, in order of first appearance.
class Sampler {
 public:
  ColumnSample& column(std::string_view name) {
    const auto [found, is_new] = index_.try_emplace(std::string(name), columns_.size());
    if (is_new) columns_.push_back({.name = std::string(name)});
    return columns_[found->second];
  }
  [[nodiscard]] const std::vector<ColumnSample>& columns() const { return columns_; }

 private:
  std::vector<ColumnSample> columns_;
  std::unordered_map<std::string, std::size_t> index_;
};

Result<std::vector<ColumnSample>> sample_csv(const Env& env, const std::string& path,
                                             const CsvDialect& dialect) {
  HF_TRY(auto bytes, open_bytes(env, path));
  CsvReader reader(std::move(bytes), dialect);
  std::vector<ColumnSample> columns;
  if (dialect.header) {
    HF_TRY(const auto header, reader.header());
    for (const std::string& name : header) columns.push_back({.name = name});
  }
  for (std::size_t n = 0; n < sample_rows && reader.position().offset < sample_bytes; ++n) {
    HF_TRY(const auto next, reader.next());
    if (std::holds_alternative<End>(next)) break;
    const auto* row = std::get_if<CsvRow>(&next);
    if (row == nullptr) continue;
    while (!dialect.header && columns.size() < row->fields.size()) {
      columns.push_back({.name = fmt::format("column{}", columns.size() + 1)});
    }
    for (std::size_t i = 0; i < columns.size() && i < row->fields.size(); ++i) {
      if (!row->fields[i].empty()) columns[i].values.emplace_back(row->fields[i]);
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (columns[i].name == columns[j].name) {
        return fail(ErrorCode::invalid_argument, "bad_header",
                    fmt::format("two columns are named \"{}\"", columns[i].name));
      }
    }
  }
  return columns;
}

Result<std::vector<ColumnSample>> sample_json(const Env& env, const std::string& path,
                                              bool& any_flat) {
  HF_TRY(auto bytes, open_bytes(env, path));
  JsonRowReader reader(std::move(bytes));
  Sampler sampler;
  for (std::size_t n = 0; n < sample_rows && reader.position().offset < sample_bytes; ++n) {
    HF_TRY(const auto next, reader.next());
    if (std::holds_alternative<End>(next)) break;
    const auto* row = std::get_if<JsonRow>(&next);
    if (row == nullptr || row->call) continue;
    any_flat = true;
    for (const PropertyView& field : row->fields) {
      ColumnSample& column = sampler.column(field.name);
      column.values.push_back(canonical_text(field.value));
    }
  }
  return sampler.columns();
}

std::unexpected<Error> empty_input(const std::string& path) {
  return fail(ErrorCode::invalid_argument, "empty_input",
              fmt::format("{}: the file is empty", path));
}

Result<void> require_bytes(const Env& env, const std::string& path) {
  HF_TRY(const auto bytes, ByteSource::open_file(env, path));
  char first;
  HF_TRY(const std::size_t n, bytes->read({&first, 1}));
  if (n == 0) return empty_input(path);
  return {};
}

/// Found out now, not when the first files are in parts already.
Result<void> require_same_columns(const Env& env, const std::vector<std::string>& paths,
                                  const CsvDialect& dialect) {
  std::vector<std::string> columns;
  for (const std::string& path : paths) {
    HF_TRY(auto bytes, ByteSource::open_file(env, path));
    CsvReader reader(std::move(bytes), dialect);
    HF_TRY(const auto header, reader.header());
    if (columns.empty()) columns.assign(header.begin(), header.end());
    if (!header.empty() && !std::ranges::equal(header, columns)) {
      return fail(
          ErrorCode::invalid_argument, "other_columns",
          fmt::format("{}: not the columns of {}; import them one by one", path, paths.front()));
    }
  }
  return {};
}

Result<std::vector<ColumnSample>> sample_table(SqlEngine* engine, const ImportPlan& plan) {
  HF_TRY(const auto cursor, open_cursor(engine, plan.mapping, plan.options.files));
  std::vector<ColumnSample> columns;
  for (const std::string& name : cursor->columns()) columns.push_back({.name = name});
  std::vector<bool> all_numbers(columns.size(), true);
  for (std::size_t n = 0; n < sample_rows; ++n) {
    HF_TRY(const auto cells, cursor->next());
    if (cells.empty()) break;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      switch (cells[i].kind) {
        case TableCell::Kind::null: break;
        case TableCell::Kind::local_time:
        case TableCell::Kind::instant:
          columns[i].typed_time = true;
          if (columns[i].values.empty()) {
            columns[i].values.push_back(format_rfc3339(cells[i].time_ms, *Zone::utc()));
          }
          break;
        case TableCell::Kind::value:
          columns[i].values.push_back(canonical_text(cells[i].value));
          all_numbers[i] = all_numbers[i] && cells[i].value.kind == ValueKind::number;
          break;
      }
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].typed_number =
        all_numbers[i] && !columns[i].typed_time && !columns[i].values.empty();
  }
  return columns;
}

struct Sample {
  std::vector<ColumnSample> columns;
  bool only_calls = false;  // Whole Segment calls, which say themselves what they are.
};

/// Sets what the files are, and returns what their columns hold.
Result<Sample> sample_files(const Env& env, SqlEngine* engine, ImportPlan& plan) {
  const ImportOptions& options = plan.options;
  ImportMapping& mapping = plan.mapping;
  mapping.sql = options.sql;
  mapping.source = options.source;
  mapping.identify_rows = options.identify_rows;
  if (!options.overrides.timezone.empty()) mapping.timezone = options.overrides.timezone;
  HF_CHECK(Zone::load(env, mapping.timezone));
  if (options.files.empty()) {
    return fail(ErrorCode::invalid_argument, "empty_input", "no file to import");
  }
  const std::string& first = options.files.front();
  if (first == "-" || std::ranges::find(options.files, "-") != options.files.end()) {
    return fail(ErrorCode::invalid_argument, "unsupported_input",
                "standard input must be read into a file first");
  }
  for (const std::string& path : options.files) {
    if (!env.files.exists(path)) {
      return fail(ErrorCode::not_found, "not_found", fmt::format("{}: no such file", path));
    }
  }
  if (options.format) {
    mapping.format = *options.format;
  } else {
    HF_TRY(mapping.format, format_of(env, first));
  }
  std::vector<ColumnSample> columns;
  bool only_calls = false;
  if (mapping.is_table()) {
    HF_TRY(columns, sample_table(engine, plan));
  } else if (mapping.format == InputFormat::json) {
    bool any_flat = false;
    HF_TRY(columns, sample_json(env, first, any_flat));
    only_calls = !any_flat;
    if (only_calls) HF_CHECK(require_bytes(env, first));
  } else {
    if (options.dialect) {
      mapping.dialect = *options.dialect;
    } else {
      const auto recognized = engine != nullptr
                                  ? engine->recognize_csv(first)
                                  : Result<RecognizedCsv>(fail(ErrorCode::unavailable, "", ""));
      // One bad row can make a small file look like one wide column.
      if (recognized && recognized->columns.size() > 1) {
        mapping.dialect = recognized->dialect;
      } else {
        HF_TRY(const auto bytes, ByteSource::open_file(env, first));
        std::string beginning(4096, '\0');
        HF_TRY(const std::size_t n, bytes->read(beginning));
        mapping.dialect = guess_dialect(std::string_view(beginning).substr(0, n));
      }
    }
    HF_TRY(columns, sample_csv(env, first, mapping.dialect));
    if (columns.empty()) return empty_input(first);
    if (mapping.dialect.header) HF_CHECK(require_same_columns(env, options.files, mapping.dialect));
  }
  return Sample{std::move(columns), only_calls};
}

Result<void> recognize(const Sample& sample, ImportPlan& plan) {
  if (sample.only_calls) return {};
  return recognize_fields(sample.columns, !plan.mapping.sql.empty(), plan.options.overrides,
                          plan.mapping, plan.remarks);
}

std::vector<std::string> first_different(const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (const std::string& value : values) {
    if (out.size() == ImportPreview::samples_max) break;
    if (std::ranges::find(out, value) == out.end()) out.push_back(value);
  }
  return out;
}

/// What the first rows become; of rows that are left out, why.
Result<void> read_rows(const Env& env, SqlEngine* engine, ImportPreview& preview) {
  const ImportPlan& plan = preview.plan;
  HF_TRY(auto zone, Zone::load(env, plan.mapping.timezone));
  HF_TRY(const auto rows, open_import_rows({env, engine, plan.mapping, std::move(zone)},
                                           plan.options.files, 0, RowPosition{}));
  for (std::size_t n = 0; n < sample_rows && rows->position().offset < sample_bytes; ++n) {
    const bool is_enough = preview.rows.size() >= ImportPreview::rows_max;
    if (is_enough && preview.rejects.size() >= ImportPreview::rows_max) break;
    HF_TRY(auto next, rows->next());
    if (std::holds_alternative<End>(next)) break;
    ++preview.rows_read;
    if (auto* const rejected = std::get_if<RejectedRow>(&next)) {
      ++preview.rows_rejected;
      if (preview.rejects.size() < ImportPreview::rows_max) {
        preview.rejects.push_back(std::move(*rejected));
      }
    } else if (!is_enough) {
      const auto& row = std::get<EventRow>(next);
      JsonWriter out;
      out.begin_object().key("line").integer(static_cast<std::int64_t>(row.line));
      write_event(out, row.event);
      out.end_object();
      preview.rows.push_back(out.take());
    }
  }
  return {};
}

}  // namespace

Result<ImportPlan> plan_import(const Env& env, SqlEngine* engine, const ImportOptions& options) {
  ImportPlan plan{.options = options};
  HF_TRY(const Sample sample, sample_files(env, engine, plan));
  HF_CHECK(recognize(sample, plan));
  return plan;
}

Result<ImportPreview> preview_import(const Env& env, SqlEngine* engine,
                                     const ImportOptions& options) {
  ImportPreview preview{.plan = {.options = options}};
  HF_TRY(const Sample sample, sample_files(env, engine, preview.plan));
  for (const ColumnSample& column : sample.columns) {
    preview.samples.emplace(column.name, first_different(column.values));
  }
  auto understood = recognize(sample, preview.plan);
  if (understood) understood = read_rows(env, engine, preview);
  if (!understood) preview.problem = std::move(understood).error();
  return preview;
}

}  // namespace hf
