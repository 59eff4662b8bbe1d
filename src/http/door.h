// SPDX-License-Identifier: Apache-2.0
//
// What the server answers: who may ask what, and which use case answers. docs/api/openapi.yaml
// describes each route.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/guarded.h"
#include "http/access_api.h"
#include "http/access_log.h"
#include "http/access_rule.h"
#include "http/asker.h"
#include "http/console_files.h"
#include "http/import_api.h"
#include "http/message.h"
#include "http/rate_limit.h"
#include "http/server.h"
#include "metric/query_context.h"
#include "service/access.h"
#include "service/answer_cache.h"
#include "service/import_jobs.h"
#include "service/live_feed.h"
#include "service/refusal_log.h"
#include "service/sign_in.h"
#include "service/state.h"
#include "service/workspace.h"

namespace hf::http {

/// One thing that can be asked. In `path` a segment "{name}" stands for any.
struct Route {
  std::string_view method;
  std::string_view path;
  Access access;
};

class Door {
 public:
  struct Options {
    std::size_t body_bytes_max = std::size_t{8} << 20;  ///< Decompressed.
    std::int64_t queue_age_ms_max = 2'000;   ///< Events are turned away where others wait longer.
    std::uint64_t events_per_s_per_key = 0;  ///< 0: no limit.
    /// Until there is an owner, is_trusted_loopback() may read without a key.
    bool trusts_loopback = true;
    bool is_tls = false;                    ///< The server speaks TLS itself.
    const AccessLog* access_log = nullptr;  ///< Outlives the door.
    unsigned query_threads = 2;             ///< Questions answered at a time.
    std::size_t queries_waiting_max = 64;
    std::int64_t query_ms_max = 60'000;  ///< Of answering; waiting for it does not count.
    std::size_t query_bytes_max = std::size_t{1} << 30;    ///< Of memory, for each question.
    std::size_t cached_bytes_max = std::size_t{64} << 20;  ///< Of answers kept; 0: none.
    /// Of POST /local/v1/run: a JSON body in, the answer out. Called from a thread that answers
    /// questions.
    std::function<Result<std::string>(const std::string& body)> run_command = {};
    /// Of POST /local/v1/append, likewise.
    std::function<Result<std::string>(std::string body)> append_lines = {};
    ImportJobs::Options imports = {};
    ConsoleFiles console = {};
    Uploads* uploads = nullptr;  ///< Outlives the door. Null: none are taken.
  };
  /// All must outlive it.
  Door(const Env& env, Workspace& workspace, State& state, Keyring& keyring, SignIns& sign_ins,
       const Options& options);
  /// The server must have been stopped before. Waits for what it gave to the workspace.
  ~Door();

  void handle(Request&& request, Reply reply);
  /// Of the server's options.
  [[nodiscard]] BodyRule body_rule(const Request& head);
  /// All there are; preflight requests below /v1/ apart.
  [[nodiscard]] static std::span<const Route> routes();
  /// For /metrics; until it is set there is nothing of the server in them.
  void watch(const Server& server) { server_ = &server; }

  struct Call;      ///< A request on its way through.
  struct Question;  ///< One that waits to be answered.

 private:
  struct Counts {
    std::atomic<std::uint64_t> accepted_events = 0;
    std::atomic<std::uint64_t> refused_events = 0;
    std::atomic<std::uint64_t> unauthorized = 0;
    std::atomic<std::uint64_t> shed = 0;
    std::atomic<std::uint64_t> queries = 0;
    std::atomic<std::uint64_t> failed_queries = 0;
    std::atomic<std::uint64_t> cancelled_queries = 0;
  };
  using Run = void (Door::*)(Call&);
  struct Entry;
  static std::span<const Entry> entries();

  void health(Call& call);
  void readiness(Call& call);
  void metrics(Call& call);
  void track(Call& call);
  void query(Call& call);
  void answer_saved(Call& call);
  void list_queries(Call& call);
  void show_query(Call& call);
  void put_query(Call& call);
  void remove_query(Call& call);
  void schema(Call& call);
  void schema_values(Call& call);
  void refusals(Call& call);
  void live(Call& call);
  void list_sources(Call& call);
  void add_source(Call& call);
  void switch_source(Call& call);
  void list_keys(Call& call);
  void create_key(Call& call);
  void revoke_key(Call& call);
  void receive_upload(Call& call);
  void remove_upload(Call& call);
  void preview_import(Call& call);
  void start_import(Call& call);
  void list_imports(Call& call);
  void undo_import(Call& call);
  void send_rejects(Call& call);
  void list_import_jobs(Call& call);
  void show_import_job(Call& call);
  void cancel_import(Call& call);
  void show_session(Call& call);
  void sign_in(Call& call);
  void sign_out(Call& call);
  void set_owner(Call& call);
  void run_command(Call& call);
  void append_lines(Call& call);

  using AccessChange =
      std::function<Result<AccessAnswer>(StateChange&, const Env&, std::string_view body)>;
  /// The answer to a request that changes the state, under its Idempotency-Key where it has one;
  /// `after` follows what was done.
  [[nodiscard]] Result<Response> change_state(Request& request, const Grant& grant, int status,
                                              std::size_t bytes_max, const AccessChange& change,
                                              const std::function<Result<void>()>& after = {});
  /// The same of sources and keys, to which the door then holds.
  void change_access(Call& call, int status, const AccessChange& change);
  [[nodiscard]] Gate gate() const;
  [[nodiscard]] Response session_answer(const Request& request,
                                        const std::optional<Session>& session,
                                        int status = 200) const;
  /// What answers an attempt to sign in.
  [[nodiscard]] SignIns::Done begins_session(Call& call, int status);
  /// With the limits of a question whose answering begins now; cancelled when the door closes.
  [[nodiscard]] std::shared_ptr<WorkGuard> new_guard();
  [[nodiscard]] QueryContext context_of(const Workspace::Reading& reading, WorkGuard& guard) const;
  [[nodiscard]] Result<Grant> authorize(const Request& request, Access access) const;
  [[nodiscard]] Result<ImportRequest> import_request(Request& request, Uploads::Kept& upload) const;
  /// `asker`: whose leaving ends the waiting; may be null.
  [[nodiscard]] bool enqueue(std::function<void()> work,
                             const std::shared_ptr<Asker>& asker = nullptr);
  /// Answers with what `work` returns, once a thread that answers questions has come to it.
  void answer_later(Call& call, std::function<Result<Response>(Request&)> work);
  void leave(const std::shared_ptr<Asker>& asker);
  /// Answers the body's question, or the one saved as `saved`, once its turn has come.
  void ask(Call& call, std::string saved);
  void answer_question(const std::shared_ptr<Question>& question);
  [[nodiscard]] Result<std::string> question_text(Question& question) const;
  void tell(const Question& question, const Result<KeptAnswer>& answer, bool is_cached);
  [[nodiscard]] std::shared_ptr<void> stay_open();
  void answer_queries();
  void tick();

  Env env_;
  Workspace& workspace_;
  State& state_;
  Keyring& keyring_;
  SignIns& sign_ins_;
  Options options_;
  RateLimit rate_limit_;
  LiveFeed feed_;
  RefusalLog refusal_log_;
  ImportJobs imports_;
  AnswerCache answers_;
  const Server* server_ = nullptr;
  Counts counts_;

  struct Queries {
    struct Waiting {
      std::function<void()> work;
      std::shared_ptr<Asker> asker;  // Null: it is done whoever leaves.
    };
    std::deque<Waiting> waiting;
    std::vector<std::weak_ptr<WorkGuard>> running;
    bool stopping = false;
  };
  Guarded<Queries> queries_;
  std::condition_variable queries_changed_;
  std::vector<std::thread> threads_;
  Guarded<std::size_t> staying_open_{std::size_t{0}};
  std::condition_variable may_close_;
};

}  // namespace hf::http
