import pytest

from agent.config.model import Secret
from agent.identity.registry import Adopt, Identity, Keep, Reconfigured, decide
from agent.protocol.registry import Reconfigure, SetDeviceId

CURRENT = Identity("7432", Secret("DK-old"), "registry")
CONFIGURED = Identity("7432", Secret("DK-old"), "config")
MOVE = SetDeviceId("DK-new", "9999")
REKEY = SetDeviceId("DK-new", "7432")
SAME = SetDeviceId("DK-old", "7432")


@pytest.mark.req("P-17")
@pytest.mark.parametrize("relocatable", [False, True])
def test_a_device_without_identity_takes_what_it_is_given(relocatable):
    assert decide(MOVE, None, relocatable) == Adopt(Identity("9999", Secret("DK-new"), "registry"))


@pytest.mark.req("P-19")
@pytest.mark.parametrize("relocatable", [False, True])
@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("current", [CURRENT, CONFIGURED])
def test_a_repeated_message_changes_nothing(current, relocatable, refused):
    kept = decide(SAME, current, relocatable, refused)
    assert isinstance(kept, Keep) and kept.expected


@pytest.mark.req("P-17", "P-19")
@pytest.mark.parametrize("message", [MOVE, REKEY])
@pytest.mark.parametrize(
    ("relocatable", "refused", "moves"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_a_provisioned_device_moves_only_if_it_may_or_must(message, relocatable, refused, moves):
    decision = decide(message, CURRENT, relocatable, refused)
    if moves:
        assert decision == Adopt(Identity(message.device_id, Secret("DK-new"), "registry"))
    else:
        assert isinstance(decision, Keep) and not decision.expected
        assert "relocatable = true" in decision.reason


@pytest.mark.parametrize("message", [MOVE, REKEY])
def test_what_the_operator_wrote_down_is_never_moved(message):
    decision = decide(message, CONFIGURED, relocatable=True, refused=True)
    assert isinstance(decision, Keep) and "agent.toml" in decision.reason


@pytest.mark.req("P-18")
@pytest.mark.parametrize("current", [None, CURRENT, CONFIGURED])
def test_reconfigure_with_a_device_id_is_as_good_as_setting_it(current):
    assert decide(Reconfigure("DK-new", "9999"), current, False) == decide(MOVE, current, False)


@pytest.mark.req("P-18")
@pytest.mark.parametrize("key", ["DK-new", "DK-old"])
@pytest.mark.parametrize(
    ("relocatable", "refused", "moves"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_a_device_creates_itself_only_if_it_may_or_must(key, relocatable, refused, moves):
    assert decide(Reconfigure(key), None, relocatable) == Reconfigured(Secret(key))
    decision = decide(Reconfigure(key), CURRENT, relocatable, refused)
    if moves:
        assert decision == Reconfigured(Secret(key))
    else:
        assert isinstance(decision, Keep) and "relocatable = true" in decision.reason
        assert decision.expected == (key == "DK-old")


@pytest.mark.req("P-18")
def test_what_the_operator_wrote_down_is_not_created_by_itself():
    decision = decide(Reconfigure("DK-new"), CONFIGURED, relocatable=True, refused=True)
    assert isinstance(decision, Keep) and "cht-agent platform create" in decision.reason


@pytest.mark.parametrize(
    "message", [MOVE, REKEY, SAME, Reconfigure("DK-new"), Reconfigure("DK-old")]
)
@pytest.mark.parametrize("current", [CURRENT, CONFIGURED])
def test_no_key_stands_in_a_reason_or_a_repr(message, current):
    decision = decide(message, current, relocatable=False)
    assert "DK-" not in repr(decision) + repr(message) + repr(current)
    assert "DK-" not in repr(decide(message, None, relocatable=True))
