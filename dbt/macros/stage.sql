{#
    A landed table as its staging model shows it: typed columns, rows that were deleted left out.

    columns: by its name as landed, what a column is called here and its kind.
    A column that has not landed, since the sync deselects it, is null. Fields of `extra` that the variable
    `sumeru_extra` names become columns.
#}
{% macro stage(stream, columns) -%}
    {%- do sumeru.check_stream_names() -%}
    {%- set relation = source('sumeru', stream) -%}
    {%- set absent = stream in var('sumeru_absent') -%}
    {%- set landed = {} if absent else sumeru.landed(relation, columns) -%}
select
    {%- for name, (alias, kind) in columns.items() %}
    {{ sumeru.staged(landed.get(name), kind) }} as {{ alias }}
    {{- ',' if not loop.last }}
    {%- endfor %}
    {%- for name, kind in var('sumeru_extra').get(stream, {}).items() %},
    {{ sumeru.extra(name, kind, landed.get('extra')) }} as {{ name }}
    {%- endfor %}
    {%- if absent %}
from (select 1 as nothing) as nowhere
where 1 = 0
    {%- else %}
from {{ relation }}
    {%- if '_sdc_deleted_at' in landed %}
where {{ landed['_sdc_deleted_at'] }} is null
    {%- endif %}
    {%- endif %}
{%- endmacro %}


{# Stops at a name in a variable that is no stream: nothing would come of it, and nobody would notice. #}
{% macro check_stream_names() -%}
    {%- set streams = [
        'customers', 'orders', 'attribution', 'campaigns', 'journeys', 'enrollments', 'products', 'inventory',
        'usage', 'decision_intelligence_runs', 'seo_keywords',
    ] -%}
    {%- for variable in ['sumeru_absent', 'sumeru_extra', 'sumeru_freshness'] -%}
        {%- for name in var(variable) or [] if name not in streams -%}
            {{ exceptions.raise_compiler_error("`" ~ variable ~ "` names `" ~ name ~ "`, which is no stream") }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}


{# A field of `extra`, as a column: sumeru.extra('loyalty_points', 'integer'). #}
{% macro extra(name, kind='text', column='extra') -%}
    {%- if kind not in ['text', 'number', 'integer', 'boolean', 'timestamp', 'date'] -%}
        {{ exceptions.raise_compiler_error("`" ~ name ~ "` cannot be of kind `" ~ kind ~ "`: text, number, integer, boolean, timestamp or date") }}
    {%- elif column -%}{{ sumeru.json_get(sumeru.as_json(column), name, kind) }}
    {%- else -%}cast(null as {{ sumeru.type_of(kind) }})
    {%- endif -%}
{%- endmacro %}


{% macro staged(column, kind) -%}
    {%- if not column -%}cast(null as {{ sumeru.type_of(kind) }})
    {%- elif kind == 'json' -%}{{ sumeru.as_json(column) }}
    {#- Through its text, a float becomes the decimal that was sent, without the noise of its last digits. -#}
    {%- elif kind == 'number' -%}{{ sumeru.parsed('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')', kind) }}
    {%- else -%}cast({{ column }} as {{ sumeru.type_of(kind) }})
    {%- endif -%}
{%- endmacro %}


{# The columns of a landed table, quoted as they are, by their names in small letters. #}
{% macro landed(relation, columns) -%}
    {%- set found = {} -%}
    {%- if not execute or not flags.INTROSPECT -%}
        {%- for name in columns.keys() | list + ['_sdc_deleted_at'] -%}
            {%- do found.update({name: adapter.quote(name | upper if target.type == 'snowflake' else name)}) -%}
        {%- endfor -%}
    {%- else -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do found.update({column.name | lower: adapter.quote(column.name)}) -%}
        {%- endfor -%}
        {%- if not found -%}
            {{ exceptions.raise_compiler_error(
                "There is no table " ~ relation ~ ": sync the stream, name it in the variable `sumeru_absent`,"
                ~ " or set `sumeru_schema` and `sumeru_database`."
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
