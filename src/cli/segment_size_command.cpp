// SPDX-License-Identifier: Apache-2.0
//
// `segment-size`: writes the query from flags, as all commands of metrics do.
#include <fmt/format.h>

#include "cli/command_table.h"
#include "cli/query_flags.h"

namespace hf {
namespace {

struct SegmentSizeArguments {
  CommonArguments common;
  std::vector<std::string> overlap;
};

Result<std::string> segment_size_json(const SegmentSizeArguments& a,
                                      const Session::Reading& reading, const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("segment_size");
  if (!a.overlap.empty()) {
    out.key("overlap").begin_array();
    for (const std::string& set : a.overlap) {
      const std::size_t equals = set.find('=');
      if (equals == std::string::npos || equals == 0) {
        return fail(ErrorCode::invalid_argument, "invalid_value",
                    fmt::format("--overlap takes NAME=CONDITION, not {}", set));
      }
      HF_TRY(const Json people, json_argument(env, "--overlap", set.substr(equals + 1)));
      out.begin_object().key("label").text(set.substr(0, equals));
      out.key("people").json(people).end_object();
    }
    out.end_array();
  }
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

}  // namespace

void add_segment_size_command(CommandTable& table) {
  Session& session = table.session();
  const auto segment = std::make_shared<SegmentSizeArguments>();
  CLI::App* command = table.add(
      "segment-size", "Of how many people a condition holds, and how conditions overlap",
      "  holdfast segment-size --people '{\"did\":{\"event\":\"purchase\"},\"within\":\"P30D\"}'\n"
      "  holdfast segment-size --people vip.json --by trait:country\n"
      "  holdfast segment-size --overlap 'bought={\"did\":{\"event\":\"purchase\"}}' "
      "--overlap vip=vip.json\n"
      "  holdfast segment-size --people vip.json --members '{}' --format csv",
      [&session, segment] {
        return reported([&] {
          return show_question(session, segment->common, [&](const Session::Reading& reading) {
            return segment_size_json(*segment, reading, session.env());
          });
        });
      });
  command
      ->add_option("--overlap", segment->overlap,
                   "2 to 8 conditions, each by its name: who of the people is in which")
      ->type_name("NAME=JSON|FILE")
      ->allow_extra_args(false);
  add_common_options(*command, segment->common, Scope::people);
}

}  // namespace hf
