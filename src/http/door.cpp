// SPDX-License-Identifier: Apache-2.0
#include "http/door.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "http/door_call.h"
#include "http/problem.h"

namespace hf::http {

struct Door::Entry {
  Route route;
  Run run;
};

namespace {

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// What stands for "{..}"; nothing where the path is another.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  std::string_view parameter;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view found = next_segment(path);
    if (wanted.starts_with('{') && !found.empty()) {
      parameter = found;
    } else if (wanted != found) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameter;
}

/// What stands below this path a page from anywhere may ask and read.
constexpr std::string_view of_any_page = "/v1/";

// Browsers ask before they send events to another host than their page's (Fetch, "CORS protocol").
Response preflight() {
  return {
      .status = 204,
      .headers = {{"Access-Control-Allow-Origin", "*"},
                  {"Access-Control-Allow-Methods", "POST"},
                  {"Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding"},
                  {"Access-Control-Max-Age", "86400"}}};
}

}  // namespace

std::span<const Door::Entry> Door::entries() {
  static const Entry all[] = {
      {{"GET", "/healthz", Access::open}, &Door::health},
      {{"GET", "/readyz", Access::open}, &Door::readiness},
      {{"GET", "/metrics", Access::read}, &Door::metrics},
      {{"POST", "/v1/identify", Access::write}, &Door::track},
      {{"POST", "/v1/track", Access::write}, &Door::track},
      {{"POST", "/v1/page", Access::write}, &Door::track},
      {{"POST", "/v1/screen", Access::write}, &Door::track},
      {{"POST", "/v1/group", Access::write}, &Door::track},
      {{"POST", "/v1/alias", Access::write}, &Door::track},
      {{"POST", "/v1/batch", Access::write}, &Door::track},
      {{"POST", "/api/v1/query", Access::read}, &Door::query},
      {{"GET", "/api/v1/queries", Access::read}, &Door::list_queries},
      {{"GET", "/api/v1/queries/{name}", Access::read}, &Door::show_query},
      {{"PUT", "/api/v1/queries/{name}", Access::admin}, &Door::put_query},
      {{"DELETE", "/api/v1/queries/{name}", Access::admin}, &Door::remove_query},
      {{"POST", "/api/v1/queries/{name}/answer", Access::read}, &Door::answer_saved},
      {{"GET", "/api/v1/schema", Access::read}, &Door::schema},
      {{"GET", "/api/v1/schema/values", Access::read}, &Door::schema_values},
      {{"GET", "/api/v1/rejects", Access::read}, &Door::refusals},
      {{"GET", "/api/v1/live", Access::read}, &Door::live},
      {{"GET", "/api/v1/sources", Access::read}, &Door::list_sources},
      {{"POST", "/api/v1/sources", Access::admin}, &Door::add_source},
      {{"POST", "/api/v1/sources/{name}", Access::admin}, &Door::switch_source},
      {{"GET", "/api/v1/keys", Access::admin}, &Door::list_keys},
      {{"POST", "/api/v1/keys", Access::admin}, &Door::create_key},
      {{"POST", "/api/v1/keys/{id}/revoke", Access::admin}, &Door::revoke_key},
      {{"POST", "/api/v1/uploads", Access::admin}, &Door::receive_upload},
      {{"DELETE", "/api/v1/uploads/{upload}", Access::admin}, &Door::remove_upload},
      {{"POST", "/api/v1/imports/preview", Access::admin}, &Door::preview_import},
      {{"POST", "/api/v1/imports", Access::admin}, &Door::start_import},
      {{"GET", "/api/v1/imports", Access::read}, &Door::list_imports},
      {{"POST", "/api/v1/imports/{import}/undo", Access::admin}, &Door::undo_import},
      {{"GET", "/api/v1/imports/{import}/rejects", Access::read}, &Door::send_rejects},
      {{"GET", "/api/v1/imports/jobs", Access::read}, &Door::list_import_jobs},
      {{"GET", "/api/v1/imports/jobs/{job}", Access::read}, &Door::show_import_job},
      {{"POST", "/api/v1/imports/jobs/{job}/cancel", Access::admin}, &Door::cancel_import},
      {{"GET", "/api/v1/session", Access::open}, &Door::show_session},
      {{"POST", "/api/v1/session", Access::visitor}, &Door::sign_in},
      {{"DELETE", "/api/v1/session", Access::visitor}, &Door::sign_out},
      {{"POST", "/api/v1/owner", Access::link}, &Door::set_owner},
      {{"POST", "/local/v1/run", Access::local}, &Door::run_command},
      {{"POST", "/local/v1/append", Access::local}, &Door::append_lines},
  };
  return all;
}

std::span<const Route> Door::routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> routes;
    for (const Entry& entry : entries()) routes.push_back(entry.route);
    return routes;
  }();
  return all;
}

Door::Door(const Env& env, Workspace& workspace, State& state, Keyring& keyring, SignIns& sign_ins,
           const Options& options)
    : env_(env),
      workspace_(workspace),
      state_(state),
      keyring_(keyring),
      sign_ins_(sign_ins),
      options_(options),
      rate_limit_(options.events_per_s_per_key),
      feed_(env),
      refusal_log_(state),
      imports_(env, workspace, options.imports),
      answers_(options.cached_bytes_max) {
  for (unsigned i = 0; i < std::max(1u, options_.query_threads); ++i) {
    threads_.emplace_back([this] { answer_queries(); });
  }
  threads_.emplace_back([this] { tick(); });
}

Door::~Door() {
  {
    const auto queries = queries_.lock();
    queries->stopping = true;
    for (const auto& running : queries->running) {
      if (const auto guard = running.lock()) guard->cancel();
    }
  }
  queries_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  {
    auto staying_open = staying_open_.lock();
    staying_open.wait(may_close_, [](std::size_t count) { return count == 0; });
  }
  (void)keyring_.flush();
  (void)sign_ins_.flush();
}

Gate Door::gate() const { return {keyring_, sign_ins_, options_.trusts_loopback, options_.is_tls}; }

void Door::handle(Request&& request, Reply reply) {
  Call call{std::move(request), std::move(reply), {}, {}, {}};
  if (options_.access_log != nullptr) {
    call.logged = std::make_shared<LoggedReply>(*options_.access_log, env_, call.request,
                                                std::move(call.reply));
    call.reply = Reply(call.logged);
  }
  const std::string_view path = call.request.path;
  if (call.request.method == "OPTIONS" && path.starts_with(of_any_page)) {
    call.reply(preflight());
    return;
  }
  if (ConsoleFiles::is_path(path)) {
    if (call.logged) call.logged->set_route("/console/");
    return call.reply(options_.console.answer(call.request));
  }
  const bool is_head = call.request.method == "HEAD";
  const std::string_view method = is_head ? std::string_view("GET") : call.request.method;
  std::string methods;  // Of the path.
  for (const Entry& entry : entries()) {
    const auto parameter = match(entry.route.path, path);
    if (!parameter) continue;
    methods += fmt::format("{}{}", methods.empty() ? "" : ", ", entry.route.method);
    if (entry.route.method == "GET") methods += ", HEAD";
    if (entry.route.method != method) continue;
    call.parameter = *parameter;
    if (call.logged) call.logged->set_route(entry.route.path);
    // The key of an event may lie in its body: track() looks itself.
    if (entry.route.access != Access::write) {
      auto grant = authorize(call.request, entry.route.access);
      if (!grant) {
        counts_.unauthorized.fetch_add(1);
        return call.refuse(grant.error());
      }
      call.grant = *std::move(grant);
      call.note(call.grant);
    }
    return (this->*entry.run)(call);
  }
  if (!methods.empty()) {
    if (path.starts_with(of_any_page)) methods += ", OPTIONS";
    Response response = problem({ErrorCode::invalid_argument, "method_not_allowed",
                                 fmt::format("not a method of this path: {}", call.request.method)},
                                call.request.id);
    response.headers.push_back({"Allow", methods});
    return call.reply(path.starts_with(of_any_page) ? for_any_page(std::move(response))
                                                    : std::move(response));
  }
  Response response = problem(
      {ErrorCode::not_found, "no_such_path", "there is nothing at this path"}, call.request.id);
  call.reply(path.starts_with(of_any_page) ? for_any_page(std::move(response))
                                           : std::move(response));
}

Result<Grant> Door::authorize(const Request& request, Access access) const {
  return http::authorize(request, access, gate(), env_.clock.now_ms());
}

/// The destructor waits until it is let go: for what another thread will call.
std::shared_ptr<void> Door::stay_open() {
  ++*staying_open_.lock();
  return {this, [](Door* door) {
            const auto staying_open = door->staying_open_.lock();
            --*staying_open;
            door->may_close_.notify_all();
          }};
}

std::shared_ptr<WorkGuard> Door::new_guard() {
  constexpr std::int64_t ns_per_ms = 1'000'000;
  const WorkGuard::Limits limits{
      .deadline_ns = env_.clock.monotonic_ns() + options_.query_ms_max * ns_per_ms,
      .bytes_max = options_.query_bytes_max};
  auto guard = std::make_shared<WorkGuard>(env_.clock, limits);
  const auto queries = queries_.lock();
  std::erase_if(queries->running, [](const auto& running) { return running.expired(); });
  queries->running.push_back(guard);
  if (queries->stopping) guard->cancel();
  return guard;
}

bool Door::enqueue(std::function<void()> work, const std::shared_ptr<Asker>& asker) {
  {
    const auto queries = queries_.lock();
    if (queries->stopping || queries->waiting.size() >= options_.queries_waiting_max) return false;
    queries->waiting.push_back({std::move(work), asker});
  }
  queries_changed_.notify_all();  // One of those who wait does not take work.
  return true;
}

/// What waits for nobody any more does not wait: its work, which sees that, is done at once.
void Door::leave(const std::shared_ptr<Asker>& asker) {
  asker->leave();
  std::function<void()> work;
  {
    const auto queries = queries_.lock();
    const auto found = std::ranges::find(queries->waiting, asker, &Queries::Waiting::asker);
    if (found == queries->waiting.end()) return;
    work = std::move(found->work);
    queries->waiting.erase(found);
  }
  work();
}

void Door::answer_later(Call& call, std::function<Result<Response>(Request&)> work) {
  const std::string id = call.request.id;
  const bool is_taken = enqueue([reply = call.reply, work = std::move(work),
                                 request = std::make_shared<Request>(std::move(call.request))] {
    auto answer = work(*request);
    reply(answer ? *std::move(answer) : problem(answer.error(), request->id));
  });
  if (is_taken) return;
  call.reply(
      problem({ErrorCode::unavailable, "too_many_queries", "the server is busy; try again"}, id));
}

void Door::answer_queries() {
  while (true) {
    std::function<void()> work;
    {
      auto queries = queries_.lock();
      queries.wait(queries_changed_,
                   [](const Queries& q) { return q.stopping || !q.waiting.empty(); });
      if (queries->waiting.empty()) return;
      work = std::move(queries->waiting.front().work);
      queries->waiting.pop_front();
    }
    work();
  }
}

void Door::tick() {
  constexpr std::int64_t flush_every_s = 60;
  for (std::int64_t second = 1;; ++second) {
    {
      auto queries = queries_.lock();
      if (queries.wait_for(queries_changed_, std::chrono::seconds(1),
                           [](const Queries& q) { return q.stopping; })) {
        return;
      }
    }
    feed_.tick();
    if (options_.uploads != nullptr) options_.uploads->tick();
    // What cannot be saved now is saved the next time.
    if (second % flush_every_s == 0) {
      (void)keyring_.flush();
      (void)sign_ins_.flush();
    }
  }
}

}  // namespace hf::http
