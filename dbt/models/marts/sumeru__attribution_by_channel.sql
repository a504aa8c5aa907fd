-- Revenue that each attribution model credits to each marketing channel, by the month of the order.
select
    shop,
    currency,
    model,
    {{ sumeru.month_of('ordered_at') }} as order_month,
    channel,
    count(*) as touchpoints,
    count(distinct order_id) as orders,
    {{ sumeru.total('touches.credited_revenue') }} as credited_revenue
from {{ ref('sumeru__attribution_touchpoints') }} as touches
group by shop, currency, model, {{ sumeru.month_of('ordered_at') }}, channel
