from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ("consoles", "0006_shares_and_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="consoleshare",
            name="form_key",
            field=models.CharField(blank=True, default="", help_text="A form sent twice makes one.", max_length=32),
        ),
        migrations.AddConstraint(
            model_name="consoleshare",
            constraint=models.UniqueConstraint(
                condition=~Q(form_key=""), fields=("maker", "form_key"), name="share_form_once"
            ),
        ),
    ]
