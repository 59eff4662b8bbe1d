// SPDX-License-Identifier: Apache-2.0
#include "http/console_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/test_client.h"
#include "service/import_world.h"

namespace hf::http {
namespace {

using hf::test::gzipped;
using testing::HasSubstr;

std::string pack_of(const std::vector<std::array<std::string, 2>>& files) {
  std::string index = "holdfast-console 1\n";
  std::string bodies;
  for (const auto& [path, text] : files) {
    const std::string body = gzipped(text);
    index += fmt::format("{}\ttext/{}; charset=utf-8\ttag-{}\t{}\n", path,
                         path.substr(path.rfind('.') + 1), text.size(), body.size());
    bodies += body;
  }
  return index + "\n" + bodies;
}
std::string header_of(const Response& response, std::string_view name) {
  for (const Header& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

class ConsoleFilesTest : public testing::Test {
 protected:
  Response get(std::string path, std::vector<Header> headers = {}, std::string method = "GET") {
    return files_.answer(
        {.method = std::move(method), .path = std::move(path), .headers = std::move(headers)});
  }
  std::string pack_ = pack_of({{"assets/a-1.js", "let a"}, {"index.html", "<p>hello"}});
  ConsoleFiles files_ = ConsoleFiles::parse(pack_).value();
};

TEST_F(ConsoleFilesTest, ArePlainOrAsTheyLie) {
  const Response plain = get("/console/assets/a-1.js");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body, "let a");
  EXPECT_EQ(plain.content_type, "text/js; charset=utf-8");
  EXPECT_EQ(header_of(plain, "Content-Encoding"), "");
  for (const std::string_view accepted : {"gzip", "br;q=1.0, gzip;q=0.8", "*", "deflate,gzip"}) {
    const Response packed =
        get("/console/assets/a-1.js", {{"accept-encoding", std::string(accepted)}});
    EXPECT_EQ(packed.body, gzipped("let a")) << accepted;
    EXPECT_EQ(header_of(packed, "Content-Encoding"), "gzip");
  }
  for (const std::string_view refused : {"", "br", "gzip;q=0", "gzip; q=0", "xgzip"}) {
    EXPECT_EQ(get("/console/assets/a-1.js", {{"accept-encoding", std::string(refused)}}).body,
              "let a")
        << refused;
  }
}

TEST_F(ConsoleFilesTest, ArePagesWhereverTheyAreNot) {
  for (const std::string_view page : {"/console/", "/console/retention", "/console/a/b",
                                      "/console/../etc", "/console/index.html"}) {
    EXPECT_EQ(get(std::string(page)).body, "<p>hello") << page;
  }
  EXPECT_EQ(get("/console/assets/old.js").status, 404);
  EXPECT_EQ(get("/console/assets/../index.html").status, 404);
  for (const std::string_view elsewhere : {"/", "/console"}) {
    EXPECT_EQ(get(std::string(elsewhere)).status, 302);
    EXPECT_EQ(header_of(get(std::string(elsewhere)), "Location"), "/console/");
  }
  EXPECT_EQ(get("/console/", {}, "POST").status, 405);
  EXPECT_TRUE(ConsoleFiles::is_path("/console/x"));
  EXPECT_FALSE(ConsoleFiles::is_path("/consoles"));
  EXPECT_FALSE(ConsoleFiles::is_path("/api/v1/query"));
}

TEST_F(ConsoleFilesTest, AreKeptByBrowsersAsLongAsTheyAreTheSame) {
  const Response asset = get("/console/assets/a-1.js");
  EXPECT_THAT(header_of(asset, "Cache-Control"), HasSubstr("immutable"));
  const Response page = get("/console/");
  EXPECT_EQ(header_of(page, "Cache-Control"), "no-cache");
  const std::string tag = header_of(page, "ETag");
  const Response same = get("/console/live", {{"if-none-match", "W/\"x\", " + tag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(get("/console/", {{"if-none-match", "\"other\""}}).status, 200);
}

TEST_F(ConsoleFilesTest, RunUnderAPolicyThatLetsThemAskNobodyElse) {
  for (const std::string_view path : {"/console/", "/console/assets/a-1.js"}) {
    const std::string policy = header_of(get(std::string(path)), "Content-Security-Policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(policy, testing::Not(HasSubstr("unsafe")));
    EXPECT_THAT(policy, testing::Not(HasSubstr("http")));
  }
}

TEST(ConsoleFiles, MayBeNone) {
  const ConsoleFiles none = ConsoleFiles::parse("").value();
  EXPECT_TRUE(none.empty());
  EXPECT_THAT(none.answer({.method = "GET", .path = "/console/"}).body, HasSubstr("no_console"));
}

TEST(ConsoleFiles, ThatAreDamagedAreToldHoweverTheyAreCut) {
  const std::string whole = pack_of({{"a.js", "let a"}, {"index.html", "<p>"}});
  ASSERT_TRUE(ConsoleFiles::parse(whole));
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(ConsoleFiles::parse(std::string_view(whole).substr(0, bytes)).error().reason,
              "bad_console")
        << bytes;
  }
  EXPECT_FALSE(ConsoleFiles::parse(whole + "x"));
  EXPECT_FALSE(ConsoleFiles::parse(pack_of({{"a.js", "let a"}})));
}

}  // namespace
}  // namespace hf::http
