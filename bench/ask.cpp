// SPDX-License-Identifier: Apache-2.0
//
// One question asked again and again, for a profiler to look at:
//
//   ask <data directory> <question.json> [seconds] [threads]
//
// Prints how often it was answered, the least and the median wall time, and the answer's hash. The
// result cache has no part in it.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "metric/query.h"
#include "store/store.h"

namespace {

template <class T>
T must(hf::Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{} ({})\n", result.error().message, result.error().reason);
    std::exit(1);
  }
  return *std::move(result);
}

double now_ms() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: ask <data directory> <question.json> [seconds] [threads]\n");
    return 2;
  }
  std::ostringstream question;
  question << std::ifstream(argv[2]).rdbuf();
  const double seconds = argc > 3 ? std::atof(argv[3]) : 3;
  const auto threads = static_cast<unsigned>(argc > 4 ? std::atoi(argv[4]) : 2);
  const hf::Env env = hf::real_env();
  const auto store = must(hf::Store::open(env, argv[1], hf::Store::Access::read));
  const hf::Snapshot snapshot = must(store->snapshot());
  std::vector<double> each;
  std::string answer;
  const double start = now_ms();
  do {
    const double before = now_ms();
    answer = must(hf::answer_query(snapshot, {.env = env, .threads = threads}, question.str()));
    each.push_back(now_ms() - before);
  } while (now_ms() - start < seconds * 1e3);
  const double first = each.front();
  std::ranges::sort(each);
  const std::size_t data = answer.find("\"data\":");
  fmt::print("{} answers, first {:.1f} ms, least {:.1f} ms, median {:.1f} ms, data {:016x}\n",
             each.size(), first, each.front(), each[each.size() / 2],
             std::hash<std::string>()(answer.substr(std::min(data, answer.size()))));
  return 0;
}
