"""The files of `deploy/`, as cron, Airflow, Dagster and Kubernetes use them."""
