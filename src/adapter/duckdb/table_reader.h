// SPDX-License-Identifier: Apache-2.0
//
// From DuckDB's vectors to TableCell without loss.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/sql_engine.h"

namespace hf::duckdb {

/// How a column of a SELECT is brought to a type that CellReader reads.
enum class Delivery : std::uint8_t {
  as_is,    ///< Numbers, booleans, text, dates, timestamps.
  as_text,  ///< TIME, INTERVAL, UUID, ENUM, BLOB, ..: cast to VARCHAR.
  as_json,  ///< LIST, ARRAY, STRUCT, MAP, UNION and JSON: JSON text.
};
[[nodiscard]] Delivery delivery_of(duckdb_logical_type type);
/// The SQL expression that delivers `column` so.
[[nodiscard]] std::string deliver(Delivery delivery, duckdb_logical_type type,
                                  const std::string& column);

/// A JSON document as the value that events carry: scalars as themselves, a list of scalars as
/// list, all else as json; compact, numbers canonical, null members of objects left out (a STRUCT
/// has all members in every row). `text` receives the text of the cell.
[[nodiscard]] TableCell cell_of_json(std::string_view json, std::string& text);

/// Reads cells of one column, chunk after chunk.
class CellReader {
 public:
  CellReader(duckdb_logical_type type, Delivery delivery);
  /// `vector` must outlive the cells read from it.
  void set_vector(duckdb_vector vector);
  /// The cell's text lives until the next call of read() or set_vector().
  [[nodiscard]] TableCell read(idx_t row);

 private:
  template <class T>
  [[nodiscard]] const T& at(idx_t row) const {
    return static_cast<const T*>(data_)[row];
  }
  __extension__ typedef __int128 Int128;
  __extension__ typedef unsigned __int128 UInt128;
  TableCell number(Int128 units, int scale);
  TableCell number_of_text(std::string_view digits);
  template <class Float>
  TableCell floating(Float value);

  duckdb_type type_;
  duckdb_type stored_as_;  // Of a DECIMAL.
  int scale_ = 0;          // Of a DECIMAL.
  Delivery delivery_;
  const void* data_ = nullptr;
  std::uint64_t* validity_ = nullptr;
  std::string text_;
};

}  // namespace hf::duckdb
