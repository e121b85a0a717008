"""Looks of staff, and beginnings and ends of runs, may leave the event table when they are a month old; no other event
ever. On SQLite `INSERT OR REPLACE`, which deletes without a word to the triggers on deleting, is refused as well.

As in 0008: a later migration that makes SQLite build this table anew loses the triggers there.
"""

from django.db import migrations

_MAY_GO = "('staff:viewed', 'connect:started', 'connect:ended')"
_FUNCTION = """
    CREATE OR REPLACE FUNCTION vehicles_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {unless}
        RAISE EXCEPTION 'Events cannot be changed or deleted.' USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""
_UNLESS_OLD = f"""
        IF TG_OP = 'DELETE' THEN
            IF OLD.kind IN {_MAY_GO} AND OLD.at < now() - interval '30 days' THEN
                RETURN OLD;
            END IF;
        END IF;
"""
_DROP = "DROP TRIGGER vehicles_event_undeletable"
_UNDELETABLE = """
    CREATE TRIGGER vehicles_event_undeletable BEFORE DELETE ON vehicles_event {unless}
    BEGIN SELECT RAISE(ABORT, 'Events cannot be changed or deleted.'); END
"""
_IRREPLACEABLE = """
    CREATE TRIGGER vehicles_event_irreplaceable BEFORE INSERT ON vehicles_event
    WHEN EXISTS (SELECT 1 FROM vehicles_event WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'Events cannot be changed or deleted.'); END
"""
_REFUSE = {
    "postgresql": (_FUNCTION.format(unless=_UNLESS_OLD),),
    "sqlite": (
        _DROP,
        _UNDELETABLE.format(unless=f"WHEN NOT (OLD.kind IN {_MAY_GO} AND OLD.at < datetime('now', '-30 days'))"),
        _IRREPLACEABLE,
    ),
}
_AS_BEFORE = {
    "postgresql": (_FUNCTION.format(unless=""),),
    "sqlite": (_DROP, _UNDELETABLE.format(unless=""), "DROP TRIGGER vehicles_event_irreplaceable"),
}


def let_some_go(apps, schema_editor):
    for statement in _REFUSE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def let_none_go(apps, schema_editor):
    for statement in _AS_BEFORE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0012_lacking_permissions'),
    ]

    operations = [
        migrations.RunPython(let_some_go, let_none_go),
    ]
