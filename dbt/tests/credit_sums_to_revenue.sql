-- The credit of an attribution's touches sums to its revenue, to the last digit.
with touches as (
    select shop, attribution_id, {{ sumeru.total('credited_revenue') }} as credited
    from {{ ref('sumeru__attribution_touchpoints') }}
    group by shop, attribution_id
)

select attribution.shop, attribution.attribution_id, attribution.revenue, touches.credited
from {{ ref('stg_sumeru__attribution') }} as attribution
left join touches
    on attribution.shop = touches.shop and attribution.attribution_id = touches.attribution_id
where attribution.revenue is not null and (touches.credited is null or touches.credited <> attribution.revenue)
