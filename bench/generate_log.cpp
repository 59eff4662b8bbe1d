// SPDX-License-Identifier: Apache-2.0
//
// The seeded event log of the comparison: generate_log <events> <file.csv> [seed]
//
// 180 days from Monday 2025-01-06 UTC, 40 event names (Zipf 1.05), 30 countries (Zipf 0.9), four
// platforms, revenue in cents on purchases. Sessions come at a log-normal rate over a log-normal
// lifetime; 30 % of the users are there on day 0; inside 40 % of the sessions people walk a shop
// funnel. One event per (user, second), so that every engine can order events without ties; the
// rows are in time order. Equal arguments give equal bytes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::uint32_t start_s = 1'736'121'600;  // 2025-01-06T00:00:00Z
constexpr std::uint32_t span_s = 180 * 86'400;

// The shop funnel lies at the even places from view_item on.
constexpr std::string_view event_names[40] = {"page_view",
                                              "screen_view",
                                              "view_item",
                                              "search",
                                              "add_to_cart",
                                              "click",
                                              "begin_checkout",
                                              "login",
                                              "add_payment",
                                              "purchase",
                                              "signup",
                                              "scroll",
                                              "share",
                                              "view_list",
                                              "select_item",
                                              "view_cart",
                                              "remove_from_cart",
                                              "wishlist_add",
                                              "video_play",
                                              "video_end",
                                              "notification_open",
                                              "email_open",
                                              "email_click",
                                              "push_open",
                                              "review_submit",
                                              "rating",
                                              "coupon_view",
                                              "coupon_redeem",
                                              "points_view",
                                              "reward_redeem",
                                              "daily_checkin",
                                              "referral_sent",
                                              "profile_update",
                                              "settings_change",
                                              "support_ticket",
                                              "refund",
                                              "logout",
                                              "app_crash",
                                              "survey_answer",
                                              "unsubscribe"};
constexpr std::string_view countries[30] = {
    "US", "GB", "DE", "FR", "JP", "BR", "IN", "CA", "AU", "ES", "IT", "NL", "SE", "PL", "MX",
    "KR", "ID", "TR", "CH", "BE", "AT", "NO", "DK", "FI", "IE", "PT", "CZ", "NZ", "SG", "ZA"};
constexpr std::string_view platforms[4] = {"web", "ios", "android", "email"};

enum : std::uint8_t {
  page_view = 0,
  click = 5,
  begin_checkout = 6,
  add_payment = 8,
  purchase = 9,
  signup = 10
};
constexpr std::uint8_t funnel_steps[5] = {2, 4, 6, 8, 9};
constexpr double funnel_shares[5] = {0.40, 0.40, 0.50, 0.65, 0.80};

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

class Generator {  // xoshiro256**
 public:
  explicit Generator(std::uint64_t& seed) {
    for (std::uint64_t& word : state_) word = splitmix64(seed);
  }
  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53 + 0x1.0p-54; }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  double exponential(double mean) { return -mean * std::log(uniform()); }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

/// 65,536 draws of a Zipf distribution, to be picked from uniformly.
std::vector<std::uint8_t> zipf_table(int values, double exponent) {
  std::vector<double> cumulative;
  double sum = 0;
  for (int i = 0; i < values; ++i) cumulative.push_back(sum += 1.0 / std::pow(i + 1, exponent));
  std::vector<std::uint8_t> table;
  for (int i = 0; i < 65'536; ++i) {
    const double x = (i + .5) / 65'536 * sum;
    table.push_back(static_cast<std::uint8_t>(
        std::lower_bound(cumulative.begin(), cumulative.end(), x) - cumulative.begin()));
  }
  return table;
}

struct Event {
  std::uint32_t time_s;
  std::uint32_t user;
  std::uint32_t revenue_cents;
  std::uint8_t name;
  std::uint8_t country;
  std::uint8_t platform;
};

std::vector<Event> generate(std::uint64_t count, Generator& random) {
  const auto names = zipf_table(40, 1.05);
  const auto homes = zipf_table(30, 0.9);
  std::vector<Event> events;
  events.reserve(count + 64);
  for (std::uint32_t user = 0; events.size() < count; ++user) {
    const double rate = std::min(8.0, std::exp(random.normal() * 1.2 - 1.6));  // Sessions a day.
    const double life_s = std::exp(3.0 + 1.5 * random.normal()) * 86'400;
    const std::uint8_t home = homes[random.next() & 65'535];
    const std::uint8_t device = random.next() % 100 < 45 ? 0 : random.next() % 100 < 50 ? 1 : 2;
    const bool is_old = random.uniform() < 0.3;
    double t = is_old ? random.exponential(86'400 / rate) : random.uniform() * span_s;
    const double end = t + life_s;
    bool first = !is_old;
    double last = -1;
    while (t < span_s && t <= end) {
      int step = 0;
      const std::uint8_t platform =
          random.next() % 100 < 90 ? device : static_cast<std::uint8_t>(random.next() % 4);
      const std::uint8_t country = random.next() % 100 < 97 ? home : homes[random.next() & 65'535];
      const bool shops = random.next() % 100 < 40;
      int length = 1;
      while (length < 60 && random.next() % 100 < 84) ++length;
      for (int k = 0; k < length && t < span_s; ++k) {
        double second = std::floor(t);
        if (second <= last) second = last + 1;
        if (second >= span_s) break;
        last = second;
        std::uint8_t name = 0;
        if (first) {
          name = signup;
          first = false;
        } else if (shops && step < 5 && random.uniform() < funnel_shares[step]) {
          name = funnel_steps[step++];
        } else {
          name = names[random.next() & 65'535];
          if (name == signup) name = page_view;
          if ((name == purchase || name == add_payment || name == begin_checkout) &&
              random.next() % 100 < 85) {
            name = click;
          }
        }
        const double revenue =
            name == purchase ? std::min(200'000.0, 100 + std::exp(8.0 + 0.9 * random.normal())) : 0;
        events.push_back({start_s + static_cast<std::uint32_t>(second), user,
                          static_cast<std::uint32_t>(revenue), name, country, platform});
        t = second + 1 + random.exponential(40);
      }
      t += random.exponential(86'400 / rate);
    }
  }
  events.resize(count);
  return events;
}

/// Stable, by second.
std::vector<Event> by_time(const std::vector<Event>& events) {
  std::vector<std::uint32_t> next(span_s + 1, 0);
  for (const Event& event : events) ++next[event.time_s - start_s + 1];
  for (std::uint32_t i = 0; i < span_s; ++i) next[i + 1] += next[i];
  std::vector<Event> sorted(events.size());
  for (const Event& event : events) sorted[next[event.time_s - start_s]++] = event;
  return sorted;
}

void append_padded(std::string& out, std::uint32_t value) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

void append_time(std::string& out, std::uint32_t time_s) {
  constexpr std::uint32_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::uint32_t day = (time_s - start_s) / 86'400 + 5;  // Of the year 2025, from 0.
  std::uint32_t month = 0;
  while (day >= month_days[month]) day -= month_days[month++];
  const std::uint32_t second = (time_s - start_s) % 86'400;
  out += "2025-";
  append_padded(out, month + 1);
  out += '-';
  append_padded(out, day + 1);
  out += ' ';
  append_padded(out, second / 3600);
  out += ':';
  append_padded(out, second / 60 % 60);
  out += ':';
  append_padded(out, second % 60);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: generate_log <events> <file.csv> [seed]\n");
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[1], nullptr, 10);
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 42;
  std::uint64_t state = seed;
  Generator random(state);
  const std::vector<Event> events = by_time(generate(count, random));
  std::FILE* file = std::fopen(argv[2], "w");
  if (file == nullptr) {
    std::perror(argv[2]);
    return 1;
  }
  std::string out = "user_id,ts,event,country,platform,revenue\n";
  for (const Event& event : events) {
    // Ids that say nothing about the order of the users, and differ between seeds.
    std::uint64_t id_state = event.user + state * 0x100000001u;
    out += std::to_string(splitmix64(id_state) >> 1);
    out += ',';
    append_time(out, event.time_s);
    out += ',';
    out += event_names[event.name];
    out += ',';
    out += countries[event.country];
    out += ',';
    out += platforms[event.platform];
    out += ',';
    out += std::to_string(event.revenue_cents);
    out += '\n';
    if (out.size() > (1u << 20)) {
      std::fwrite(out.data(), 1, out.size(), file);
      out.clear();
    }
  }
  std::fwrite(out.data(), 1, out.size(), file);
  return std::fclose(file) == 0 ? 0 : 1;
}
