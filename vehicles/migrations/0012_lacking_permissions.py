"""Whether a grant lacks permissions at Tesla is a column of its own: a pause or an incident is the main cause of many.

Here it follows from the main cause; of grants that something else holds up first, the next re-diagnosis finds it.
"""

from django.db import migrations, models

_LACKING = ('not_granted_at_tesla', 'withdrawn_at_tesla', 'consent_revoked')


def follow_the_main_cause(apps, schema_editor):
    grants = apps.get_model('vehicles', 'VehicleGrant').objects.using(schema_editor.connection.alias)
    grants.filter(main_cause__in=_LACKING).update(lacks_permissions=True)


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0011_refused_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='vehiclegrant',
            name='lacks_permissions',
            field=models.BooleanField(default=False, help_text='Tesla does not give all that the application was to have'),
        ),
        migrations.RunPython(follow_the_main_cause, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='vehiclegrant',
            index=models.Index(fields=['lacks_permissions', 'id'], name='vehicle_grant_lacking'),
        ),
    ]
