{# No two rows have the same values in the columns that the `meta` of the test names. #}
{% test unique_together(model) %}
{%- set columns = sumeru.meta_of_test('columns') | join(', ') -%}
select {{ columns }}
from {{ model }}
group by {{ columns }}
having count(*) > 1
{% endtest %}
