"""An owner's visit belongs to the driver's grant, not to one of the driver's runs. Visits last a week and are not kept."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connect', '0006_run_step_stays'),
        ('vehicles', '0001_initial'),
    ]

    operations = [
        migrations.DeleteModel(name='OwnerVisit'),
        migrations.CreateModel(
            name='OwnerVisit',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('link_made_at', models.DateTimeField()),
                ('browser_checksum', models.CharField(help_text="SHA-256 of the secret in the owner's browser's cookie", max_length=64)),
                ('tesla_state_checksum', models.CharField(blank=True, db_index=True, max_length=64)),
                ('began_at', models.DateTimeField()),
                ('signed_in_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(blank=True, help_text='Empty until somebody signed in who owns the car', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='vehicles.teslaaccount')),
                ('grant', models.ForeignKey(help_text="The driver's", on_delete=django.db.models.deletion.CASCADE, related_name='owner_visits', to='vehicles.vehiclegrant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('grant', 'browser_checksum'), name='owner_visit_once')],
            },
        ),
    ]
