"""`manage.py rotate_vault_keys`: encrypts everything in the vault with the newest of `VAULT_KEYS`."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from vehicles import encryption
from vehicles.tokens import key_rotation
from vehicles.tokens.key_rotation import Undecryptable

_INTERRUPTED: Final = 130
_MOST_NAMED: Final = 50


class Command(BaseCommand):
    """Ends with 0 when only the newest key is in use, 1 when something is left, 130 when it was stopped."""

    help = (
        "Encrypt everything in the vault with the newest of VAULT_KEYS. Safe while the portal runs; may be stopped at "
        "any time and begun again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            undecryptable = self._reencrypt(quiet=not options["verbosity"])
        except KeyboardInterrupt:
            self.stderr.write(f"Stopped; {key_rotation.remaining():,} values left. Run it again to go on.")
            sys.exit(_INTERRUPTED)
        self._name(undecryptable)
        self._tell_keys()
        if left := key_rotation.remaining():
            raise CommandError(f"{left:,} values are not sealed with {encryption.key_names()[0]}.")

    def _reencrypt(self, *, quiet: bool) -> list[Undecryptable]:
        undecryptable: list[Undecryptable] = []
        done = changed = 0
        with Progress(disable=quiet, console=Console(stderr=True)) as progress:
            bar = progress.add_task("Values", total=key_rotation.remaining())
            for batch in key_rotation.reencrypt():
                undecryptable += batch.undecryptable
                done += batch.reencrypted
                changed += batch.changed
                progress.advance(bar, batch.seen)
        self.stdout.write(f"{done:,} values sealed with {encryption.key_names()[0]}.")
        if changed:
            self.stdout.write(f"{changed:,} were replaced by a refresh in the same moment.")
        return undecryptable

    def _name(self, undecryptable: list[Undecryptable]) -> None:
        for each in undecryptable[:_MOST_NAMED]:
            self.stderr.write(
                f"Cannot be opened: {each.place} of row {each.row_id}, key {each.key}: {each.reason}."
            )
        if len(undecryptable) > _MOST_NAMED:
            self.stderr.write(f"… and {len(undecryptable) - _MOST_NAMED:,} more.")

    def _tell_keys(self) -> None:
        used = key_rotation.keys_in_use()
        for key, count in used.most_common():
            self.stdout.write(f"Key {key}: {count:,} values.")
        if idle := [key for key in encryption.key_names()[1:] if not used[key]]:
            self.stdout.write(f"No longer needed in VAULT_KEYS: {', '.join(idle)}.")
