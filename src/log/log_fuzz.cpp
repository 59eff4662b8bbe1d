// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a log file holds: reading ends, with its records or with what is wrong, and a
// writer that opens it appends where reading ended. The first byte of an input says what the
// others are:
//   0     the file
//   1     edits of a sound file, (offset: 2 bytes, byte) each
//   2     the payload of a frame whose checksums are right
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/sim_env.h"
#include "log/log_reader.h"
#include "log/log_writer.h"

namespace {

constexpr std::string_view directory = "/log";

std::string path() { return std::string(directory) + "/" + hf::log_file_name(1); }

std::string file_with(std::string_view payload) {
  const std::uint64_t salt = 42;
  std::string file = hf::encode_log_file_header({.first = 1, .created_at_ms = 1, .salt = salt});
  hf::FrameBuilder frame;
  frame.add(payload);
  frame.add("second");
  file += frame.finish(salt, 1, 1'700'000'000'000);
  const auto seal = hf::encode_seal(salt, 3, file.size());
  file.append(seal.data(), seal.size());
  frame.clear();
  frame.add("third");
  file += frame.finish(salt, 3, 1'700'000'000'001);
  return file + std::string(100, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const char mode = bytes[0];
  bytes.remove_prefix(1);
  std::string file;
  if (mode == 0) {
    file = bytes;
  } else if (mode == 1) {
    file = file_with("first");
    for (; bytes.size() >= 3; bytes.remove_prefix(3)) {
      const auto at =
          static_cast<std::uint8_t>(bytes[0]) * 256u + static_cast<std::uint8_t>(bytes[1]);
      file[at % file.size()] = bytes[2];
    }
  } else {
    file = file_with(bytes);
  }
  hf::SimEnv sim(1);
  HF_ASSERT(sim.env().files.make_directories(std::string(directory)));
  HF_ASSERT(hf::replace_file(sim.env(), path(), file));
  hf::Offset end = 0;
  if (auto reader = hf::LogReader::open(sim.env(), std::string(directory), 1)) {
    while (true) {
      const auto frame = reader->next();
      if (!frame) break;
      if (!*frame) {
        end = reader->next_offset();
        break;
      }
      hf::FrameRecords records((*frame)->payload);
      while (records.next()) {
      }
    }
  }
  auto writer = hf::LogWriter::open(sim.env(), std::string(directory), {.file_bytes = 4096}, 1);
  HF_ASSERT(writer.has_value() == (end != 0));
  if (!writer) return 0;
  HF_ASSERT((*writer)->next_offset() == end);
  hf::FrameBuilder frame;
  frame.add("more");
  HF_ASSERT((*writer)->append(frame).has_value());
  return 0;
}
