-- Written by scripts/dbt_docs.py from schemas/usage.json
{{ sumeru.stage('usage', {
    'shop': ['shop', 'text'],
    'id': ['usage_id', 'text'],
    'date': ['usage_date', 'date'],
    'plan': ['plan', 'text'],
    'api_requests': ['api_requests', 'integer'],
    'api_rate_limit': ['api_rate_limit', 'integer'],
    'emails_sent': ['emails_sent', 'integer'],
    'sms_sent': ['sms_sent', 'integer'],
    'whatsapp_sent': ['whatsapp_sent', 'integer'],
    'ai_credits_used': ['ai_credits_used', 'integer'],
    'ai_credits_limit': ['ai_credits_limit', 'integer'],
    'active_customers': ['active_customers', 'integer'],
    'relationships': ['relationships', 'json'],
    'extra': ['extra', 'json'],
}) }}
