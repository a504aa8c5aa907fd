-- The sizes of a shop's cohorts sum to its customers with an order, and all of a cohort order in its first month.
with customers as (
    select shop, currency, count(*) as customers
    from {{ ref('sumeru__customer_lifetime_value') }}
    where orders > 0
    group by shop, currency
),

cohorts as (
    select shop, currency, sum(cohort_size) as customers, sum(active_customers) as ordered
    from {{ ref('sumeru__cohorts') }}
    where months_since_first_order = 0
    group by shop, currency
)

select customers.shop, customers.currency, customers.customers, cohorts.customers as in_cohorts, cohorts.ordered
from customers
left join cohorts on customers.shop = cohorts.shop and customers.currency = cohorts.currency
where customers.customers <> coalesce(cohorts.customers, 0) or customers.customers <> coalesce(cohorts.ordered, 0)
