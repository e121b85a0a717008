"""Grants that were called `ok` although nobody saw the key that their commands need are `unproven`.

Of a grant called `ok` no fault counts, so that its key and its permissions alone decide. A key whose last word has
become too old meanwhile is found by the next re-diagnosis.
"""

from itertools import islice

from django.db import migrations, models

_NEED_THE_KEY = {'control_charge', 'control_climate', 'control_pin', 'control_security', 'control_trunk'}
_AT_ONCE = 1000


def call_them_unproven(apps, schema_editor):
    grants = apps.get_model('vehicles', 'VehicleGrant').objects.using(schema_editor.connection.alias)
    unseen = grants.filter(
        verdict='ok', revoked_at=None, connection__vehicle__key__in=['unknown', 'conflict']
    )
    rows = unseen.values_list('pk', 'approved', 'not_granted').iterator(chunk_size=_AT_ONCE)
    wanted = [
        pk for pk, approved, not_granted in rows if _NEED_THE_KEY & (set(approved) - set(not_granted))
    ]
    parts = iter(wanted)
    while part := list(islice(parts, _AT_ONCE)):
        grants.filter(pk__in=part).update(verdict='unproven')


def call_them_ok(apps, schema_editor):
    grants = apps.get_model('vehicles', 'VehicleGrant').objects.using(schema_editor.connection.alias)
    grants.filter(verdict='unproven').update(verdict='ok')


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0009_moved_grants'),
    ]

    operations = [
        migrations.AlterField(
            model_name='vehiclegrant',
            name='verdict',
            field=models.CharField(choices=[('ok', 'ok'), ('unproven', 'unproven'), ('degraded', 'degraded'), ('blocked', 'blocked')], default='ok', max_length=8),
        ),
        migrations.RunPython(call_them_unproven, call_them_ok),
    ]
