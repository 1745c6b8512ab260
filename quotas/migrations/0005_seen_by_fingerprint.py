"""Two editors of one policy are told apart by what they saw, as of every other row; the counter is not needed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("quotas", "0004_lease_days")]

    operations = [migrations.RemoveField("policy", "version")]
