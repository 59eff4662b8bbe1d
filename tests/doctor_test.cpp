// SPDX-License-Identifier: Apache-2.0
//
// `holdfast doctor`: what it finds, and that it changes nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "cli/doctor_screen.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Its standard input stays open until it is told to end.
class RunningAppend {
 public:
  RunningAppend(const ScratchDirectory& directory, const std::string& data)
      : out_(directory / "stdout") {
    const std::string in = directory / "stdin";
    EXPECT_EQ(::mkfifo(in.c_str(), 0600), 0);
    input_ = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
    process_.emplace(directory, std::vector<std::string>{"--data", data, "append"});
  }
  ~RunningAppend() { end(); }
  RunningAppend(const RunningAppend&) = delete;
  RunningAppend& operator=(const RunningAppend&) = delete;

  /// Returns when it was answered.
  void append(const std::string& line) {
    const std::size_t answered = test::text_of(out_).size();
    const std::string bytes = line + "\n";
    EXPECT_EQ(::write(input_, bytes.data(), bytes.size()), std::ssize(bytes));
    for (int ms = 0; test::text_of(out_).size() == answered; ++ms) {
      ASSERT_LT(ms, 10'000) << "no answer";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void end() {
    if (!process_) return;
    ::close(input_);
    EXPECT_EQ(process_->wait().code, 0);
    process_.reset();
  }

 private:
  std::string out_;
  int input_ = -1;
  std::optional<test::Running> process_;
};

/// What lies below, with size and time of change.
std::vector<std::string> state_of(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    const auto changed = entry.last_write_time().time_since_epoch().count();
    out.push_back(fmt::format("{} {} {}", entry.path().string(), changed,
                              entry.is_regular_file() ? entry.file_size() : 0));
  }
  std::ranges::sort(out);
  return out;
}

class DoctorCommand : public testing::Test {
 protected:
  void SetUp() override {
    constexpr std::uintmax_t room = std::uintmax_t{3} << 30;
    if (std::filesystem::space(std::filesystem::temp_directory_path()).available < room) {
      GTEST_SKIP() << "the disk is nearly full, and the doctor would say so";
    }
    const std::string file = directory_ / "orders.csv";
    test::write_text(file, "person,event,time\np,e,2026-01-01\nq,,2026-01-02\n");
    ASSERT_EQ(run({"import", file}).code, 0);
  }
  Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--data", data_});
    return test::run(directory_, std::move(arguments));
  }
  /// The finding of that reason.
  static Json finding(const Ended& ended, std::string_view reason) {
    const auto diagnosis = parse_json(ended.out);
    EXPECT_TRUE(diagnosis.has_value()) << ended.out;
    if (!diagnosis) return {};
    for (const Json& found : diagnosis->find("findings")->array) {
      if (found.find("reason")->text == reason) return found;
    }
    ADD_FAILURE() << reason << " is not in " << ended.out;
    return {};
  }

  ScratchDirectory directory_;
  std::string data_ = directory_ / "data";
};

TEST_F(DoctorCommand, SaysThatAllIsWellAndChangesNothing) {
  const auto before = state_of(data_);
  const Ended ended = run({"doctor"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("✓ directory     " + data_ + ", for its owner alone\n"),
                               HasSubstr("✓ writer        nobody\n"),
                               ContainsRegex("✓ parts         1 file, [0-9]+ B, 1 event\n"),
                               HasSubstr("·               1 row was rejected: " + data_ +
                                         "/rejects/import-1.csv\n                → the file has"),
                               testing::EndsWith("\nnothing is wrong\n")));
  EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"--color", "always", "doctor"}).out, HasSubstr("\x1b[32m✓\x1b[0m"));
  EXPECT_THAT(run({"--lang", "zh", "doctor"}).out,
              AllOf(HasSubstr("✓ 目录          " + data_ + "，仅所有者可访问\n"),
                    HasSubstr("1 行被拒绝"), testing::EndsWith("\n没有问题\n")));
  EXPECT_EQ(state_of(data_), before);
  EXPECT_THAT(run({"doctor", "--deep"}).out, HasSubstr("✓ contents      all read, all sound"));
  ASSERT_EQ(run({"import", "undo", "1"}).code, 0);
  EXPECT_THAT(run({"doctor"}).out, testing::EndsWith("\nall is well\n"));
}

TEST_F(DoctorCommand, TellsItsFindingByExitCodeAndInJson) {
  const Ended nowhere = test::run(directory_, {"--data", directory_ / "none", "doctor"});
  EXPECT_EQ(nowhere.code, 3);
  EXPECT_THAT(nowhere.out, AllOf(HasSubstr("✗ directory"), HasSubstr("→ name the right one")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "none"));

  using std::filesystem::perms;
  const perms open = perms::owner_all | perms::group_read | perms::group_exec;
  std::filesystem::permissions(data_, open);
  EXPECT_EQ(run({"doctor"}).code, 0) << "advice only";
  std::filesystem::permissions(data_ + "/MANIFEST", open);
  const Ended warned = run({"doctor"});
  EXPECT_EQ(warned.code, 1);
  EXPECT_THAT(warned.out, AllOf(HasSubstr("→ chmod -R go-rwx " + data_ + "\n"),
                                testing::EndsWith("\n1 warning\n")));

  const std::string part = data_ + "/parts/00000001.part";
  std::filesystem::remove(part);
  const Ended broken = run({"doctor"});
  EXPECT_EQ(broken.code, 5);
  EXPECT_THAT(broken.out,
              AllOf(HasSubstr("✗               " + part + " is missing, with 1 event\n"),
                    testing::EndsWith("\n1 thing is broken, 1 warning\n")));
  const Ended chinese = run({"--lang", "zh", "doctor"});
  EXPECT_EQ(chinese.code, 5);
  EXPECT_THAT(chinese.out, AllOf(HasSubstr("缺少 " + part + "，其中有 1 个事件\n"),
                                 testing::EndsWith("\n1 处故障，1 个警告\n")));
  const Ended json = run({"doctor", "--format", "json"});
  EXPECT_EQ(json.code, 5);
  EXPECT_EQ(parse_json(json.out)->find("severity")->text, "broken");
  const Json found = finding(json, "part_missing");
  EXPECT_EQ(found.find("area")->text, "parts");
  EXPECT_EQ(found.find("severity")->text, "broken");
  EXPECT_EQ(found.find("values")->find("path")->text, part);
  EXPECT_EQ(found.find("values")->find("events")->text, "1");
  EXPECT_EQ(found.find("seen")->text, part + " is missing, with 1 event");
  EXPECT_THAT(found.find("act")->text, HasSubstr("restore the newest backup"));
  EXPECT_EQ(finding(json, "version").find("act"), nullptr);
}

TEST_F(DoctorCommand, LooksBesideARunningAppend) {
  const ScratchDirectory apart;
  RunningAppend append(apart, data_);
  append.append(R"({"user_id":"ann","event":"buy","time":"2026-02-01","message_id":"1"})");
  const auto before = state_of(data_);
  const Ended ended = run({"doctor"});
  EXPECT_EQ(ended.code, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(ContainsRegex("✓ writer        process [0-9]+, at work\n"),
                               HasSubstr("1 record not in parts yet\n")));
  EXPECT_EQ(state_of(data_), before);
  const Ended deep = run({"doctor", "--deep"});
  EXPECT_EQ(deep.code, 0);
  EXPECT_THAT(deep.out, HasSubstr("is at work\n                → run holdfast doctor --deep when"));
  append.append(R"({"user_id":"ann","event":"buy","time":"2026-02-01","message_id":"2"})");
  append.end();
  const Ended after = run({"doctor"});
  EXPECT_THAT(after.out, AllOf(HasSubstr("✓ writer        nobody\n"),
                               HasSubstr("2 records not in parts yet\n")));
}

TEST(DoctorScreen, TellsEveryFindingInBothLanguagesAndWhatToDoWhereSomethingIs) {
  Diagnosis diagnosis;
  for (std::size_t i = 0; i < finding_reasons; ++i) {
    Finding& finding = diagnosis.findings.emplace_back();
    finding.reason = static_cast<FindingReason>(i);
    for (const char* name : {"path", "what", "holder", "file", "timezone", "program"}) {
      finding.values.push_back({name, std::string("/a\x1b")});
    }
    for (const char* name : {"free_bytes",      "total_bytes", "needed_bytes",
                             "reserve_bytes",   "generation",  "files",
                             "version",         "bytes",       "events",
                             "expected_bytes",  "groups",      "kept_bytes",
                             "pending_records", "start_ms",    "needed",
                             "first",           "end",         "position",
                             "unread_records",  "keys",        "log_end",
                             "imports",         "import",      "rows",
                             "now_ms",          "newest_ms",   "allowed",
                             "manifest",        "log",         "part",
                             "message_keys",    "parts",       "records",
                             "sources",         "refusals"}) {
      finding.values.push_back({name, std::uint64_t{7'000}});
    }
    SCOPED_TRACE(to_string(finding.reason));
    const FindingText english = tell(finding, *Zone::utc(), {Language::english});
    const FindingText chinese = tell(finding, *Zone::utc(), {Language::chinese});
    const bool is_fine = severity_of(finding.reason) == Severity::fine;
    for (const FindingText& text : {english, chinese}) {
      EXPECT_FALSE(text.seen.empty());
      EXPECT_EQ(text.act.empty(), is_fine);
      EXPECT_THAT(text.seen + text.act, Not(testing::AnyOf(HasSubstr("{"), HasSubstr("\x1b"))));
    }
    EXPECT_NE(english.seen, chinese.seen);
  }
  // On a terminal nothing is wider than it.
  const Terminal terminal{.interactive = true, .width = 60, .color = ColorMode::none};
  for (const Language language : {Language::english, Language::chinese}) {
    std::istringstream lines(render_diagnosis(diagnosis, *Zone::utc(), terminal, {language}));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_LE(display_width(line), 60) << line;
    }
    EXPECT_GT(count, 120);
  }
}

TEST(DoctorScreen, SaysOnceWhatIsToBeDoneOfManyLikeTroubles) {
  Diagnosis diagnosis;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    diagnosis.findings.push_back(
        {FindingReason::part_missing, {{"path", fmt::format("d/{}.part", i)}, {"events", i}}});
  }
  const std::string screen = render_diagnosis(diagnosis, *Zone::utc(), {}, {});
  EXPECT_THAT(screen, AllOf(HasSubstr("✗ parts         d/1.part is missing, with 1 event\n"),
                            HasSubstr("✗               d/8.part is missing, with 8 events\n"),
                            Not(HasSubstr("d/9.part")), HasSubstr("and 12 more\n"),
                            HasSubstr("\n20 things are broken\n")));
  EXPECT_EQ(screen.find("→"), screen.rfind("→"));
}

}  // namespace
}  // namespace hf
