"""Pools of the cluster as last listed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vms", "0005_logs_and_login_users")]

    operations = [
        migrations.CreateModel(
            name="ClusterPool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("poolid", models.CharField(max_length=255, unique=True)),
                ("machines", models.PositiveIntegerField(default=0)),
                (
                    "seen_at",
                    models.DateTimeField(help_text="When it was first listed, or its number of machines last changed."),
                ),
            ],
            options={"ordering": ["poolid"]},
        ),
    ]
