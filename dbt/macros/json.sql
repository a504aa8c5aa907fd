{# Nested values. Each target lands them in its own way; the staging models make one JSON value of each. #}

{# A nested column, however it has landed, as one JSON value; null where there is none. #}
{% macro as_json(column) %}{{ return(adapter.dispatch('as_json', 'sumeru')(column)) }}{% endmacro %}
{# with `pii: hash`, what was nested is a text that is no JSON #}
{% macro default__as_json(column) -%}
    case
        when json_valid(cast({{ column }} as varchar)) then cast({{ column }} as json)
        when {{ column }} is not null then to_json({{ column }})
    end
{%- endmacro %}
{# text[], jsonb[] and jsonb alike #}
{% macro postgres__as_json(column) %}to_jsonb({{ column }}){% endmacro %}
{# target-snowflake lands null as a JSON null, which IS NULL does not see #}
{% macro snowflake__as_json(column) %}iff(is_null_value(to_variant({{ column }})), null, to_variant({{ column }})){% endmacro %}
{# JSON, RECORD and REPEATED alike #}
{% macro bigquery__as_json(column) %}if({{ column }} is null, null, to_json({{ column }})){% endmacro %}


{# A member of a JSON object, as text or as a value of another kind. #}
{% macro json_get(json, key, kind='text') -%}
    {{ sumeru.parsed(adapter.dispatch('json_text', 'sumeru')(json, key), kind) }}
{%- endmacro %}

{% macro default__json_text(json, key) %}json_extract_string({{ json }}, '$."{{ key }}"'){% endmacro %}
{% macro postgres__json_text(json, key) %}({{ json }} ->> '{{ key }}'){% endmacro %}
{% macro snowflake__json_text(json, key) %}cast(get_path({{ json }}, '"{{ key }}"') as varchar){% endmacro %}
{# json_value gives scalars alone: an object or a list as text is json_query's to give, and so is a JSON null #}
{% macro bigquery__json_text(json, key) %}coalesce(json_value({{ json }}, '$."{{ key }}"'), nullif(to_json_string(json_query({{ json }}, '$."{{ key }}"')), 'null')){% endmacro %}


{# An item of a JSON list, by its number from 1, as text or as a value of another kind. #}
{% macro json_item(json, number, kind='text') -%}
    {{ sumeru.parsed(adapter.dispatch('json_item_text', 'sumeru')(json, number), kind) }}
{%- endmacro %}

{% macro default__json_item_text(json, number) %}json_extract_string({{ json }}, '$[' || ({{ number }} - 1) || ']'){% endmacro %}
{% macro postgres__json_item_text(json, number) %}({{ json }} ->> cast({{ number }} - 1 as integer)){% endmacro %}
{% macro snowflake__json_item_text(json, number) %}cast(get({{ json }}, {{ number }} - 1) as varchar){% endmacro %}
{% macro bigquery__json_item_text(json, number) %}json_value(json_query_array({{ json }})[safe_offset({{ number }} - 1)]){% endmacro %}


{# A row for each item of a list: some columns of the relation, `item_number` from 1, and `item`. #}
{% macro unnested(relation, columns, list) %}{{ return(adapter.dispatch('unnested', 'sumeru')(relation, columns, list)) }}{% endmacro %}

{# Both lists of a row, unnested side by side #}
{% macro default__unnested(relation, columns, list) -%}
    select
        {{ columns | join(', ') }},
        unnest(range(1, cast(coalesce(json_array_length({{ list }}), 0) as bigint) + 1)) as item_number,
        unnest(json_extract({{ list }}, '$[*]')) as item
    from {{ relation }}
{%- endmacro %}

{% macro postgres__unnested(relation, columns, list) -%}
    select {{ columns | join(', ') }}, items.item_number, items.item
    from {{ relation }}
    cross join lateral jsonb_array_elements(
        case jsonb_typeof({{ list }}) when 'array' then {{ list }} else '[]' end
    ) with ordinality as items (item, item_number)
{%- endmacro %}

{% macro snowflake__unnested(relation, columns, list) -%}
    select {{ columns | join(', ') }}, items.index + 1 as item_number, items.value as item
    from {{ relation }},
    lateral flatten(input => {{ list }}) as items
{%- endmacro %}

{% macro bigquery__unnested(relation, columns, list) -%}
    select {{ columns | join(', ') }}, item_offset + 1 as item_number, item
    from {{ relation }}
    cross join unnest(json_query_array({{ list }})) as item with offset as item_offset
{%- endmacro %}


{# The values of a column in the rows of a group, as a sorted list. #}
{% macro sorted_list(column) %}{{ return(adapter.dispatch('sorted_list', 'sumeru')(column)) }}{% endmacro %}

{% macro default__sorted_list(column) %}array_agg({{ column }} order by {{ column }}){% endmacro %}
{% macro snowflake__sorted_list(column) %}array_agg({{ column }}) within group (order by {{ column }}){% endmacro %}
