// SPDX-License-Identifier: Apache-2.0
#include "http/head_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"

namespace hf::http {
namespace {

using std::string_literals::operator""s;

std::string verdict(std::string_view head, const HeadLimits& limits = {}) {
  const auto fault = find_fault(head, limits);
  return fault ? fmt::format("{} {}", fault->status, fault->reason) : "fine";
}

TEST(HeadRules, NameWhatTheyRefuse) {
  const std::string host = "Host: a\r\n";
  const struct {
    std::string name;
    std::string head;
    std::string expected;
  } cases[] = {
      {"the least", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "fine"},
      {"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", "fine"},
      {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "fine"},
      {"a query", "GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n\r\n", "fine"},
      {"blanks and tabs around a value", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", "fine"},
      {"bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\r\n\r\n", "fine"},
      {"the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "fine"},
      {"a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "fine"},
      {"chunks", "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n", "fine"},
      {"15 digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 123456789012345\r\n\r\n",
       "fine"},

      {"nothing", "", "400 bad_character"},
      {"no empty line", "GET / HTTP/1.1\r\nHost: a\r\n", "400 bad_character"},
      {"a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 bad_character"},
      {"a bare LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_character"},
      {"a bare CR", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "400 bad_character"},
      {"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400 bad_character"},
      {"a NUL", "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"s, "400 bad_character"},
      {"a bell", "GET / HTTP/1.1\r\nHost: a\a\r\n\r\n", "400 bad_character"},
      {"a delete", "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", "400 bad_character"},

      {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"only an empty line", "\r\n\r\n", "400 bad_request_line"},
      {"no version", "GET /\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", "400 bad_request_line"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"a blank first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"a blank last", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"a tab between", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
      {"a method that is no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},

      {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a whole URI", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"an authority", "GET //a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a tunnel", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a star for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"UTF-8 in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},

      {"a continued line", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "400 folded_header"},
      {"continued by a tab", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", "400 folded_header"},
      {"a blank before any header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 folded_header"},
      {"a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 bad_header"},
      {"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "400 bad_header"},
      {"no name", "GET / HTTP/1.1\r\n: a\r\n\r\n", "400 bad_header"},
      {"a name that is no token", "GET / HTTP/1.1\r\nHo[st: a\r\n\r\n", "400 bad_header"},
      {"a name above ASCII", "GET / HTTP/1.1\r\nH\xc3\xb6st: a\r\n\r\n", "400 bad_header"},

      {"no host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", "400 bad_host"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "400 bad_host"},
      {"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 bad_host"},

      {"two lengths",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
       "400 bad_content_length"},
      {"a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
       "400 bad_content_length"},
      {"an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
       "400 bad_content_length"},
      {"a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
       "400 bad_content_length"},
      {"a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
       "400 bad_content_length"},
      {"a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
       "400 bad_content_length"},
      {"16 digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1234567890123456\r\n\r\n",
       "400 bad_content_length"},
      {"both lengths",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 two_lengths"},
      {"both, the other way round",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
       "400 two_lengths"},

      {"another coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
       "400 bad_transfer_encoding"},
      {"two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       "400 bad_transfer_encoding"},
      {"identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
       "400 bad_transfer_encoding"},
      {"a coding with a vertical tab in front",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n", "400 bad_character"},
      {"a quoted coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
       "400 bad_transfer_encoding"},
      {"chunked twice",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n",
       "400 bad_transfer_encoding"},
      {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 bad_transfer_encoding"},
  };
  for (const auto& each : cases) EXPECT_EQ(verdict(each.head), each.expected) << each.name;
}

TEST(HeadRules, HoldTheirLimitsToTheByte) {
  const HeadLimits limits{.request_line_bytes = 40, .bytes = 200, .headers = 5};
  const auto with_line = [](std::size_t bytes) {
    std::string target(bytes - "GET  HTTP/1.1"s.size(), 'a');
    target.front() = '/';
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target);
  };
  EXPECT_EQ(verdict(with_line(40), limits), "fine");
  EXPECT_EQ(verdict(with_line(41), limits), "414 uri_too_long");
  const auto with_bytes = [](std::size_t bytes) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
    return fmt::format("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
                       std::string(bytes - head.size(), 'x'));
  };
  EXPECT_EQ(with_bytes(200).size(), 200u);
  EXPECT_EQ(verdict(with_bytes(200), limits), "fine");
  EXPECT_EQ(verdict(with_bytes(201), limits), "431 headers_too_large");
  const auto with_headers = [](int count) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < count; ++i) head += "X: y\r\n";
    return head + "\r\n";
  };
  EXPECT_EQ(verdict(with_headers(5), limits), "fine");
  EXPECT_EQ(verdict(with_headers(6), limits), "431 too_many_headers");
}

// The twin cuts the head into lines and holds each against a pattern. Where there are several
// faults it need not find the same one.
bool is_fine_for_the_twin(const std::string& head) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t i = 0; i < head.size();) {
    if (head.compare(i, 2, "\r\n") == 0) {
      lines.push_back(line);
      line.clear();
      i += 2;
    } else {
      line += head[i++];
    }
  }
  if (!line.empty() || lines.size() < 2 || !lines.back().empty()) return false;
  lines.pop_back();
  static const std::regex request_line(
      "[-!#$%&'*+.^_`|~0-9A-Za-z]+ (/|/[!\"$-.0-~][!\"$-~]*) HTTP/1\\.[01]|"
      "OPTIONS \\* HTTP/1\\.[01]");
  static const std::regex header(
      "([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7e\t\x80-\xff]*?)[ \t]*");
  static const std::regex length("[0-9]{1,15}");
  if (!std::regex_match(lines.front(), request_line)) return false;
  const bool is_old = lines.front().ends_with("HTTP/1.0");
  std::multiset<std::string> names;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::smatch found;
    if (!std::regex_match(lines[i], found, header)) return false;
    std::string name = found[1];
    std::string value = found[2];
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    names.insert(name);
    if (name == "content-length" && !std::regex_match(value, length)) return false;
    for (char& c : value) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name == "transfer-encoding" && (value != "chunked" || is_old)) return false;
  }
  return names.count("host") <= 1 && (is_old || names.count("host") == 1) &&
         names.count("content-length") + names.count("transfer-encoding") <= 1;
}

TEST(HeadRules, AgreeWithATwinThatGoesByLines) {
  const std::string seeds[] = {
      "GET /v1/track?a=b HTTP/1.1\r\nHost: a.b:80\r\nAccept: */*\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: \t y\r\n\r\n",
      "OPTIONS * HTTP/1.0\r\nVia: z\r\n\r\n",
  };
  const std::string pieces[] = {"\r\n",
                                "\n",
                                "\r",
                                " ",
                                "\t",
                                ":",
                                "/",
                                "#",
                                "//",
                                "*",
                                "\r\n ",
                                "\r\nX: y",
                                "Host: a",
                                "\r\nHost: b",
                                "0",
                                "+",
                                "-",
                                ", chunked",
                                "HTTP/1.0",
                                "\0"s,
                                "\x7f",
                                "\x80",
                                "OPTIONS ",
                                "chunked",
                                "\r\nContent-Length: 3",
                                "\r\nTransfer-Encoding: chunked"};
  int fine = 0;
  for (std::uint64_t seed = 0; seed < 40'000; ++seed) {
    Rng rng(seed);
    std::string head = seeds[rng.below(std::size(seeds))];
    for (std::uint64_t times = rng.below(4); times > 0; --times) {
      const std::size_t at = rng.below(head.size() + 1);
      const std::string& piece = pieces[rng.below(std::size(pieces))];
      switch (rng.below(3)) {
        case 0: head.insert(at, piece); break;
        case 1: head.replace(at, rng.below(3), piece); break;
        default: head.erase(at, 1 + rng.below(4)); break;
      }
      if (head.empty()) head = "x";
    }
    // The server looks for the first empty line, and hands over what is up to it.
    const std::size_t end = head.find("\r\n\r\n");
    if (end != std::string::npos) head.resize(end + 4);
    const bool expected = end != std::string::npos && is_fine_for_the_twin(head);
    fine += expected;
    ASSERT_EQ(verdict(head) == "fine", expected) << "seed " << seed << ": " << verdict(head) << "\n"
                                                 << testing::PrintToString(head);
  }
  EXPECT_GT(fine, 5'000);
}

}  // namespace
}  // namespace hf::http
