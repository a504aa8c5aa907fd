-- Orders as revenue sees them: test orders and cancelled ones count for nothing, refunds are taken off, and
-- an order of a profile that was merged away belongs to the customer it was merged into.
with priced as (
    select
        orders.shop,
        orders.order_id,
        coalesce(customers.merged_into_id, orders.customer_id) as customer_id,
        coalesce(orders.currency, 'XXX') as currency,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.placed_at, orders.created_at) as ordered_at,
        orders.status,
        orders.financial_status,
        not (
            coalesce(orders.test, false)
            or orders.cancelled_at is not null
            or coalesce(orders.status, '') = 'cancelled'
            or coalesce(orders.financial_status, '') = 'voided'
        ) as is_counted,
        coalesce(orders.total_price, 0) as total_price,
        coalesce(orders.total_discounts, 0) as total_discounts,
        coalesce(orders.total_refunded, 0) as total_refunded
    from {{ ref('stg_sumeru__orders') }} as orders
    left join {{ ref('stg_sumeru__customers') }} as customers
        on orders.shop = customers.shop and orders.customer_id = customers.customer_id
)

select
    shop,
    order_id,
    customer_id,
    currency,
    channel,
    ordered_at,
    {{ sumeru.month_of('ordered_at') }} as order_month,
    status,
    financial_status,
    is_counted,
    case when is_counted then total_price else 0 end as gross_revenue,
    case when is_counted then total_discounts else 0 end as discounts,
    case when is_counted then total_refunded else 0 end as refunds,
    case when is_counted then total_price - total_refunded else 0 end as net_revenue,
    case when is_counted then row_number() over (
        partition by shop, customer_id, currency, is_counted order by ordered_at, order_id
    ) end as customer_order_number
from priced
