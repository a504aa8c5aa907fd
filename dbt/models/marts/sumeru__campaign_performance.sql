-- What each campaign sent, what came of it, and the revenue credited to its touches by one attribution model.
with credited as (
    select
        shop,
        campaign_id,
        currency,
        count(distinct order_id) as orders,
        {{ sumeru.total('credited_revenue') }} as revenue
    from {{ ref('sumeru__attribution_touchpoints') }}
    where campaign_id is not null and model = '{{ var("sumeru_attribution_model") }}'
    group by shop, campaign_id, currency
)

select
    campaigns.shop,
    campaigns.campaign_id,
    campaigns.name,
    campaigns.status,
    campaigns.launched_at,
    campaigns.audience_size,
    campaigns.sent,
    campaigns.delivered,
    campaigns.opened,
    campaigns.clicked,
    campaigns.unsubscribed,
    {{ sumeru.ratio('campaigns.delivered', 'campaigns.sent') }} as delivery_rate,
    {{ sumeru.ratio('campaigns.opened', 'campaigns.delivered') }} as open_rate,
    {{ sumeru.ratio('campaigns.clicked', 'campaigns.delivered') }} as click_rate,
    {{ sumeru.ratio('campaigns.unsubscribed', 'campaigns.delivered') }} as unsubscribe_rate,
    coalesce(campaigns.currency, 'XXX') as currency,
    campaigns.revenue_attributed as reported_revenue,
    coalesce(credited.orders, 0) as credited_orders,
    cast(coalesce(credited.revenue, 0) as {{ sumeru.type_decimal() }}) as credited_revenue
from {{ ref('stg_sumeru__campaigns') }} as campaigns
left join credited
    on campaigns.shop = credited.shop
    and campaigns.campaign_id = credited.campaign_id
    and coalesce(campaigns.currency, 'XXX') = credited.currency
