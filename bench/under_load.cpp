// SPDX-License-Identifier: Apache-2.0
//
// How long single questions take of a store at rest, and of the same one while another thread
// appends 20,000 events a second and everything is compacted again and again: from asking for a
// snapshot, as the server does, to the JSON answer, two threads. See docs/performance.md.
//
//   under_load <work directory> [events] [rounds] [passes] [cpu]
//
// A round asks every question once. Each pass asks so many rounds at rest, half of them before and
// half after as many under load, which leaves more events than there were; of the
// passes the best percentile is printed, as a shared machine only makes them worse. With "cpu" one
// thread asks and its CPU time is told instead: what waits for others is not in it, nor is the load
// of the machine.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "metric/query.h"
#include "service/living_shop.h"

namespace {

using namespace hf;
using namespace hf::test;
namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

bool counts_cpu = false;

double now_ms() {
  timespec t{};
  clock_gettime(counts_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

/// The smallest value that so large a share of them do not pass.
double percentile(std::vector<double>& values, double share) {
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

struct Percentiles {
  double p50 = 1e9;
  double p99 = 1e9;
};

// The hand-out of the snapshot alone comes first, all questions together last.
constexpr std::size_t all_row = living_questions.size() + 1;
constexpr std::size_t rows = all_row + 1;
using Table = std::array<Percentiles, rows>;

using Times = std::array<std::vector<double>, rows>;

void ask_rounds(const std::function<Workspace::Reading()>& look, int rounds, Times& times) {
  const QueryContext context{.env = real_env(), .threads = counts_cpu ? 1u : 2u};
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t q = 0; q < living_questions.size(); ++q) {
      const double begin = now_ms();
      const Workspace::Reading reading = look();
      times[0].push_back(now_ms() - begin);
      const auto answer = answer_query(reading.snapshot, context, living_questions[q].query);
      times[q + 1].push_back(now_ms() - begin);
      times[all_row].push_back(times[q + 1].back());
      if (!answer) fmt::print(stderr, "{}\n", answer.error().message);
      HF_ASSERT(answer.has_value());
    }
  }
}

void keep_best(Times& times, Table& best) {
  for (std::size_t row = 0; row < rows; ++row) {
    best[row].p50 = std::min(best[row].p50, percentile(times[row], 0.5));
    best[row].p99 = std::min(best[row].p99, percentile(times[row], 0.99));
  }
}

void print(const Table& rest, const Table& load) {
  fmt::print(
      "| question | p50 rest | p99 rest | p50 load | p99 load | ratio p99 |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (std::size_t row = 0; row < rows; ++row) {
    const char* const name = row == 0         ? "(a snapshot)"
                             : row == all_row ? "all questions"
                                              : living_questions[row - 1].name;
    fmt::print("| {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.2f} |\n", name, rest[row].p50,
               rest[row].p99, load[row].p50, load[row].p99, load[row].p99 / rest[row].p99);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: under_load <work directory> [events] [rounds] [passes] [cpu]\n");
    return 1;
  }
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  const std::uint64_t events = number(2, 4'000'000);
  const int rounds = static_cast<int>(number(3, 300));
  const int passes = static_cast<int>(number(4, 1));
  counts_cpu = argc > 5 && std::string_view(argv[5]) == "cpu";
  const std::uint64_t persons = std::max<std::uint64_t>(events / 90, 1);
  const std::string directory = (fs::path(argv[1]) / "under_load").string();
  fs::remove_all(directory);
  fs::create_directories(directory);
  // In parts of a million and a head.
  write_shop(directory, persons, events);
  {
    const auto workspace = Workspace::open(real_env(), directory, {}).value();
    const auto look = [&] { return workspace->read().value(); };
    Table rest, load;
    std::uint64_t next = events;
    std::uint64_t compactions = 0;
    double seconds = 0;
    for (int pass = 0; pass < passes; ++pass) {
      Times at_rest, warm, under_load;
      ask_rounds(look, 2, warm);
      ask_rounds(look, rounds / 2, at_rest);
      const auto begin = Steady::now();
      {
        LivingShop living(*workspace, {.persons = persons, .first_event = next});
        ask_rounds(look, rounds, under_load);
        next = living.stop();
        compactions += living.compactions();
      }
      // The last group may have been sent after that.
      seconds += std::chrono::duration<double>(Steady::now() - begin).count();
      // What came meanwhile is asked of too: half of what is at rest has less, half has more.
      ask_rounds(look, 2, warm);
      ask_rounds(look, rounds - rounds / 2, at_rest);
      keep_best(at_rest, rest);
      keep_best(under_load, load);
    }
    print(rest, load);
    fmt::print(
        "{} events, {} rounds, {} passes; under load {:.0f} events/s, {} compactions in {:.0f} s\n",
        events, rounds, passes, static_cast<double>(next - events) / seconds, compactions, seconds);
  }
  fs::remove_all(directory);
  return 0;
}
