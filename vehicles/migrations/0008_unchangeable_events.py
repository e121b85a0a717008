"""The database itself refuses to change, delete or empty the event table, whoever asks.

A later migration that makes SQLite build this table anew loses the triggers there and has to add them again
(`tests/rules/test_migrations.py` notices).
"""

from django.db import migrations

_POSTGRESQL = (
    """
    CREATE FUNCTION vehicles_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'Events cannot be changed or deleted.' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER vehicles_event_unchangeable BEFORE UPDATE OR DELETE ON vehicles_event
    FOR EACH ROW EXECUTE FUNCTION vehicles_event_refuse()
    """,
    """
    CREATE TRIGGER vehicles_event_unemptied BEFORE TRUNCATE ON vehicles_event
    FOR EACH STATEMENT EXECUTE FUNCTION vehicles_event_refuse()
    """,
)
_SQLITE = tuple(
    f"""
    CREATE TRIGGER vehicles_event_{name} BEFORE {action} ON vehicles_event
    BEGIN SELECT RAISE(ABORT, 'Events cannot be changed or deleted.'); END
    """
    for name, action in (("unchangeable", "UPDATE"), ("undeletable", "DELETE"))
)
_REFUSE = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
_ALLOW = {
    "postgresql": (
        "DROP TRIGGER vehicles_event_unemptied ON vehicles_event",
        "DROP TRIGGER vehicles_event_unchangeable ON vehicles_event",
        "DROP FUNCTION vehicles_event_refuse()",
    ),
    "sqlite": (
        "DROP TRIGGER vehicles_event_unchangeable",
        "DROP TRIGGER vehicles_event_undeletable",
    ),
}


def refuse_changes(apps, schema_editor):
    for statement in _REFUSE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow_changes(apps, schema_editor):
    for statement in _ALLOW[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0007_application_integration'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='event',
            options={'base_manager_name': 'objects', 'ordering': ['-id']},
        ),
        migrations.RunPython(refuse_changes, allow_changes),
    ]
