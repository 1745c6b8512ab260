from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ("consoles", "0008_moving"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="consolevisit",
            index=models.Index(
                fields=["-closed_at"], condition=Q(closed_at__isnull=False), name="visit_ended"
            ),
        ),
    ]
