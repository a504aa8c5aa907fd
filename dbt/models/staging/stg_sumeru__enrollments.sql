-- Written by scripts/dbt_docs.py from schemas/enrollments.json
{{ sumeru.stage('enrollments', {
    'shop': ['shop', 'text'],
    'id': ['enrollment_id', 'text'],
    'journey_id': ['journey_id', 'text'],
    'customer_id': ['customer_id', 'text'],
    'status': ['status', 'text'],
    'current_step_id': ['current_step_id', 'text'],
    'steps_executed': ['steps_executed', 'integer'],
    'exit_reason': ['exit_reason', 'text'],
    'converted_order_id': ['converted_order_id', 'text'],
    'enrolled_at': ['enrolled_at', 'timestamp'],
    'exited_at': ['exited_at', 'timestamp'],
    'updated_at': ['updated_at', 'timestamp'],
    'relationships': ['relationships', 'json'],
    'extra': ['extra', 'json'],
}) }}
