"""Words that a message of the API may show: parts of its names, and words that hold sentences together."""

from __future__ import annotations

_NAMES = """
accepts action active actor address after agency ai allocation amount analytics api applied approval
attributed attributes attribution audience authorization available average barcode batch bearer before
bias body branded bulk burst campaign campaigns cancelled channel channels churn city clicked clicks code
codes committed compare completed confidence config conflict content converted copt cost count country cpc
create created credit credits ctr currency current cursor customer customers daily data date day days
decision delete deleted delivered description details device discount discounts duration email emails
endpoint engine enrolled enrollment enrollments enterprise error errors executed exit exited explanation
extra false fatigue feature features fields file filter filters financial first forbidden format from
fulfilled fulfillment get grams hand handle header headers holdout host hour hours http https id
idempotency ids image impact impressions include included incoming info inserted integer intelligence
internal invalid inventory issue items journey journeys json key keyword keywords kind last launch
launched lifecycle limit limited limits line list live local locale location ltv manage medium member
merged meta method minute minutes missing mo model months ms name next note null number object occurred
opened opportunity option options order ordered orders overview page pages pagination paid param parameter
parameters parent patch path pattern payload pending per percent permission permissions phone placed plan
plans point position post postal predicted predictive preference previous price prior pro product
production products province public published purchase put quantity query quota rank rate read reason
recommendation recommendations refunded refunds relationships reorder request requests required reset
resource resources retry revenue rfm risk role row rows run runs scheduled scope scopes score search
second seconds segment segments send sent seo serp server service shape shipping shop shopify shops signal
signals size skipped sku skus sms sort source spent stage starter state status step steps string subject
subscription subtotal sumeru systems tags target tax template test time timeout timestamp title to token
tokens total touchpoint touchpoints tracked trigger true trust type types unauthenticated unauthorized
unavailable unit unknown unprocessable unsubscribed updated upgrade upsert url usage used user validation
value values variant variants vendor version visible volume wait webhook webhooks week weight whatsapp
window write yesterday
"""
_SENTENCES = """
a about above accepted access again all allow allowed already also an and answer any are argument as at
authenticated authentication bad be because been below between but by can cannot change changed check
could couldn denied did didn do does doesn don down each either empty enough every exceed exceeded exceeds
exist exists expected expired expires failed failure few field for found free gone had has hasn have here
if in into is isn it its lack lacks large late later least length less long longer maintenance many max
maximum min minimum more most must need needed needs neither never no none nor not now of off offset old
on one only or other our out over please provide provided received rejected see shard should slow small
some something supported temporarily temporary than that the their then there these this those through too
try twice two unexpected unless unsupported until up use v wasn we were weren what when where which while
who with within without would wrong you your
"""
_INTRODUCING = """
account address addressed bearer buyer by called city client company contact customer email for from handle
key mail mr mrs ms name named note password person phone recipient secret shopper street surname tag token
user username value
"""

NAMES = frozenset(_NAMES.split())
"""Parts of parameters, fields, resources, scopes and codes, in lower case."""

WORDS = NAMES | frozenset(_SENTENCES.split())
"""The same, and words of sentences."""

INTRODUCING = frozenset(_INTRODUCING.split())
"""Words after which a value may follow unquoted: up to the end of the sentence, only `WORDS` are shown."""
