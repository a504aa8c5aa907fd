-- The touches before each order, with the revenue that a model credits to each. What rounding leaves over goes
-- to the last touch, so that the credit of an order is its revenue to the last digit.
with attribution as (
    select
        shop,
        attribution_id,
        order_id,
        customer_id,
        model,
        coalesce(currency, 'XXX') as currency,
        ordered_at,
        attributed_at,
        revenue,
        channel,
        campaign_id,
        credit_per_touchpoint,
        touchpoints
    from {{ ref('stg_sumeru__attribution') }}
),

touches as (
    {{ sumeru.unnested('attribution', [
        'shop', 'attribution_id', 'order_id', 'customer_id', 'model', 'currency', 'ordered_at', 'attributed_at',
        'revenue', 'credit_per_touchpoint',
    ], 'touchpoints') }}
),

touched as (
    select
        shop,
        attribution_id,
        order_id,
        customer_id,
        model,
        currency,
        ordered_at,
        attributed_at,
        revenue,
        item_number as touch_number,
        coalesce({{ sumeru.json_get('item', 'channel') }}, 'unknown') as channel,
        {{ sumeru.json_get('item', 'campaign_id') }} as campaign_id,
        {{ sumeru.json_get('item', 'journey_id') }} as journey_id,
        {{ sumeru.json_get('item', 'source') }} as source,
        {{ sumeru.json_get('item', 'medium') }} as medium,
        {{ sumeru.json_get('item', 'occurred_at', 'timestamp') }} as occurred_at,
        coalesce(
            {{ sumeru.json_get('item', 'credit', 'number') }},
            {{ sumeru.json_item('credit_per_touchpoint', 'item_number', 'number') }}
        ) as credit
    from touches
),

-- Without its touches, a row has only the channel and campaign with the largest credit: they get all of it.
untouched as (
    select
        shop,
        attribution_id,
        order_id,
        customer_id,
        model,
        currency,
        ordered_at,
        attributed_at,
        revenue,
        1 as touch_number,
        coalesce(channel, 'unknown') as channel,
        campaign_id,
        {{ sumeru.staged(none, 'text') }} as journey_id,
        {{ sumeru.staged(none, 'text') }} as source,
        {{ sumeru.staged(none, 'text') }} as medium,
        {{ sumeru.staged(none, 'timestamp') }} as occurred_at,
        cast(1 as {{ sumeru.type_decimal() }}) as credit
    from attribution
    where not exists (
        select 1 from touched
        where touched.shop = attribution.shop and touched.attribution_id = attribution.attribution_id
    )
),

touchpoints as (
    select * from touched
    union all
    select * from untouched
),

shares as (
    select *, cast(revenue * coalesce(credit, 0) as {{ sumeru.type_decimal() }}) as share_of_revenue
    from touchpoints
),

credited as (
    select
        *,
        cast(
            sum(share_of_revenue) over (partition by shop, attribution_id) as {{ sumeru.type_decimal() }}
        ) as all_shares,
        max(touch_number) over (partition by shop, attribution_id) as last_touch
    from shares
)

select
    shop,
    attribution_id,
    touch_number,
    order_id,
    customer_id,
    model,
    currency,
    ordered_at,
    attributed_at,
    channel,
    campaign_id,
    journey_id,
    source,
    medium,
    occurred_at,
    credit,
    cast(case
        when touch_number < last_touch then share_of_revenue
        else revenue - (all_shares - share_of_revenue)
    end as {{ sumeru.type_decimal() }}) as credited_revenue
from credited
