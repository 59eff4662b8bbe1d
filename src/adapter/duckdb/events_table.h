// SPDX-License-Identifier: Apache-2.0
//
// The events of a snapshot as a DuckDB table `events`: a replacement scan leads that name to a
// table function, which reads only the columns a query names, page by page.
//
//   person VARCHAR             user id, else anonymous id, as the event came with it
//   event VARCHAR
//   time, received_at          TIMESTAMP WITH TIME ZONE: exact instants, shown in the session's
//   zone message_id, channel        VARCHAR, NULL where absent one column a property      BIGINT,
//   DECIMAL(18,s) or DECIMAL(38,s), BOOLEAN, VARCHAR; what has
//                              more than one kind, big numbers, lists and JSON: canonical text
//
// Types are decided over all parts. Properties come in the order of their names (bytes); one whose
// name is taken, in whatever case, is called properties.<name>, then properties.<name>_2, _3, ..
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapter/duckdb/session.h"
#include "base/guarded.h"
#include "base/result.h"
#include "store/snapshot.h"

namespace hf::duckdb {

class EventsTable {
 public:
  enum class Order : std::uint8_t {
    any,             ///< Part by part, pages in parallel.
    person_by_time,  ///< By (person ordinal, time, arrival), merged over the parts; one thread.
  };
  enum class Numbers : std::uint8_t {
    typed,
    canonical_text,  ///< Numbers with a fraction as VARCHAR, without trailing zeros.
  };

  struct Column {
    enum class Source : std::uint8_t {
      person,
      event,
      time,
      received_at,
      message_id,
      channel,
      property,
    };
    enum class Shape : std::uint8_t { text, instant, integer, decimal64, decimal128, boolean };
    std::string name;
    Source source = Source::property;
    Shape shape = Shape::text;
    std::int8_t scale = 0;   ///< Shapes decimal64 and decimal128.
    std::string property;    ///< Source property.
    bool only_text = false;  ///< Source property: all values are of kind text.
  };

  /// Registers the table with `session`, which must not outlive it.
  [[nodiscard]] static Result<std::unique_ptr<EventsTable>> attach(Session& session,
                                                                   const Snapshot& snapshot,
                                                                   Order order, Numbers numbers);
  ~EventsTable();

  [[nodiscard]] std::span<const Column> columns() const { return columns_; }
  /// Why a scan failed, if one did.
  [[nodiscard]] std::optional<Error> error() const { return *error_.lock(); }

 private:
  struct GlobalScan;
  struct PageScan;
  struct OrderedScan;
  class RowReader;
  class PersonNames;

  EventsTable(Snapshot snapshot, Order order, Numbers numbers);
  void add_properties(Numbers numbers);

  static void replace(duckdb_replacement_scan_info info, const char* name, void* data);
  static void bind(duckdb_bind_info info);
  static void init(duckdb_init_info info);
  static void init_local(duckdb_init_info info);
  static void scan(duckdb_function_info info, duckdb_data_chunk output);
  std::string note(Error error);

  Snapshot snapshot_;
  Order order_;
  std::vector<Column> columns_;
  std::unique_ptr<const PersonNames> person_names_;
  mutable Guarded<std::optional<Error>> error_;
  // Dictionaries and ids that vectors point into; they live as long as the table, and so longer
  // than any chunk made from it.
  Guarded<std::vector<std::shared_ptr<const CachedPage>>> pinned_;
};

}  // namespace hf::duckdb
