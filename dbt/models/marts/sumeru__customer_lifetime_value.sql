-- What each customer has brought in so far. A profile that was merged away is part of the one it became.
with spent as (
    select
        shop,
        customer_id,
        currency,
        count(*) as orders,
        {{ sumeru.total('net_revenue') }} as lifetime_value,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at
    from {{ ref('sumeru__orders') }}
    where is_counted and customer_id is not null
    group by shop, customer_id, currency
),

customers as (
    select * from {{ ref('stg_sumeru__customers') }} where merged_into_id is null
)

select
    coalesce(spent.shop, customers.shop) as shop,
    coalesce(spent.customer_id, customers.customer_id) as customer_id,
    coalesce(spent.currency, customers.currency, 'XXX') as currency,
    coalesce(spent.orders, 0) as orders,
    cast(coalesce(spent.lifetime_value, 0) as {{ sumeru.type_decimal() }}) as lifetime_value,
    cast(spent.lifetime_value / spent.orders as {{ sumeru.type_decimal() }}) as average_order_value,
    spent.first_order_at,
    spent.last_order_at,
    {{ sumeru.month_of('spent.first_order_at') }} as cohort_month,
    customers.predicted_ltv_12mo,
    customers.lifecycle_stage,
    customers.rfm_segment,
    customers.churn_risk,
    customers.created_at
from customers
full outer join spent on customers.shop = spent.shop and customers.customer_id = spent.customer_id
