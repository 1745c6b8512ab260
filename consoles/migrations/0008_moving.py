from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consoles', '0007_share_form_key'),
    ]

    operations = [
        migrations.AlterField(
            model_name='consolevisit',
            name='end',
            field=models.CharField(blank=True, choices=[('left', 'left'), ('signed_out', 'signed_out'), ('right_lost', 'right_lost'), ('gone', 'gone'), ('stopped', 'stopped'), ('too_slow', 'too_slow'), ('busy', 'busy'), ('node_ended', 'node_ended'), ('unreachable', 'unreachable'), ('refused', 'refused'), ('browser_broke', 'browser_broke'), ('node_broke', 'node_broke'), ('unchecked', 'unchecked'), ('restarting', 'restarting'), ('failed', 'failed'), ('locked', 'locked'), ('ended', 'ended'), ('narrowed', 'narrowed'), ('trashed', 'trashed'), ('idle', 'idle'), ('time_limit', 'time_limit'), ('elsewhere', 'elsewhere'), ('too_many', 'too_many'), ('node_full', 'node_full'), ('by_rtp', 'by_rtp'), ('share_over', 'share_over'), ('node_down', 'node_down'), ('moving', 'moving'), ('vanished', 'vanished'), ('lost', 'lost')], default='', max_length=16),
        ),
    ]
