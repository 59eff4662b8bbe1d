// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a query over a small fixed snapshot: an answer or an error, nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/sim_env.h"
#include "metric/query.h"
#include "store/page_cache.h"
#include "store/part_builder.h"
#include "store/person_registry.h"

namespace hf {
namespace {

class Fixture {
 public:
  Fixture() : env_(1), cache_(std::size_t{1} << 24) {
    const Env env = env_.env();
    (void)env.files.make_directories("/parts");
    PersonRegistry persons(HashKey{}, 0);
    constexpr const char* files[] = {"a", "b"};
    for (int part = 0; part < 2; ++part) {
      PartBuilder builder(1'800'000'000'000);
      for (int i = 0; i < 40; ++i) {
        const PropertyView properties[] = {
            {"k", {.kind = ValueKind::text, .text = i % 3 == 0 ? "GB" : "DE"}},
            {"v", {.kind = ValueKind::number, .number = Decimal::normalized(i * 7, 1)}}};
        EventView event;
        event.user_id = i % 4 == 0 ? "ann" : "bob";
        event.name = i % 5 == 0 ? "identify" : i % 2 == 0 ? "buy" : "visit";
        event.time_ms = 1'760'000'000'000 + i * 9'000'000 + part;
        event.properties = properties;
        builder.add(event);
      }
      if (!builder.write(env,
                         {.directory = "/parts", .file = files[part], .source = "", .hash_key = {}},
                         persons, {})) {
        std::abort();
      }
      snapshot_.parts.push_back(
          Part::open(env, std::string("/parts/") + files[part], cache_).value());
    }
    snapshot_.person_end = persons.next();
    zoned_ = std::make_unique<Env>(
        Env{.files = real_env().files, .clock = env_.env().clock, .random = env_.env().random});
  }

  void answer(std::string_view query) const {
    const QueryContext context{.env = *zoned_, .threads = 1};
    (void)answer_query(snapshot_, context, query);
  }

 private:
  SimEnv env_;
  PageCache cache_;
  std::unique_ptr<Env> zoned_;
  Snapshot snapshot_;
};

}  // namespace
}  // namespace hf

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hf::Fixture fixture;
  fixture.answer({reinterpret_cast<const char*>(data), size});
  return 0;
}
