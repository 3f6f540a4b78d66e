"""A script of steps: when it acts, when it is done, and how it fails."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.terminal.events import Ended, Event, Listening, Music, Other, Spoken, Trouble, event_of
from twin.terminal.script import LISTENS_WITHIN, Failed, Script
from twin.terminal.steps import (
    Act,
    Expect,
    ExpectEnd,
    HangUp,
    Keys,
    Record,
    Say,
    Silence,
    Step,
    add_steps,
    duration,
    message_of,
    phone_number,
    understand,
)

ASKS = Listening("keys", 10)
OVER = Ended("the service hung up")


def play(steps: list[Step], *events: Event) -> tuple[list[Act], bool]:
    """What a script does on these events, a second apart, and whether it is done."""
    script = Script(steps, 10, 0.0)
    acts = [act for at, event in enumerate(events) for act in script.hear(event, float(at))]
    return acts, script.done


def failure(steps: list[Step], *events: Event) -> str:
    """How the script fails on these events, or at its deadline after them."""
    script = Script(steps, 10, 0.0)
    with pytest.raises(Failed) as failed:
        for at, event in enumerate(events):
            script.hear(event, float(at))
        assert not script.done
        script.wait()
    return str(failed.value)


# --- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "act"), [
    ("1", Keys("1")),
    (" 1 2 # \n", Keys("12#")),
    ("＊１２＃", Keys("*12#")),
    ("台北", Say("台北")),
    ("台北/0.6", Say("台北", 0.6)),
    ("台北 / .6", Say("台北", 0.6)),
    ("a/b/1.0", Say("a/b", 1.0)),
    ("1/2", Say("1/2")),
    ("say 12", Say("12")),
    ("SAY 台北 車站/0.5", Say("台北 車站", 0.5)),
    ("say", Say("say")),
    ("record 請回電", Record("請回電")),
    ("silence", Silence()),
    ("silence please", Say("silence please")),
    ("hangup", HangUp()),
    ("", None),
    ("  \n", None),
])
def test_a_typed_line_and_what_it_does(line: str, act: Act | None) -> None:
    assert understand(line) == act


def test_while_the_service_records_a_line_is_for_the_recording() -> None:
    assert understand("請回電 / 0.6", "recording") == Record("請回電 / 0.6")
    assert understand("#", "recording") == Keys("#")
    assert understand("say 早", "recording") == Say("早")


@given(st.text())
def test_any_line_has_a_meaning(line: str) -> None:
    act = understand(line)
    assert (act is None) == (not line.strip())
    if act is not None:
        assert len(message_of(act)) in (1, 2)


@pytest.mark.parametrize(("act", "message"), [
    (Keys("12#"), {"keys": "12#"}),
    (Say("台北"), {"say": "台北"}),
    (Say("台北", 0.6), {"say": "台北", "confidence": 0.6}),
    (Record("請回電"), {"record": "請回電"}),
    (Silence(), {"silence": True}),
    (HangUp(), {"hangup": True}),
])
def test_an_act_on_the_control_socket(act: Act, message: dict[str, object]) -> None:
    assert message_of(act) == message


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_steps(parser)
    return parser.parse_args(words)


def test_options_keep_their_order() -> None:
    args = parsed("--expect", "請按", "--keys", "1", "--silence", "--say", "台北/0.6", "--expect",
                  "晴", "--record", "早", "--expect-end", "--keys", "2", "--timeout", "500ms",
                  "--hangup")
    assert args.steps == [
        Expect("請按"), Keys("1"), Silence(), Say("台北", 0.6), Expect("晴"), Record("早"),
        ExpectEnd(), Keys("2"), HangUp()]
    assert args.timeout == 0.5


@pytest.mark.parametrize("words", [
    ("--keys", "1a"), ("--keys", ""), ("--say", " "), ("--expect", ""), ("--record", ""),
    ("--timeout", "soon"), ("--timeout", "-1s"),
])
def test_options_that_mean_nothing_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(argparse.ArgumentError):
        parsed(*words)


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("2", 2), ("1.5m", 90), ("1h", 3600)])
def test_times(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.req("T-28")
@pytest.mark.parametrize("text", ["912345678", "03-4240000", "0", "０３４２４００００", ""])
def test_what_is_no_phone_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        phone_number(text)
    assert phone_number("034240000") == "034240000"


# --- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "event"), [
    ({"event": "spoken", "text": "早", "voice": "F", "seconds": 0.5}, Spoken("早", "F", 0.5)),
    ({"event": "spoken", "text": "早", "voice": "M"}, Spoken("早", "M", 0.0)),
    ({"event": "music"}, Music()),
    ({"event": "listening", "for": "speech", "seconds": 9}, Listening("speech", 9)),
    ({"event": "listening", "for": "keys"}, Listening("keys", None)),
    ({"event": "ended", "why": "so"}, Ended("so")),
    ({"error": "no such number"}, Trouble("no such number")),
    ({"event": "ringing"}, Other("ringing")),
    ({"new": 1}, Other("")),
])
def test_messages_of_the_twin(message: dict[str, object], event: Event) -> None:
    assert event_of(message) == event


# --- the script -----------------------------------------------------------------------------------


def test_a_key_waits_until_the_service_listens() -> None:
    steps: list[Step] = [Keys("1"), Expect("晴")]
    assert play(steps, Spoken("請按一")) == ([], False)
    assert play(steps, Spoken("請按一"), ASKS) == ([Keys("1")], False)
    assert play(steps, Spoken("請按一"), ASKS, Spoken("天氣晴朗")) == ([Keys("1")], True)


def test_each_act_waits_to_be_asked_anew() -> None:
    steps: list[Step] = [Keys("9"), Keys("1")]
    assert play(steps, Spoken("按一"), ASKS) == ([Keys("9")], False)
    assert play(steps, Spoken("按一"), ASKS, Spoken("按一"), ASKS)[0] == [Keys("9"), Keys("1")]


def test_having_listened_is_over_when_the_service_says_something_else() -> None:
    before: list[Event] = [Spoken("按一"), ASKS, Spoken("逾時，請重新輸入")]
    steps: list[Step] = [Expect("重新輸入"), Keys("1")]
    assert play(steps, *before) == ([], False)
    assert play(steps, *before, Spoken("按一"), ASKS)[0] == [Keys("1")]


def test_a_text_that_is_repeated_is_still_listened_for() -> None:
    steps: list[Step] = [Expect("按一"), Expect("按一"), Keys("1")]
    assert play(steps, Spoken("按一"), ASKS, Spoken("按一"))[0] == [Keys("1")]


def test_expectations_in_a_row_are_heard_in_that_order_perhaps_in_one_text() -> None:
    assert play([Expect("一"), Expect("二")], Spoken("一、二"))[1]
    assert play([Expect("一"), Expect("二")], Spoken("一"), Spoken("又"), Spoken("二"))[1]
    assert not play([Expect("二"), Expect("一")], Spoken("一、二"))[1]
    assert not play([Expect("一"), Expect("一")], Spoken("一、二"))[1]
    assert play([Expect("一"), Expect("一")], Spoken("一、一"))[1]


def test_what_was_heard_before_an_act_is_no_answer_to_it() -> None:
    asked: list[Event] = [Spoken("台北請按一"), ASKS]
    assert not play([Keys("1"), Expect("台北")], *asked)[1]
    assert play([Keys("1"), Expect("台北")], *asked, Spoken("台北晴"))[1]


def test_a_last_act_is_followed_until_the_service_listens_or_hangs_up() -> None:
    asked: list[Event] = [Spoken("按一"), ASKS]
    assert not play([Keys("1")], *asked, Spoken("好"))[1]
    assert play([Keys("1")], *asked, Spoken("好"), ASKS)[1]
    assert play([Keys("1")], *asked, Spoken("好"), OVER)[1]
    script = Script([Keys("1")], 10, 0.0)
    script.hear(ASKS, 1.0)
    assert script.deadline == 11.0
    script.wait()
    assert script.done


def test_the_end_can_be_expected() -> None:
    assert not play([ExpectEnd()], Spoken("再見"))[1]
    assert play([Expect("再見"), ExpectEnd()], Spoken("再見"), OVER)[1]


def test_hanging_up_waits_for_nothing() -> None:
    assert play([Expect("早"), HangUp()], Spoken("早安"))[0] == [HangUp()]


def test_an_expectation_that_is_not_heard_tells_what_was() -> None:
    steps: list[Step] = [Keys("1"), Expect("台北"), Expect("晴")]
    asked: list[Event] = [Spoken("請按"), ASKS]
    assert failure(steps, *asked, Spoken("台北雨"), Spoken("再會")) == (
        "not heard: 「晴」 within 10 s; heard instead: 「雨」「再會」")
    assert failure(steps, *asked) == "not heard: 「台北」 within 10 s; nothing was heard"
    assert failure(steps, *asked, Spoken("高雄"), OVER) == (
        "not heard: 「台北」 before the call ended (the service hung up); heard instead: 「高雄」")
    assert failure([ExpectEnd()], Spoken("早")) == (
        "the service did not hang up within 10 s; heard instead: 「早」")


def test_nothing_can_be_done_in_a_call_that_is_over() -> None:
    assert failure([Keys("1")], Spoken("再見"), OVER) == (
        "the service did not listen for keys before the call ended (the service hung up); "
        "heard instead: 「再見」")
    assert failure([ExpectEnd(), Keys("1")], OVER).startswith("the service did not listen")


def test_a_refused_act_fails_the_script() -> None:
    assert failure([Keys("1")], ASKS, Trouble("no call")) == "the twin refuses: no call"


def test_the_time_in_which_the_service_speaks_does_not_count() -> None:
    script = Script([Expect("乙"), Expect("丙")], 10, 100.0)
    assert script.deadline == 110.0
    script.hear(Spoken("甲", seconds=30), 105.0)
    assert script.deadline == 140.0
    script.hear(Music(), 136.0)
    assert script.deadline == 140.0
    script.hear(Spoken("乙", seconds=5), 138.0)  # its turn comes while it is still said
    assert script.deadline == 143.0 + 10


def test_the_time_in_which_the_service_waits_in_vain_does_not_count() -> None:
    script = Script([Silence(), Expect("再說一次")], 10, 100.0)
    assert script.hear(Listening("speech", 30), 105.0) == [Silence()]
    assert script.deadline == 105.0 + 30 + 10
    script = Script([Keys("1"), Expect("好")], 10, 100.0)
    script.hear(Listening("keys", 30), 105.0)
    assert script.deadline == 105.0 + 10


def test_to_be_asked_a_script_waits_as_long_as_music_may_play() -> None:
    script = Script([Keys("1")], 10, 0.0)
    assert script.deadline == LISTENS_WITHIN > 240


EVENTS = st.one_of(
    st.builds(Spoken, st.sampled_from(["一", "一二", "二", ""])),
    st.just(ASKS), st.just(Music()), st.just(Other("ringing")))
STEPS = st.sampled_from([Keys("1"), Say("一"), Silence(), Expect("一"), Expect("二")])


@given(st.lists(STEPS), st.lists(EVENTS))
def test_acts_come_in_order_and_each_once(steps: list[Step], events: list[Event]) -> None:
    acts, done = play(steps, *events)
    wanted = [step for step in steps if not isinstance(step, Expect)]
    assert acts == wanted[:len(acts)]
    if done:
        assert acts == wanted
    assert len(acts) <= sum(isinstance(event, Listening) for event in events)
