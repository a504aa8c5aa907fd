{{ config(materialized='table', enabled=var('sumeru_wanted_tags') is not none) }}
-- The tags to add to each customer and to remove from it, as target-sumeru takes them. Only the tags that
-- `sumeru_managed_tags` names are compared, so all others stay as they are. Who has left a segment has a row too.
{%- set managed = [] -%}
{%- for tag in var('sumeru_managed_tags') -%}
    {%- do managed.append(dbt.string_literal(dbt.escape_single_quotes(tag))) -%}
{%- endfor -%}
{%- if execute and not managed -%}
    {{ exceptions.raise_compiler_error("Name the tags that `" ~ var('sumeru_wanted_tags') ~ "` decides on in the variable `sumeru_managed_tags`.") }}
{%- endif %}
with customers as (
    select shop, customer_id, tags
    from {{ ref('stg_sumeru__customers') }}
),

-- Unknown customers are left out; a test of this model counts them.
wanted as (
    select distinct given.shop, given.customer_id, given.tag
    from {{ ref(var('sumeru_wanted_tags') or 'stg_sumeru__customers') }} as given
    inner join customers on given.shop = customers.shop and given.customer_id = customers.customer_id
    where given.tag in ({{ managed | join(', ') or 'null' }})
),

items as (
    {{ sumeru.unnested('customers', ['shop', 'customer_id', 'tags'], 'tags') }}
),

present as (
    select distinct shop, customer_id, {{ sumeru.json_item('tags', 'item_number') }} as tag
    from items
    where {{ sumeru.json_item('tags', 'item_number') }} in ({{ managed | join(', ') or 'null' }})
),

added as (
    select wanted.shop, wanted.customer_id, {{ sumeru.sorted_list('wanted.tag') }} as add_tags
    from wanted
    left join present
        on wanted.shop = present.shop and wanted.customer_id = present.customer_id and wanted.tag = present.tag
    where present.tag is null
    group by wanted.shop, wanted.customer_id
),

removed as (
    select present.shop, present.customer_id, {{ sumeru.sorted_list('present.tag') }} as remove_tags
    from present
    left join wanted
        on present.shop = wanted.shop and present.customer_id = wanted.customer_id and present.tag = wanted.tag
    where wanted.tag is null
    group by present.shop, present.customer_id
)

select
    customers.shop,
    customers.customer_id as id,
    added.add_tags,
    removed.remove_tags
from customers
left join added on customers.shop = added.shop and customers.customer_id = added.customer_id
left join removed on customers.shop = removed.shop and customers.customer_id = removed.customer_id
where added.customer_id is not null or removed.customer_id is not null
