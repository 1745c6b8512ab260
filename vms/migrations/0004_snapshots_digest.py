"""Which settings a machine's snapshots were read with."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vms", "0003_every_action")]

    operations = [
        migrations.AddField(
            "virtualmachine",
            "snapshots_digest",
            models.CharField(
                blank=True,
                default="",
                help_text="Digest of the settings with which its snapshots were last read.",
                max_length=40,
            ),
        ),
        migrations.AlterField(
            "virtualmachine",
            "snapshots",
            models.JSONField(blank=True, default=list, help_text="As last read; see vms/mirror/snapshots.py."),
        ),
    ]
