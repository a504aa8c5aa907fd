-- Written by scripts/dbt_docs.py from schemas/decision_intelligence_runs.json
{{ sumeru.stage('decision_intelligence_runs', {
    'shop': ['shop', 'text'],
    'id': ['run_id', 'text'],
    'status': ['status', 'text'],
    'engine_version': ['engine_version', 'text'],
    'duration_ms': ['duration_ms', 'integer'],
    'signals': ['signals', 'json'],
    'recommendations': ['recommendations', 'json'],
    'created_at': ['created_at', 'timestamp'],
    'relationships': ['relationships', 'json'],
    'extra': ['extra', 'json'],
}) }}
