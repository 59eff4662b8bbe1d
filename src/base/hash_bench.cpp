// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <benchmark/benchmark.h>

#include <string>

namespace hf {
namespace {

// A page of a part is 64 KiB; a line of JSON about 256 bytes; a person id about 16.
template <auto hash_input>
void hash_benchmark(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(hash_input(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

std::uint32_t checksum(std::string_view bytes) { return crc32c(bytes); }
std::uint64_t fingerprint(std::string_view bytes) { return xxh3_64(bytes); }
Hash128 wide_fingerprint(std::string_view bytes) { return xxh3_128(bytes); }
Hash128 person_key(std::string_view bytes) { return keyed_hash128(HashKey{}, bytes); }

BENCHMARK(hash_benchmark<checksum>)->Name("BM_Crc32c")->Arg(16)->Arg(256)->Arg(64 << 10);
BENCHMARK(hash_benchmark<fingerprint>)->Name("BM_Xxh3_64")->Arg(16)->Arg(256)->Arg(64 << 10);
BENCHMARK(hash_benchmark<wide_fingerprint>)->Name("BM_Xxh3_128")->Arg(16)->Arg(256)->Arg(64 << 10);
BENCHMARK(hash_benchmark<person_key>)->Name("BM_KeyedHash128")->Arg(16)->Arg(256);

}  // namespace
}  // namespace hf
