// SPDX-License-Identifier: Apache-2.0
#include "http/import_api.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "calendar/time_text.h"
#include "http/local_client.h"
#include "http/problem.h"

namespace hf::http {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

constexpr std::array formats{std::pair{std::string_view("csv"), InputFormat::csv},
                             std::pair{std::string_view("json"), InputFormat::json},
                             std::pair{std::string_view("parquet"), InputFormat::parquet}};

std::unexpected<Error> wrong_type(std::string_view name, std::string_view wanted,
                                  const Json& value) {
  return fail(invalid, "wrong_type",
              fmt::format("{} must be {}, not {}", name, wanted, value.kind_name()),
              pointer_to("", name));
}

Result<void> read(const Json& value, std::string_view name, std::string& out) {
  if (!value.is_text()) return wrong_type(name, "a text", value);
  out = value.text;
  return {};
}

Result<void> read(const Json& value, std::string_view name, bool& out) {
  if (!value.is_boolean()) return wrong_type(name, "true or false", value);
  out = value.boolean;
  return {};
}

Result<void> read(const Json& value, std::string_view name, std::vector<std::string>& out) {
  if (!value.is_array()) return wrong_type(name, "a list of texts", value);
  for (const Json& each : value.array) {
    if (!each.is_text()) return wrong_type(name, "a list of texts", value);
    out.push_back(each.text);
  }
  return {};
}

void put(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const std::string& text : texts) out.text(text);
  out.end_array();
}

void put(JsonWriter& out, std::string_view name, std::uint64_t count) {
  out.key(name).integer(static_cast<std::int64_t>(count));
}

void put_time(JsonWriter& out, std::string_view name, TimestampMs time) {
  out.key(name).text(format_rfc3339(time, *Zone::utc()));
}

std::string_view to_string(ImportProgress::Phase phase) {
  switch (phase) {
    case ImportProgress::Phase::digest: return "reading";
    case ImportProgress::Phase::rows: return "importing";
    case ImportProgress::Phase::finishing: return "finishing";
  }
  return "";
}

void put(JsonWriter& out, const ImportOutcome& outcome, std::string_view data) {
  out.key("outcome").begin_object();
  if (!outcome.nothing_new) put(out, "import", outcome.id);
  out.key("nothing_new").boolean(outcome.nothing_new);
  out.key("resumed").boolean(outcome.resumed);
  put(out, "resumed_at_row", outcome.resumed_at_row);
  put(out, "skipped_files", outcome.skipped_files);
  put(out, "events", outcome.counts.events);
  put(out, "duplicates", outcome.counts.duplicates);
  put(out, "rejected", outcome.counts.rejected);
  put(out, "times_ahead", outcome.counts.times_ahead);
  put(out, "big_numbers", outcome.counts.big_numbers);
  put(out, "persons_new", outcome.persons_new);
  put(out, "cells_kept_as_text", outcome.cells_kept_as_text);
  put(out, "rows", outcome.rows_this_run);
  if (!outcome.reject_path.empty()) {
    std::string_view within = outcome.reject_path;
    if (within.starts_with(data)) within.remove_prefix(data.size() + 1);
    out.key("reject_file").text(within);
  }
  out.end_object();
}

void put(JsonWriter& out, const ImportJobs::Job& job, std::string_view data) {
  out.begin_object();
  put(out, "job", job.id);
  out.key("state").text(hf::to_string(job.state));
  put(out, "files", job.files);
  put_time(out, "asked_at", job.asked_ms);
  if (job.ended_ms) put_time(out, "ended_at", *job.ended_ms);
  out.key("seconds").number(job.seconds);
  out.key("progress").begin_object();
  out.key("phase").text(to_string(job.progress.phase));
  put(out, "bytes_done", job.progress.bytes_done);
  put(out, "bytes_total", job.progress.bytes_total);
  put(out, "rows", job.progress.rows);
  put(out, "rejected", job.progress.rejected);
  out.end_object();
  if (job.outcome) put(out, *job.outcome, data);
  if (job.error) {
    out.key("error").begin_object();
    out.key("status").integer(http_status(job.error->code));
    out.key("reason").text(job.error->reason);
    out.key("detail").text(job.error->message);
    out.end_object();
  }
  out.end_object();
}

std::string_view state_name(ImportState state) {
  switch (state) {
    case ImportState::running: return "unfinished";
    case ImportState::done: return "done";
    case ImportState::undone: return "undone";
  }
  return "";
}

void put(JsonWriter& out, const ImportRecord& record) {
  out.begin_object();
  put(out, "import", record.id);
  out.key("state").text(state_name(record.state));
  out.key("files").begin_array();
  for (const ImportedFile& file : record.files) {
    out.begin_object().key("name").text(file.name);
    put(out, "bytes", file.bytes);
    out.end_object();
  }
  out.end_array();
  const auto mapping = parse_json(record.mapping);
  const Json* const source = mapping ? mapping->find("source") : nullptr;
  out.key("source").text(source != nullptr ? source->text : std::string());
  put_time(out, "started_at", record.started_at_ms);
  if (record.finished_at_ms != 0) put_time(out, "finished_at", record.finished_at_ms);
  const ImportCounts& counts = record.counts;
  put(out, "rows", counts.events + counts.duplicates + counts.rejected);
  put(out, "events", counts.events);
  put(out, "duplicates", counts.duplicates);
  put(out, "rejected", counts.rejected);
  out.key("has_rejects").boolean(record.state != ImportState::undone && record.reject_bytes > 0);
  out.end_object();
}

/// What a server of this program has written; what is missing is nought.
class JobReader {
 public:
  explicit JobReader(const Json& json) : json_(json) {}
  [[nodiscard]] std::string text(std::string_view name) const {
    const Json* const member = json_.find(name);
    return member == nullptr ? std::string() : member->text;
  }
  template <class Number>
  [[nodiscard]] Number number(std::string_view name) const {
    Number value = 0;
    const std::string digits = text(name);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  [[nodiscard]] std::uint64_t count(std::string_view name) const {
    return number<std::uint64_t>(name);
  }
  [[nodiscard]] bool flag(std::string_view name) const {
    const Json* const member = json_.find(name);
    return member != nullptr && member->boolean;
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    const Json* const member = json_.find(name);
    if (member == nullptr) return out;
    for (const Json& each : member->array) out.push_back(each.text);
    return out;
  }
  [[nodiscard]] const Json* object(std::string_view name) const {
    const Json* const member = json_.find(name);
    return member != nullptr && member->is_object() ? member : nullptr;
  }

 private:
  const Json& json_;
};

ImportOutcome parse_outcome(const JobReader& in, std::string_view data) {
  ImportOutcome out;
  out.id = in.number<std::uint32_t>("import");
  out.nothing_new = in.flag("nothing_new");
  out.resumed = in.flag("resumed");
  out.resumed_at_row = in.count("resumed_at_row");
  out.skipped_files = in.texts("skipped_files");
  out.counts.events = in.count("events");
  out.counts.duplicates = in.count("duplicates");
  out.counts.rejected = in.count("rejected");
  out.counts.times_ahead = in.count("times_ahead");
  out.counts.big_numbers = in.count("big_numbers");
  out.persons_new = in.count("persons_new");
  out.cells_kept_as_text = in.count("cells_kept_as_text");
  out.rows_this_run = in.count("rows");
  const std::string rejects = in.text("reject_file");
  if (!rejects.empty()) out.reject_path = fmt::format("{}/{}", data, rejects);
  return out;
}

}  // namespace

Result<ImportRequest> parse_import_request(std::string_view body) {
  HF_TRY(const Json json, parse_json(body));
  if (!json.is_object()) return fail(invalid, "not_an_object", "the body is no JSON object");
  ImportRequest request;
  ImportOptions& options = request.options;
  std::string format;
  std::string delimiter;
  bool header = true;
  for (const auto& [name, value] : json.object) {
    if (name == "files") {
      HF_CHECK(read(value, name, options.files));
    } else if (name == "upload") {
      HF_CHECK(read(value, name, request.upload));
    } else if (name == "format") {
      HF_CHECK(read(value, name, format));
    } else if (name == "map") {
      HF_CHECK(read(value, name, options.overrides.maps));
    } else if (name == "types") {
      HF_CHECK(read(value, name, options.overrides.types));
    } else if (name == "time_format") {
      HF_CHECK(read(value, name, options.overrides.time_format));
    } else if (name == "timezone") {
      HF_CHECK(read(value, name, options.overrides.timezone));
    } else if (name == "delimiter") {
      HF_CHECK(read(value, name, delimiter));
    } else if (name == "header") {
      HF_CHECK(read(value, name, header));
    } else if (name == "sql") {
      HF_CHECK(read(value, name, options.sql));
    } else if (name == "source") {
      HF_CHECK(read(value, name, options.source));
    } else if (name == "identify_rows") {
      HF_CHECK(read(value, name, options.identify_rows));
    } else if (name == "strict") {
      HF_CHECK(read(value, name, options.strict));
    } else {
      return fail(invalid, "unknown_field", fmt::format("not a field of an import: {}", name),
                  pointer_to("", name));
    }
  }
  for (const auto& [name, each] : formats) {
    if (format == name) options.format = each;
  }
  if (!format.empty() && !options.format) {
    return fail(invalid, "bad_format", "a format is csv, json or parquet", "/format");
  }
  if (delimiter.size() > 1) {
    return fail(invalid, "bad_delimiter", "a delimiter is one character", "/delimiter");
  }
  if (!delimiter.empty() || !header) {
    options.dialect = CsvDialect{.header = header};
    if (!delimiter.empty()) options.dialect->delimiter = delimiter.front();
  }
  if (!options.files.empty() && !request.upload.empty()) {
    return fail(invalid, "two_inputs", "either files or an upload", "/upload");
  }
  return request;
}

std::string import_options_json(const ImportOptions& options) {
  JsonWriter out;
  const auto put_text = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out.key(name).text(text);
  };
  out.begin_object();
  put(out, "files", options.files);
  for (const auto& [name, each] : formats) {
    if (options.format == each) out.key("format").text(name);
  }
  if (!options.overrides.maps.empty()) put(out, "map", options.overrides.maps);
  if (!options.overrides.types.empty()) put(out, "types", options.overrides.types);
  put_text("time_format", options.overrides.time_format);
  put_text("timezone", options.overrides.timezone);
  if (options.dialect) {
    put_text("delimiter", std::string(1, options.dialect->delimiter));
    out.key("header").boolean(options.dialect->header);
  }
  put_text("sql", options.sql);
  put_text("source", options.source);
  out.key("identify_rows").boolean(options.identify_rows);
  out.key("strict").boolean(options.strict);
  out.end_object();
  return out.take();
}

std::string upload_json(const Upload& upload) {
  JsonWriter out;
  out.begin_object();
  out.key("upload").text(upload.id);
  out.key("name").text(upload.name);
  put(out, "bytes", upload.bytes);
  put_time(out, "expires_at", upload.expires_ms);
  out.end_object();
  return out.take();
}

std::string import_preview_json(const ImportPreview& preview) {
  const ImportMapping& mapping = preview.plan.mapping;
  JsonWriter out;
  out.begin_object();
  out.key("format").text(hf::to_string(mapping.format));
  if (mapping.format == InputFormat::csv && mapping.sql.empty()) {
    out.key("delimiter").text(std::string_view(&mapping.dialect.delimiter, 1));
    out.key("header").boolean(mapping.dialect.header);
  }
  if (!mapping.constant_event.empty()) out.key("event").text(mapping.constant_event);
  out.key("timezone").text(mapping.timezone);
  out.key("columns").begin_array();
  for (const FieldMapping& field : mapping.fields) {
    out.begin_object();
    out.key("name").text(field.column);
    out.key("role").text(hf::to_string(field.role));
    if (field.role == FieldRole::property) out.key("property").text(field.property);
    out.key("type").text(hf::to_string(field.type));
    const auto samples = preview.samples.find(field.column);
    put(out, "samples",
        samples == preview.samples.end() ? std::vector<std::string>() : samples->second);
    out.end_object();
  }
  out.end_array();
  put(out, "remarks", preview.plan.remarks);
  out.key("rows").begin_array();
  for (const std::string& row : preview.rows) out.raw(row);
  out.end_array();
  out.key("rejects").begin_array();
  for (const RejectedRow& row : preview.rejects) {
    out.begin_object();
    put(out, "line", row.line);
    if (row.column != 0) put(out, "column", row.column);
    out.key("reason").text(row.reason);
    out.key("message").text(row.message);
    out.key("text").text(row.excerpt);
    out.end_object();
  }
  out.end_array();
  put(out, "rows_read", preview.rows_read);
  put(out, "rows_rejected", preview.rows_rejected);
  if (preview.problem) {
    out.key("problem").begin_object();
    out.key("reason").text(preview.problem->reason);
    out.key("detail").text(preview.problem->message);
    out.end_object();
  }
  out.end_object();
  return out.take();
}

std::string import_record_json(const ImportRecord& record) {
  JsonWriter out;
  put(out, record);
  return out.take();
}

std::string import_records_json(std::span<const ImportRecord> records) {
  JsonWriter out;
  out.begin_object().key("imports").begin_array();
  for (std::size_t i = records.size(); i-- > 0;) put(out, records[i]);
  out.end_array().end_object();
  return out.take();
}

std::string import_job_json(const ImportJobs::Job& job, std::string_view data) {
  JsonWriter out;
  put(out, job, data);
  return out.take();
}

std::string import_jobs_json(const ImportJobs& jobs, std::string_view data) {
  JsonWriter out;
  out.begin_object().key("jobs").begin_array();
  for (const ImportJobs::Job& job : jobs.jobs()) put(out, job, data);
  out.end_array().end_object();
  return out.take();
}

Result<ImportJobs::Job> parse_import_job(std::string_view body, std::string_view data) {
  HF_TRY(const Json json, parse_json(body));
  if (!json.is_object()) {
    return fail(ErrorCode::unavailable, "bad_answer", "the server's answer is no import job");
  }
  const JobReader in(json);
  ImportJobs::Job job{.id = in.count("job"), .files = in.texts("files")};
  using enum ImportJobs::State;
  for (const auto state : {waiting, running, done, failed, cancelled}) {
    if (in.text("state") == hf::to_string(state)) job.state = state;
  }
  job.seconds = in.number<double>("seconds");
  if (const Json* const object = in.object("progress")) {
    const JobReader progress(*object);
    using Phase = ImportProgress::Phase;
    for (const auto phase : {Phase::digest, Phase::rows, Phase::finishing}) {
      if (progress.text("phase") == to_string(phase)) job.progress.phase = phase;
    }
    job.progress.bytes_done = progress.count("bytes_done");
    job.progress.bytes_total = progress.count("bytes_total");
    job.progress.rows = progress.count("rows");
    job.progress.rejected = progress.count("rejected");
  }
  if (const Json* const outcome = in.object("outcome")) {
    job.outcome = parse_outcome(JobReader(*outcome), data);
  }
  if (const Json* const object = in.object("error")) {
    const JobReader error(*object);
    job.error = problem_error(error.number<int>("status"), *object);
  }
  return job;
}

}  // namespace hf::http
