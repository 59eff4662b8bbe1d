// SPDX-License-Identifier: Apache-2.0
#include "http/console_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "http/body.h"
#include "http/problem.h"

namespace hf::http {
namespace {

constexpr std::string_view first_line = "holdfast-console 1\n";
constexpr std::string_view root = "/console/";
constexpr std::size_t file_bytes_max = std::size_t{64} << 20;

/// What stands before `end`; it and `end` are taken away. Nothing where there is no `end`.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

/// RFC 9110 section 12.5.3, of clients as they are: what is named with "q=0" is not wanted.
bool takes_gzip(const Request& request) {
  std::string_view codings = request.header("accept-encoding").value_or("");
  while (!codings.empty()) {
    std::string_view each = codings.substr(0, codings.find(','));
    codings.remove_prefix(std::min(codings.size(), each.size() + 1));
    each.remove_prefix(std::min(each.size(), each.find_first_not_of(" \t")));
    const std::string_view name = each.substr(0, each.find_first_of("; \t"));
    if (name != "gzip" && name != "*") continue;
    const std::size_t q = each.find("q=");
    return q == std::string_view::npos || each.substr(q + 2).find_first_of("123456789") == 0 ||
           each.substr(q + 2).starts_with("0.");
  }
  return false;
}

Response redirect() { return {.status = 302, .headers = {{"Location", std::string(root)}}}; }

void add_policy(Response& response) {
  constexpr std::string_view policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
      "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
      "form-action 'self'; frame-ancestors 'none'";
  response.headers.push_back({"Content-Security-Policy", std::string(policy)});
  response.headers.push_back({"Referrer-Policy", "no-referrer"});
  response.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  response.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  response.headers.push_back(
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"});
}

}  // namespace

Result<ConsoleFiles> ConsoleFiles::parse(std::string_view pack) {
  ConsoleFiles files;
  if (pack.empty()) return files;
  const auto bad = [] {
    return fail(ErrorCode::data_loss, "bad_console", "the console in this program is damaged");
  };
  if (!pack.starts_with(first_line)) return bad();
  pack.remove_prefix(first_line.size());
  struct Sized {
    std::string_view path;
    Entry entry;
    std::size_t bytes;
  };
  std::vector<Sized> all;
  while (true) {
    auto line = take_until(pack, '\n');
    if (!line) return bad();
    if (line->empty()) break;
    const auto path = take_until(*line, '\t');
    const auto type = path ? take_until(*line, '\t') : std::nullopt;
    const auto tag = type ? take_until(*line, '\t') : std::nullopt;
    std::size_t bytes = 0;
    const char* const end = line->data() + line->size();
    if (!tag || std::from_chars(line->data(), end, bytes).ptr != end) return bad();
    all.push_back({*path, {*type, *tag, {}}, bytes});
  }
  for (Sized& each : all) {
    if (each.bytes > pack.size()) return bad();
    each.entry.gzip = pack.substr(0, each.bytes);
    pack.remove_prefix(each.bytes);
    files.files_.emplace(each.path, each.entry);
  }
  if (!pack.empty() || !files.files_.contains("index.html")) return bad();
  return files;
}

bool ConsoleFiles::is_path(std::string_view path) {
  return path == "/" || path == "/console" || path.starts_with(root);
}

Response ConsoleFiles::answer(const Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = problem({ErrorCode::invalid_argument, "method_not_allowed",
                                 fmt::format("not a method of this path: {}", request.method)},
                                request.id);
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  if (empty()) {
    return problem({ErrorCode::not_found, "no_console", "this build has no console"}, request.id);
  }
  if (!request.path.starts_with(root)) return redirect();
  const std::string_view path = std::string_view(request.path).substr(root.size());
  const bool is_asset = path.starts_with("assets/");
  auto found = files_.find(path);
  if (found == files_.end() && is_asset) {
    return problem({ErrorCode::not_found, "no_such_path", "there is nothing at this path"},
                   request.id);
  }
  if (found == files_.end()) found = files_.find(std::string_view("index.html"));
  const Entry& file = found->second;
  const std::string tag = fmt::format("\"{}\"", file.tag);
  Response response{
      .headers = {{"Cache-Control", is_asset ? "public, max-age=31536000, immutable" : "no-cache"},
                  {"ETag", tag},
                  {"Vary", "Accept-Encoding"}}};
  add_policy(response);
  if (request.header("if-none-match").value_or("").find(tag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.content_type = file.content_type;
  if (takes_gzip(request)) {
    response.body = file.gzip;
    response.headers.push_back({"Content-Encoding", "gzip"});
    return response;
  }
  Request packed{.headers = {{"content-encoding", "gzip"}}, .body = std::string(file.gzip)};
  auto plain = decoded_body(packed, file_bytes_max, 0);
  if (!plain) return problem(plain.error(), request.id);
  response.body = *std::move(plain);
  return response;
}

}  // namespace hf::http
