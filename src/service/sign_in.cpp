// SPDX-License-Identifier: Apache-2.0
#include "service/sign_in.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "service/account.h"
#include "service/last_use.h"
#include "service/secret.h"

namespace hf {
namespace {

std::unexpected<Error> bad_credentials() {
  return fail(ErrorCode::unauthenticated, "bad_credentials",
              "the name or the password is not right");
}

SignIns::Outcome too_many_attempts(std::int64_t retry_after_s) {
  return {fail(ErrorCode::resource_exhausted, "too_many_attempts",
               fmt::format("too many attempts to sign in; try again in {} s", retry_after_s)),
          retry_after_s};
}

SignIns::Outcome stopping() {
  return {fail(ErrorCode::unavailable, "stopping", "the server is stopping"), 0};
}

/// What counts as one client: an address of IPv4, and of IPv6 the 64 bits of its network, as
/// whoever has one address there has all of them.
std::string client_of(std::string_view address) {
  constexpr std::size_t network_bytes = 8;
  constexpr std::array<unsigned char, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<unsigned char, 16> bytes;
  if (::inet_pton(AF_INET6, std::string(address).c_str(), bytes.data()) != 1 ||
      std::equal(mapped.begin(), mapped.end(), bytes.begin())) {
    return std::string(address.substr(address.rfind(':') + 1));
  }
  return "network " + std::string(bytes.begin(), bytes.begin() + network_bytes);
}

bool has_ended(const StoredSession& session, TimestampMs seen_ms, TimestampMs now_ms) {
  return now_ms - session.created_ms >= session_ms_max || now_ms - seen_ms >= session_unused_ms_max;
}

/// Adds the session; of those that its account had, ended ones go, and the one that was not used
/// for longest where there are too many.
Result<void> begin_session(StateChange& change, const StoredSession& session) {
  HF_TRY(auto sessions, change.sessions());
  std::erase_if(sessions, [&](const auto& each) { return each.account != session.account; });
  std::ranges::sort(sessions, {}, [](const StoredSession& each) { return each.seen_ms; });
  std::size_t left = sessions.size();
  for (const StoredSession& each : sessions) {
    if (left < sessions_per_account_max && !has_ended(each, each.seen_ms, session.created_ms)) {
      continue;
    }
    HF_CHECK(change.remove_session(each.hash));
    --left;
  }
  return change.save_session(session);
}

/// Overwrites the password, wherever its work ends.
class Password {
 public:
  explicit Password(std::string text) : text_(std::move(text)) {}
  ~Password() { sodium_memzero(text_.data(), text_.size()); }
  Password(const Password&) = delete;
  Password& operator=(const Password&) = delete;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string csrf_token(std::string_view session_token) {
  static_assert(secret_characters >= crypto_generichash_KEYBYTES_MIN &&
                secret_characters <= crypto_generichash_KEYBYTES_MAX);
  HF_ASSERT(session_token.size() == secret_characters);
  constexpr std::string_view purpose = "holdfast csrf token";
  std::array<std::byte, crypto_generichash_BYTES> sum;
  const int outcome = crypto_generichash(
      reinterpret_cast<unsigned char*>(sum.data()), sum.size(),
      reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
      reinterpret_cast<const unsigned char*>(session_token.data()), session_token.size());
  HF_ASSERT(outcome == 0);
  return base64url(sum);
}

bool is_csrf_token(std::string_view session_token, std::string_view text) {
  const std::string right = csrf_token(session_token);
  return text.size() == right.size() && sodium_memcmp(text.data(), right.data(), right.size()) == 0;
}

struct SignIns::Table {
  struct Entry {
    StoredSession session;
    Account account;
    std::shared_ptr<LastUse> use;

    [[nodiscard]] TimestampMs seen_ms() const {
      return std::max(session.seen_ms, use->minute.load(std::memory_order_relaxed));
    }
  };
  std::map<TokenHash, Entry> sessions;
  bool has_owner = false;
};

SignIns::SignIns(const Env& env, State& state)
    : env_(env), state_(state), table_(std::make_shared<const Table>()) {}

Result<std::unique_ptr<SignIns>> SignIns::open(const Env& env, State& state) {
  // Has libsodium take the quickest code for this processor.
  if (::sodium_init() < 0) {
    return fail(ErrorCode::unavailable, "no_randomness", "the system gives no random numbers");
  }
  std::unique_ptr<SignIns> sign_ins(new SignIns(env, state));
  HF_CHECK(sign_ins->reload());
  sign_ins->thread_ = std::thread([it = sign_ins.get()] { it->work(); });
  return sign_ins;
}

SignIns::~SignIns() {
  if (!thread_.joinable()) return;  // Its state could not be read.
  queue_.lock()->stopping = true;
  queue_changed_.notify_all();
  thread_.join();
}

bool SignIns::has_owner() const {
  const std::shared_ptr<const Table> table = *table_.lock();
  return table->has_owner;
}

std::optional<Account> SignIns::check(std::string_view token) const {
  if (token.size() != secret_characters) return std::nullopt;
  const std::shared_ptr<const Table> table = *table_.lock();
  // Found by its hash, so that the time taken says nothing about a token.
  const auto found = table->sessions.find(sha256(token));
  if (found == table->sessions.end()) return std::nullopt;
  const Table::Entry& entry = found->second;
  const TimestampMs now_ms = env_.clock.now_ms();
  if (has_ended(entry.session, entry.seen_ms(), now_ms)) return std::nullopt;
  entry.use->note(now_ms);
  return entry.account;
}

void SignIns::work() {
  while (true) {
    std::function<void(bool)> attempt;
    bool is_stopping = false;
    {
      auto queue = queue_.lock();
      queue->is_hashing = false;
      queue.wait(queue_changed_, [](const Queue& q) { return q.stopping || !q.waiting.empty(); });
      if (queue->waiting.empty()) return;
      attempt = std::move(queue->waiting.front());
      queue->waiting.pop_front();
      queue->is_hashing = true;
      is_stopping = queue->stopping;
    }
    attempt(is_stopping);
  }
}

bool SignIns::enqueue(std::function<void(bool is_stopping)> attempt) {
  {
    const auto queue = queue_.lock();
    const std::size_t ahead = queue->waiting.size() + (queue->is_hashing ? 1 : 0);
    if (ahead > waiting_max) return false;
    queue->waiting.push_back(std::move(attempt));
  }
  queue_changed_.notify_all();
  return true;
}

std::int64_t SignIns::wait_s(const std::string& address, const std::string& name) const {
  const std::int64_t now_ns = env_.clock.monotonic_ns();
  const auto throttles = throttles_.lock();
  return std::max(throttles->addresses.wait_s(address, now_ns),
                  throttles->names.wait_s(name, now_ns));
}

void SignIns::sign_in(std::string_view address, std::string name, std::string password,
                      const Done& done) {
  // What is no name of an account is the name of none.
  const auto trimmed = account_name(name);
  if (trimmed) name = *trimmed;
  const std::string client = client_of(address);
  if (const std::int64_t wait = wait_s(client, name); wait > 0) {
    return done(too_many_attempts(wait));
  }
  const auto secret = std::make_shared<const Password>(std::move(password));
  const auto attempt = [this, client, name, secret, done](bool is_stopping) {
    done(is_stopping ? stopping() : try_to_sign_in(client, name, secret->text()));
  };
  if (!enqueue(attempt)) done(too_many_attempts(1));
}

SignIns::Outcome SignIns::try_to_sign_in(const std::string& client, const std::string& name,
                                         const std::string& password) {
  // Those that waited with it may have failed.
  if (const std::int64_t wait = wait_s(client, name); wait > 0) return too_many_attempts(wait);
  const auto accounts = state_.accounts();
  if (!accounts) return {std::unexpected(accounts.error())};
  const auto found = std::ranges::find(*accounts, name, [](const StoredAccount& each) {
    return std::string_view(each.account.name);
  });
  const bool is_known = found != accounts->end();
  const bool is_right = is_password(is_known ? found->password : hash_of_nobody(), password);
  if (!is_known || !is_right) {
    const std::int64_t now_ns = env_.clock.monotonic_ns();
    const auto throttles = throttles_.lock();
    throttles->addresses.fail(client, now_ns);
    throttles->names.fail(name, now_ns);
    return {bad_credentials()};
  }
  SignedIn signed_in = {.token = new_secret(env_.random)};
  const TimestampMs now_ms = env_.clock.now_ms();
  const Result<void> begun = state_.change([&](StateChange& change) -> Result<void> {
    HF_TRY(auto now, change.accounts());
    // By a link it may have got another password since.
    const auto same = std::ranges::find(now, *found);
    if (same == now.end()) return bad_credentials();
    same->account.signed_in_ms = now_ms;
    signed_in.account = same->account;
    HF_CHECK(change.save_account(*same));
    return begin_session(change, {.hash = sha256(signed_in.token),
                                  .account = same->account.id,
                                  .created_ms = now_ms,
                                  .seen_ms = now_ms});
  });
  if (!begun) return {std::unexpected(begun.error())};
  {
    const auto throttles = throttles_.lock();
    throttles->addresses.forget(client);
    throttles->names.forget(name);
  }
  if (const auto reloaded = reload(); !reloaded) return {std::unexpected(reloaded.error())};
  return {std::move(signed_in)};
}

void SignIns::set_owner(std::string token, std::string name, std::string password,
                        const Done& done) {
  const auto secret = std::make_shared<const Password>(std::move(password));
  const auto checked = [&]() -> Result<void> {
    // Before the slow part; within the transaction again.
    HF_CHECK(check_setup_token(state_, token, env_.clock.now_ms()));
    HF_TRY(name, account_name(name));
    return check_password(secret->text(), name);
  }();
  if (!checked) return done({std::unexpected(checked.error())});
  const auto attempt = [this, token = std::move(token), name, secret, done](bool is_stopping) {
    done(is_stopping ? stopping() : try_to_set_owner(token, name, secret->text()));
  };
  if (!enqueue(attempt)) done(too_many_attempts(1));
}

SignIns::Outcome SignIns::try_to_set_owner(const std::string& token, const std::string& name,
                                           const std::string& password) {
  const auto done = [&]() -> Result<SignedIn> {
    HF_TRY(const std::string hash, hash_password(env_.random, password));
    SignedIn signed_in = {.token = new_secret(env_.random)};
    const TimestampMs now_ms = env_.clock.now_ms();
    const auto begin = [&](StateChange& change) -> Result<void> {
      HF_TRY(auto owner, hf::set_owner(change, now_ms, token, name, hash));
      owner.account.signed_in_ms = now_ms;
      signed_in.account = owner.account;
      HF_CHECK(change.save_account(owner));
      return begin_session(change, {.hash = sha256(signed_in.token),
                                    .account = owner.account.id,
                                    .created_ms = now_ms,
                                    .seen_ms = now_ms});
    };
    HF_CHECK(state_.change(begin));
    throttles_.lock()->names.forget(name);  // Who guessed guessed at another password.
    HF_CHECK(reload());
    return signed_in;
  }();
  return {done};
}

Result<void> SignIns::sign_out(std::string_view token) {
  const TokenHash hash = sha256(token);
  {
    const std::shared_ptr<const Table> table = *table_.lock();
    if (!table->sessions.contains(hash)) return {};
  }
  HF_CHECK(state_.change([&](StateChange& change) { return change.remove_session(hash); }));
  return reload();
}

Result<void> SignIns::reload() {
  const std::lock_guard lock(reloading_);
  // Sessions first: accounts never go, so that the account of each is among them.
  HF_TRY(const auto sessions, state_.sessions());
  HF_TRY(const auto accounts, state_.accounts());
  const std::shared_ptr<const Table> before = *table_.lock();
  auto table = std::make_shared<Table>();
  for (const StoredAccount& each : accounts) {
    table->has_owner = table->has_owner || each.account.role == Role::owner;
  }
  for (const StoredSession& session : sessions) {
    const auto account = std::ranges::find(
        accounts, session.account, [](const StoredAccount& each) { return each.account.id; });
    if (account == accounts.end()) continue;  // Would be damage: nobody's.
    const auto known = before->sessions.find(session.hash);
    table->sessions[session.hash] = {
        session, account->account,
        known == before->sessions.end() ? std::make_shared<LastUse>() : known->second.use};
  }
  *table_.lock() = std::move(table);
  return {};
}

Result<void> SignIns::flush() {
  struct News {
    TimestampMs minute;
    std::shared_ptr<LastUse> use;
  };
  std::map<TokenHash, News> used;
  std::set<TokenHash> ended;
  const std::shared_ptr<const Table> table = *table_.lock();
  const TimestampMs now_ms = env_.clock.now_ms();
  for (const auto& [hash, entry] : table->sessions) {
    if (has_ended(entry.session, entry.seen_ms(), now_ms)) {
      ended.insert(hash);
      continue;
    }
    const TimestampMs minute = entry.use->minute.load(std::memory_order_relaxed);
    if (minute > std::max(entry.session.seen_ms, entry.use->saved.load(std::memory_order_relaxed)))
      used[hash] = {minute, entry.use};
  }
  if (used.empty() && ended.empty()) return {};
  const auto save = [&](StateChange& change) -> Result<void> {
    HF_TRY(const auto sessions, change.sessions());
    for (StoredSession session : sessions) {
      if (ended.contains(session.hash)) HF_CHECK(change.remove_session(session.hash));
      const auto news = used.find(session.hash);
      if (news == used.end() || news->second.minute <= session.seen_ms) continue;
      session.seen_ms = news->second.minute;
      HF_CHECK(change.save_session(session));
    }
    return {};
  };
  HF_CHECK(state_.change(save));
  for (const auto& [hash, news] : used) {
    news.use->saved.store(news.minute, std::memory_order_relaxed);
  }
  if (!ended.empty()) HF_CHECK(reload());
  return {};
}

}  // namespace hf
