"""The table of the cache, which rate limits need to hold over several processes."""

from django.core.management import call_command
from django.db import migrations


def make_table(apps, schema_editor):
    """Does nothing where it is there."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_the_house")]

    operations = [migrations.RunPython(make_table, migrations.RunPython.noop)]
