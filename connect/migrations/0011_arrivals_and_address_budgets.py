"""People who come to Connect are counted by the hour; so far each of them made a run, and from these it is filled."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import TruncHour


def count_the_runs(apps, schema_editor):
    database = schema_editor.connection.alias
    steps = apps.get_model('connect', 'RunStep').objects.using(database).filter(step='preamble')
    counted = steps.annotate(hour=TruncHour('began_at')).values('application_id', 'mode', 'hour').order_by()
    arrivals = apps.get_model('connect', 'Arrivals')
    arrivals.objects.using(database).bulk_create(
        [arrivals(**row, entry='connect') for row in counted.annotate(number=models.Count('pk'))], batch_size=500
    )


class Migration(migrations.Migration):

    dependencies = [
        ('connect', '0010_what_was_sent_amiss'),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AddressBudget',
            fields=[
                ('address', models.UUIDField(help_text='A checksum with a secret of ours', primary_key=True, serialize=False)),
                ('minute', models.BigIntegerField(db_index=True, help_text='Minutes since 1970')),
                ('used', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Arrivals',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('live', 'Live'), ('simulated', 'Simulated')], max_length=10)),
                ('entry', models.CharField(choices=[('connect', 'Connect'), ('reauthenticate', 'Reauthenticate'), ('test', 'Test')], max_length=16)),
                ('hour', models.DateTimeField(db_index=True, help_text='Its beginning')),
                ('number', models.PositiveIntegerField(default=0)),
                ('application', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
            ],
            options={
                'verbose_name_plural': 'arrivals',
                'constraints': [models.UniqueConstraint(fields=('application', 'mode', 'entry', 'hour'), name='arrivals_once')],
            },
        ),
        migrations.RunPython(count_the_runs, migrations.RunPython.noop),
    ]
