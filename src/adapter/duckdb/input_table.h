// SPDX-License-Identifier: Apache-2.0
//
// Input files as a DuckDB table `input` whose columns have types that every one of their values
// fits, so that no row is lost to a cast and no number to rounding.
//
// CSV: all cells are read as text first, once, and each column gets the narrowest type that holds
// all its cells: BOOLEAN, BIGINT, DECIMAL(38,9), DATE, TIMESTAMP, else VARCHAR. Cells that mean
// more than their value stay text: a number with leading zeros or a plus sign, a time with a zone.
//
// JSON: DuckDB's own columns, over all lines. What it would read as DOUBLE is taken from the
// digits of the line: DECIMAL(38,9) where all values fit, else VARCHAR; lists and objects with such
// numbers keep their structure where DECIMAL(38,9) is exact, else they stay JSON.
#pragma once

#include <string>
#include <string_view>

#include "adapter/duckdb/session.h"
#include "base/result.h"
#include "service/sql_engine.h"

namespace hf::duckdb {

/// Recognises a CSV file's dialect and names. Errors: invalid_argument/unrecognized_csv; not_found.
[[nodiscard]] Result<RecognizedCsv> recognize_csv(Session& session, const std::string& path);

/// Creates the table `input`. Errors: those of Session; of recognize_csv(); not_found.
[[nodiscard]] Result<void> create_input(Session& session, const SqlInput& input);

}  // namespace hf::duckdb
