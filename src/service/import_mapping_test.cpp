// SPDX-License-Identifier: Apache-2.0
#include "service/import_mapping.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Recognized {
  std::string reason = "ok";
  std::string message;
  ImportMapping mapping;
  std::vector<std::string> remarks;
};

Recognized recognize(const std::vector<ColumnSample>& columns,
                     const MappingOverrides& overrides = {}, bool strict_names = false,
                     ImportMapping mapping = {}) {
  Recognized out{.mapping = std::move(mapping)};
  const auto done = recognize_fields(columns, strict_names, overrides, out.mapping, out.remarks);
  if (!done) {
    out.reason = done.error().reason;
    out.message = done.error().message;
  }
  return out;
}

/// "column=role" and of properties "column=type[>name]", "*=event" for a constant.
std::string told(const Recognized& recognized) {
  if (recognized.reason != "ok") return recognized.reason;
  std::string out;
  for (const FieldMapping& field : recognized.mapping.fields) {
    out += out.empty() ? "" : " ";
    out += field.column + "=";
    if (field.role == FieldRole::property) {
      out += to_string(field.type);
      if (field.property != field.column) out += ">" + field.property;
    } else {
      out += to_string(field.role);
      if (field.integral_id) out += "(integral)";
    }
  }
  if (!recognized.mapping.constant_event.empty()) out += " *=" + recognized.mapping.constant_event;
  return out;
}

using Columns = std::vector<ColumnSample>;
const ColumnSample time_column{"time", {"2026-01-01", "2026-01-02"}};

TEST(RecognizeFields, GoByNamesAndContent) {
  struct Case {
    std::string what;
    Columns columns;
    MappingOverrides overrides;
    std::string expected;
  };
  const Case cases[] = {
      {"plain names",
       {{"person", {"a"}}, {"event", {"e"}}, time_column, {"price", {"1.5"}}},
       {},
       "person=person event=event time=time price=number"},
      {"spelling does not matter",
       {{"Customer ID", {"a"}}, {"Event-Name", {"e"}}, {"Time_Stamp", {"2026-01-01"}}},
       {},
       "Customer ID=person Event-Name=event Time_Stamp=time"},
      {"the surest name wins",
       {{"customer", {"a"}}, {"user_id", {"b"}}, {"event", {"e"}}, time_column},
       {},
       "customer=text user_id=person event=event time=time"},
      {"of equal names the first",
       {{"UserId", {"a"}}, {"user_id", {"b"}}, {"event", {"e"}}, time_column},
       {},
       "UserId=person user_id=text event=event time=time"},
      {"numbers of people",
       {{"person", {"17850.0", "12"}}, {"event", {"e"}}, time_column},
       {},
       "person=person(integral) event=event time=time"},
      {"people who are not numbers",
       {{"person", {"17850.5"}}, {"event", {"e"}}, time_column},
       {},
       "person=person event=event time=time"},
      {"a visitor will do",
       {{"visitor_id", {"a"}}, {"event", {"e"}}, time_column},
       {},
       "visitor_id=anonymous_id event=event time=time"},
      {"all roles",
       {{"person", {"a"}},
        {"device id", {"b"}},
        {"event", {"e"}},
        time_column,
        {"received_at", {"2026-01-01"}},
        {"message_id", {"m"}},
        {"channel", {"web"}}},
       {},
       "person=person device id=anonymous_id event=event time=time received_at=received_at "
       "message_id=message_id"
       " channel=channel"},
      {"a time by content",
       {{"person", {"a"}}, {"event", {"e"}}, {"wann", {"2026-01-01"}}},
       {},
       "person=person event=event wann=time"},
      {"a number is no time by content",
       {{"person", {"a"}}, {"event", {"e"}}, {"x", {"1672531200"}}},
       {},
       "unmapped_time"},
      {"a number is a time by name",
       {{"person", {"a"}}, {"event", {"e"}}, {"ts", {"1672531200"}}},
       {},
       "person=person event=event ts=time"},
      {"a name without times is no time",
       {{"person", {"a"}}, {"event", {"e"}}, {"date", {"soon"}}, {"when", {"2026-01-01"}}},
       {},
       "person=person event=event date=text when=time"},
      {"no values, then the name decides",
       {{"person", {}}, {"event", {}}, {"time", {}}},
       {},
       "person=person event=event time=time"},
      {"purchases",
       {{"CustomerID", {"1"}}, {"InvoiceDate", {"2026-01-01"}}, {"Quantity", {"6"}}},
       {},
       "CustomerID=person(integral) InvoiceDate=time Quantity=number *=purchase"},
      {"no purchases",
       {{"CustomerID", {"1"}}, time_column, {"colour", {"red"}}},
       {},
       "unmapped_event"},
      {"nobody", {{"event", {"e"}}, time_column}, {}, "unmapped_person"},
      {"types",
       {{"person", {"a"}},
        {"event", {"e"}},
        time_column,
        {"n", {"1", "-2.5", "1e3"}},
        {"zero", {"007"}},
        {"b", {"true", "False"}},
        {"mixed", {"1", "x"}},
        {"none", {}}},
       {},
       "person=person event=event time=time n=number zero=text b=boolean mixed=text none=text"},
      {"mapped",
       {{"who", {"a"}},
        {"what", {"e"}},
        {"at", {"2026-01-01"}},
        {"Amount", {"1"}},
        {"Comment", {"c"}}},
       {.maps = {"person=who", "event=what", "time=at", "revenue=Amount", "ignore=Comment"}},
       "who=person what=event at=time Amount=number>revenue Comment=ignore"},
      {"a constant event beats a column",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.maps = {"event==seen"}},
       "person=person event=text time=time *=seen"},
      {"typed",
       {{"person", {"a"}}, {"event", {"e"}}, time_column, {"zip", {"1070"}}},
       {.types = {"zip=text"}},
       "person=person event=event time=time zip=text"},
      {"two persons",
       {{"a", {"a"}}, {"b", {"b"}}, {"event", {"e"}}, time_column},
       {.maps = {"person=a", "person=b"}},
       "duplicate_role"},
      {"one column twice",
       {{"a", {"a"}}, {"event", {"e"}}, time_column},
       {.maps = {"person=a", "anonymous_id=a"}},
       "duplicate_role"},
      {"one property twice",
       {{"person", {"a"}}, {"event", {"e"}}, time_column, {"x", {"1"}}, {"y", {"1"}}},
       {.maps = {"y=x"}},
       "duplicate_property"},
      {"properties exchanged",
       {{"person", {"a"}}, {"event", {"e"}}, time_column, {"x", {"1"}}, {"y", {"1"}}},
       {.maps = {"y=x", "x=y"}},
       "person=person event=event time=time x=number>y y=number>x"},
      {"no such column",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.maps = {"person=Kunde"}},
       "unknown_column"},
      {"no such column to type",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.types = {"x=text"}},
       "unknown_column"},
      {"half a map",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.maps = {"person"}},
       "bad_map"},
      {"a constant person",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.maps = {"person==me"}},
       "bad_map"},
      {"no such type",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.types = {"person=date"}},
       "bad_type"},
      {"no such format",
       {{"person", {"a"}}, {"event", {"e"}}, time_column},
       {.time_format = "%Q"},
       "bad_time_format"},
      {"mapped to what is no time",
       {{"person", {"a"}}, {"event", {"e"}}, {"x", {"soon"}}},
       {.maps = {"time=x"}},
       "bad_time_format"},
      {"a given format need not read all",
       {{"person", {"a"}}, {"event", {"e"}}, {"time", {"2026-01-01", "soon"}}},
       {.time_format = "iso"},
       "person=person event=event time=time"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(told(recognize(c.columns, c.overrides)), c.expected);
  }
}

TEST(RecognizeFields, TellWhichColumnsThereAre) {
  const auto recognized = recognize({{"a", {"x"}}, {"b", {"y"}}});
  EXPECT_EQ(recognized.reason, "unmapped_person");
  EXPECT_THAT(recognized.message, HasSubstr("(columns: a, b)"));
}

TEST(RecognizeFields, OfASelectGoByExactNamesOnly) {
  const Columns columns = {{"person", {"1"}},
                           {"event", {"e"}},
                           {"time", {"2026-01-01"}},
                           {"user_id", {"u"}},
                           {"Channel", {"c"}}};
  EXPECT_EQ(told(recognize(columns, {}, true)),
            "person=person(integral) event=event time=time user_id=text Channel=text");
  EXPECT_EQ(told(recognize({{"user_id", {"1"}}, {"event", {"e"}}, time_column}, {}, true)),
            "unmapped_person");
}

TEST(RecognizeFields, SayWhatWasAssumed) {
  const auto remarks = [](const std::vector<std::string>& dates) {
    return recognize({{"person", {"a"}}, {"event", {"e"}}, {"time", dates}}).remarks;
  };
  EXPECT_THAT(remarks({"7/8/2026", "1/2/2026"}), ElementsAre(HasSubstr("%m/%d/%Y")));
  EXPECT_THAT(remarks({"7/8/2026", "13/2/2026"}), IsEmpty());
  EXPECT_THAT(remarks({"7/8/2026", "2/13/2026"}), IsEmpty());
  EXPECT_THAT(recognize({{"CustomerID", {"1"}}, time_column, {"Price", {"6"}}}).remarks,
              ElementsAre(HasSubstr("purchase")));
}

ImportMapping plain_mapping() {
  return recognize({{"person", {"17"}}, {"event", {"e"}}, time_column, {"price", {"1.5"}}}).mapping;
}

void choose_type(FieldMapping& field, CellType type) {
  field.type = type;
  field.type_chosen = true;
}

void choose_time(ImportMapping& mapping, TimeFormat format) {
  mapping.fields[2].time = std::move(format);
  mapping.fields[2].time_chosen = true;
}

TEST(CanonicalJson, IsEqualForEqualChoices) {
  EXPECT_EQ(canonical_json(plain_mapping()), canonical_json(plain_mapping()));
  // What a sample suggests is no choice.
  ImportMapping other = plain_mapping();
  other.fields[0].example = "another";
  other.fields[0].integral_id = !other.fields[0].integral_id;
  other.fields[2].time.style = TimeStyle::epoch_s;
  other.fields[3].type = CellType::boolean;
  EXPECT_EQ(canonical_json(other), canonical_json(plain_mapping()));
}

TEST(CanonicalJson, DiffersForEachChangedChoice) {
  struct Change {
    std::string_view what;
    void (*apply)(ImportMapping&);
  };
  const Change changes[] = {
      {"nothing", [](ImportMapping&) {}},
      {"format", [](ImportMapping& m) { m.format = InputFormat::json; }},
      {"delimiter", [](ImportMapping& m) { m.dialect.delimiter = ';'; }},
      {"quote", [](ImportMapping& m) { m.dialect.quote = '\''; }},
      {"no quote", [](ImportMapping& m) { m.dialect.quote = 0; }},
      {"header", [](ImportMapping& m) { m.dialect.header = false; }},
      {"column", [](ImportMapping& m) { m.fields[3].column = "cost"; }},
      {"role", [](ImportMapping& m) { m.fields[3].role = FieldRole::ignored; }},
      {"person or visitor", [](ImportMapping& m) { m.fields[0].role = FieldRole::anonymous; }},
      {"property", [](ImportMapping& m) { m.fields[3].property = "cost"; }},
      {"type", [](ImportMapping& m) { choose_type(m.fields[3], CellType::number); }},
      {"other type", [](ImportMapping& m) { choose_type(m.fields[3], CellType::text); }},
      {"time style", [](ImportMapping& m) { choose_time(m, {.style = TimeStyle::epoch_s}); }},
      {"time pattern",
       [](ImportMapping& m) {
         choose_time(m, {.style = TimeStyle::pattern, .pattern = "%Y-%m-%d"});
       }},
      {"other time pattern",
       [](ImportMapping& m) {
         choose_time(m, {.style = TimeStyle::pattern, .pattern = "%Y-%d-%m"});
       }},
      {"constant event", [](ImportMapping& m) { m.constant_event = "seen"; }},
      {"constant channel", [](ImportMapping& m) { m.constant_channel = "seen"; }},
      {"timezone", [](ImportMapping& m) { m.timezone = "Europe/London"; }},
      {"sql", [](ImportMapping& m) { m.sql = "SELECT 1"; }},
      {"source", [](ImportMapping& m) { m.source = "shop"; }},
      {"identify rows", [](ImportMapping& m) { m.identify_rows = true; }},
      {"fewer fields", [](ImportMapping& m) { m.fields.pop_back(); }},
      {"other order", [](ImportMapping& m) { std::swap(m.fields[0], m.fields[3]); }},
  };
  std::set<std::string> seen;
  for (const Change& change : changes) {
    SCOPED_TRACE(change.what);
    ImportMapping mapping = plain_mapping();
    change.apply(mapping);
    EXPECT_TRUE(seen.insert(canonical_json(mapping)).second);
  }
}

TEST(CanonicalJson, OfJsonLinesDoesNotDependOnWhichKeysTheSampleShowed) {
  const ImportMapping json{.format = InputFormat::json};
  const Columns few = {{"person", {"a"}}, {"event", {"e"}}, time_column};
  Columns more = few;
  more.push_back({"late", {"1"}});
  EXPECT_EQ(canonical_json(recognize(few, {}, false, json).mapping),
            canonical_json(recognize(more, {}, false, json).mapping));
}

TEST(GuessDialect, TakesTheMostFrequentDelimiterOfTheFirstLine) {
  EXPECT_EQ(guess_dialect("a,b;c,d\n1;2;3;4;5").delimiter, ',');
  EXPECT_EQ(guess_dialect("a\tb\tc\r\n").delimiter, '\t');
  EXPECT_EQ(guess_dialect("a;b\r1,2,3").delimiter, ';');
  EXPECT_EQ(guess_dialect("a|b").delimiter, '|');
  EXPECT_EQ(guess_dialect("a").delimiter, ',');
  EXPECT_EQ(guess_dialect("").delimiter, ',');
}

}  // namespace
}  // namespace hf
