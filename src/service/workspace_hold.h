// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "service/workspace.h"

namespace hf::test {

/// Test support: keeps the thread that owns a workspace's store until it is let go.
class Hold {
 public:
  explicit Hold(Workspace& workspace)
      : holding_([this, &workspace] {
          EXPECT_TRUE(workspace.with_store([this](Store&) -> Result<void> {
            begun_.set_value();
            end_.get_future().wait();
            return {};
          }));
        }) {
    begun_.get_future().wait();
  }
  ~Hold() {
    if (holding_.joinable()) let_go();
  }
  void let_go() {
    end_.set_value();
    holding_.join();
  }

 private:
  std::promise<void> begun_;
  std::promise<void> end_;
  std::thread holding_;
};

}  // namespace hf::test
