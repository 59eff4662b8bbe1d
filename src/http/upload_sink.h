// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "base/result.h"
#include "http/message.h"
#include "service/uploads.h"

namespace hf::http {

/// The body of a request becomes an upload.
class UploadSink final : public BodySink {
 public:
  explicit UploadSink(Result<std::shared_ptr<Uploads::Receiving>> receiving)
      : receiving_(std::move(receiving)) {}

  /// False: nothing can be written, and finish() says why.
  [[nodiscard]] bool is_ready() const { return receiving_.has_value(); }
  void write(std::string piece, std::function<void(bool)> done) override {
    (*receiving_)->write(std::move(piece), std::move(done));
  }
  [[nodiscard]] Result<Uploads::Kept> finish() {
    if (!receiving_) return std::unexpected(receiving_.error());
    return (*receiving_)->finish();
  }

 private:
  Result<std::shared_ptr<Uploads::Receiving>> receiving_;
};

}  // namespace hf::http
