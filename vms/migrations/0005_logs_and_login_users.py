"""Logs of Proxmox's tasks, how far each node's task list was read, and whom members of a template sign in as."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vms", "0004_snapshots_digest")]

    operations = [
        migrations.AddField(
            "operation",
            "task_log",
            models.TextField(blank=True, default="", help_text="The log of its Proxmox tasks, as a worker read it."),
        ),
        migrations.AddField("operation", "log_wanted_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("operation", "log_read_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "node",
            "tasks_read_at",
            models.DateTimeField(blank=True, help_text="When its task list was last read.", null=True),
        ),
        migrations.AddField(
            "template",
            "login_user",
            models.CharField(
                "cloud-init user",
                blank=True,
                default="",
                help_text="Whom cloud-init makes unless a member names somebody; empty: the template's own.",
                max_length=32,
            ),
        ),
    ]
