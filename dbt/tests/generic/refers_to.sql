{# Each value of the column, if there is one, is found within the same shop in another model. #}
{% test refers_to_customers(model, column_name) %}
{{ sumeru.missing_from(ref('stg_sumeru__customers'), 'customer_id', model, column_name) }}
{% endtest %}

{% test refers_to_journeys(model, column_name) %}
{{ sumeru.missing_from(ref('stg_sumeru__journeys'), 'journey_id', model, column_name) }}
{% endtest %}

{% test refers_to_orders(model, column_name) %}
{{ sumeru.missing_from(ref('stg_sumeru__orders'), 'order_id', model, column_name) }}
{% endtest %}

{% test refers_to_products(model, column_name) %}
{{ sumeru.missing_from(ref('stg_sumeru__products'), 'product_id', model, column_name) }}
{% endtest %}
