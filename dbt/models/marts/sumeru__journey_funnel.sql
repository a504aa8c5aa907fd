-- How far customers come in each journey. Steps count from 1; whoever has done n steps stands at step n + 1.
with journeys as (
    select * from {{ ref('stg_sumeru__journeys') }}
),

listed as (
    {{ sumeru.unnested('journeys', ['shop', 'journey_id', 'name'], 'steps') }}
),

steps as (
    select
        shop,
        journey_id,
        name as journey_name,
        item_number as step_number,
        {{ sumeru.json_get('item', 'kind') }} as step_kind,
        {{ sumeru.json_get('item', 'channel') }} as step_channel
    from listed
),

enrollments as (
    select
        shop,
        journey_id,
        coalesce(steps_executed, 0) as steps_done,
        coalesce(status, '') = 'active' as is_active,
        converted_order_id is not null as is_converted
    from {{ ref('stg_sumeru__enrollments') }}
),

standing as (
    select
        steps.*,
        enrollments.steps_done,
        enrollments.steps_done = steps.step_number - 1 as is_here,
        enrollments.is_active,
        enrollments.is_converted
    from steps
    left join enrollments on steps.shop = enrollments.shop and steps.journey_id = enrollments.journey_id
)

select
    shop,
    journey_id,
    journey_name,
    step_number,
    step_kind,
    step_channel,
    count(case when steps_done >= step_number - 1 then 1 end) as reached,
    count(case when steps_done >= step_number then 1 end) as done,
    count(case when is_here and is_active then 1 end) as waiting,
    count(case when is_here and not is_active and is_converted then 1 end) as converted,
    count(case when is_here and not is_active and not is_converted then 1 end) as dropped_out
from standing
group by shop, journey_id, journey_name, step_number, step_kind, step_channel
