// SPDX-License-Identifier: Apache-2.0
//
// Imports as JSON (docs/api/openapi.yaml): for the server's routes, and for the command that asks a
// server to import. Bodies are JSON objects; unknown members are refused (unknown_field), those of
// a wrong kind too (wrong_type).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/import_jobs.h"
#include "service/uploads.h"

namespace hf::http {

/// What to import: files of the server's machine, or one that was sent to it.
struct ImportRequest {
  ImportOptions options;
  std::string upload;  ///< Upload::id; empty where options.files says what.
};
/// {"files"?, "upload"?, "format"?, "map"?, "types"?, "time_format"?, "timezone"?, "delimiter"?,
/// "header"?, "sql"?, "source"?, "identify_rows"?, "strict"?}: named and written as the flags of
/// `holdfast import`; "map" and "types" are lists of texts. Errors: also bad_format, bad_delimiter,
/// two_inputs.
[[nodiscard]] Result<ImportRequest> parse_import_request(std::string_view body);
/// The same back.
[[nodiscard]] std::string import_options_json(const ImportOptions& options);

/// {"upload", "name", "bytes", "expires_at"}
[[nodiscard]] std::string upload_json(const Upload& upload);
/// {"format", "delimiter"?, "header"?, "event"?, "timezone", "columns", "remarks", "rows",
/// "rejects", "rows_read", "rows_rejected", "problem"?}
[[nodiscard]] std::string import_preview_json(const ImportPreview& preview);
/// {"import", "state", "files", "source", "started_at", "finished_at"?, "rows", "events",
/// "duplicates", "rejected", "has_rejects"}
[[nodiscard]] std::string import_record_json(const ImportRecord& record);
/// {"imports": [..]}, newest first.
[[nodiscard]] std::string import_records_json(std::span<const ImportRecord> records);

/// {"job", "state", "files", "asked_at", "ended_at"?, "seconds", "progress", "outcome"?, "error"?}.
/// `data` is the data directory, within which the place of rejected rows is told.
[[nodiscard]] std::string import_job_json(const ImportJobs::Job& job, std::string_view data);
/// Back, but for the times. Errors: unavailable/bad_answer.
[[nodiscard]] Result<ImportJobs::Job> parse_import_job(std::string_view body,
                                                       std::string_view data);
/// {"jobs": [..]}
[[nodiscard]] std::string import_jobs_json(const ImportJobs& jobs, std::string_view data);

}  // namespace hf::http
