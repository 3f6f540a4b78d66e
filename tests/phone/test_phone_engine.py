"""The menu engine, call by call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.phone import engine, nodes
from agent.phone.calls import Calls
from agent.phone.model import (
    Act,
    Acted,
    Authorised,
    Call,
    Cancelled,
    CheckPin,
    Commanded,
    Ended,
    FreshRead,
    PinLocked,
    PinRight,
    ReadDone,
    Refused,
    Visited,
    Working,
)
from agent.protocol.calls import CallRequest
from agent.protocol.telephone import Keypad, Recording, Speech, SpokenDigits
from tests.phone.line import GREENHOUSE, LISTED, PIN, TAIPEI, Caller, Exchange, greenhouse

MAIN = "溫室您好。查詢溫度請按一，控制電燈請按二，留言請按三。"
MAIN_AGAIN = "查詢溫度按一，控制電燈按二，留言按三。"
LAMP = "開燈請按一，關燈請按二，調光請按三。"
LAMP_AGAIN = LAMP.replace("請", "")


# --- readings -------------------------------------------------------------------------------------


@pytest.mark.req("T-03", "T-53")
def test_a_caller_is_greeted_hears_a_reading_and_leaves(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    assert caller.text == MAIN
    assert caller.action.text == "查詢溫度請按一，控制電燈請按二，留言請按三。"
    assert (caller.action.collect, caller.action.voice) == (Keypad(1, 10), "F")
    heard = caller.enter("1")
    assert heard.startswith("目前二十五點三度，三十秒前測得。")
    assert heard.endswith(MAIN_AGAIN)
    assert caller.enter("0") == "謝謝您的來電，再見。"
    assert caller.over and len(exchange.calls) == 0
    assert exchange.effects == [
        Visited("menu.main"), Visited("read.temperature"), Ended("goodbye")
    ]  # fmt: skip


def test_the_node_is_the_calls_own_and_tells_the_menu(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    codes = nodes.codes(exchange.book.menus)
    one, two = Caller(exchange, None), Caller(exchange, None)
    tokens = [nodes.parse(caller.action.node) for caller in (one, two)]
    assert tokens[0] and tokens[1] and tokens[0].secret != tokens[1].secret
    assert tokens[0].code == codes["main"]
    one.enter("1")
    assert nodes.parse(one.action.node) == tokens[0]


def test_a_reading_may_be_measured_while_the_caller_waits(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('測得。"\n', '測得。"\nfresh = true\n')
    exchange = greenhouse(tmp_path, menus)
    Caller(exchange).enter("1")
    assert exchange.work == [FreshRead(("temperature",))]


def test_readings_can_follow_one_another_but_not_for_ever(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('測得。"\n', '測得。"\nthen = "read.load"\n')
    menus += "[read.load]\nsay = '負載{load:value}。'\nthen = 'read.temperature'\n"
    heard = Caller(greenhouse(tmp_path, menus)).enter("1")
    assert heard == "目前二十五點三度，三十秒前測得。負載零點五。" + MAIN_AGAIN
    exchange = greenhouse(tmp_path, menus.replace("then = ", "fresh = true\nthen = "))
    assert Caller(exchange).enter("1") == heard
    assert exchange.work == [FreshRead(("temperature",)), FreshRead(("load",))]


def test_a_long_text_is_said_in_several_turns(tmp_path: Path) -> None:
    long = "溫室的情形很好，" * 60
    menus = GREENHOUSE.replace("目前{temperature}，{temperature:age}測得。", long)
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    before = caller.requests
    assert caller.enter("1") == long + MAIN_AGAIN
    assert caller.requests - before == 3
    # Without a helper: by waiting for a key in vain, and a key then is an answer.
    exchange.helpers = False
    caller = Caller(exchange)
    assert len(caller.enter("1")) <= 200
    assert caller.action.collect == Keypad(1, 10)
    assert caller.enter("timeout").startswith("溫室的情形")
    assert caller.enter("2") == "請輸入密碼，按井字鍵結束。"


# --- wrong keys, silence, speech ------------------------------------------------------------------


def test_wrong_keys_and_silence_share_one_counter(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    assert caller.enter("7") == "沒有這個選項。" + MAIN_AGAIN
    assert caller.enter("timeout") == "沒有收到您的選擇。" + MAIN_AGAIN
    assert caller.enter("8") == "一直沒有收到有效的選擇，再見。"
    assert caller.over and exchange.effects[-1] == Ended("attempts")


def test_a_good_key_forgives_but_not_for_ever(tmp_path: Path) -> None:
    caller = Caller(greenhouse(tmp_path))
    for _ in range(5):
        caller.enter("7")
        caller.enter("1")
        assert not caller.over
    caller.enter("7")
    assert caller.over


def test_the_second_prompt_is_the_configured_short_one(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace("[read.t", 'short = "溫度一，電燈二，留言三。"\n[read.t')
    caller = Caller(greenhouse(tmp_path, menus))
    assert caller.enter("timeout").endswith("溫度一，電燈二，留言三。")


def test_nine_says_it_again(tmp_path: Path) -> None:
    caller = Caller(greenhouse(tmp_path))
    assert caller.enter("9") == MAIN
    heard = caller.enter("1")
    assert caller.enter("9") == heard
    assert not caller.over


def test_every_call_ends_within_its_turns(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path, "max_turns = 10\n" + GREENHOUSE)
    caller = Caller(exchange)
    while not caller.over:
        caller.enter("9")
    assert caller.requests == 10
    assert exchange.effects[-1] == Ended("max turns")


SPEECH = GREENHOUSE.replace(
    "[read.t", 'speech = { "溫度" = "read.temperature", "電燈" = "menu.lamp" }\n[read.t', 1
)


@pytest.mark.req("T-08", "T-54")
def test_speech_is_asked_for_first_and_keys_after_a_misunderstanding(tmp_path: Path) -> None:
    caller = Caller(greenhouse(tmp_path, SPEECH))
    assert caller.text == "溫室您好。請說：溫度、電燈。"
    assert caller.action.collect == Speech()
    assert caller.enter("溫 度。/0.7").endswith("請說：溫度、電燈。")
    assert caller.enter("溫度/0.5") == "沒有聽清楚，請改用按鍵。" + MAIN_AGAIN
    assert caller.action.collect == Keypad(1, 10)
    assert "二十五點三" in caller.enter("1")


def test_speech_alone_never_moves_anything(tmp_path: Path) -> None:
    menus = SPEECH.replace('"電燈" = "menu.lamp"', '"開燈" = "do.on"')
    menus = menus.replace('say = "打開電燈"', 'auth = "pin"\nconfirm = false')
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    caller.enter("開燈/0.99")
    assert "確定請按一" in caller.enter(PIN)
    assert caller.enter("好/0.99").startswith("沒有這個選項。")
    assert caller.enter("1/0.99").startswith("沒有這個選項。")
    assert exchange.commands == []
    caller.enter("1")
    assert exchange.commands == [("lamp", "on")]


@pytest.mark.parametrize("fresh", ["", "fresh = true\n"])
def test_what_only_follows_something_else_is_asked_about(tmp_path: Path, fresh: str) -> None:
    menus = SPEECH.replace("[read.temperature]", f'[read.temperature]\n{fresh}then = "do.on"')
    menus = menus.replace('say = "打開電燈"', 'auth = "pin"\nconfirm = false')
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    caller.enter("溫度/0.99")
    assert "確定請按一" in caller.enter(PIN)
    assert exchange.commands == []


def test_a_digit_that_was_spoken_is_speech(tmp_path: Path) -> None:
    menus = SPEECH.replace('2 = "menu.lamp"', '2 = "do.on"')
    menus = menus.replace('say = "打開電燈"', 'auth = "pin"\nconfirm = false')
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    caller.enter("2/0.9")
    caller.enter(PIN)
    assert exchange.commands == []
    assert "確定請按一" in caller.text


# --- the PIN and actions --------------------------------------------------------------------------


def test_a_lamp_is_switched_behind_pin_and_confirmation(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    assert caller.enter("2") == "請輸入密碼，按井字鍵結束。"
    assert caller.action.collect == Keypad(20, 20)
    assert caller.enter(PIN) == LAMP
    assert caller.enter("1") == "即將打開電燈，確定請按一，取消請按零。"
    assert exchange.commands == []
    assert caller.enter("1") == "電燈已打開。" + LAMP_AGAIN
    assert exchange.commands == [("lamp", "on")]
    assert exchange.effects[-3:] == [
        Authorised(), Visited("menu.lamp"), Commanded("do.on", "lamp", "on", True, "on")
    ]  # fmt: skip
    # Once in a call is enough; without `say` and `done` the menu's words and the read-back.
    assert caller.enter("2") == "即將關燈，確定請按一，取消請按零。"
    assert caller.enter("1").startswith("完成，目前狀態是關閉。")


def test_one_action_alone_can_ask_for_the_pin(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('[menu.lamp]\nauth = "pin"', "[menu.lamp]")
    menus = menus.replace("[do.on]", '[do.on]\nauth = "pin"')
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    assert caller.enter("2") == LAMP
    assert caller.enter("1") == "請輸入密碼，按井字鍵結束。"
    assert caller.enter(PIN) == "即將打開電燈，確定請按一，取消請按零。"
    assert exchange.commands == []
    caller.enter("1")
    assert exchange.commands == [("lamp", "on")]


def test_what_did_not_work_is_said(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path, result=lambda act: Acted(False, "error: min_off, 3 s left"))
    caller = Caller(exchange)
    for keys in ("2", PIN, "1"):
        caller.enter(keys)
    assert caller.enter("1") == "電燈沒有回應。" + LAMP_AGAIN
    assert exchange.effects[-1] == Commanded(
        "do.on", "lamp", "on", False, "error: min_off, 3 s left"
    )


def test_no_is_no_and_silence_is_no_yes(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    for keys in ("2", PIN, "1"):
        caller.enter(keys)
    asked = caller.text
    assert caller.enter("timeout") == "沒有收到您的選擇。" + asked
    assert caller.enter("9") == "沒有收到您的選擇。" + asked
    assert caller.enter("5") == "沒有這個選項。" + asked
    assert caller.enter("0") == "已經取消。" + LAMP_AGAIN
    assert exchange.effects[-1] == Cancelled("do.on")
    assert exchange.commands == []


@pytest.mark.req("T-09")
def test_a_number_is_entered_and_confirmed(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    for keys in ("2", PIN):
        caller.enter(keys)
    assert caller.enter("3") == "請輸入亮度。"
    assert caller.action.collect == Keypad(3, 10)
    assert caller.enter("101") == "這個數字超出範圍。請輸入亮度。"
    asked = caller.enter("75")
    assert asked.startswith("即將調光，數值") and asked.endswith("確定請按一，取消請按零。")
    caller.enter("1")
    assert exchange.commands == [("dimmer", "0.75")]


@pytest.mark.req("T-08")
def test_digits_may_be_spoken_but_are_confirmed_by_a_key(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace(
        "scale = 0.01 }", "scale = 0.01, entry = 'speech' }\nconfirm = false"
    )
    menus = menus.replace(
        'hash = "credential:phone-pin"', 'hash = "credential:x"\nentry = "speech"'
    )
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    assert caller.enter("2") == "請逐字說出密碼。"
    assert caller.action.collect == SpokenDigits()
    assert caller.enter("1 3 5 7 9 0/0.8") == LAMP
    caller.enter("3")
    assert caller.action.collect == SpokenDigits()
    caller.enter("五十/0.8")
    assert caller.action.collect == Keypad(3, 10)
    caller = Caller(exchange)
    for words in ("2", "135790", "3"):
        caller.enter(words)
    assert "確定請按一" in caller.enter("5 0/0.8")
    assert caller.action.collect == Keypad(1, 10)


def test_a_whole_telephone_behind_a_spoken_pin(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace("[menu.main]", '[menu.main]\nauth = "pin"')
    menus = menus.replace(
        'hash = "credential:phone-pin"', 'hash = "credential:x"\nentry = "speech"'
    )
    caller = Caller(greenhouse(tmp_path, menus))
    assert caller.text == "溫室您好。請逐字說出密碼。"
    assert caller.action.collect == SpokenDigits()
    assert caller.enter("1 3 5 7 9 0/0.8") == MAIN
    caller = Caller(greenhouse(tmp_path, menus), None)
    assert caller.over and caller.text.startswith("溫室您好。這項功能只開放給登記的號碼。")


def test_wrong_pins_end_the_call(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    caller.enter("2")
    assert caller.enter("111111") == "密碼不對。請再輸入密碼。"
    assert caller.enter("222222") == "密碼不對。請再輸入密碼。"
    assert caller.enter("333333") == "密碼錯誤次數太多，再見。"
    assert caller.over and exchange.effects[-1] == Ended("pin")
    assert len(exchange.work) == 3


def test_what_is_too_short_for_a_pin_is_no_guess(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    caller.enter("2")
    assert caller.enter("12345") == "密碼不對。請再輸入密碼。"
    assert caller.enter("timeout") == "沒有收到您的選擇。請再輸入密碼。"
    assert exchange.work == []
    assert caller.enter("0") == MAIN_AGAIN


def test_a_locked_pin_leaves_the_readings(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path, pin=lambda digits: PinLocked())
    caller = Caller(exchange)
    caller.enter("2")
    assert caller.enter(PIN) == "密碼已經暫時停用，請洽管理者。" + MAIN_AGAIN
    assert exchange.effects[-1] == Refused("menu.lamp", "pin locked")
    assert "二十五點三" in caller.enter("1")


def test_the_pin_itself_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    caller.enter("2")
    request = CallRequest("id", False, LISTED, caller.action.node, PIN)
    call = exchange.calls.find(request.node)
    step = engine.asked(exchange.book, call, request, "", None, exchange.seen, exchange.now)
    assert step.work == CheckPin(PIN)
    assert PIN not in repr(step) and LISTED not in repr(step)


# --- who calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["0900000002", None, "0900***001"])
def test_unlisted_callers_hear_readings_and_never_reach_the_pin(
    tmp_path: Path, phone: str | None
) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange, phone)
    assert "二十五點三" in caller.enter("1")
    assert caller.enter("2") == "這項功能只開放給登記的號碼。" + MAIN_AGAIN
    assert exchange.effects[-1] == Refused("menu.lamp", "unlisted")
    assert exchange.work == []


def test_unlisted_callers_can_be_refused_at_once_or_be_like_all(tmp_path: Path) -> None:
    allow = 'allow = ["0900000001"]\n'
    exchange = greenhouse(tmp_path, GREENHOUSE.replace(allow, allow + 'unknown = "deny"\n'))
    caller = Caller(exchange, None)
    assert caller.text == "溫室您好。這個號碼沒有使用權限，再見。" and caller.over
    assert exchange.effects == [Ended("denied")]
    assert len(exchange.calls) == 0
    exchange = greenhouse(tmp_path, GREENHOUSE.replace(allow, allow + 'unknown = "all"\n'))
    assert Caller(exchange, None).enter("2") == "請輸入密碼，按井字鍵結束。"


def test_actions_without_pin_are_for_listed_callers_too(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('auth = "pin"\n', "")
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange, None)
    caller.enter("2")
    assert caller.enter("1").startswith("這項功能只開放給登記的號碼。")
    assert exchange.work == []


# --- memos ----------------------------------------------------------------------------------------


@pytest.mark.req("T-10", "T-41")
def test_a_memo_is_recorded_and_the_call_goes_on(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    assert caller.enter("3") == "請留言。"
    assert caller.action.collect == Recording(60, transcript=True)
    assert caller.recorded() == "已經錄下。" + MAIN_AGAIN
    assert Visited("memo.note") in exchange.effects


@pytest.mark.req("T-10", "T-06")
def test_a_memo_ends_a_call_that_has_no_way_back_and_says_so_before(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    exchange.helpers = False
    caller = Caller(exchange)
    assert caller.enter("3") == "請留言。錄完之後電話會自動結束。"
    assert caller.action.collect == Recording(60, transcript=True)
    assert caller.over


# --- menus in menus, and languages ----------------------------------------------------------------


def test_zero_goes_back_one_menu(tmp_path: Path) -> None:
    caller = Caller(greenhouse(tmp_path))
    caller.enter("2")
    caller.enter(PIN)
    assert caller.enter("0") == MAIN_AGAIN
    assert caller.enter("2") == LAMP
    assert caller.enter("0") == MAIN_AGAIN
    assert caller.enter("0") == "謝謝您的來電，再見。"


def test_a_menu_in_english_speaks_english(tmp_path: Path) -> None:
    menus = (
        "[menu.main]\nlanguage = 'en'\nsay = 'Hello. For the load press 1, to leave press 2.'\n"
        "keys = { 1 = 'read.load', 2 = 'end' }\n[read.load]\nsay = 'The load is {load:value}.'\n"
    )
    caller = Caller(greenhouse(tmp_path, menus))
    assert caller.enter("5") == (
        "That is not one of the choices. For the load press 1, to leave press 2."
    )
    assert caller.enter("1").startswith("The load is ")
    assert ". For the load" in caller.text
    assert caller.enter("2") == "Thank you for calling, goodbye."


# --- what nobody remembers, and what comes too late -----------------------------------------------


def test_after_a_restart_the_menu_is_kept_and_the_pin_asked_for_again(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    caller.enter("2")
    caller.enter(PIN)
    caller.enter("1")  # the caller is asked to confirm when the agent restarts
    exchange.calls = Calls()
    assert caller.enter("1") == "很抱歉，剛才中斷了一下，請您重新選擇。請輸入密碼，按井字鍵結束。"
    assert exchange.commands == []
    assert caller.enter(PIN) == LAMP
    exchange.calls = Calls()
    assert caller.enter("0").startswith("很抱歉")
    assert caller.enter("0") == MAIN_AGAIN
    exchange.calls = Calls()
    assert caller.enter("1") == "很抱歉，剛才中斷了一下，請您重新選擇。" + MAIN


def test_a_menu_below_the_pin_is_behind_it_after_a_restart_too(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('2 = "do.off"', '2 = "menu.inner"')
    menus += "[menu.inner]\nsay = '關燈請按一。'\nkeys = { 1 = 'do.off' }\n"
    exchange = greenhouse(tmp_path, menus)
    caller = Caller(exchange)
    for keys in ("2", PIN, "2"):
        caller.enter(keys)
    assert caller.text == "關燈請按一。"
    exchange.calls = Calls()
    assert caller.enter("1").endswith("請輸入密碼，按井字鍵結束。")
    # Going back leads to the menu above, which is behind it as well.
    assert caller.enter("0") == "請輸入密碼，按井字鍵結束。"
    assert caller.enter("0") == MAIN_AGAIN


@pytest.mark.parametrize("node", ["more3", "weather", "c000000000000000", "czz000000000000"])
def test_a_node_that_means_nothing_leads_to_the_first_menu(tmp_path: Path, node: str) -> None:
    exchange = greenhouse(tmp_path)
    answer = exchange.answer(CallRequest("x", False, LISTED, node, "1"))
    assert answer.text == "很抱歉，剛才中斷了一下，請您重新選擇。" + MAIN


def test_a_request_during_work_is_answered_and_the_work_is_not_lost(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    caller.enter("2")

    def ask(id: str, call: Call, answer: str) -> engine.Step:
        request = CallRequest(id, False, LISTED, caller.action.node, answer)
        return engine.asked(exchange.book, call, request, "", None, exchange.seen, exchange.now)

    def done(id: str, call: Call) -> engine.Step:
        outcome = PinRight()
        return engine.finished(exchange.book, call, id, outcome, None, exchange.seen, exchange.now)

    call = exchange.calls.find(caller.action.node)
    assert call is not None
    working = ask("a", call, PIN)
    assert working.call is not None and isinstance(working.call.place, Working)
    meanwhile = ask("b", working.call, "7")
    assert meanwhile.answer is not None and meanwhile.answer.text == "還在處理，請稍候。"
    assert meanwhile.call is not None
    late = done("b", meanwhile.call)
    assert late.answer is not None and late.answer.text == "還在處理，請稍候。"
    right = done("a", meanwhile.call)
    assert right.answer is not None and right.answer.text == LAMP and right.answer.id == "a"
    # Once more: the work was done already.
    assert right.call is not None
    again = done("a", right.call)
    assert again.answer is not None and again.answer.text == LAMP


def test_menus_may_change_during_a_call(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    for keys in ("2", PIN, "1"):
        caller.enter(keys)
    book = exchange.book
    exchange.book = replace(
        book, menus={"main": book.menus["main"]}, actions={}, guarded=frozenset(), ways={}
    )
    assert caller.enter("1") == MAIN_AGAIN
    assert exchange.commands == []


def test_what_was_confirmed_is_asked_again_when_it_means_something_else_now(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    for keys in ("2", PIN, "1"):
        caller.enter(keys)
    actions = dict(exchange.book.actions)
    actions["on"] = replace(actions["on"], actuator="dimmer", cmd="1", say="調到最亮")
    exchange.book = replace(exchange.book, actions=actions)
    assert caller.enter("1") == "即將調到最亮，確定請按一，取消請按零。"
    assert exchange.commands == []
    caller.enter("1")
    assert exchange.commands == [("dimmer", "1")]


def test_a_number_that_lies_beyond_the_new_limits_is_asked_for_again(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)
    caller = Caller(exchange)
    for keys in ("2", PIN, "3", "75"):
        caller.enter(keys)
    actions = dict(exchange.book.actions)
    number = actions["dim"].number
    assert number is not None
    actions["dim"] = replace(actions["dim"], number=replace(number, between=(0.0, 0.5)))
    exchange.book = replace(exchange.book, actions=actions)
    assert caller.enter("1") == "請輸入亮度。"
    assert exchange.commands == []


def test_what_was_done_is_not_told_in_words_for_something_else(tmp_path: Path) -> None:
    exchange = greenhouse(tmp_path)

    def reload_meanwhile(act: Act) -> Acted:
        actions = dict(exchange.book.actions)
        actions["on"] = replace(actions["on"], actuator="dimmer", cmd="1", done="已調到最亮。")
        exchange.book = replace(exchange.book, actions=actions)
        return Acted(True, act.cmd)

    exchange.result = reload_meanwhile
    caller = Caller(exchange)
    for keys in ("2", PIN, "1"):
        caller.enter(keys)
    assert caller.enter("1").startswith("完成，目前狀態是開啟。")
    assert exchange.commands == [("lamp", "on")]


def test_a_helper_is_lent_from_the_answer_on(tmp_path: Path) -> None:
    """What a caller waited for takes nothing from the time a recording may last."""
    exchange = greenhouse(tmp_path)
    call = Call("0" * 12, LISTED, 1000.0, place=Working("a", FreshRead(()), "memo.note"))
    exchange.mono = 1120.0
    step = engine.finished(
        exchange.book, call, "a", ReadDone(), "more0", exchange.seen, exchange.now
    )
    assert step.call is not None and step.call.heard == 1120.0


def test_an_apology_ends_the_call(tmp_path: Path) -> None:
    exchange: Exchange = greenhouse(tmp_path)
    answer = engine.apology(exchange.book, "x")
    assert (answer.id, answer.next_node) == ("x", "END")
    assert answer.text is not None and answer.text.startswith("很抱歉")
    assert exchange.now.zone is TAIPEI
