"""Generated rows of campaigns, journeys, products, inventory, usage, decision runs and SEO keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world import sample_values
from sumeru_sandbox.world.clock import DAY, format_date, format_timestamp
from sumeru_sandbox.world.sample_values import hundredths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox.world.shop_model import ShopModel

    Row = dict[str, Any]


def _formatted(timestamps: Mapping[str, int], *fields: str) -> Row:
    return {field: format_timestamp(timestamps[field]) if field in timestamps else None for field in fields}


class ShopRows:
    """Builds the rows that belong to the shop rather than to a customer, by index."""

    def __init__(self, shop: ShopModel) -> None:
        self._shop = shop

    def campaign(self, index: int) -> Row:
        """Return a campaign: one message to an audience."""
        draw = self._shop.draws["campaigns"](index)
        timestamps = self._shop.timelines["campaigns"].timestamps(index)
        launched, completed = "launched_at" in timestamps, "completed_at" in timestamps
        audience = 100 + draw[0] % 5000
        sent = audience - draw[1] % 50
        delivered = sent - draw[2] % 20
        opened = delivered * (20 + draw[3] % 40) // 100
        clicked = opened * (5 + draw[4] % 30) // 100
        season = ("Spring", "Summer", "Autumn", "Winter")[draw[5] % 4]
        return {
            "name": f"{season} Sale {index}" if draw[6] % 25 else f'{season}: "Früh" {index}',
            "audience_id": f"seg_{draw[7] % 20:04}",
            "status": "completed" if completed else "sending" if launched else "draft",
            "channels": [sample_values.CHANNELS[draw[8] % 4]],
            "subject": f"{season} is here" if draw[9] % 8 else None,
            "holdout_percent": (None, 5, 10, 20)[draw[10] % 4],
            "approval_status": ("approved", None)[draw[11] % 2],
            "send_in_local_time": draw[12] % 2 == 0,
            "audience_size": audience,
            "sent": sent if launched else 0,
            "skipped": audience - sent if launched else 0,
            "delivered": delivered if launched else 0,
            "opened": opened if launched else 0,
            "clicked": clicked if launched else 0,
            "unsubscribed": draw[13] % 5 if launched else 0,
            "revenue_attributed": hundredths(draw[14] * 7) if completed else None,
            "currency": self._shop.currency,
            **_formatted(
                timestamps, "scheduled_at", "launched_at", "completed_at", "created_at", "updated_at"
            ),
        }

    def journey(self, index: int) -> Row:
        """Return an automated journey."""
        draw = self._shop.draws["journeys"](index)
        timestamps = self._shop.timelines["journeys"].timestamps(index)
        name, trigger = (
            ("Cart recovery", "cart_abandoned"),
            ("Post-purchase", "order_created"),
            ("Welcome", "customer_created"),
            ("Win-back", "lifecycle_changed"),
            ("Anniversaire", "customer_tagged"),
        )[index % 5]
        channel = sample_values.CHANNELS[draw[0] % 3]
        kinds = (
            ("wait", None, 60),
            ("condition", None, None),
            ("message", channel, None),
            ("wait", None, 1440),
        )
        return {
            "name": name if index < 5 else f"{name} é",  # noqa: PLR2004 - some names without, some with
            "kind": "custom" if draw[1] % 2 else "built_in",
            "status": "paused" if draw[2] % 5 == 0 else "active",
            "trigger": trigger,
            "channels": [channel],
            "exit_on_purchase": True if draw[3] % 3 else None,
            "steps": [
                {"id": f"stp_{index}{number}", "kind": kind, "channel": by, "wait_minutes": minutes}
                for number, (kind, by, minutes) in enumerate(kinds)
            ],
            "active_enrollments": self._shop.enrollment_count(index, active_only=True),
            "total_enrollments": self._shop.enrollment_count(index, active_only=False),
            **_formatted(timestamps, "published_at", "created_at", "updated_at"),
        }

    def product(self, index: int) -> Row:
        """Return a product with its three variants."""
        draw = self._shop.draws["products"](index)
        timestamps = self._shop.timelines["products"].timestamps(index)
        prices = [self._shop.price(index, number) for number in range(3)]
        title = self._shop.title(index)
        variants = [
            {
                "id": f"var_{index:08}{number}",
                "sku": f"SKU-{index}-{number}",
                "title": size,
                "barcode": f"40{index:08}{number:02}" if draw[1] % 6 else None,
                "price": hundredths(prices[number]),
                "compare_at_price": hundredths(prices[number] * 5 // 4) if draw[2] % 4 == 0 else None,
                "weight_grams": 100 + draw[3] % 2000,
            }
            for number, size in enumerate("SML")
        ]
        return {
            "shopify_product_id": f"gid://shopify/Product/{8_000_000_000 + index}",
            "title": title,
            "handle": f"product-{index}",
            "description": sample_values.NOTES[draw[4] % 8]
            if draw[4] % 3 == 0
            else f"<p>{title}, made to last.</p>",
            "vendor": ("Northwind", "Müller & Söhne", "Acme")[draw[5] % 3],
            "product_type": ("apparel", "home", None)[draw[6] % 3],
            "status": "active" if "published_at" in timestamps else "draft",
            "tags": (["new"], ["sale", "new"], [])[draw[7] % 3],
            "currency": self._shop.currency,
            "price_min": hundredths(min(prices)),
            "price_max": hundredths(max(prices)),
            "options": [{"name": "Size", "values": ["S", "M", "L"]}],
            "variants": variants,
            "image_url": f"https://images.example.com/{index}.jpg" if draw[8] % 10 else None,
            **_formatted(timestamps, "published_at", "created_at", "updated_at"),
        }

    def inventory_level(self, index: int) -> Row:
        """Return the stock of a variant at a location."""
        draw = self._shop.draws["inventory"](index)
        number, rest = divmod(index, 6)
        variant, location = divmod(rest, 2)
        on_hand, committed = draw[0] % 500, draw[1] % 20
        return {
            "product_id": self._shop.row_id("products", number),
            "variant_id": f"var_{number:08}{variant}",
            "location_id": f"loc_{location + 1}",
            "location_name": ("Main warehouse", "Køkken, 2. sal")[location],
            "sku": f"SKU-{number}-{variant}",
            "tracked": draw[2] % 20 != 0,
            "available": max(0, on_hand - committed),
            "on_hand": on_hand,
            "committed": committed,
            "incoming": draw[3] % 100 if draw[3] % 4 == 0 else 0,
            "reorder_point": draw[4] % 50 if draw[4] % 3 else None,
            "unit_cost": hundredths(self._shop.price(number, variant) * 2 // 5),
            "currency": self._shop.currency,
            **_formatted(self._shop.timelines["inventory"].timestamps(index), "created_at", "updated_at"),
        }

    def decision_run(self, index: int) -> Row:
        """Return an hourly run of the decision engine."""
        draw = self._shop.draws["decision_intelligence_runs"](index)
        made = self._shop.timelines["decision_intelligence_runs"].created_at(index)
        actions = (
            ("Stock runs low", "Reorder"),
            ("ROAS fell", "Pause the ad set"),
            ("Décroissance", "Win back"),
        )
        return {
            "status": "failed" if draw[0] % 50 == 0 else "completed",
            "engine_version": "2026.05",
            "duration_ms": 500 + draw[1] % 9000,
            "signals": [
                {
                    "name": name,
                    "trust": hundredths(50 + draw[2 + place] % 51),
                    "bias": hundredths(draw[5 + place] % 21 - 10),
                }
                for place, name in enumerate(("sales", "inventory", "ad_roas"))
            ],
            "recommendations": [
                {
                    "rank": place + 1,
                    "issue": actions[(draw[8] + place) % 3][0],
                    "action": actions[(draw[8] + place) % 3][1],
                    "impact": ("high", "medium", "low")[place],
                    "confidence": hundredths(99 - place * 7 - draw[9] % 20),
                    "explanation": None if draw[10 + place] % 4 == 0 else "Compared with the 28 days before.",
                    "applied_at": format_timestamp(made) if place == 0 and draw[13] % 10 == 0 else None,
                }
                for place in range(1 + draw[14] % 3)
            ],
            "created_at": format_timestamp(made),
        }

    def keyword(self, index: int) -> Row:
        """Return a search query for which the shop ranks."""
        draw = self._shop.draws["seo_keywords"](index)
        impressions = 100 + draw[0] % 20_000
        clicks = impressions * (draw[1] % 20) // 100
        colours, products = sample_values.COLOURS, sample_values.PRODUCT_NAMES
        colour, product = colours[draw[3] % len(colours)], products[draw[2] % len(products)]
        return {
            "keyword": f"{colour.lower()} {product.lower()} {index}",
            "page_url": f"https://shop.example.com/products/product-{index % self._shop.counts['products']}",
            "country_code": ("US", "GB", "DE", "FR")[draw[4] % 4],
            "device": ("mobile", "desktop", "tablet")[draw[5] % 3],
            "position": hundredths(100 + draw[6] % 5000),
            "previous_position": hundredths(100 + draw[7] % 5000) if draw[7] % 9 else None,
            "clicks": clicks,
            "prior_clicks": draw[8] % 900,
            "impressions": impressions,
            "ctr": hundredths(clicks * 100 // impressions),
            "search_volume": draw[9] * 3 if draw[9] % 6 else None,
            "cpc": hundredths(10 + draw[10] % 500),
            "currency": self._shop.currency,
            "is_branded": draw[11] % 10 == 0,
            "ai_overview": draw[12] % 3 == 0,
            "serp_features": (["featured_snippet", "images"], ["people_also_ask"], [])[draw[13] % 3],
            "opportunity_score": hundredths(draw[14] % 10_001),
            **_formatted(self._shop.timelines["seo_keywords"].timestamps(index), "created_at", "updated_at"),
        }

    def usage(self, index: int) -> Row:
        """Return the usage of one day."""
        draw = self._shop.draws["usage"](index)
        return {
            "date": format_date(self._shop.timelines["usage"].created_at(index) // DAY),
            "plan": self._shop.plan,
            "api_requests": draw[0],
            "api_rate_limit": self._shop.rate_limit or None,
            "emails_sent": draw[1] % 5000,
            "sms_sent": draw[2] % 300,
            "whatsapp_sent": draw[3] % 100 if draw[3] % 7 else None,
            "ai_credits_used": draw[4] % 400,
            "ai_credits_limit": 10_000,
            "active_customers": draw[5] % self._shop.counts["customers"],
        }
