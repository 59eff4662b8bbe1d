// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace hf {

/// A number (or text) that names one kind of thing and cannot be taken for another:
/// `using PersonIndex = Id<struct PersonIndexTag, std::uint32_t>;`
template <class Tag, class Rep = std::uint64_t>
class Id {
 public:
  using rep = Rep;

  constexpr Id() = default;
  explicit constexpr Id(Rep value) : value_(std::move(value)) {}

  [[nodiscard]] constexpr const Rep& value() const { return value_; }

  friend constexpr bool operator==(const Id&, const Id&) = default;
  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  Rep value_{};
};

}  // namespace hf

template <class Tag, class Rep>
struct std::hash<hf::Id<Tag, Rep>> {
  std::size_t operator()(const hf::Id<Tag, Rep>& id) const { return std::hash<Rep>{}(id.value()); }
};
