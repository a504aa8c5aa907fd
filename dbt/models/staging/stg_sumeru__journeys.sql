-- Written by scripts/dbt_docs.py from schemas/journeys.json
{{ sumeru.stage('journeys', {
    'shop': ['shop', 'text'],
    'id': ['journey_id', 'text'],
    'name': ['name', 'text'],
    'kind': ['kind', 'text'],
    'status': ['status', 'text'],
    'trigger': ['trigger_event', 'text'],
    'channels': ['channels', 'json'],
    'exit_on_purchase': ['exit_on_purchase', 'boolean'],
    'steps': ['steps', 'json'],
    'active_enrollments': ['active_enrollments', 'integer'],
    'total_enrollments': ['total_enrollments', 'integer'],
    'published_at': ['published_at', 'timestamp'],
    'created_at': ['created_at', 'timestamp'],
    'updated_at': ['updated_at', 'timestamp'],
    'relationships': ['relationships', 'json'],
    'extra': ['extra', 'json'],
}) }}
