"""`make demo`: prepares the database, starts every process, says where to go, and ends all of it on Ctrl-C."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from portal.demo.environment import Ports, kept_secrets, settings
from portal.running.processes import PortTaken, StartFailed, Supervisor, require_free


def main() -> int:
    """Run the demo until Ctrl-C or SIGTERM; returns the exit status."""
    console = Console(highlight=False)
    try:
        ports = Ports.from_environment()
        require_free(ports.by_setting())
    except (PortTaken, ValueError) as refusal:
        console.print(str(refusal))
        return 1
    kept = kept_secrets()
    os.environ.update(settings(ports, kept))

    import django

    django.setup()
    from portal.demo.run import run

    try:
        with Supervisor(lambda sentence: console.print(sentence, soft_wrap=True, markup=False)) as supervisor:
            run(console, supervisor, ports, kept)
    except StartFailed as failure:
        console.print(str(failure), style="red", soft_wrap=True, markup=False)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
