"""What is said on a call about alarms. It always fits one turn (T-05). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.config.alarms import LIMIT, AlarmConfig
from agent.config.menus import Language
from agent.phone import speech
from agent.phone.alarms.model import Incident
from agent.phone.model import Heard, Moment, Seen
from agent.values import shortest

MOST = 200
MOST_ITEMS = 3
STALE_AFTER = 600.0
"""Seconds; an older reading is said to be out of date."""


@dataclass(frozen=True)
class Words:
    """``end`` closes an item, ``{…}`` is filled in; ``at`` is how a site is named.
    Where a reading is gone, ``gone`` stands for it and ``before`` before the limit."""

    alarm: str = "{site}警報。"
    test: str = "這是{site}警報系統的測試電話。"
    at: str = "{site}"
    keys: str = "知道了請按一，聯絡下一位請按二，重聽請按九。"
    keys_all: str = "全部知道了請按一，聯絡下一位請按二，重聽請按九。"
    others: str = "及其他{count}項。"
    missing: str = "{alarm}，感測器{sensor}沒有資料"
    above: str = "{alarm}，{what}{reading}，{before}高於{limit}"
    below: str = "{alarm}，{what}{reading}，{before}低於{limit}"
    equals: str = "{alarm}，{what}{reading}"
    gone: str = "目前沒有資料"
    before: str = "先前"
    end: str = "。"
    solved: str = "先前的警報已經解除，再見。"
    known: str = "已經有人處理這個警報，謝謝，再見。"
    thanks: str = "已經記下，謝謝，再見。"
    passed_on: str = "好的。"
    no_key: str = "沒有收到按鍵。"
    next: str = "將聯絡下一位，再見。"
    nobody: str = "已經沒有下一位可以聯絡，再見。"
    wrong: str = "沒有這個選項。"
    none: str = "目前沒有警報，再見。"
    quantities: Mapping[str, str] = field(
        default_factory=lambda: {
            "temperature": "溫度", "humidity": "濕度", "pressure": "氣壓", "distance": "距離",
            "voltage": "電壓", "usage": "使用率", "load": "負載", "value": "數值", "rate": "流量",
            "total": "總量", "time": "時間",
        }
    )  # fmt: skip


WORDS: Mapping[Language, Words] = {
    "zh": Words(),
    "en": Words(
        alarm="Alarm{site}. ",
        test="This is a test call of the alarm system{site}. ",
        at=" at {site}",
        keys="To acknowledge press one, for the next person two, to hear it again nine.",
        keys_all="To acknowledge all of them press one, for the next person two, "
        "to hear it again nine.",
        others="And {count} more. ",
        missing="{alarm}: there is no data from sensor {sensor}",
        above="{alarm}: {what} {reading}, {before}above {limit}",
        below="{alarm}: {what} {reading}, {before}below {limit}",
        equals="{alarm}: {what} {reading}",
        gone="has no data now",
        before="before that ",
        end=". ",
        solved="The alarm has cleared, goodbye.",
        known="Somebody is taking care of it already, thank you, goodbye.",
        thanks="Thank you, it is noted. Goodbye.",
        passed_on="All right. ",
        no_key="I did not get a key. ",
        next="I will call the next person, goodbye.",
        nobody="There is nobody else to call, goodbye.",
        wrong="That is not one of the choices. ",
        none="There is no alarm, goodbye.",
        quantities={},
    ),
}


def prompt(
    incidents: Sequence[Incident],
    alarms: Mapping[str, AlarmConfig],
    seen: Seen,
    now: Moment,
    language: Language,
    site: str | None = None,
) -> str:
    """Where something is wrong and what, the most urgent first, and the keys: at most three items,
    fewer when they are long, and how many more there are."""
    words = WORDS[language]
    test = all(incident.kind == "test" for incident in incidents)
    where = words.at.format(site=site) if site else ""
    head = (words.test if test else words.alarm).format(site=where)
    items = [
        item(alarms[incident.alarm], incident, seen, now, language)
        for incident in incidents
        if incident.alarm in alarms
    ]
    for count in range(min(len(items), MOST_ITEMS), 0, -1):
        more = len(items) - count
        said = "".join(one + words.end for one in items[:count])
        text = head + said + _ending(more, language)
        if len(text) <= MOST:
            return text
    if not items:
        return head + words.keys
    # One that is too long by itself: what fits of it, cut where a sentence allows.
    ending = _ending(len(items) - 1, language)
    room = MOST - len(head) - len(words.end) - len(ending)
    first = speech.split(items[0], room)[0].rstrip("。，. ")
    return head + first + words.end + ending


def again(language: Language) -> str:
    """After a wrong key."""
    return WORDS[language].wrong + WORDS[language].keys


def item(
    alarm: AlarmConfig, incident: Incident, seen: Seen, now: Moment, language: Language
) -> str:
    """One alarm in words, without its full stop."""
    words = WORDS[language]
    if incident.kind == "missing":
        return _missing(alarm, seen, now, language)
    limit = shortest(alarm.limit) if isinstance(alarm.limit, float) else alarm.limit or ""
    if alarm.say is not None:
        known = {**seen, LIMIT: Heard((limit,), (alarm.unit,), age=0.0)}
        text = speech.render(alarm.say, known, now, STALE_AFTER, language)
        return _sentence(text)
    heard = seen.get(alarm.sensor, Heard(()))
    name = heard.quantities[alarm.quantity] if alarm.quantity < len(heard.quantities) else ""
    good = heard.quality == "good" and alarm.quantity < len(heard.values)
    reading = words.gone
    if good:
        reading = speech.quantity(heard.values[alarm.quantity], alarm.unit, language)
    elif incident.kind == "test":  # nothing is known of any limit
        return _missing(alarm, seen, now, language)
    form = words.equals
    if alarm.above is not None:
        form = words.above
    elif alarm.below is not None:
        form = words.below
    return form.format(
        alarm=alarm.id,
        what=words.quantities.get(name, name),
        reading=reading,
        before="" if good else words.before,
        limit=speech.quantity(limit, alarm.unit, language),
    )


def _missing(alarm: AlarmConfig, seen: Seen, now: Moment, language: Language) -> str:
    if alarm.say_missing is not None:
        return _sentence(speech.render(alarm.say_missing, seen, now, STALE_AFTER, language))
    return WORDS[language].missing.format(alarm=alarm.id, sensor=alarm.sensor)


def _sentence(text: str) -> str:
    """Without its full stop."""
    return text.rstrip().rstrip("。.")


def _ending(more: int, language: Language) -> str:
    """The keys; before them how many more alarms there are, which 1 acknowledges, too."""
    words = WORDS[language]
    return _others(more, language) + words.keys_all if more else words.keys


def _others(count: int, language: Language) -> str:
    counted = "兩" if language == "zh" and count == 2 else speech.number(str(count), language)
    return WORDS[language].others.format(count=counted)
