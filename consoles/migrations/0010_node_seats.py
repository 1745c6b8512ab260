
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("consoles", "0009_ended_lately"),
    ]

    operations = [
        migrations.CreateModel(
            name="NodeSeats",
            fields=[("node", models.CharField(max_length=64, primary_key=True, serialize=False))],
        ),
    ]
