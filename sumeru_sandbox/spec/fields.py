"""The fields of each resource, one table per stream: name, type, provenance, and whether writable."""

from __future__ import annotations

from typing import Any, NamedTuple

Schema = dict[str, Any]

# Each line of a table is `name type [documented] [writable] [# basis of the assumption]`. A field without
# `documented` is assumed. A type is a JSON type, `date`, `date-time`, the name of an object type below, or
# a list of one of these: `[type]`.
_OBJECT_TYPES = {
    "address": "line1 string, city string, province string, postal_code string, country_code string",
    "line_item": (
        "id string, product_id string, variant_id string, sku string, title string, quantity integer, "
        "price number, total_discount number"
    ),
    "option": "name string, values [string]",
    "recommendation": (
        "rank integer, issue string, action string, impact string, confidence number, explanation string, "
        "applied_at date-time"
    ),
    "refund": "id string, amount number, reason string, created_at date-time",
    "signal": "name string, trust number, bias number",
    "step": "id string, kind string, channel string, wait_minutes integer",
    "touchpoint": (
        "id string, channel string, campaign_id string, journey_id string, source string, medium string, "
        "credit number, revenue number, occurred_at date-time"
    ),
    "variant": (
        "id string, sku string, title string, barcode string, price number, compare_at_price number, "
        "weight_grams number"
    ),
}

_TABLES = {
    "customers": """
        email string documented writable
        phone string documented writable
        first_name string writable # erasure nulls `names`, whose fields are not documented
        last_name string writable # erasure nulls `names`, whose fields are not documented
        shopify_customer_id string documented
        lifecycle_stage string documented
        total_spent number documented
        currency string # amounts are documented without a currency
        orders_count integer
        average_order_value number
        first_order_at date-time documented
        last_order_at date-time documented
        predicted_ltv_12mo number documented
        rfm_segment string
        churn_risk number
        fatigue_score number # the recommendation engine is documented to read it
        channel_preference string # the recommendation engine is documented to read it
        accepts_email boolean writable # opt-ins are documented by channel, outside this API
        accepts_sms boolean writable # opt-ins are documented by channel, outside this API
        accepts_whatsapp boolean writable # opt-ins are documented by channel, outside this API
        tags [string] documented writable
        segments [string] documented
        address address
        locale string writable
        source string
        merged_into_id string # identity resolution merges profiles
        created_at date-time
        updated_at date-time
    """,
    "orders": """
        order_number string
        shopify_order_id string # orders come from Shopify
        customer_id string # the order trigger contains it
        email string # Shopify's inbound order contains it
        status string
        financial_status string
        fulfillment_status string
        channel string
        currency string # Shopify's inbound order contains it
        total_price number # Shopify's inbound order contains it, as a string
        subtotal_price number
        total_discounts number
        total_tax number
        total_shipping number
        total_refunded number
        discount_codes [string]
        line_items [line_item] # the order trigger contains them
        refunds [refund] # refunds pass through attribution
        shipping_address address
        note string
        tags [string]
        test boolean
        placed_at date-time
        paid_at date-time
        fulfilled_at date-time
        cancelled_at date-time
        created_at date-time # Shopify's inbound order contains it
        updated_at date-time
    """,
    "attribution": """
        order_id string documented
        customer_id string
        model string documented
        channel string
        campaign_id string
        revenue number
        currency string
        credit_per_touchpoint [number] documented
        touchpoints [touchpoint] documented
        ordered_at date-time
        attributed_at date-time
    """,
    "campaigns": """
        name string documented writable
        audience_id string documented writable
        status string # campaigns are launched, paused, approved and completed
        channels [string] writable # part of a campaign in the admin UI
        subject string writable
        holdout_percent integer writable # part of a campaign in the admin UI
        approval_status string # campaigns are approved or rejected
        send_in_local_time boolean writable # part of a campaign in the admin UI
        audience_size integer documented
        sent integer documented
        skipped integer documented
        delivered integer
        opened integer
        clicked integer
        unsubscribed integer
        revenue_attributed number # a webhook contains a key that begins with `revenue_attrib`
        currency string
        scheduled_at date-time writable # part of a campaign in the admin UI
        launched_at date-time
        completed_at date-time
        created_at date-time
        updated_at date-time
    """,
    "journeys": """
        name string writable
        kind string writable
        status string
        trigger string writable
        channels [string] writable
        exit_on_purchase boolean writable # the default of built-in journeys
        steps [step] # journeys consist of waits, conditional skips and messages
        active_enrollments integer
        total_enrollments integer
        published_at date-time
        created_at date-time
        updated_at date-time
    """,
    "enrollments": """
        journey_id string
        customer_id string
        status string documented
        current_step_id string
        steps_executed integer # the event `journey.step_executed` exists
        exit_reason string # the event `journey.exited` contains a reason
        converted_order_id string
        enrolled_at date-time
        exited_at date-time
        updated_at date-time
    """,
    "products": """
        shopify_product_id string # products come from Shopify
        title string writable
        handle string writable
        description string writable
        vendor string writable
        product_type string writable
        status string writable
        tags [string] writable
        currency string
        price_min number
        price_max number
        options [option]
        variants [variant]
        image_url string writable
        published_at date-time writable
        created_at date-time
        updated_at date-time
    """,
    "inventory": """
        product_id string
        variant_id string
        location_id string
        location_name string
        sku string
        tracked boolean writable
        available integer writable
        on_hand integer writable
        committed integer
        incoming integer
        reorder_point integer writable # the trigger `product.low-stock` exists
        unit_cost number writable
        currency string
        created_at date-time
        updated_at date-time
    """,
    "usage": """
        date date
        plan string
        api_requests integer
        api_rate_limit integer
        emails_sent integer
        sms_sent integer
        whatsapp_sent integer
        ai_credits_used integer # plans have AI credits
        ai_credits_limit integer # plans have AI credits
        active_customers integer
    """,
    "decision_intelligence_runs": """
        status string
        engine_version string
        duration_ms integer
        signals [signal] # signals are scored for trust and bias
        recommendations [recommendation] # documented with rank, impact, confidence and issue
        created_at date-time
    """,
    "seo_keywords": """
        keyword string
        page_url string
        country_code string
        device string
        position number
        previous_position number
        clicks integer
        prior_clicks integer # findings on decay contain priorClicks and nowClicks
        impressions integer
        ctr number
        search_volume integer
        cpc number
        currency string
        is_branded boolean # branded and non-branded queries are distinguished
        ai_overview boolean # the presence of an AI overview is documented
        serp_features [string] # an inventory of them is documented
        opportunity_score number # a traffic-weighted score is documented
        created_at date-time
        updated_at date-time
    """,
}


class Field(NamedTuple):
    """One attribute of a resource."""

    schema: Schema
    documented: bool
    writable: bool
    basis: str | None

    @property
    def scalar(self) -> bool:
        """Whether clients can filter and sort by the field: its value is neither a list nor an object."""
        return self.schema["type"][0] not in {"array", "object"}


def _schema(type_: str) -> Schema:
    """Return the JSON Schema of a type in the tables; every value may be null."""
    if type_.startswith("["):
        return {"type": ["array", "null"], "items": _schema(type_[1:-1])}
    if type_ in _OBJECT_TYPES:
        members = (member.split() for member in _OBJECT_TYPES[type_].split(", "))
        properties = {name: _schema(inner) for name, inner in members}
        return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
    if type_ in {"date", "date-time"}:
        return {"type": ["string", "null"], "format": type_}
    return {"type": [type_, "null"]}


def _field(line: str) -> tuple[str, Field]:
    """Parse one line of a table."""
    declaration, _, basis = line.partition(" # ")
    name, type_, *marks = declaration.split()
    return name, Field(_schema(type_), "documented" in marks, "writable" in marks, basis or None)


FIELDS: dict[str, dict[str, Field]] = {
    stream: dict(_field(line) for line in table.strip().splitlines()) for stream, table in _TABLES.items()
}
"""Fields by stream and name."""

WRITABLE: dict[str, tuple[str, ...]] = {
    stream: tuple(name for name, field in fields.items() if field.writable)
    for stream, fields in FIELDS.items()
}
"""Names of the fields that a write may set, by stream."""
