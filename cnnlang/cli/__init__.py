"""The command line: `group.command`; every subcommand is a module that is loaded when called.

Exit codes: 0 if all is well, 1 if a file has errors or something failed, 2 for a wrong call.
"""
