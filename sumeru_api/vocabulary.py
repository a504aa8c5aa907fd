"""Words that may be shown of an API message: parts of the API's names, and ordinary English words."""

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
a able abort aborted about above absent acceptable accepted access according acknowledge act add added
adding additional again aged alert all allow allowed allowing alone along already also although always
among an and another answer any anything appear appears applies apply are argument around as ascending ask
asked asks assigned associated at attempt attempts attribute authenticated authentication automatically
avoid await back backend bad base based basic be because become been begin begins behind being belong
belongs below best better between beyond big block blocked both bound break breaks broken busy but by
cache cached call calls came can cancel cannot case cause caused causes certain certificate change changed
characters check choose class clear clients close closed cloud cold collection column columns come comma
command comments common complete concurrent condition configured confirm conflicts connect connected
connection connections contact contacts contain contains context continue control correct correctly
corrupt corrupted cors could couldn counted couple creation credential credentials cross csv cut database
deactivated deadline declared default defined degraded deletion denied depend depends deprecated depth
descending describe desired despite detail detected determine did didn different digit digits direct
disabled disallowed disconnected discontinued disk distinct dns do documentation documented does doesn
domain don done double down downstream downtime due duplicate duplicated during each earlier early edit eg
either element else empty enable enabled encoded encoding encountered end ended ending ends enough ensure
enter entire entities entity entries entry environment equal escape etc even event events ever every
everything exact exactly example exceed exceeded exceeds except exception exclusive execute exhausted
exist existing exists expect expected expiration expire expired expires expiry explicit expression
extended extension external fail failed fails failure fall fault feed fetch fetched fetching few field
finish finished finishes fit fix fixed flag flags following for force forever form formatted forward found
fraction free future gateway general generated generic give given gives global go goes going gone good
granted greater group had half handled handler handling happen happened has hash hasn have here hits hold
hosts how however html identical identifier identifiers ie if ignore ignored immediately implemented
importing impossible improper in inaccessible inactive incomplete inconsistent incorrect incorrectly
increase index indicate individual ineligible information infrastructure initial input insert inside
instance instead insufficient integers integrations intended interrupted interval into introduced
invalidated ip is isn iso issued it its itself join just jwt kb keep keys known label lack lacks language
large larger largest late later latest least leave left legacy length less let letter letters level like
likely link links listed listing load loaded lock locked log logged login logs long longer lookup lost low
lower made main maintenance make malformed managed mandatory many mark match matched matches matching max
maximum may mb mean means meant mechanism media meet members memory mentioned message messages middle
migrated migration min minimum mismatch mode modification modified module moment monthly more most moved
moving multiple must mutually namespace near need needed needs negative neither nested network never new
newer no node nodes non none nor normal not nothing notice now numbers numeric oauth obsolete obtain occur
occurs of off offline offset often ok okay old older on once one ones online only open operation
operations operator optional or origin original other otherwise our out outage outside over overloaded
overridden own owner package parse parsed parsing part partial partially parts pass passed past pause
paused perform performed performing period permanently permit permitted phase pick place platform please
policy pool populated port positive possible possibly prefix prepare present presented prevent prevented
preview primary print private proceed process processed processing produced prohibited project properly
property protected protocol provide provided proxy purpose quickly quoted raise raised range rather reach
reached reading ready real reasons receive received recent recognised recognized record records recover
recreate reduce refer reference references refresh refuse refused regenerate region registered reject
rejected related relationship release released remain remaining remains remote removal remove removed
rename renewal repeat repeated replace replaced replica replication report reported represent requesting
require requirement requires resend reserved resolve resolved responded responding response responses rest
restart restarted restore restricted restriction result results resume retention retried return returned
returns revoked rfc right rights root rotate route router routes rule rules safe said same sample save
saved say says schedule schema section secure security see seem select selected selection semantic
separate separated sequence serial serialization serve served session sessions set sets setting settings
setup shard sharded shared short shorter should shut shutdown side sign signed similar simple simultaneous
since single site slightly slow slower small smaller some something sooner sorry sorting space special
specific specification specified specify spend split ssl stable stale standard start started starting
starts statement still stop stopped storage store stored stream strict structure style subset such suffix
suitable supplied supply support supported supports suspended switch synchronised syntax system table take
taken takes team temporarily temporary tenant terminated terms than that the their them then there these
they thing third this those though three threshold throttle throttled throttling through thrown tier till
timed times timezone tls together too took tool top trace traffic transaction transfer transient transport
tree tried truncated try trying turn twice two typed unable unacceptable unauthorised unchanged undefined
under undergoing unexpected unfinished unfortunately unhandled unique units unless unprocessed unreachable
unreadable unrecognised unrecognized unresolved unrestricted unsafe unset unsigned unsuccessful
unsupported until unusual up update updates upgraded uploaded upper upstream urgent usable use uses using
usually utc utf uuid v valid validate validated verification verified verify versions via view violated
violates violation waiting warning was wasn way we were weren what when where whether which whichever
while whitespace who whole whose why wildcard will wish with within without word words work worker working
works worse would writes writing written wrong xml year years yet you your zero zone zones
"""
_BEFORE_NUMBERS = """
after and at between code every exceed exceeds from http in least limit maximum minimum most of over page
status than to under up version with within
"""

NAMES = frozenset(_NAMES.split())
"""Parts of parameters, fields, resources, scopes and codes, in lower case."""

WORDS = NAMES | frozenset(_SENTENCES.split())
"""The same, and words of sentences."""

BEFORE_NUMBERS = frozenset(_BEFORE_NUMBERS.split())
"""Words after which a short number is a limit or a duration."""

FIRST_NAMES = frozenset({"mark", "max", "may", "will"})
"""Words that are first names too, if they are capitalised."""
