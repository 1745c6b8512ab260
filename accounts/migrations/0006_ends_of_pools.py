"""How a pool ends: asked for, done by a worker, kept as history; and where its machines go meanwhile."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Four columns, all empty."""

    dependencies = [("accounts", "0005_marks_and_html")]

    operations = [
        migrations.AddField(
            "pool",
            "removal_asked_at",
            models.DateTimeField(
                blank=True, help_text="Since when a worker is to remove its pool in Proxmox.", null=True
            ),
        ),
        migrations.AddField(
            "pool",
            "removal_problem",
            models.CharField(blank=True, default="", help_text="Why that was not done.", max_length=300),
        ),
        migrations.AddField(
            "pool",
            "removed_at",
            models.DateTimeField(
                blank=True,
                help_text="Since when it is history: unbound, its name free for another pool.",
                null=True,
            ),
        ),
        migrations.AddField(
            "pool",
            "successor",
            models.ForeignKey(
                blank=True,
                help_text="Where its machines go while it is renamed.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="predecessors",
                to="accounts.pool",
            ),
        ),
    ]
