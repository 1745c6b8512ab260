"""Where a migration goes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vms", "0007_leases")]

    operations = [
        migrations.AddField(
            model_name="clustertask",
            name="target",
            field=models.CharField(
                blank=True, default="", help_text="The node a migration goes to, as its own log says.", max_length=63
            ),
        ),
    ]
