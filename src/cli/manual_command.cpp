// SPDX-License-Identifier: Apache-2.0
#include "cli/command_table.h"
#include "cli/manual.h"

namespace hf {

void add_manual_command(CommandTable& table) {
  Session& session = table.session();
  table.add("man", "Print the manual page, holdfast(1), as roff",
            "  holdfast man | man -l -                read it here\n"
            "  holdfast man > /usr/local/share/man/man1/holdfast.1",
            [&table, &session] {
              const Words words = session.words();
              print(render_manual(table.tree(words), HOLDFAST_VERSION, words));
              return 0;
            });
}

}  // namespace hf
