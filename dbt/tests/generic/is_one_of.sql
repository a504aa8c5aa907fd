{# The column has no value besides those that the `meta` of the test names. #}
{% test is_one_of(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in ('{{ sumeru.meta_of_test('values') | join("', '") }}')
{% endtest %}
