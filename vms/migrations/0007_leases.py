"""Whom a warning told, and references in mails."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("vms", "0006_cluster_pools")]

    operations = [
        migrations.AddField(
            "leasenotice",
            "told_id",
            models.PositiveBigIntegerField(default=0, help_text="Who was told; 0 for an act."),
        ),
        migrations.RemoveConstraint("leasenotice", "one_lease_notice_per_stage"),
        migrations.AddConstraint(
            "leasenotice",
            models.UniqueConstraint(fields=["vm", "ends_at", "stage", "told_id"], name="one_lease_notice_per_stage"),
        ),
        migrations.CreateModel(
            name="RenewalLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref_hash", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("vms", models.ManyToManyField(related_name="+", to="vms.virtualmachine")),
            ],
            options={"ordering": ["-pk"]},
        ),
    ]
