"""The subcommands of ``python -m training``.

One module per subcommand: arguments in, sentences and files out. The work itself is done by the other rooms.

Imported by .
"""
