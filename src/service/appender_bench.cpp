// SPDX-License-Identifier: Apache-2.0
//
// Durable appends by the size of the group, on the disk of TMPDIR (default /tmp): duplicates
// decided, one sync a group, applied to the head, flushed and merged as it comes.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "base/assert.h"
#include "service/appender.h"

namespace hf {
namespace {

void BM_DurableAppends(benchmark::State& state) {
  std::string directory = (std::filesystem::temp_directory_path() / "hf_append_XXXXXX").string();
  HF_ASSERT(::mkdtemp(directory.data()) != nullptr);
  {
    const auto store = Store::open(real_env(), directory, Store::Access::own).value();
    const auto appender = Appender::open(*store).value();
    const PropertyView properties[] = {
        {"amount", {.kind = ValueKind::number, .number = {1995, 2}}},
        {"product", {.kind = ValueKind::text, .text = "a white hanging heart"}}};
    std::uint64_t n = 0;
    for (auto _ : state) {
      for (std::int64_t i = 0; i < state.range(0); ++i, ++n) {
        const std::string user = fmt::format("user-{}", n * 7919 % 100'003);
        const std::string message = fmt::format("message-{:032}", n);
        appender->add("bench", {.user_id = user,
                                .name = n % 3 == 0 ? "buy" : "view",
                                .time_ms = 1'780'000'000'000 + static_cast<TimestampMs>(n),
                                .message_id = message,
                                .properties = properties});
      }
      HF_ASSERT(appender->commit().has_value());
      HF_ASSERT(appender->maintain().has_value());
    }
    HF_ASSERT(store->applied_end() == n + 1);
    state.SetItemsProcessed(static_cast<std::int64_t>(n));
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_DurableAppends)->Arg(1)->Arg(20)->Arg(500)->UseRealTime()->MinTime(3.0);

}  // namespace
}  // namespace hf
