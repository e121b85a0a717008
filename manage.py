#!/usr/bin/env python
"""Django's entry point for everything that is run by hand."""

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["test"]:
        # Whatever the shell is set up for, tests run with their own settings.
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
