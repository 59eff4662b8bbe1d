// SPDX-License-Identifier: Apache-2.0
//
// docs/api/openapi.yaml and the server say the same: every route is described and every described
// one is there; what the running server answers is among the answers described.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "base/json.h"
#include "http/door.h"
#include "http_client.h"
#include "served_directory.h"

namespace hf {
namespace {

using RouteName = std::pair<std::string, std::string>;  // Method and path.

/// By route the statuses described; the file's layout is ours: paths at two blanks, methods at
/// four, statuses below `responses:`.
std::map<RouteName, std::set<std::string>> described() {
  std::map<RouteName, std::set<std::string>> routes;
  std::istringstream lines(test::text_of(HOLDFAST_SOURCE_DIR "/docs/api/openapi.yaml"));
  std::map<RouteName, std::string> anchor_of;
  std::map<std::string, std::set<std::string>> anchored;
  bool in_paths = false;
  bool in_responses = false;
  std::string path;
  RouteName route;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    std::string name = line.substr(indent, line.find(':', indent) - indent);
    if (indent == 0 && !line.empty() && line[0] != '#') in_paths = name == "paths";
    if (!in_paths || line.empty()) continue;
    if (indent == 2 && name.starts_with('/')) path = name;
    if (indent == 4 && std::set<std::string>{"get", "post", "put", "delete"}.contains(name)) {
      for (char& c : name) c = static_cast<char>(std::toupper(c));
      route = {name, path};
      routes[route];
    }
    if (indent <= 6) in_responses = name == "responses";
    if (in_responses && indent == 6) {  // YAML's anchors: one list for many routes.
      const std::size_t mark = line.find_first_of("&*");
      if (mark != std::string::npos && line[mark] == '&') anchor_of[route] = line.substr(mark + 1);
      if (mark != std::string::npos && line[mark] == '*')
        routes[route] = anchored[line.substr(mark + 1)];
    }
    if (in_responses && indent == 8) {
      std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
      routes[route].insert(name);
      if (anchor_of.contains(route)) anchored[anchor_of[route]].insert(name);
    }
  }
  return routes;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  std::set<RouteName> told;
  for (const auto& [route, statuses] : described()) told.insert(route);
  std::set<RouteName> there;
  for (const http::Route& route : http::Door::routes()) {
    there.emplace(route.method, route.path);
  }
  EXPECT_EQ(told, there);
}

/// What the introduction says of every answer, and the schema of every problem.
void expect_described_form(const test::HttpAnswer& answer) {
  SCOPED_TRACE(answer.head + answer.body);
  EXPECT_TRUE(answer.header("Date").has_value());
  const std::string id = answer.header("X-Request-Id").value_or("");
  EXPECT_EQ(id.size(), 16u);
  if (answer.header("Content-Type") != "application/problem+json") return;
  const auto problem = parse_json(answer.body);
  ASSERT_TRUE(problem.has_value());
  for (const std::string_view member :
       {"type", "title", "status", "reason", "detail", "request_id"}) {
    const Json* const found = problem->find(member);
    ASSERT_NE(found, nullptr) << member;
    EXPECT_NE(found->text, "") << member;
  }
  EXPECT_EQ(problem->find("status")->text, fmt::format("{}", answer.status));
  if (answer.header("Idempotent-Replayed")) return;  // Told again, with the id of the first time.
  EXPECT_EQ(problem->find("request_id")->text, id);
}

TEST(OpenApi, NamesWhatTheServerAnswers) {
  test::ServedDirectory served;
  const std::string admin = served.command({"key", "create", "--kind", "admin"}).out;
  served.command({"source", "add", "web"});
  const std::string writer = served.command({"key", "create", "--source", "web"}).out;
  ASSERT_FALSE(admin.empty());
  const std::vector<std::string> keys{"", "hf_w_nonsense", admin.substr(0, admin.size() - 1),
                                      writer.substr(0, writer.size() - 1)};
  const std::vector<std::string> bodies{
      "",
      "{",
      "{}",
      R"({"metric":"trend","series":[{"event":"*"}]})",
      R"({"name":"shop"})",
      R"({"enabled":true})",
      R"({"kind":"read"})",
      R"({"query":{"metric":"retention"}})",
      R"({"userId":"u","event":"e","previousId":"x","groupId":"g"})",
      R"({"batch":[{"type":"track","userId":"u","event":"e"},{"type":"nothing"}]})"};
  for (const auto& [route, statuses] : described()) {
    const auto& [method, path] = route;
    if (path == "/api/v1/live") continue;  // Has no end; door_test looks at it.
    std::string asked = path;
    const std::size_t brace = asked.find('{');
    if (brace != std::string::npos) {
      const std::size_t end = asked.find('}');
      asked.replace(brace, end + 1 - brace, path.find("keys") != std::string::npos ? "9" : "web");
    }
    std::set<std::string> seen;
    for (const std::string& key : keys) {
      for (const std::string& body : bodies) {
        test::HttpConnection connection(served.port());
        test::HttpHeaders headers;
        if (!key.empty()) headers.emplace_back("Authorization", "Bearer " + key);
        const auto answer = connection.ask(method, asked, headers, body);
        ASSERT_TRUE(answer.has_value()) << method << " " << asked;
        const std::string status = fmt::format("{}", answer->status);
        seen.insert(status);
        EXPECT_TRUE(statuses.contains(status)) << method << " " << asked << " answers " << status
                                               << " to " << body << ": " << answer->body;
        expect_described_form(*answer);
      }
    }
    EXPECT_FALSE(seen.contains("500")) << path;
  }
}

TEST(OpenApi, NamesWhatIsAnsweredToAWriteUnderAKeyOfItsOwn) {
  test::ServedDirectory served;
  std::string admin = served.command({"key", "create", "--kind", "admin"}).out;
  ASSERT_FALSE(admin.empty());
  admin.pop_back();
  const auto routes = described();
  const struct {
    std::string path;
    std::string asked;
    std::string body;
    std::string idempotency_key;
    int status;
    bool is_replay;
  } cases[] = {
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"shop"})", "k1", 201, false},
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"shop"})", "\"k1\"", 201, true},
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"other"})", "k1", 409, false},
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"shop"})", "k2", 409, false},
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"shop"})", "k2", 409, true},
      {"/api/v1/sources", "/api/v1/sources", R"({"name":"x"})", "a b", 400, false},
      {"/api/v1/sources/{name}", "/api/v1/sources/shop", R"({"enabled":true})", "k3", 200, false},
      {"/api/v1/sources/{name}", "/api/v1/sources/shop", R"({"enabled":true})", "k3", 200, true},
      {"/api/v1/sources/{name}", "/api/v1/sources/shop", R"({"enabled":false})", "k3", 409, false},
      {"/api/v1/keys", "/api/v1/keys", R"({"kind":"read"})", "k4", 201, false},
      {"/api/v1/keys", "/api/v1/keys", R"({"kind":"read"})", "k4", 201, true},
      {"/api/v1/keys", "/api/v1/keys", R"({"kind":"admin"})", "k4", 409, false},
      {"/api/v1/keys/{id}/revoke", "/api/v1/keys/2/revoke", "", "k5", 200, false},
      {"/api/v1/keys/{id}/revoke", "/api/v1/keys/2/revoke", "", "k5", 200, true},
      {"/api/v1/keys/{id}/revoke", "/api/v1/keys/3/revoke", "", "k5", 409, false},
      {"/api/v1/keys/{id}/revoke", "/api/v1/keys/99/revoke", "", "k6", 404, false},
      {"/api/v1/keys/{id}/revoke", "/api/v1/keys/99/revoke", "", "k6", 404, true},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(fmt::format("{} {} {}", each.asked, each.body, each.idempotency_key));
    test::HttpConnection connection(served.port());
    const auto answer = connection.ask(
        "POST", each.asked,
        {{"Authorization", "Bearer " + admin}, {"Idempotency-Key", each.idempotency_key}},
        each.body);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, each.status) << answer->body;
    EXPECT_TRUE(routes.at({"POST", each.path}).contains(fmt::format("{}", answer->status)));
    EXPECT_EQ(answer->header("Idempotent-Replayed").has_value(), each.is_replay);
    expect_described_form(*answer);
  }
}

}  // namespace
}  // namespace hf
