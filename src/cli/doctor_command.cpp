// SPDX-License-Identifier: Apache-2.0
#include "service/doctor.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <optional>

#include "cli/command_table.h"
#include "cli/doctor_screen.h"

namespace hf {
namespace {

struct DoctorArguments {
  std::string format = "table";
  bool deep = false;
};

std::optional<std::uint64_t> open_files_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

/// Where the data say of no zone that this machine knows, UTC.
std::shared_ptr<const Zone> zone_of(const Env& env, const Diagnosis& diagnosis) {
  for (const Finding& finding : diagnosis.findings) {
    if (finding.reason != FindingReason::clock_right) continue;
    if (auto zone = Zone::load(env, finding.text("timezone"))) return *std::move(zone);
  }
  return Zone::utc();
}

int exit_code(const Diagnosis& diagnosis) {
  if (!diagnosis.has_data()) return 3;
  switch (diagnosis.worst()) {
    case Severity::fine:
    case Severity::advice: return 0;
    case Severity::warning: return 1;
    case Severity::broken: return 5;
  }
  return 5;
}

int doctor(Session& session, const DoctorArguments& arguments) {
  const Terminal terminal = session.terminal();
  const Diagnosis diagnosis = diagnose(session.env(), session.data,
                                       {.deep = arguments.deep,
                                        .state_file = session.adapters().state_file,
                                        .open_files_max = open_files_max(),
                                        .on_file = [&](const std::string& path) {
                                          if (terminal.interactive)
                                            fmt::print(stderr, "\r\033[K{}", path);
                                        }});
  if (terminal.interactive && arguments.deep) fmt::print(stderr, "\r\033[K");
  const auto zone = zone_of(session.env(), diagnosis);
  print(arguments.format == "json" ? diagnosis_json(diagnosis, session.data, *zone, session.words())
                                   : render_diagnosis(diagnosis, *zone, terminal, session.words()));
  return exit_code(diagnosis);
}

}  // namespace

void add_doctor_command(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* command = table.add(
      "doctor",
      "Say what is wrong with the data directory and what to do; changes nothing, and works\n"
      "beside a running append. Ends with 0 where all is well, 1 with warnings, 5 where something\n"
      "is broken",
      "  holdfast doctor --data /srv/shop\n"
      "  holdfast doctor --format json           for programs: stable reasons with their values\n"
      "  holdfast doctor --deep                  also read everything, as verify does",
      [&session, arguments] { return doctor(session, *arguments); });
  command->add_option("--format", arguments->format, "Form of the report")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->add_flag("--deep", arguments->deep,
                    "Also read every file whole, where nobody is writing; like every start, this\n"
                    "removes what a crash left");
}

}  // namespace hf
