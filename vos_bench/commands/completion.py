"""`vos-bench --install-completion`: the completion of commands and options for the user's shell."""

from cyclopts.completion.install import create_install_completion_command

from vos_bench.commands.app import app

completion = create_install_completion_command(app.install_completion, add_to_startup=True)
