// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/uploads and /api/v1/imports: files that are sent, or lie on this machine, imported while
// the server goes on.
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "http/body.h"
#include "http/door_call.h"
#include "http/import_api.h"
#include "http/query_string.h"
#include "http/upload_sink.h"

namespace hf::http {
namespace {

constexpr std::size_t body_bytes_max = std::size_t{2} << 20;  // The SQL of an import is 1 MiB.

/// `what` is an error's reason: "no_import_job".
template <class Number>
Result<Number> number_of(std::string_view text, std::string_view what) {
  Number number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return fail(ErrorCode::not_found, what, "nothing has this number");
  }
  return number;
}

Result<std::vector<ImportRecord>> records_of(Workspace& workspace) {
  std::vector<ImportRecord> records;
  HF_CHECK(workspace.with_store([&](Store& store) -> Result<void> {
    records = store.manifest().imports;
    return {};
  }));
  return records;
}

Response nothing() { return {.status = 204}; }

}  // namespace

BodyRule Door::body_rule(const Request& head) {
  if (head.method != "POST" || head.path != "/api/v1/uploads") return {};
  // Who may not send it is told so before it comes.
  if (options_.uploads == nullptr || !authorize(head, Access::admin)) return {.is_unread = true};
  const auto name = parameter(head.query, "name");
  if (!name) return {.is_unread = true};
  std::optional<std::uint64_t> bytes;
  if (const auto length = head.header("content-length")) {
    bytes.emplace();
    std::from_chars(length->data(), length->data() + length->size(), *bytes);
  }
  const auto sink =
      std::make_shared<UploadSink>(options_.uploads->begin(name->value_or(std::string()), bytes));
  return {.sink = sink, .is_unread = !sink->is_ready()};
}

void Door::receive_upload(Call& call) {
  call.answer(
      [&]() -> Result<std::string> {
        HF_CHECK(parameter(call.request.query, "name"));
        if (call.request.sink == nullptr) {
          return fail(ErrorCode::failed_precondition, "no_uploads", "no files are taken here");
        }
        const auto sink = std::static_pointer_cast<UploadSink>(call.request.sink);
        HF_TRY(const Uploads::Kept upload, sink->finish());
        return upload_json(*upload);
      }(),
      201);
}

void Door::remove_upload(Call& call) {
  const auto removed = options_.uploads != nullptr
                           ? options_.uploads->remove(call.parameter)
                           : fail(ErrorCode::not_found, "no_upload", "no files are taken here");
  if (!removed) return call.refuse(removed.error());
  call.reply(nothing());
}

/// What the body asks for, with the upload's path; null where it is of this machine's files.
Result<ImportRequest> Door::import_request(Request& request, Uploads::Kept& upload) const {
  HF_TRY(const std::string body, decoded_body(request, body_bytes_max, 0));
  HF_TRY(ImportRequest asked, parse_import_request(body));
  // With paths of this machine, and SQL that reads them, anybody with a key could look into all
  // the server can read.
  const bool needs_machine = asked.upload.empty() || !asked.options.sql.empty();
  if (needs_machine && !request.is_local) {
    return fail(ErrorCode::permission_denied, "local_only",
                "files of the server's machine, and SQL, are for `holdfast import` there");
  }
  if (asked.upload.empty()) return asked;
  if (options_.uploads == nullptr) {
    return fail(ErrorCode::not_found, "no_upload", "no files are taken here");
  }
  HF_TRY(upload, options_.uploads->find(asked.upload));
  asked.options.files = {upload->path};
  return asked;
}

void Door::preview_import(Call& call) {
  answer_later(call, [this](Request& request) -> Result<Response> {
    Uploads::Kept upload;
    HF_TRY(const ImportRequest asked, import_request(request, upload));
    HF_TRY(const ImportPreview preview, imports_.preview(asked.options));
    return json(import_preview_json(preview));
  });
}

void Door::start_import(Call& call) {
  answer_later(call, [this](Request& request) -> Result<Response> {
    Uploads::Kept upload;
    HF_TRY(const ImportRequest asked, import_request(request, upload));
    // Held until it ends; then it is needed no more where all of it is in.
    const auto on_end = [upload, uploads = options_.uploads](const ImportJobs::Job& job) {
      if (upload == nullptr || job.state != ImportJobs::State::done) return;
      (void)uploads->remove(upload->id);
    };
    HF_TRY(const ImportJobs::Job job, imports_.start(asked.options, on_end));
    return json(import_job_json(job, workspace_.directory()), 202);
  });
}

void Door::list_imports(Call& call) {
  answer_later(call, [this](Request&) -> Result<Response> {
    HF_TRY(const auto records, records_of(workspace_));
    return json(import_records_json(records));
  });
}

void Door::undo_import(Call& call) {
  answer_later(call, [this, number = call.parameter](Request&) -> Result<Response> {
    HF_TRY(const auto id, number_of<std::uint32_t>(number, "no_import"));
    ImportRecord undone;
    HF_CHECK(workspace_.with_store([&](Store& store) -> Result<void> {
      HF_TRY(undone, hf::undo_import(store, id));
      return {};
    }));
    return json(import_record_json(undone));
  });
}

void Door::send_rejects(Call& call) {
  answer_later(call, [this, number = call.parameter](Request&) -> Result<Response> {
    HF_TRY(const auto id, number_of<std::uint32_t>(number, "no_import"));
    Response::FileBody body;
    HF_CHECK(workspace_.with_store([&](Store& store) -> Result<void> {
      const ImportRecord* const record = store.manifest().find_import(id);
      if (record == nullptr) {
        return fail(ErrorCode::not_found, "no_import", fmt::format("there is no import {}", id));
      }
      if (record->state == ImportState::undone || record->reject_bytes == 0) {
        return fail(ErrorCode::not_found, "no_rejects", "nothing of it was refused, or is kept");
      }
      HF_TRY(body.file, env_.files.open(store.reject_path(id), OpenMode::read));
      body.bytes = record->reject_bytes;
      return {};
    }));
    return Response{
        .content_type = "text/csv; charset=utf-8",
        .headers = {{"Cache-Control", "no-store"},
                    {"Content-Disposition",
                     fmt::format("attachment; filename=\"import-{}-rejects.csv\"", id)}},
        .file = std::move(body)};
  });
}

void Door::list_import_jobs(Call& call) {
  call.answer(import_jobs_json(imports_, workspace_.directory()));
}

void Door::show_import_job(Call& call) {
  call.answer([&]() -> Result<std::string> {
    HF_TRY(const auto id, number_of<std::uint64_t>(call.parameter, "no_import_job"));
    HF_TRY(const ImportJobs::Job job, imports_.job(id));
    return import_job_json(job, workspace_.directory());
  }());
}

void Door::cancel_import(Call& call) {
  call.answer([&]() -> Result<std::string> {
    HF_TRY(const auto id, number_of<std::uint64_t>(call.parameter, "no_import_job"));
    HF_CHECK(imports_.cancel(id));
    HF_TRY(const ImportJobs::Job job, imports_.job(id));
    return import_job_json(job, workspace_.directory());
  }());
}

}  // namespace hf::http
