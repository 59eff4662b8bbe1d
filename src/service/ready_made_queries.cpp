// SPDX-License-Identifier: Apache-2.0
#include "service/ready_made_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hf {
namespace {

// One thing by the names that one tool or another gives it. Two names that one shop may well use
// for one purchase side by side ("Order Placed") are not here: it would count twice.
constexpr std::string_view signing_up =
    R"("any_of":[{"event":"Signed Up"},{"event":"signed_up"},{"event":"Sign Up"},)"
    R"({"event":"sign_up"},{"event":"signup"},{"event":"Account Created"},)"
    R"({"event":"account_created"},{"event":"user_signed_up"}])";
constexpr std::string_view buying =
    R"("any_of":[{"event":"Order Completed"},{"event":"order_completed"},{"event":"Purchase"},)"
    R"({"event":"purchase"},{"event":"purchased"}])";

std::string acquisition() {
  // Whoever signed up or bought before is no visitor to be won any more, in whatever range is
  // asked; and an event that is itself the sign-up is no visit before it.
  return fmt::format(
      R"({{"metric":"funnel","steps":[{{"event":"*","where":{{"all":[{{"did_not":{{{0}}}}},)"
      R"({{"did_not":{{{1}}}}}]}},"label":"Visit"}},{{{0},"label":"Sign-up"}},)"
      R"({{{1},"label":"Purchase"}}],"window":"P30D"}})",
      signing_up, buying);
}

std::string repurchase() {
  // The page that thanks for an order is no coming back, and the lines of one order come at one
  // instant. So an event counts that has a purchase of the window a day or more before it: one with
  // purchases in the window and none in its last day, or on two days of the window. That the first
  // step is a purchase does not suffice: of one instant, it may come after the page.
  return fmt::format(
      R"({{"metric":"funnel","steps":[{{{0},"label":"Purchase"}},)"
      R"({{"event":"*","where":{{"any":[{{"all":[{{"did":{{{0}}},"within":"P90D"}},)"
      R"({{"did_not":{{{0}}},"within":"P1D"}}]}},)"
      R"({{"regularly":{{{0}}},"periods":{{"of":"day","at_least":2,"last":90}}}}]}},)"
      R"("label":"Back a day or more later"}}],"window":"P90D"}})",
      buying);
}

std::string repeat_purchase() {
  return fmt::format(R"({{"metric":"funnel","steps":[{{{0},"label":"Purchase"}},)"
                     R"({{{0},"label":"Second purchase"}}],"window":"P90D"}})",
                     buying);
}

}  // namespace

std::span<const ReadyMadeQuery> ready_made_queries() {
  static const std::array<ReadyMadeQuery, 4> all = {{
      {"acquisition", "Acquisition: visit, sign-up, purchase", "拉新：访问、注册、购买",
       "Of those who came by without an account or a purchase, how many signed up, and then "
       "bought, "
       "within 30 days of a visit",
       "在尚未注册也未购买的访问者中，有多少人在一次访问后的 30 天内注册，进而购买", acquisition()},
      {"repeat_purchase", "Repeat purchase: a second order", "重复购买：第二次下单",
       "Of the buyers, how many bought a second time within 90 days of a purchase",
       "在购买者中，有多少人在一次购买后的 90 天内再次购买", repeat_purchase()},
      {"repurchase", "Repurchase: back after an order", "复购：购买之后再次回来",
       "Of the buyers, how many came back in whatever way, a day or more and at most 90 days after "
       "a purchase",
       "在购买者中，有多少人在一次购买后的 1 至 90 天内以任何方式再次回来", repurchase()},
      {"weekly_retention", "Weekly retention of new people", "新用户周留存",
       "Of the people whose first activity was in a week, how many were active in each of the 8 "
       "weeks after it",
       "在某一周首次活跃的用户中，有多少人在其后 8 周的每一周仍然活跃",
       R"({"metric":"retention","entry":"first_time","period":"week","periods":8})"},
  }};
  return all;
}

const ReadyMadeQuery* find_ready_made(std::string_view name) {
  const auto all = ready_made_queries();
  const auto found = std::ranges::find(all, name, &ReadyMadeQuery::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace hf
