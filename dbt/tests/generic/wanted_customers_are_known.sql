{# Customers that the warehouse does not know get no tag: another shop's, merged since, or not synced yet. #}
{% test wanted_customers_are_known(model) %}
select given.shop, given.customer_id
from {{ ref(var('sumeru_wanted_tags') or 'stg_sumeru__customers') }} as given
left join {{ ref('stg_sumeru__customers') }} as customers
    on given.shop = customers.shop and given.customer_id = customers.customer_id
where customers.customer_id is null
{% endtest %}
