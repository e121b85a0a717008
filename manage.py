#!/usr/bin/env python
"""Django's entry point for everything that is run by hand."""

import os
import sys


def main() -> None:
    settings = "tests.settings" if sys.argv[1:2] == ["test"] else "portal.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
