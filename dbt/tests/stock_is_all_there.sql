-- The stock of a shop's variants sums to that of its tracked inventory.
with inventory as (
    select shop, sum(available) as available, sum(on_hand) as on_hand
    from {{ ref('stg_sumeru__inventory') }}
    where coalesce(tracked, true)
    group by shop
),

cover as (
    select shop, sum(available) as available, sum(on_hand) as on_hand
    from {{ ref('sumeru__stock_cover') }}
    group by shop
)

select inventory.*, cover.available as covered, cover.on_hand as covered_on_hand
from inventory
left join cover on inventory.shop = cover.shop
where coalesce(inventory.available, 0) <> coalesce(cover.available, 0)
    or coalesce(inventory.on_hand, 0) <> coalesce(cover.on_hand, 0)
