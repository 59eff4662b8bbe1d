// SPDX-License-Identifier: Apache-2.0
#include "living_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <vector>

#include "base/rng.h"
#include "calendar/time_text.h"
#include "service/appender.h"

namespace hf::bench {
namespace {

constexpr double late_share = 0.01;
constexpr std::uint64_t tail_one_in = 200;
constexpr std::uint64_t tail_max = 100'000;
constexpr std::uint64_t persons_per_link = 200;
constexpr std::size_t events_per_commit = 500;

std::uint64_t count_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  std::uint64_t lines = 0;
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
         file.gcount() > 0) {
    lines += static_cast<std::uint64_t>(
        std::count(buffer.begin(), buffer.begin() + file.gcount(), '\n'));
  }
  return lines;
}

std::array<std::string_view, 6> fields_of(std::string_view line) {
  std::array<std::string_view, 6> fields;
  for (std::string_view& field : fields) {
    const std::size_t comma = std::min(line.find(','), line.size());
    field = line.substr(0, comma);
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  return fields;
}

// Calls use(event) for each line of user_id,ts,event,country,platform,revenue.
template <class Use>
Result<void> for_each_event(const std::string& path, Use&& use) {
  std::ifstream file(path);
  std::string line;
  std::uint64_t number = 0;
  while (std::getline(file, line)) {
    const auto fields = fields_of(line);
    const std::string message = fmt::format("{}-{}", path.substr(path.rfind('/') + 1), ++number);
    std::int64_t revenue = 0;
    std::from_chars(fields[5].data(), fields[5].data() + fields[5].size(), revenue);
    const std::array<PropertyView, 3> properties{
        {{"country", {.kind = ValueKind::text, .text = fields[3]}},
         {"platform", {.kind = ValueKind::text, .text = fields[4]}},
         {"revenue", {.kind = ValueKind::number, .number = {.units = revenue, .scale = 0}}}}};
    const auto time = parse_rfc3339(std::string(fields[1].substr(0, 10)) + "T" +
                                    std::string(fields[1].substr(11)) + "Z");
    if (!time) return fail(ErrorCode::invalid_argument, "bad_log", path + ": " + line);
    HF_CHECK(use(EventView{.user_id = fields[0],
                           .name = fields[2],
                           .time_ms = *time,
                           .message_id = message,
                           .properties = properties}));
  }
  return {};
}

// Ids of persons in the order in which they first appear.
class SomePersons {
 public:
  explicit SomePersons(std::uint64_t wanted) : wanted_(wanted) {}
  void note(std::string_view id) {
    if (ids.size() < wanted_ && (ids.empty() || ids.back() != id)) ids.emplace_back(id);
  }
  std::vector<std::string> ids;

 private:
  std::uint64_t wanted_;
};

}  // namespace

LogSplit split_log(const std::string& csv, const std::string& directory, std::uint64_t seed) {
  LogSplit split{directory + "/bulk.csv", directory + "/late.csv", directory + "/tail.csv"};
  const std::uint64_t lines = count_lines(csv) - 1;
  const std::uint64_t tail = std::min(lines / tail_one_in, tail_max);
  std::ifstream in(csv);
  std::ofstream bulk(split.bulk), late(split.late), last(split.tail);
  Rng rng(seed);
  std::string line;
  std::getline(in, line);
  bulk << line << '\n';
  for (std::uint64_t i = 0; std::getline(in, line); ++i) {
    std::ofstream& to = i + tail >= lines ? last : rng.chance(late_share) ? late : bulk;
    to << line << '\n';
  }
  return split;
}

Result<LivingState> live(Store& store, const LogSplit& split, std::uint64_t seed) {
  LivingState state;
  HF_TRY(const auto appender, Appender::open(store, {}, false));
  std::size_t pending = 0;
  const auto append = [&](const EventView& event) -> Result<void> {
    appender->add("bench", event);
    if (++pending < events_per_commit) return {};
    pending = 0;
    HF_TRY(const auto outcomes, appender->commit());
    return {};
  };
  HF_TRY(const Snapshot imported, store.snapshot());
  SomePersons persons(imported.person_end / persons_per_link * 2);
  HF_CHECK(for_each_event(split.late, [&](const EventView& event) {
    ++state.late_events;
    persons.note(event.user_id);
    return append(event);
  }));
  HF_CHECK(appender->commit());
  Rng rng(seed);
  FrameBuilder links;
  for (std::size_t i = 0; i + 1 < persons.ids.size(); i += 2, ++state.links) {
    // Not neighbours, who may be one already.
    const std::string& other = persons.ids[i + 1 + rng.below(persons.ids.size() - i - 1)];
    if (other == persons.ids[i]) continue;
    links.add(encode_record(LinkRecord{
        {IdKind::user, persons.ids[i]}, {IdKind::user, other}, store.env().clock.now_ms()}));
  }
  HF_CHECK(store.append(links));
  HF_CHECK(store.flush());
  HF_CHECK(for_each_event(split.tail, [&](const EventView& event) {
    ++state.head_events;
    return append(event);
  }));
  HF_CHECK(appender->commit());
  return state;
}

}  // namespace hf::bench
