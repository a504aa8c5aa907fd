{#
    For the generic tests. They have no arguments, because dbt 1.11 wants them written in a way that older versions
    do not understand: what a test needs to know is in its `meta`, or in its name.
#}

{# A list in the `meta` of the test; empty while dbt parses. #}
{% macro meta_of_test(name) %}{{ return((config.get('meta') or {}).get(name, [])) }}{% endmacro %}


{# Rows of a model whose column refers to no row of the same shop in another model. #}
{% macro missing_from(parent, field, model, column_name) %}
select child.shop, child.{{ column_name }}
from {{ model }} as child
left join {{ parent }} as parent on child.shop = parent.shop and child.{{ column_name }} = parent.{{ field }}
where child.{{ column_name }} is not null and parent.{{ field }} is null
{% endmacro %}
