# Attempts to sign in were counted by django-axes before; its tables hold names that were typed.

from django.db import migrations

_TABLES = ('axes_accessattemptexpiration', 'axes_accessattempt', 'axes_accessfailurelog', 'axes_accesslog')


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0001_sign_in_tallies'),
    ]

    operations = [
        migrations.RunSQL(
            [f'DROP TABLE IF EXISTS {table}' for table in _TABLES],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
