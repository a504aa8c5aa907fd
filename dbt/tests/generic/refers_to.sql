{# Each value of the column, if there is one, is found within the same shop in another model. #}
{% test refers_to(model, column_name, to, field) %}
select child.shop, child.{{ column_name }}
from {{ model }} as child
left join {{ to }} as parent on child.shop = parent.shop and child.{{ column_name }} = parent.{{ field }}
where child.{{ column_name }} is not null and parent.{{ field }} is null
{% endtest %}
