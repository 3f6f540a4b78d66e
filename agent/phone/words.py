"""What the agent says of its own, in both languages. ``{…}`` is filled in by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.config.menus import Language


@dataclass(frozen=True)
class Words:
    """Every sentence ends as one, so that another can follow."""

    wrong: str = "沒有這個選項。"
    silent: str = "沒有收到您的選擇。"
    misheard: str = "沒有聽清楚，請改用按鍵。"
    goodbye: str = "謝謝您的來電，再見。"
    attempts: str = "一直沒有收到有效的選擇，再見。"
    too_long: str = "通話已達上限，請您再打一次，再見。"
    lost: str = "很抱歉，剛才中斷了一下，請您重新選擇。"
    sorry: str = "很抱歉，系統發生錯誤，請稍後再撥，再見。"
    denied: str = "這個號碼沒有使用權限，再見。"
    refused: str = "這項功能只開放給登記的號碼。"
    busy: str = "還在處理，請稍候。"
    wait: str = "請稍候。"
    say_one_of: str = "請說：{words}。"
    pin: str = "請輸入密碼，按井字鍵結束。"
    pin_spoken: str = "請逐字說出密碼。"
    pin_again: str = "請再輸入密碼。"
    pin_wrong: str = "密碼不對。"
    pin_too_often: str = "密碼錯誤次數太多，再見。"
    pin_locked: str = "密碼已經暫時停用，請洽管理者。"
    number: str = "請輸入數字，按井字鍵結束。"
    number_spoken: str = "請逐字說出數字。"
    number_wrong: str = "這個數字超出範圍。"
    confirm: str = "即將{what}，確定請按{yes}，取消請按{no}。"
    command: str = "執行{actuator}，{cmd}"
    with_number: str = "{what}，數值{number}"
    cancelled: str = "已經取消。"
    done: str = "完成，目前狀態是{state}。"
    failed: str = "沒有成功。"
    memo_done: str = "已經錄下。"
    memo_last: str = "錄完之後電話會自動結束。"
    between: str = "、"
    states: Mapping[str, str] = field(
        default_factory=lambda: {"on": "開啟", "off": "關閉", "unknown": "不明"}
    )


WORDS: Mapping[Language, Words] = {
    "zh": Words(),
    "en": Words(
        wrong="That is not one of the choices. ",
        silent="I did not get your choice. ",
        misheard="I did not understand that, please use the keys. ",
        goodbye="Thank you for calling, goodbye.",
        attempts="I did not get a valid choice, goodbye.",
        too_long="This call has reached its limit. Please call again, goodbye.",
        lost="Sorry, there was a short interruption. Please choose again. ",
        sorry="Sorry, something went wrong. Please call again later, goodbye.",
        denied="This number is not allowed to use this service, goodbye.",
        refused="That is for registered numbers only. ",
        busy="Still working, please wait. ",
        wait="One moment please. ",
        say_one_of="Please say one of: {words}. ",
        pin="Enter the PIN, and end with the hash key. ",
        pin_spoken="Say the PIN, digit by digit. ",
        pin_again="Enter the PIN again. ",
        pin_wrong="The PIN is not right. ",
        pin_too_often="There were too many wrong PINs, goodbye.",
        pin_locked="The PIN is locked for now, please ask the owner. ",
        number="Enter the number, and end with the hash key. ",
        number_spoken="Say the number, digit by digit. ",
        number_wrong="That number is out of range. ",
        confirm="{what}: to confirm press {yes}, to cancel press {no}. ",
        command="{actuator} {cmd}",
        with_number="{what}, to {number}",
        cancelled="Cancelled. ",
        done="Done. It is now {state}. ",
        failed="That did not work. ",
        memo_done="It is recorded. ",
        memo_last="The call ends after the recording. ",
        between=", ",
        states={"on": "on", "off": "off", "unknown": "unknown"},
    ),
}
