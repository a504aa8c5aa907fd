"""Rows about the shop itself: campaigns, journeys, products, stock, engine runs, keywords and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world import random_source as chance
from sumeru_sandbox.world.clock import DAY, day, stamp
from sumeru_sandbox.world.random_source import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox.world.shop_model import Outline

    Row = dict[str, Any]


def _when(moments: Mapping[str, int], *fields: str) -> Row:
    return {field: stamp(moments[field]) if field in moments else None for field in fields}


class Goods:
    """The rows of the shop's own streams, by index."""

    def __init__(self, shop: Outline) -> None:
        self._shop = shop

    def campaign(self, index: int) -> Row:
        """A one-off send to an audience."""
        draw = self._shop.draws["campaigns"](index)
        moments = self._shop.timelines["campaigns"].moments(index)
        launched, completed = "launched_at" in moments, "completed_at" in moments
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
            "channels": [chance.CHANNELS[draw[8] % 4]],
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
            "revenue_attributed": money(draw[14] * 7) if completed else None,
            "currency": self._shop.currency,
            **_when(moments, "scheduled_at", "launched_at", "completed_at", "created_at", "updated_at"),
        }

    def journey(self, index: int) -> Row:
        """An automated journey."""
        draw = self._shop.draws["journeys"](index)
        moments = self._shop.timelines["journeys"].moments(index)
        name, trigger = (
            ("Cart recovery", "cart_abandoned"),
            ("Post-purchase", "order_created"),
            ("Welcome", "customer_created"),
            ("Win-back", "lifecycle_changed"),
            ("Anniversaire", "customer_tagged"),
        )[index % 5]
        channel = chance.CHANNELS[draw[0] % 3]
        kinds = (
            ("wait", None, 60),
            ("condition", None, None),
            ("message", channel, None),
            ("wait", None, 1440),
        )
        return {
            "name": name if index < 5 else f"{name} é",  # noqa: PLR2004
            "kind": "custom" if draw[1] % 2 else "built_in",
            "status": "paused" if draw[2] % 5 == 0 else "active",
            "trigger": trigger,
            "channels": [channel],
            "exit_on_purchase": True if draw[3] % 3 else None,
            "steps": [
                {"id": f"stp_{index}{number}", "kind": kind, "channel": by, "wait_minutes": minutes}
                for number, (kind, by, minutes) in enumerate(kinds)
            ],
            "active_enrollments": self._shop.enrolled(index, still=True),
            "total_enrollments": self._shop.enrolled(index, still=False),
            **_when(moments, "published_at", "created_at", "updated_at"),
        }

    def product(self, index: int) -> Row:
        """A product with its three variants."""
        draw = self._shop.draws["products"](index)
        moments = self._shop.timelines["products"].moments(index)
        prices = [self._shop.price(index, number) for number in range(3)]
        title = self._shop.title(index)
        variants = [
            {
                "id": f"var_{index:08}{number}",
                "sku": f"SKU-{index}-{number}",
                "title": size,
                "barcode": f"40{index:08}{number:02}" if draw[1] % 6 else None,
                "price": money(prices[number]),
                "compare_at_price": money(prices[number] * 5 // 4) if draw[2] % 4 == 0 else None,
                "weight_grams": 100 + draw[3] % 2000,
            }
            for number, size in enumerate("SML")
        ]
        return {
            "shopify_product_id": f"gid://shopify/Product/{8_000_000_000 + index}",
            "title": title,
            "handle": f"product-{index}",
            "description": chance.NOTES[draw[4] % 8]
            if draw[4] % 3 == 0
            else f"<p>{title}, made to last.</p>",
            "vendor": ("Northwind", "Müller & Söhne", "Acme")[draw[5] % 3],
            "product_type": ("apparel", "home", None)[draw[6] % 3],
            "status": "active" if "published_at" in moments else "draft",
            "tags": (["new"], ["sale", "new"], [])[draw[7] % 3],
            "currency": self._shop.currency,
            "price_min": money(min(prices)),
            "price_max": money(max(prices)),
            "options": [{"name": "Size", "values": ["S", "M", "L"]}],
            "variants": variants,
            "image_url": f"https://images.example.com/{index}.jpg" if draw[8] % 10 else None,
            **_when(moments, "published_at", "created_at", "updated_at"),
        }

    def stock(self, index: int) -> Row:
        """The stock of a variant at a location."""
        draw = self._shop.draws["inventory"](index)
        number, rest = divmod(index, 6)
        variant, location = divmod(rest, 2)
        on_hand, committed = draw[0] % 500, draw[1] % 20
        return {
            "product_id": self._shop.ident("products", number),
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
            "unit_cost": money(self._shop.price(number, variant) * 2 // 5),
            "currency": self._shop.currency,
            **_when(self._shop.timelines["inventory"].moments(index), "created_at", "updated_at"),
        }

    def run(self, index: int) -> Row:
        """An hourly run of the decision engine."""
        draw = self._shop.draws["decision_intelligence_runs"](index)
        made = self._shop.timelines["decision_intelligence_runs"].anchor(index)
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
                    "trust": money(50 + draw[2 + place] % 51),
                    "bias": money(draw[5 + place] % 21 - 10),
                }
                for place, name in enumerate(("sales", "inventory", "ad_roas"))
            ],
            "recommendations": [
                {
                    "rank": place + 1,
                    "issue": actions[(draw[8] + place) % 3][0],
                    "action": actions[(draw[8] + place) % 3][1],
                    "impact": ("high", "medium", "low")[place],
                    "confidence": money(99 - place * 7 - draw[9] % 20),
                    "explanation": None if draw[10 + place] % 4 == 0 else "Compared with the 28 days before.",
                    "applied_at": stamp(made) if place == 0 and draw[13] % 10 == 0 else None,
                }
                for place in range(1 + draw[14] % 3)
            ],
            "created_at": stamp(made),
        }

    def keyword(self, index: int) -> Row:
        """A search query for which the shop ranks."""
        draw = self._shop.draws["seo_keywords"](index)
        impressions = 100 + draw[0] % 20_000
        clicks = impressions * (draw[1] % 20) // 100
        thing = chance.THINGS[draw[2] % len(chance.THINGS)].lower()
        return {
            "keyword": f"{chance.COLOURS[draw[3] % len(chance.COLOURS)].lower()} {thing} {index}",
            "page_url": f"https://shop.example.com/products/product-{index % self._shop.counts['products']}",
            "country_code": ("US", "GB", "DE", "FR")[draw[4] % 4],
            "device": ("mobile", "desktop", "tablet")[draw[5] % 3],
            "position": money(100 + draw[6] % 5000),
            "previous_position": money(100 + draw[7] % 5000) if draw[7] % 9 else None,
            "clicks": clicks,
            "prior_clicks": draw[8] % 900,
            "impressions": impressions,
            "ctr": money(clicks * 100 // impressions),
            "search_volume": draw[9] * 3 if draw[9] % 6 else None,
            "cpc": money(10 + draw[10] % 500),
            "currency": self._shop.currency,
            "is_branded": draw[11] % 10 == 0,
            "ai_overview": draw[12] % 3 == 0,
            "serp_features": (["featured_snippet", "images"], ["people_also_ask"], [])[draw[13] % 3],
            "opportunity_score": money(draw[14] % 10_001),
            **_when(self._shop.timelines["seo_keywords"].moments(index), "created_at", "updated_at"),
        }

    def usage(self, index: int) -> Row:
        """What the shop used on one day."""
        draw = self._shop.draws["usage"](index)
        return {
            "date": day(self._shop.timelines["usage"].anchor(index) // DAY),
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
