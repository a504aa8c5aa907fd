-- Revenue by month and sales channel.
select
    shop,
    currency,
    order_month,
    channel,
    count(*) as orders,
    sum(gross_revenue) as gross_revenue,
    sum(discounts) as discounts,
    sum(refunds) as refunds,
    sum(net_revenue) as net_revenue,
    cast(sum(net_revenue) / count(*) as {{ sumeru.type_decimal() }}) as average_order_value
from {{ ref('sumeru__orders') }}
where is_counted
group by shop, currency, order_month, channel
