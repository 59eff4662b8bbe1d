// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_scripts.h"

#include "cli/command_table.h"

namespace hf {

void add_completion_command(CommandTable& table) {
  const auto shell = std::make_shared<std::string>();
  Session& session = table.session();
  CLI::App* command = table.add(
      "completion", "Print a script with which a shell completes commands, options and values",
      "  . <(holdfast completion bash)          for this shell; in ~/.bashrc for all\n"
      "  holdfast completion zsh > ~/.zfunc/_holdfast\n"
      "  holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
      [&table, &session, shell] {
        const CommandInfo program = table.tree(session.words());
        print(*shell == "bash"  ? bash_completion(program)
              : *shell == "zsh" ? zsh_completion(program)
                                : fish_completion(program));
        return 0;
      });
  command->add_option("SHELL", *shell, "The shell")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
}

}  // namespace hf
