-- Whoever reached a step has done it, waits there, bought or dropped out; all who are enrolled reached the first.
with enrolled as (
    select shop, journey_id, count(*) as enrollments
    from {{ ref('stg_sumeru__enrollments') }}
    group by shop, journey_id
)

select funnel.*, enrolled.enrollments
from {{ ref('sumeru__journey_funnel') }} as funnel
left join enrolled on funnel.shop = enrolled.shop and funnel.journey_id = enrolled.journey_id
where funnel.reached <> funnel.done + funnel.waiting + funnel.converted + funnel.dropped_out
    or (funnel.step_number = 1 and funnel.reached <> coalesce(enrolled.enrollments, 0))
