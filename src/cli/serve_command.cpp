// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include "cli/command_table.h"
#include "cli/owner_link.h"
#include "cli/serve_command.h"
#include "cli/within_server.h"
#include "http/door.h"
#include "http/local_client.h"
#include "http/server.h"
#include "service/access.h"
#include "service/account.h"
#include "service/sign_in.h"
#include "service/uploads.h"
#include "service/workspace.h"

namespace hf {
namespace {

constexpr std::int64_t stop_grace_ms = 10'000;

Result<void> read_address(const std::string& listen, http::Server::Options& options) {
  const std::size_t colon = listen.rfind(':');
  const char* const end = listen.data() + listen.size();
  const auto bad = [&] {
    return fail(ErrorCode::invalid_argument, "bad_address",
                fmt::format("an address is like 127.0.0.1:8400 or [::1]:8400, not \"{}\"", listen));
  };
  if (colon == std::string::npos) return bad();
  const auto read = std::from_chars(listen.data() + colon + 1, end, options.port);
  if (read.ec != std::errc() || read.ptr != end) return bad();
  std::string_view host = std::string_view(listen).substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  options.address = host == "localhost" ? "127.0.0.1" : host;
  return {};
}

/// As many connections as there may be files, less what the store needs.
unsigned connections_within_limits(unsigned wanted) {
  constexpr rlim_t others = 256;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, wanted + others);
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t left = files.rlim_cur > 2 * others ? files.rlim_cur - others : files.rlim_cur / 2;
  return static_cast<unsigned>(std::min<rlim_t>(wanted, left));
}

/// As which this machine reaches the server so that it is trusted (is_trusted_loopback); empty
/// where it does not.
std::string_view loopback_host(std::string_view address) {
  if (address == "127.0.0.1" || address == "0.0.0.0") return "127.0.0.1";
  if (address == "::1" || address == "::") return "[::1]";
  return {};
}

/// How to call this program again with the same data.
std::string command_of(const Session& session) {
  constexpr std::string_view usual = "data";
  return session.data == usual ? "holdfast" : fmt::format("holdfast --data {}", session.data);
}

struct Greeting {
  std::string_view scheme;
  std::string_view address;
  std::uint16_t port = 0;
  bool has_console = false;
  bool has_owner = false;
};

/// Tells who started it where it is and what to do next.
Result<void> greet(const Session& session, State& state, const Greeting& greeting) {
  const Words words = session.words();
  const std::string_view address = greeting.address;
  const std::string host = address.find(':') == std::string_view::npos
                               ? std::string(address)
                               : fmt::format("[{}]", address);
  print(fmt::format("{} {}://{}:{}\n", words("Listening on", "正在监听"), greeting.scheme, host,
                    greeting.port));
  const std::string_view here = loopback_host(address);
  const std::string site = fmt::format("{}://{}:{}", greeting.scheme,
                                       here.empty() ? std::string_view(host) : here, greeting.port);
  const auto tell = [&](std::string_view english, std::string_view chinese, std::string_view text) {
    print(fmt::format("  {}  {}\n", pad_right(words(english, chinese), 22), text));
  };
  if (greeting.has_console) tell("Console", "控制台", site + "/console/");
  if (!greeting.has_owner && here.empty()) {
    tell("Owner", "所有者",
         words("none yet; one is made from this machine: listen on 127.0.0.1 or 0.0.0.0 for that",
               "尚无；只能从本机设置：请监听 127.0.0.1 或 0.0.0.0"));
  } else if (!greeting.has_owner) {
    HF_TRY(const std::string token, make_setup_token(state, session.env()));
    tell("To become its owner", "成为所有者", site + owner_link_path(token));
    tell("", "",
         words("this link works once, on this machine, within 24 hours",
               "此链接仅可在本机使用一次，24 小时内有效"));
  }
  HF_TRY(const auto sources, list_sources(state));
  if (sources.empty()) {
    const std::string command = command_of(session);
    tell("To send events", "发送事件", fmt::format("{} source add web", command));
    tell("", "", fmt::format("{} key create --kind write --source web", command));
  }
  print(fmt::format("{}\n", words("Ctrl-C stops it.", "按 Ctrl-C 停止。")));
  std::fflush(stdout);
  return {};
}

}  // namespace

Result<int> serve(Session& session, const ServeArguments& arguments) {
  const Env& env = session.env();
  http::Server::Options options{.certificate = arguments.certificate,
                                .private_key = arguments.private_key,
                                .socket_path = http::socket_path_of(session.data),
                                .any_page_prefix = "/v1/",
                                .threads = arguments.threads};
  HF_CHECK(read_address(arguments.listen, options));
  if (arguments.certificate.empty() != arguments.private_key.empty()) {
    return fail(ErrorCode::invalid_argument, "bad_certificate",
                "--tls-cert and --tls-key belong together");
  }
  options.limits.connections = connections_within_limits(arguments.connections);
  options.limits.connections_per_address = arguments.connections_per_address;

  std::signal(SIGXFSZ, SIG_IGN);  // A file over a limit is an error of that write.
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  const StopOnSignal signals([&] {
    const std::lock_guard lock(mutex);
    stopping = true;
    changed.notify_all();
  });
  Workspace::Options workspace_options;
  workspace_options.store.cache_bytes = std::size_t{session.memory_mib} << 20;
  workspace_options.on_problem = [](const Error& error) {
    print_error(fmt::format("holdfast: events cannot be written: {}\n", error.message));
  };
  HF_TRY(const auto workspace, Workspace::open(env, session.data, workspace_options));
  HF_TRY(const auto state, session.open_state());
  HF_TRY(const auto keyring, Keyring::open(*state));
  HF_TRY(const auto sign_ins, SignIns::open(env, *state));
  const auto run = [&](const std::string& body) {
    return run_for_client(env, session.adapters(), {*workspace, *state, session.data}, body);
  };
  const auto append = [&](std::string lines) {
    return append_for_client(*workspace, std::move(lines));
  };
  HF_TRY(const auto uploads,
         Uploads::open(env, session.data, {.bytes_max = arguments.upload_mib << 20}));
  std::unique_ptr<http::AccessLog> access_log;
  if (!arguments.access_log.empty()) {
    HF_TRY(access_log, http::AccessLog::open(env, arguments.access_log));
  }
  HF_TRY(auto console, http::ConsoleFiles::parse(session.adapters().console));
  http::Door door(env, *workspace, *state, *keyring, *sign_ins,
                  {.events_per_s_per_key = arguments.events_per_s_per_key,
                   .trusts_loopback = !arguments.requires_keys,
                   .is_tls = !arguments.certificate.empty(),
                   .access_log = access_log.get(),
                   .query_ms_max = arguments.query_s_max * 1'000,
                   .query_bytes_max = arguments.query_mib_max << 20,
                   .run_command = run,
                   .append_lines = append,
                   .imports = {.engine = session.adapters().sql},
                   .console = std::move(console),
                   .uploads = uploads.get()});
  options.body_rules = [&](const http::Request& head) { return door.body_rule(head); };
  const http::Handler handler = [&](http::Request&& request, http::Reply reply) {
    door.handle(std::move(request), std::move(reply));
  };
  auto started = http::Server::start(env, options, handler);
  if (!started && started.error().reason == "address_in_use" && arguments.takes_any_port) {
    options.port = 0;
    started = http::Server::start(env, options, handler);
  }
  HF_TRY(const auto server, std::move(started));
  door.watch(*server);

  const Greeting greeting{.scheme = arguments.certificate.empty() ? "http" : "https",
                          .address = options.address,
                          .port = server->port(),
                          .has_console = !session.adapters().console.empty(),
                          .has_owner = sign_ins->has_owner()};
  if (const auto greeted = greet(session, *state, greeting); !greeted) {
    // It serves all the same.
    print_error(
        fmt::format("holdfast: {} ({})\n", greeted.error().message, greeted.error().reason));
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping; });
  }
  print(fmt::format("{}\n", session.words()("Stopping", "正在停止")));
  std::fflush(stdout);
  server->stop(stop_grace_ms);
  return 0;
}

void add_serve_command(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<ServeArguments>();
  CLI::App* serve_command = table.add(
      "serve",
      "Take events over HTTP from the SDKs people already use (Segment's and RudderStack's), and\n"
      "answer questions. An event is durable before it is acknowledged",
      "  holdfast serve\n"
      "  holdfast serve --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key key.pem\n"
      "  curl -u \"$KEY:\" http://127.0.0.1:8400/v1/track -d "
      "'{\"userId\":\"ann\",\"event\":\"signup\"}'",
      [&session, arguments] { return reported([&] { return serve(session, *arguments); }); });
  serve_command->add_option("--listen", arguments->listen, "Address and port")
      ->capture_default_str();
  serve_command->add_option("--tls-cert", arguments->certificate, "Certificate chain (PEM)");
  serve_command->add_option("--tls-key", arguments->private_key, "Its private key (PEM)");
  serve_command->add_option("--connections", arguments->connections, "Connections at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  serve_command
      ->add_option("--connections-per-address", arguments->connections_per_address,
                   "Connections at a time from one address")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  serve_command->add_option("--events-per-second-per-key", arguments->events_per_s_per_key,
                            "More are answered 429 (default: no limit)");
  serve_command
      ->add_option("--upload-limit", arguments->upload_mib,
                   "MiB that a file sent to be imported may have")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  serve_command
      ->add_option("--query-time-limit", arguments->query_s_max,
                   "Seconds that answering a question may take")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  serve_command
      ->add_option("--query-memory-limit", arguments->query_mib_max,
                   "MiB that a question may need at a time")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  serve_command->add_flag(
      "--require-keys", arguments->requires_keys,
      "Questions from this machine need a key or a session from the start (behind a proxy)");
  serve_command->add_option("--access-log", arguments->access_log,
                            "File to append a line of JSON to for each request; nothing personal");
  serve_command
      ->add_option("--threads", arguments->threads,
                   "Threads that read requests (default: one for each processor, at most 8)")
      ->check(CLI::Range(1, 64));
}

}  // namespace hf
