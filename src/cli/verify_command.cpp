// SPDX-License-Identifier: Apache-2.0
#include "service/verify.h"

#include <fmt/format.h>

#include "cli/command_table.h"
#include "cli/state_text.h"

namespace hf {
namespace {

Result<int> verify(Session& session) {
  const bool show = session.terminal().interactive;
  HF_TRY(const Verification found, verify_data(
                                       session.env(), session.data,
                                       [&](const std::string& path) {
                                         if (show) fmt::print(stderr, "\r\033[K{}", path);
                                       },
                                       session.adapters().state_file));
  if (show) fmt::print(stderr, "\r\033[K");
  const Words words = session.words();
  print(fmt::format("{}  {}\n", pad_right(words("parts", "分片"), 14),
                    fmt::format(fmt::runtime(words("{} files, {} events", "{} 个文件，{} 个事件")),
                                with_separators(found.parts), with_separators(found.part_events))));
  print(fmt::format(
      "{}  {}\n", pad_right(words("log", "日志"), 14),
      fmt::format(fmt::runtime(words("{} files, {} records", "{} 个文件，{} 条记录")),
                  with_separators(found.log_files), with_separators(found.log_records))));
  print(fmt::format("{}  {}\n", pad_right(words("message keys", "消息键"), 14),
                    with_separators(found.duplicate_keys)));
  if (found.state) {
    print(fmt::format("{}  {}\n", pad_right(words("state", "状态"), 14),
                      state_text(*found.state, words)));
  }
  for (const std::string& damage : found.damage) {
    print(fmt::format("{}  {}\n", pad_right(words("DAMAGED", "已损坏"), 14), damage));
  }
  if (found.damage.empty()) {
    print(fmt::format("{}\n", words("everything is sound", "一切完好")));
    return 0;
  }
  return 5;
}

}  // namespace

void add_verify_command(CommandTable& table) {
  Session& session = table.session();
  table.add("verify", "Read everything and check every checksum; ends with 5 where there is damage",
            "  holdfast verify --data /srv/shop",
            [&session] { return reported([&] { return verify(session); }); });
}

}  // namespace hf
