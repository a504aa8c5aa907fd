-- Channels, customers and cohorts are three ways to cut the same revenue.
with orders as (
    select
        shop,
        currency,
        {{ sumeru.total('net_revenue') }} as total,
        {{ sumeru.total('case when customer_id is not null then net_revenue else 0 end') }} as of_customers
    from {{ ref('sumeru__orders') }}
    group by shop, currency
),

channels as (
    select shop, currency, {{ sumeru.total('net_revenue') }} as total
    from {{ ref('sumeru__revenue_by_channel') }}
    group by shop, currency
),

customers as (
    select shop, currency, {{ sumeru.total('lifetime_value') }} as total
    from {{ ref('sumeru__customer_lifetime_value') }}
    group by shop, currency
),

cohorts as (
    select shop, currency, {{ sumeru.total('net_revenue') }} as total
    from {{ ref('sumeru__cohorts') }}
    group by shop, currency
)

select orders.*, channels.total as by_channel, customers.total as by_customer, cohorts.total as by_cohort
from orders
left join channels on orders.shop = channels.shop and orders.currency = channels.currency
left join customers on orders.shop = customers.shop and orders.currency = customers.currency
left join cohorts on orders.shop = cohorts.shop and orders.currency = cohorts.currency
where orders.total <> coalesce(channels.total, 0)
    or orders.of_customers <> coalesce(customers.total, 0)
    or orders.of_customers <> coalesce(cohorts.total, 0)
