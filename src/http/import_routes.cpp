// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/imports/: files of this machine, imported while the server goes on.
#include <charconv>
#include <memory>
#include <utility>

#include "http/body.h"
#include "http/door_call.h"
#include "http/import_api.h"

namespace hf::http {
namespace {

constexpr std::size_t body_bytes_max = std::size_t{2} << 20;  // The SQL of an import is 1 MiB.

Result<std::uint64_t> job_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return fail(ErrorCode::not_found, "no_import_job", "no import job has this number");
  }
  return id;
}

}  // namespace

void Door::start_import(Call& call) {
  const std::string id = call.request.id;
  const auto work = [this, reply = call.reply,
                     request = std::make_shared<Request>(std::move(call.request))] {
    const auto answer = [&]() -> Result<std::string> {
      HF_TRY(const std::string body, decoded_body(*request, body_bytes_max, 0));
      HF_TRY(const ImportOptions options, parse_import_options(body));
      // With paths of this machine anybody with a key could look into all the server can read.
      if (!request->is_local) {
        return fail(ErrorCode::permission_denied, "local_only",
                    "files of the server's machine are imported by `holdfast import` there");
      }
      HF_TRY(const ImportJobs::Job job, imports_.start(options));
      return import_job_json(job, workspace_.directory());
    }();
    reply(answer ? json(*answer, 202) : problem(answer.error(), request->id));
  };
  if (!enqueue(work)) {
    call.reply(
        problem({ErrorCode::unavailable, "too_many_queries", "the server is busy; try again"}, id));
  }
}

void Door::list_import_jobs(Call& call) {
  call.answer(import_jobs_json(imports_, workspace_.directory()));
}

void Door::show_import_job(Call& call) {
  call.answer([&]() -> Result<std::string> {
    HF_TRY(const std::uint64_t id, job_id(call.parameter));
    HF_TRY(const ImportJobs::Job job, imports_.job(id));
    return import_job_json(job, workspace_.directory());
  }());
}

void Door::cancel_import(Call& call) {
  call.answer([&]() -> Result<std::string> {
    HF_TRY(const std::uint64_t id, job_id(call.parameter));
    HF_CHECK(imports_.cancel(id));
    HF_TRY(const ImportJobs::Job job, imports_.job(id));
    return import_job_json(job, workspace_.directory());
  }());
}

}  // namespace hf::http
