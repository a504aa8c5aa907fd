-- Written by scripts/dbt_docs.py from schemas/attribution.json
{{ sumeru.stage('attribution', {
    'shop': ['shop', 'text'],
    'id': ['attribution_id', 'text'],
    'order_id': ['order_id', 'text'],
    'customer_id': ['customer_id', 'text'],
    'model': ['model', 'text'],
    'channel': ['channel', 'text'],
    'campaign_id': ['campaign_id', 'text'],
    'revenue': ['revenue', 'number'],
    'currency': ['currency', 'text'],
    'credit_per_touchpoint': ['credit_per_touchpoint', 'json'],
    'touchpoints': ['touchpoints', 'json'],
    'ordered_at': ['ordered_at', 'timestamp'],
    'attributed_at': ['attributed_at', 'timestamp'],
    'relationships': ['relationships', 'json'],
    'extra': ['extra', 'json'],
}) }}
