// SPDX-License-Identifier: Apache-2.0
#include "http/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "calendar/time_text.h"

namespace hf::http {

Result<std::unique_ptr<AccessLog>> AccessLog::open(const Env& env, const std::string& path) {
  // Beside the store's promises: it is written with one call a line, and never synced.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(ErrorCode::invalid_argument, "bad_access_log",
                fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(env, fd));
}

AccessLog::~AccessLog() { ::close(fd_); }

void AccessLog::write(const Entry& entry) const {
  JsonWriter out;
  out.begin_object();
  out.key("time").text(format_rfc3339(env_.clock.now_ms(), *Zone::utc()));
  out.key("id").text(entry.request_id);
  out.key("method").text(entry.method);
  out.key("route").text(entry.route);
  out.key("status").integer(entry.status);
  out.key("bytes").integer(static_cast<std::int64_t>(entry.bytes));
  out.key("ms").raw(fmt::format("{:.3f}", entry.ms));
  if (entry.key != 0) out.key("key").integer(static_cast<std::int64_t>(entry.key));
  if (entry.account != 0) out.key("account").integer(static_cast<std::int64_t>(entry.account));
  out.end_object();
  const std::string line = out.take() + "\n";
  (void)!::write(fd_, line.data(), line.size());
}

}  // namespace hf::http
