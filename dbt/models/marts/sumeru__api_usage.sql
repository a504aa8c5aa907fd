-- What each shop used of its plan, by day, and of its AI credits since the month began.
with days as (
    select *, {{ sumeru.month_of('usage_date') }} as usage_month
    from {{ ref('stg_sumeru__usage') }}
),

running as (
    select
        *,
        sum(coalesce(ai_credits_used, 0)) over (
            partition by shop, usage_month order by usage_date, usage_id
            rows between unbounded preceding and current row
        ) as ai_credits_used_this_month
    from days
)

select
    shop,
    usage_id,
    usage_date,
    usage_month,
    plan,
    api_requests,
    api_rate_limit,
    {{ sumeru.ratio('api_requests', 'api_rate_limit * 1440') }} as api_share_of_limit,
    coalesce(emails_sent, 0) + coalesce(sms_sent, 0) + coalesce(whatsapp_sent, 0) as messages_sent,
    emails_sent,
    sms_sent,
    whatsapp_sent,
    ai_credits_used,
    ai_credits_limit,
    ai_credits_used_this_month,
    {{ sumeru.ratio('ai_credits_used_this_month', 'ai_credits_limit') }} as ai_share_of_limit,
    active_customers
from running
