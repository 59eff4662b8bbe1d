// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "http/door_world.h"
#include "http/test_client.h"

namespace hf::http::test {
namespace {

using testing::HasSubstr;

class ImportRoutes : public DoorTest {};

TEST_F(ImportRoutes, ImportsFilesOfThisMachineForItsOwnUserAlone) {
  hf::test::put_file(env_, "/in/a.csv", "person,event,time\nann,buy,2026-01-05\nbob,,2026-01-05\n");
  const std::string body = R"({"files":["/in/a.csv"],"source":"old"})";
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/imports", body)), "403 local_only");
  const auto posted = [&](std::string text) {
    return ask(from_socket(request("POST", "/api/v1/imports", std::move(text))));
  };
  EXPECT_EQ(outcome_of(posted("[]")), "400 not_an_object");
  EXPECT_EQ(outcome_of(posted(R"({"file":"/in/a.csv"})")), "400 unknown_field");
  EXPECT_EQ(outcome_of(posted(R"({"files":[1]})")), "400 wrong_type");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"format":"xls"})")), "400 bad_format");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"delimiter":"ab"})")), "400 bad_delimiter");
  EXPECT_EQ(outcome_of(posted(R"({"files":[]})")), "400 empty_input");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/none.csv"]})")), "404 not_found");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"sql":"SELECT 1"})")),
            "422 needs_sql_engine");
  const Response started = posted(body);
  EXPECT_EQ(started.status, 202);
  const std::string path = "/api/v1/imports/jobs/1";
  ImportJobs::Job job = must(parse_import_job(started.body, directory));
  EXPECT_EQ(job.id, 1u);
  for (int tries = 0; tries < 1'000 && !job.ended(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    job = must(parse_import_job(ask(keyed(request("GET", path), read_)).body, directory));
  }
  ASSERT_TRUE(job.outcome);
  EXPECT_EQ(job.outcome->id, 1u);
  EXPECT_EQ(job.outcome->counts.events, 1u);
  EXPECT_EQ(job.outcome->counts.rejected, 1u);
  EXPECT_EQ(job.outcome->persons_new, 1u);
  EXPECT_EQ(job.outcome->reject_path, directory + "/rejects/import-1.csv");
  EXPECT_THAT(asked("GET", "/api/v1/imports/jobs").body, HasSubstr(R"("state":"done")"));
  EXPECT_EQ(outcome_of(asked("POST", path + "/cancel")), "200");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/imports/jobs/2/cancel")), "404 no_import_job");
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/imports/jobs/x")), "404 no_import_job");
}

TEST(ImportOptionsJson, ComesBackAsItWas) {
  ImportOptions options{.files = {"/a b.csv", "/c\".csv"},
                        .format = InputFormat::csv,
                        .overrides = {.maps = {"person=x", "event==buy"},
                                      .types = {"a=text"},
                                      .time_format = "%d/%m/%Y",
                                      .timezone = "Asia/Tokyo"},
                        .dialect = CsvDialect{.delimiter = '\t', .header = false},
                        .sql = "SELECT 1",
                        .source = "s",
                        .identify_rows = true,
                        .strict = true};
  const std::string text = import_options_json(options);
  EXPECT_EQ(import_options_json(must(parse_import_request(text)).options), text);
  EXPECT_EQ(must(parse_import_request(text)).options.dialect, options.dialect);
  EXPECT_EQ(import_options_json(must(parse_import_request("{}")).options),
            import_options_json(ImportOptions()));
}

/// Files sent by the wire, on a disk of their own.
class UploadRoutes : public DoorTest {
 protected:
  UploadRoutes() {
    std::string path = testing::TempDir() + "upload_routes_test_XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
    door_ = nullptr;
    workspace_ = must(Workspace::open(disk_, folder_ + "/data", {.reopen_ms = 50}));
    uploads_ = must(Uploads::open(disk_, folder_ + "/data",
                                  {.bytes_max = 4 << 20, .files_max = 2, .reserve_bytes = 0}));
    door_ = std::make_unique<Door>(disk_, *workspace_, state_, *keyring_, *sign_ins_,
                                   Door::Options{.uploads = uploads_.get()});
    Server::Options options{.port = 0};
    options.limits.body_bytes = 64 << 10;
    options.body_rules = [this](const Request& head) { return door_->body_rule(head); };
    server_ = must(Server::start(disk_, options, [this](Request&& request, Reply reply) {
      door_->handle(std::move(request), std::move(reply));
    }));
  }
  ~UploadRoutes() override {
    server_->stop(1'000);
    server_ = nullptr;
    door_ = nullptr;
    uploads_ = nullptr;
    workspace_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  Answer wired(std::string_view method, std::string_view target, std::string_view body,
               const std::string& key) {
    Client client(server_->port());
    return client.ask(
        fmt::format("{} {} HTTP/1.1\r\nHost: holdfast.example\r\nAuthorization: Bearer {}\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    method, target, key, body.size(), body));
  }
  Answer sent_file(std::string_view name, std::string_view text) {
    return wired("POST", fmt::format("/api/v1/uploads?name={}", name), text, admin_);
  }
  static std::string member(const Answer& answer, std::string_view name) {
    const auto json = parse_json(answer.body);
    const Json* const found = json ? json->find(name) : nullptr;
    return found == nullptr ? answer.body : found->text;
  }
  static std::string reason(const Answer& answer) {
    return fmt::format("{} {}", answer.status, member(answer, "reason"));
  }
  std::size_t files() const {
    std::size_t count = 0;
    const std::string path = folder_ + "/data/uploads";
    if (!std::filesystem::exists(path)) return 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(path)) {
      count += each.is_regular_file() ? 1 : 0;
    }
    return count;
  }
  Answer ended_job(const std::string& number) {
    Answer answer;
    for (int tries = 0; tries < 1'000; ++tries) {
      answer = wired("GET", "/api/v1/imports/jobs/" + number, "", read_);
      const std::string state = member(answer, "state");
      if (state != "waiting" && state != "running") break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return answer;
  }

  std::string folder_;
  Env disk_{real_env().files, sim_.env().clock, sim_.env().random};
  std::unique_ptr<Uploads> uploads_;
  std::unique_ptr<Server> server_;
};

TEST_F(UploadRoutes, AFileIsSentLookedAtImportedAndTakenBack) {
  std::string text = "who,what,when\n";
  for (int i = 0; i < 100'000; ++i)
    text += fmt::format("p{},buy,2026-01-0{}\n", i % 100, 1 + i % 9);
  text += "bad row\n";
  ASSERT_GT(text.size(), std::size_t{64} << 10) << "more than is held of other bodies";
  const Answer sent = sent_file("orders%20of%202026.csv", text);
  ASSERT_EQ(sent.status, 201) << sent.body;
  EXPECT_EQ(member(sent, "name"), "orders of 2026.csv");
  EXPECT_EQ(member(sent, "bytes"), fmt::format("{}", text.size()));
  EXPECT_EQ(files(), 1u);

  const std::string upload = fmt::format(R"("upload":"{}")", member(sent, "upload"));
  const Answer first = wired("POST", "/api/v1/imports/preview", "{" + upload + "}", admin_);
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, HasSubstr(R"("problem":{"reason":"unmapped_person")"));
  EXPECT_THAT(first.body, HasSubstr(R"("samples":["p0","p1","p2","p3","p4"])"));
  const std::string asked = "{" + upload + R"(,"map":["person=who","event=what","time=when"]})";
  const Answer preview = wired("POST", "/api/v1/imports/preview", asked, admin_);
  EXPECT_THAT(preview.body, HasSubstr(R"({"line":2,"time":"2026-01-01T00:00:00Z","event":"buy",)"
                                      R"("user_id":"p0","properties":{}})"));

  const Answer job = wired("POST", "/api/v1/imports", asked, admin_);
  ASSERT_EQ(job.status, 202) << job.body;
  EXPECT_EQ(member(ended_job("1"), "state"), "done");
  const std::string record =
      R"("rows":100001,"events":100000,"duplicates":0,"rejected":1,"has_rejects":true})";
  EXPECT_THAT(wired("GET", "/api/v1/imports", "", read_).body, HasSubstr(record));
  for (int tries = 0; tries < 1'000 && files() > 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(files(), 0u) << "it is in";
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports", asked, admin_)), "404 no_upload");

  const Answer rejects = wired("GET", "/api/v1/imports/1/rejects", "", read_);
  EXPECT_EQ(rejects.status, 200);
  EXPECT_EQ(rejects.header("content-type"), "text/csv; charset=utf-8");
  EXPECT_THAT(rejects.body, testing::StartsWith("file,line,offset,column,reason,message,excerpt\n"
                                                "orders of 2026.csv,100002,"));
  EXPECT_EQ(reason(wired("GET", "/api/v1/imports/2/rejects", "", read_)), "404 no_import");

  const Answer undone = wired("POST", "/api/v1/imports/1/undo", "", admin_);
  EXPECT_THAT(undone.body, HasSubstr(R"("state":"undone")"));
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports/1/undo", "", admin_)), "422 already_undone");
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports/x/undo", "", admin_)), "404 no_import");
  EXPECT_EQ(reason(wired("GET", "/api/v1/imports/1/rejects", "", read_)), "404 no_rejects");
}

TEST_F(UploadRoutes, WhoMayNotSendIsToldBeforeTheFileComes) {
  for (const auto& [key, expected] :
       {std::pair{std::string("none"), "401 unknown_key"}, std::pair{read_, "403 wrong_key_kind"},
        std::pair{write_, "403 wrong_key_kind"}}) {
    Client client(server_->port());
    // None of it has come when it is answered.
    client.send(
        fmt::format("POST /api/v1/uploads HTTP/1.1\r\nHost: holdfast.example\r\n"
                    "Authorization: Bearer {}\r\nContent-Length: 1000000000\r\n\r\n",
                    key));
    EXPECT_EQ(reason(client.answer()), expected);
    EXPECT_TRUE(client.is_hung_up_on());
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(UploadRoutes, WhatIsTooLargeIsToldAsSoonAsItIsKnown) {
  Client said(server_->port());
  said.send(
      fmt::format("POST /api/v1/uploads HTTP/1.1\r\nHost: holdfast.example\r\n"
                  "Authorization: Bearer {}\r\nContent-Length: 5000000\r\n\r\n",
                  admin_));
  EXPECT_EQ(reason(said.answer()), "413 upload_too_large");
  Client unsaid(server_->port());
  unsaid.send(
      fmt::format("POST /api/v1/uploads HTTP/1.1\r\nHost: holdfast.example\r\n"
                  "Authorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
                  admin_));
  for (int i = 0; i < 5; ++i) {
    unsaid.send(fmt::format("{:x}\r\n{}\r\n", 1 << 20, std::string(1 << 20, 'x')));
  }
  EXPECT_EQ(reason(unsaid.answer()), "413 upload_too_large");
  for (int tries = 0; tries < 1'000 && files() > 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(UploadRoutes, SaysWhatIsWrongWithOne) {
  EXPECT_EQ(reason(sent_file("a.csv", "")), "400 empty_upload");
  EXPECT_EQ(reason(sent_file("a%zz.csv", "x")), "400 bad_parameter");
  const std::string id = member(sent_file("a.csv", "x"), "upload");
  EXPECT_EQ(sent_file("b.csv", "x").status, 201);
  const Answer third = sent_file("c.csv", "x");
  EXPECT_EQ(reason(third), "429 too_many_uploads");
  EXPECT_NE(third.header("retry-after"), "");
  const std::string path = "/api/v1/uploads/" + id;
  EXPECT_EQ(wired("DELETE", path, "", admin_).status, 204);
  EXPECT_EQ(reason(wired("DELETE", path, "", admin_)), "404 no_upload");
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports", R"({"upload":")" + id + "\"}", admin_)),
            "404 no_upload");
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports",
                         R"({"upload":"x","sql":"SELECT * FROM '/etc/passwd'"})", admin_)),
            "403 local_only");
  EXPECT_EQ(
      reason(wired("POST", "/api/v1/imports/preview", R"({"files":["/etc/passwd"]})", admin_)),
      "403 local_only");
  EXPECT_EQ(reason(wired("POST", "/api/v1/imports", R"({"upload":"x","files":["/a"]})", admin_)),
            "400 two_inputs");
}

}  // namespace
}  // namespace hf::http::test
