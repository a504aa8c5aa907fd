-- Revenue by month and sales channel.
select
    shop,
    currency,
    order_month,
    channel,
    count(*) as orders,
    {{ sumeru.total('counted.gross_revenue') }} as gross_revenue,
    {{ sumeru.total('counted.discounts') }} as discounts,
    {{ sumeru.total('counted.refunds') }} as refunds,
    {{ sumeru.total('counted.net_revenue') }} as net_revenue,
    cast({{ sumeru.total('counted.net_revenue') }} / count(*) as {{ sumeru.type_decimal() }}) as average_order_value
from {{ ref('sumeru__orders') }} as counted
where is_counted
group by shop, currency, order_month, channel
