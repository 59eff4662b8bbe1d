// SPDX-License-Identifier: Apache-2.0
#include "service/uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "base/sim_env.h"

namespace hf {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class UploadsTest : public testing::Test {
 protected:
  UploadsTest() {
    std::string path = testing::TempDir() + "uploads_test_XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    options_.reserve_bytes = 0;
  }
  ~UploadsTest() override { std::filesystem::remove_all(directory_); }

  void open() {
    uploads_.reset();
    auto opened = Uploads::open(env(), directory_, options_);
    ASSERT_TRUE(opened) << opened.error().message;
    uploads_ = *std::move(opened);
  }
  /// The real disk under a clock that stands still.
  Env env() { return {real_env().files, sim_.env().clock, sim_.env().random}; }
  static bool write(Uploads::Receiving& receiving, std::string piece) {
    std::promise<bool> written;
    receiving.write(std::move(piece), [&](bool is_written) { written.set_value(is_written); });
    return written.get_future().get();
  }
  Result<Uploads::Kept> send(std::string_view name, std::string_view text) {
    HF_TRY(const auto receiving, uploads_->begin(name, text.size()));
    for (std::size_t at = 0; at < text.size(); at += 10) {
      if (!write(*receiving, std::string(text.substr(at, 10)))) break;
    }
    return receiving->finish();
  }
  static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    std::size_t count = 0;
    const std::string path = directory_ + "/uploads";
    if (!std::filesystem::exists(path)) return 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(path)) {
      count += each.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  SimEnv sim_{7};
  std::string directory_;
  Uploads::Options options_;
  std::unique_ptr<Uploads> uploads_;
};

TEST_F(UploadsTest, HoldWhatWasSentUnderItsName) {
  open();
  const auto upload = send("orders 2024.csv", "person,event\nann,signup\n");
  ASSERT_TRUE(upload) << upload.error().message;
  EXPECT_EQ((*upload)->name, "orders 2024.csv");
  EXPECT_EQ((*upload)->bytes, 24u);
  EXPECT_THAT((*upload)->path, EndsWith("/orders 2024.csv"));
  EXPECT_EQ(text_of((*upload)->path), "person,event\nann,signup\n");
  EXPECT_EQ((*upload)->expires_ms, sim_.env().clock.now_ms() + options_.age_ms_max);
  EXPECT_EQ(uploads_->find((*upload)->id).value(), *upload);
  EXPECT_EQ((*upload)->id.size(), 32u);
  EXPECT_EQ(std::filesystem::status((*upload)->path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(UploadsTest, AreRemovedWithTheLastWhoHoldsThem) {
  open();
  auto upload = send("a.csv", "x").value();
  const std::string id = upload->id;
  ASSERT_TRUE(uploads_->remove(id));
  EXPECT_EQ(uploads_->find(id).error().reason, "no_upload");
  EXPECT_EQ(uploads_->remove(id).error().reason, "no_upload");
  EXPECT_EQ(text_of(upload->path), "x") << "an import may still read it";
  upload.reset();
  EXPECT_EQ(files(), 0u);
}

TEST_F(UploadsTest, AreForgottenAfterADay) {
  open();
  const std::string old = send("a.csv", "x").value()->id;
  sim_.advance_ms(options_.age_ms_max - 1);
  const std::string young = send("b.csv", "y").value()->id;
  uploads_->tick();
  EXPECT_TRUE(uploads_->find(old));
  sim_.advance_ms(1);
  uploads_->tick();
  EXPECT_EQ(uploads_->find(old).error().reason, "no_upload");
  EXPECT_TRUE(uploads_->find(young));
  EXPECT_EQ(files(), 1u);
}

TEST_F(UploadsTest, LeaveNothingWhenGivenUp) {
  open();
  {
    const auto receiving = uploads_->begin("a.csv", {}).value();
    EXPECT_TRUE(write(*receiving, "half of"));
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(UploadsTest, OfAnEarlierProcessAreGone) {
  open();
  const auto kept = send("a.csv", "x").value();
  std::filesystem::create_directories(directory_ + "/uploads/1234");
  std::ofstream(directory_ + "/uploads/1234/left.csv") << "of a killed one";
  open();
  EXPECT_EQ(files(), 0u);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/uploads"));
  EXPECT_TRUE(send("b.csv", "y"));
}

TEST_F(UploadsTest, HaveLimits) {
  options_.bytes_max = 20;
  options_.files_max = 2;
  open();
  const auto said = uploads_->begin("a.csv", 21);
  EXPECT_EQ(said.error().reason, "upload_too_large");
  EXPECT_THAT(said.error().message, HasSubstr("20 bytes"));
  {
    const auto unsaid = uploads_->begin("a.csv", {}).value();
    EXPECT_TRUE(write(*unsaid, std::string(20, 'a')));
    EXPECT_FALSE(write(*unsaid, "b"));
    EXPECT_EQ(unsaid->finish().error().reason, "upload_too_large");
  }
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(send("a.csv", "").error().reason, "empty_upload");
  const auto first = send("a.csv", std::string(20, 'a'));
  EXPECT_TRUE(first);
  const auto second = uploads_->begin("b.csv", 1);
  EXPECT_EQ(uploads_->begin("c.csv", 1).error().reason, "too_many_uploads");
}

TEST_F(UploadsTest, LeaveRoomForEvents) {
  options_.reserve_bytes = std::uint64_t{1} << 60;
  open();
  const auto refused = uploads_->begin("a.csv", 1);
  EXPECT_EQ(refused.error().reason, "disk_full");
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(files(), 0u);
}

TEST(FitFileName, IsTheSendersAsFarAsItCanBeAFiles) {
  EXPECT_EQ(fit_file_name("orders.csv"), "orders.csv");
  EXPECT_EQ(fit_file_name("订单 2024.csv.gz"), "订单 2024.csv.gz");
  EXPECT_EQ(fit_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(fit_file_name("C:\\data\\a.csv"), "a.csv");
  EXPECT_EQ(fit_file_name("a\nb\x7f.csv"), "a_b_.csv");
  EXPECT_EQ(fit_file_name(std::string_view("a\0b.csv", 7)), "a_b.csv");
  EXPECT_EQ(fit_file_name(".hidden"), "_hidden");
  EXPECT_EQ(fit_file_name("-rf.csv"), "_rf.csv");
  for (const std::string_view none : {"", ".", "..", "/", "a/", "...", "\xff.csv", "  "}) {
    EXPECT_EQ(fit_file_name(none), "upload") << none;
  }
  const std::string cut = fit_file_name(std::string(500, 'a') + ".csv.gz");
  EXPECT_EQ(cut, std::string(193, 'a') + ".csv.gz");
  std::string wide;
  while (wide.size() < 500) wide += "订";
  EXPECT_EQ(fit_file_name(wide + ".csv").size(), 196 / 3 * 3 + 4u);
  EXPECT_LE(fit_file_name(wide).size(), 200u);
}

}  // namespace
}  // namespace hf
