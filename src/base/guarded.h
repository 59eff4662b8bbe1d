// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>

namespace hf {

/// A value that can be reached only under its lock, which makes "guarded by" a type. Not
/// recursive: taking the lock twice on one thread deadlocks.
template <class T>
class Guarded {
 public:
  /// Access for as long as it lives. Hold it in a named variable, or use it for one expression:
  /// `queue.lock()->push_back(job)`.
  template <class Value>
  class Locked {
   public:
    [[nodiscard]] Value& operator*() const { return *value_; }
    [[nodiscard]] Value* operator->() const { return value_; }

    /// Releases the lock until `ready(value)` holds. `condition` must be notified after each change
    /// that can make it hold; one condition belongs to one Guarded.
    template <class Ready>
    void wait(std::condition_variable& condition, Ready&& ready) {
      condition.wait(lock_, [&] { return ready(std::as_const(*value_)); });
    }
    /// The same with an end: false when `ready` still does not hold after `timeout`.
    template <class Duration, class Ready>
    [[nodiscard]] bool wait_for(std::condition_variable& condition, Duration timeout,
                                Ready&& ready) {
      return condition.wait_for(lock_, timeout, [&] { return ready(std::as_const(*value_)); });
    }

   private:
    friend class Guarded;
    Locked(std::mutex& mutex, Value& value) : lock_(mutex), value_(&value) {}
    std::unique_lock<std::mutex> lock_;
    Value* value_;
  };

  Guarded() = default;
  template <class... Args>
  explicit Guarded(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}
  explicit Guarded(T value) : value_(std::move(value)) {}

  [[nodiscard]] Locked<T> lock() { return {mutex_, value_}; }
  [[nodiscard]] Locked<const T> lock() const { return {mutex_, value_}; }

  /// Runs `use(value)` under the lock and returns its result, which must not be a reference: it
  /// would outlive the lock.
  template <class Use>
  auto with(Use&& use) -> std::invoke_result_t<Use, T&> {
    static_assert(!std::is_reference_v<std::invoke_result_t<Use, T&>>);
    const std::lock_guard lock(mutex_);
    return std::invoke(std::forward<Use>(use), value_);
  }
  template <class Use>
  auto with(Use&& use) const -> std::invoke_result_t<Use, const T&> {
    static_assert(!std::is_reference_v<std::invoke_result_t<Use, const T&>>);
    const std::lock_guard lock(mutex_);
    return std::invoke(std::forward<Use>(use), value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace hf
