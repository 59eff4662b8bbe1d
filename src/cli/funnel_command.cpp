// SPDX-License-Identifier: Apache-2.0
//
// `funnel`: writes the query from flags, as all commands of metrics do.
#include "cli/command_table.h"
#include "cli/query_flags.h"

namespace hf {
namespace {

struct FunnelArguments {
  CommonArguments common;
  std::vector<std::string> steps;
  std::string within;
  std::string order;
  std::string window;
  std::vector<std::string> exclude;
  std::vector<std::string> hold_constant;
  std::string entry;
  std::string view;
  std::optional<std::int64_t> from_step;
  std::optional<std::int64_t> to_step;
  std::optional<std::int64_t> bins;
};

Result<std::string> funnel_json(const FunnelArguments& a, const Session::Reading& reading,
                                const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("funnel").key("steps").begin_array();
  for (std::size_t k = 0; k < a.steps.size(); ++k) {
    const bool is_last = k + 1 == a.steps.size();
    HF_CHECK(write_matcher(out, a.steps[k], [&](const Json* matcher) {
      const bool says = matcher != nullptr && matcher->find("within") != nullptr;
      if (!is_last && !says) put_text(out, "within", a.within);
    }));
  }
  out.end_array();
  put_text(out, "order", a.order);
  put_text(out, "window", a.window);
  if (!a.exclude.empty()) {
    out.key("exclude").begin_array();
    for (const std::string& event : a.exclude) HF_CHECK(write_matcher(out, event));
    out.end_array();
  }
  if (!a.hold_constant.empty()) {
    out.key("hold_constant").begin_array();
    for (const std::string& property : a.hold_constant) out.text(property);
    out.end_array();
  }
  put_text(out, "entry", a.entry);
  put_text(out, "view", a.view);
  put_number(out, "from_step", a.from_step);
  put_number(out, "to_step", a.to_step);
  put_number(out, "bins", a.bins);
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

}  // namespace

void add_funnel_command(CommandTable& table) {
  Session& session = table.session();
  const auto funnel = std::make_shared<FunnelArguments>();
  CLI::App* command = table.add(
      "funnel", "How many people take one step after another, and how fast",
      "  holdfast funnel signup purchase\n"
      "  holdfast funnel 'Product Viewed' 'Product Added' 'Order Completed' --window P7D\n"
      "  holdfast funnel visit cart buy --order strict --by trait:plan --top 5\n"
      "  holdfast funnel visit cart buy --view time_to_convert --from-step 2\n"
      "  holdfast funnel visit buy --view trend --period week --last P12W\n"
      "  holdfast funnel visit cart buy --members '{\"step\":3,\"dropped\":true}'",
      [&session, funnel] {
        return reported([&] {
          return show_question(session, funnel->common, [&](const Session::Reading& reading) {
            return funnel_json(*funnel, reading, session.env());
          });
        });
      });
  command
      ->add_option("STEP", funnel->steps,
                   "Events, in the order of the steps; a matcher as JSON works too")
      ->type_name("EVENT")
      ->required();
  command
      ->add_option("--order", funnel->order,
                   "Whether others may come between, none may, or steps come in any order\n"
                   "(default: ordered)")
      ->check(CLI::IsMember({"ordered", "strict", "any"}));
  command
      ->add_option("--window", funnel->window,
                   "Time for all steps, from the first one (default: P14D)")
      ->type_name("DURATION");
  command
      ->add_option("--within", funnel->within,
                   "Time from each step to the next (default: no limit)")
      ->type_name("DURATION");
  command
      ->add_option("--exclude", funnel->exclude,
                   "Event that must not come in between; a matcher as JSON may say between which\n"
                   "steps: after_step, before_step")
      ->type_name("EVENT")
      ->allow_extra_args(false);
  command
      ->add_option("--hold-constant", funnel->hold_constant,
                   "Property whose value is the same in all steps of an attempt")
      ->type_name("PROPERTY")
      ->allow_extra_args(false);
  command
      ->add_option("--entry", funnel->entry,
                   "Which attempts of a person count: its longest, or those from its first first\n"
                   "step (default: best)")
      ->check(CLI::IsMember({"best", "first"}));
  command
      ->add_option("--view", funnel->view,
                   "Step by step, period by period, or how long it took (default: steps)")
      ->check(CLI::IsMember({"steps", "trend", "time_to_convert"}));
  command->add_option("--from-step", funnel->from_step,
                      "Of trend and time_to_convert: from which step (default: 1)");
  command->add_option("--to-step", funnel->to_step, "To which step (default: the last)");
  command->add_option("--bins", funnel->bins,
                      "Of time_to_convert: how many bars (default: by the number of people)");
  add_common_options(*command, funnel->common);
}

}  // namespace hf
