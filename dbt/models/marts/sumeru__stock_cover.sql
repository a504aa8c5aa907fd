-- How many days the stock of each variant lasts at the pace of the last days before the shop's latest order.
{% set days = var('sumeru_stock_days') | int -%}
with orders as (
    select
        counted.shop,
        raw.line_items,
        counted.ordered_at,
        max(counted.ordered_at) over (partition by counted.shop) as latest_order_at
    from {{ ref('sumeru__orders') }} as counted
    inner join {{ ref('stg_sumeru__orders') }} as raw
        on counted.shop = raw.shop and counted.order_id = raw.order_id
    where counted.is_counted
),

recent as (
    select * from orders
    where {{ dbt.datediff('ordered_at', 'latest_order_at', 'day') }} < {{ days }}
),

lines as (
    {{ sumeru.unnested('recent', ['shop'], 'line_items') }}
),

line_sales as (
    select
        shop,
        {{ sumeru.json_get('item', 'variant_id') }} as variant_id,
        {{ sumeru.json_get('item', 'quantity', 'integer') }} as quantity
    from lines
),

sales as (
    select shop, variant_id, sum(quantity) as units_sold from line_sales group by shop, variant_id
),

stock as (
    select
        shop,
        product_id,
        variant_id,
        min(inventory.sku) as sku,
        min(inventory.currency) as currency,
        sum(inventory.available) as available,
        sum(inventory.on_hand) as on_hand,
        sum(inventory.incoming) as incoming,
        sum(inventory.on_hand * inventory.unit_cost) as stock_value,
        sum(case when inventory.available <= inventory.reorder_point then 1 else 0 end) as locations_to_reorder
    from {{ ref('stg_sumeru__inventory') }} as inventory
    where coalesce(tracked, true)
    group by shop, product_id, variant_id
)

select
    stock.shop,
    stock.product_id,
    stock.variant_id,
    products.title as product_title,
    products.product_type,
    stock.sku,
    stock.available,
    stock.on_hand,
    stock.incoming,
    stock.currency,
    cast(stock.stock_value as {{ sumeru.type_decimal() }}) as stock_value,
    coalesce(sales.units_sold, 0) as units_sold,
    {{ sumeru.ratio('coalesce(sales.units_sold, 0)', days) }} as units_sold_per_day,
    {{ sumeru.ratio('stock.available * ' ~ days, 'sales.units_sold') }} as days_of_cover,
    stock.locations_to_reorder
from stock
left join sales on stock.shop = sales.shop and stock.variant_id = sales.variant_id
left join {{ ref('stg_sumeru__products') }} as products
    on stock.shop = products.shop and stock.product_id = products.product_id
