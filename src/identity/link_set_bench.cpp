// SPDX-License-Identifier: Apache-2.0
#include "identity/link_set.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"

namespace hf {
namespace {

// A shop: each customer used two devices, and one device in eight was used by a second customer.
struct Shop {
  explicit Shop(std::uint64_t n) : n_devices(n), n_customers(n / 2) {
    Rng rng(7);
    for (std::uint64_t i = 0; i < n_devices; ++i) devices.push_back({rng.next(), rng.next()});
    for (std::uint64_t i = 0; i < n_customers; ++i) {
      customers.push_back({rng.next(), rng.next()});
      ids.push_back(fmt::format("{:036x}", rng.next()));  // As long as a UUID.
    }
  }

  [[nodiscard]] LinkSet::User owner(std::uint64_t device) const { return user(device / 2); }
  [[nodiscard]] LinkSet::User user(std::uint64_t i) const {
    return {customers[i % n_customers], ids[i % n_customers]};
  }

  void note_all(LinkSet& links) const {
    for (std::uint64_t i = 0; i < n_devices; ++i) {
      links.note(devices[i], owner(i), 0);
      if (i % 8 == 0) links.note(devices[i], user(i / 2 + 1), 1);
    }
  }

  std::uint64_t n_devices;
  std::uint64_t n_customers;
  std::vector<Hash128> devices;
  std::vector<Hash128> customers;
  std::vector<std::string> ids;
};

std::size_t allocated_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void BM_NoteNew(benchmark::State& state) {
  const Shop shop(static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) {
    const std::size_t before = allocated_bytes();
    LinkSet links;
    shop.note_all(links);
    benchmark::DoNotOptimize(links.take_changed().size());
    state.counters["bytes_per_device"] =
        static_cast<double>(allocated_bytes() - before) / static_cast<double>(shop.n_devices);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * 9 / 8);
}
BENCHMARK(BM_NoteNew)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The shop's links, and its devices with their owners in the order in which events bring them: any,
// but read in sequence, so that the time is the set's and not that of fetching the next question.
struct Traffic {
  explicit Traffic(std::int64_t n) : shop(static_cast<std::uint64_t>(n)) {
    shop.note_all(links);
    (void)links.take_changed();
    for (std::uint64_t i = 0; i < shop.n_devices; ++i) {
      events.push_back({shop.devices[i], shop.owner(i)});
    }
    Rng(1).shuffle(events);
  }
  struct Event {
    Hash128 device;
    LinkSet::User owner;
  };
  const Event& next() {
    if (++at == events.size()) at = 0;
    return events[at];
  }

  Shop shop;
  LinkSet links;
  std::vector<Event> events;
  std::size_t at = 0;
};

void BM_NoteKnown(benchmark::State& state) {
  Traffic traffic(state.range(0));
  for (auto _ : state) {
    const Traffic::Event& event = traffic.next();
    traffic.links.note(event.device, event.owner, 2);
  }
  HF_ASSERT(!traffic.links.has_changed());
}
BENCHMARK(BM_NoteKnown)->Arg(1'000)->Arg(1'000'000);

void BM_CanonicalOfDevice(benchmark::State& state) {
  Traffic traffic(state.range(0));
  for (auto _ : state) {
    const Traffic::Event& event = traffic.next();
    HF_ASSERT(traffic.links.canonical(event.device) == event.owner.key);
  }
}
BENCHMARK(BM_CanonicalOfDevice)->Arg(1'000)->Arg(1'000'000);

void BM_CanonicalOfUser(benchmark::State& state) {
  Traffic traffic(state.range(0));
  for (auto _ : state) {
    const Traffic::Event& event = traffic.next();
    HF_ASSERT(traffic.links.canonical(event.owner.key) == event.owner.key);
  }
}
BENCHMARK(BM_CanonicalOfUser)->Arg(1'000)->Arg(1'000'000);

}  // namespace
}  // namespace hf
