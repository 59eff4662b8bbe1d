// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace hf::http {

/// The web console as it is built into the program (console/scripts/pack.mjs): a line
/// "holdfast-console 1", a line a file (path, content type, tag and bytes, parted by tabs), an
/// empty line, then the files' bodies, each a gzip, in that order.
class ConsoleFiles {
 public:
  /// Views into `pack`, which must outlive it. Empty: there are none.
  /// Errors: data_loss/bad_console.
  [[nodiscard]] static Result<ConsoleFiles> parse(std::string_view pack);

  [[nodiscard]] bool empty() const { return files_.empty(); }
  /// "/" and what is below "/console".
  [[nodiscard]] static bool is_path(std::string_view path);
  /// Answers a request for such a path. Pages have their state in the path, so that one which names
  /// no file is the console's own; below /console/assets/ are files alone, whose names change with
  /// what is in them: they are kept for good. Everything runs under a policy which lets it load
  /// and ask nothing but this server.
  [[nodiscard]] Response answer(const Request& request) const;

 private:
  struct Entry {
    std::string_view content_type;
    std::string_view tag;
    std::string_view gzip;
  };
  std::map<std::string, Entry, std::less<>> files_;  // By path below /console/.
};

}  // namespace hf::http
