{# The types of the staging models. DECIMAL(38, 9) is BigQuery's NUMERIC, and exact in all four warehouses. #}

{% macro type_of(kind) -%}
    {%- if kind == 'number' -%}{{ sumeru.type_decimal() }}
    {%- elif kind == 'json' -%}{{ sumeru.type_json() }}
    {%- elif kind == 'integer' -%}{{ dbt.type_bigint() }}
    {%- elif kind == 'boolean' -%}{{ dbt.type_boolean() }}
    {%- elif kind == 'timestamp' -%}{{ dbt.type_timestamp() }}
    {%- elif kind == 'date' -%}date
    {%- else -%}{{ dbt.type_string() }}
    {%- endif -%}
{%- endmacro %}


{% macro type_decimal() %}{{ return(adapter.dispatch('type_decimal', 'sumeru')()) }}{% endmacro %}
{% macro default__type_decimal() %}numeric(38, 9){% endmacro %}
{% macro bigquery__type_decimal() %}numeric{% endmacro %}


{% macro type_json() %}{{ return(adapter.dispatch('type_json', 'sumeru')()) }}{% endmacro %}
{% macro default__type_json() %}json{% endmacro %}
{% macro postgres__type_json() %}jsonb{% endmacro %}
{% macro snowflake__type_json() %}variant{% endmacro %}


{# A text as a value of some kind; null where it is none. #}
{% macro parsed(text, kind) %}{{ return(adapter.dispatch('parsed', 'sumeru')(text, kind)) }}{% endmacro %}

{% macro default__parsed(text, kind) -%}
    {%- if kind == 'text' -%}{{ text }}
    {%- else -%}try_cast({{ text }} as {{ sumeru.type_of(kind) }})
    {%- endif -%}
{%- endmacro %}

{# DuckDB reads a text into 64 bits a hundred times as fast as into 128: those are for what is too large. #}
{% macro duckdb__parsed(text, kind) -%}
    {%- if kind == 'number' -%}coalesce(try_cast({{ text }} as numeric(18, 9)), try_cast({{ text }} as numeric(38, 9)))
    {%- else -%}{{ sumeru.default__parsed(text, kind) }}
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__parsed(text, kind) -%}
    {%- if kind == 'text' -%}{{ text }}
    {%- else -%}safe_cast({{ text }} as {{ sumeru.type_of(kind) }})
    {%- endif -%}
{%- endmacro %}

{# Postgres has no cast that forgives, so a pattern goes before it. #}
{% macro postgres__parsed(text, kind) -%}
    {%- set date = '(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
    {%- set patterns = {
        'number': '^-?[0-9]{1,29}([.][0-9]+)?$',
        'integer': '^-?[0-9]{1,18}$',
        'boolean': '^(true|false)$',
        'timestamp': '^' ~ date ~ 'T[0-9:.]+Z$',
        'date': '^' ~ date ~ '$',
    } -%}
    {%- if kind == 'text' -%}{{ text }}
    {%- else -%}case when {{ text }} ~ '{{ patterns[kind] }}' then cast({{ text }} as {{ sumeru.type_of(kind) }}) end
    {%- endif -%}
{%- endmacro %}


{# A share or a mean. #}
{% macro ratio(part, whole) -%}
    cast({{ part }} as {{ sumeru.type_double() }}) / nullif({{ whole }}, 0)
{%- endmacro %}

{# dbt's own type_float has 32 bits in DuckDB. #}
{% macro type_double() %}{{ return(adapter.dispatch('type_double', 'sumeru')()) }}{% endmacro %}
{% macro default__type_double() %}double precision{% endmacro %}
{% macro bigquery__type_double() %}float64{% endmacro %}


{# A sum of amounts, of the same type as these. #}
{% macro total(amount) -%}
    cast(sum({{ amount }}) as {{ sumeru.type_decimal() }})
{%- endmacro %}


{% macro month_of(timestamp) -%}
    cast({{ dbt.date_trunc('month', timestamp) }} as date)
{%- endmacro %}
