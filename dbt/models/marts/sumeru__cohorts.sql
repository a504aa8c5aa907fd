-- Customers by the month of their first order, in each month since in which the shop has sold anything.
with customers as (
    select shop, customer_id, currency, cohort_month
    from {{ ref('sumeru__customer_lifetime_value') }}
    where orders > 0
),

sizes as (
    select shop, currency, cohort_month, count(*) as cohort_size
    from customers
    group by shop, currency, cohort_month
),

months as (
    select distinct shop, currency, order_month
    from {{ ref('sumeru__orders') }}
    where is_counted
),

activity as (
    select
        customers.shop,
        customers.currency,
        customers.cohort_month,
        placed.order_month,
        count(distinct placed.customer_id) as active_customers,
        count(*) as orders,
        sum(placed.net_revenue) as net_revenue
    from customers
    inner join {{ ref('sumeru__orders') }} as placed
        on customers.shop = placed.shop
        and customers.customer_id = placed.customer_id
        and customers.currency = placed.currency
    where placed.is_counted
    group by customers.shop, customers.currency, customers.cohort_month, placed.order_month
),

dense as (
    select
        sizes.shop,
        sizes.currency,
        sizes.cohort_month,
        months.order_month,
        sizes.cohort_size,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(activity.orders, 0) as orders,
        cast(coalesce(activity.net_revenue, 0) as {{ sumeru.type_decimal() }}) as net_revenue
    from sizes
    inner join months
        on sizes.shop = months.shop
        and sizes.currency = months.currency
        and months.order_month >= sizes.cohort_month
    left join activity
        on sizes.shop = activity.shop
        and sizes.currency = activity.currency
        and sizes.cohort_month = activity.cohort_month
        and months.order_month = activity.order_month
),

running as (
    select
        *,
        sum(net_revenue) over (
            partition by shop, currency, cohort_month
            order by order_month rows between unbounded preceding and current row
        ) as cumulative_revenue
    from dense
)

select
    shop,
    currency,
    cohort_month,
    order_month,
    {{ dbt.datediff('cohort_month', 'order_month', 'month') }} as months_since_first_order,
    cohort_size,
    active_customers,
    {{ sumeru.ratio('active_customers', 'cohort_size') }} as retention,
    orders,
    net_revenue,
    cast(cumulative_revenue as {{ sumeru.type_decimal() }}) as cumulative_revenue,
    cast(cumulative_revenue / cohort_size as {{ sumeru.type_decimal() }}) as revenue_per_customer
from running
