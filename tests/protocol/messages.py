"""Every message of the protocol once: its requirements, its bytes, what they mean.

``encode`` is there for the messages the agent, an application or a test of ours publishes; what
only the platform sends is read alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.protocol import calls, control, liveness, objects, registry, sensing
from agent.protocol.calls import CallNotice, CalloutResult, CallRequest, VoiceMemo
from agent.protocol.control import Ack, AckNotice, CommandNotice, CommandRequest
from agent.protocol.liveness import ActiveNotice, Heartbeat, HeartbeatNotice
from agent.protocol.objects import Device, Sensor
from agent.protocol.registry import Reconfigure, SetDeviceId
from agent.protocol.sensing import CsvNotice, Rawdata, RawdataNotice


@dataclass(frozen=True)
class Case:
    name: str
    requirements: tuple[str, ...]
    payload: str
    meaning: object
    decode: Callable[[bytes], object]
    encode: Callable[..., bytes] | None = None


def encode_rawdata(readings: tuple[Rawdata, ...]) -> bytes:
    return sensing.join([sensing.element(reading) for reading in readings])


CASES = (
    Case(
        "rawdata, two values, two times without a zone",
        ("P-06",),
        '[ { "id": "loading", "time": "2014-12-11T10:43:58", "value": [ "96.3", "77.4" ] },'
        '{ "id": "loading", "time": "2014-12-11T10:45:58", "value": [ "97.7", "71.5" ] } ]',
        (
            Rawdata("loading", ("96.3", "77.4"), "2014-12-11T10:43:58"),
            Rawdata("loading", ("97.7", "71.5"), "2014-12-11T10:45:58"),
        ),
        sensing.decode_rawdata,
        encode_rawdata,
    ),
    Case(
        "rawdata, several sensors, a position, Chinese, no time",
        ("P-06", "P-25"),
        '[{"id":"溫度","lat":24.1,"lon":121.23,"value":["25.3"]},{"id":"lamp","value":["開"]}]',
        (Rawdata("溫度", ("25.3",), lat=24.1, lon=121.23), Rawdata("lamp", ("開",))),
        sensing.decode_rawdata,
        encode_rawdata,
    ),
    Case(
        "rawdata notice",
        ("P-07",),
        '{ "id": "light0001", "deviceId": "7432", "time": "2016-03-30T08:28:47.532Z", '
        '"value":["1"] }',
        RawdataNotice("light0001", "7432", "2016-03-30T08:28:47.532Z", ("1",)),
        sensing.decode_rawdata_notice,
    ),
    Case(
        "csv notice",
        ("P-08",),
        "2016-03-30T08:28:47.532Z,7432,light0001,1",
        CsvNotice("2016-03-30T08:28:47.532Z", "7432", "light0001", "1"),
        sensing.decode_csv_notice,
    ),
    Case(
        "csv notice of several values",
        ("P-08", "P-27"),
        "2016-03-30T08:28:47.532Z,7432,loading,96.3,77.4\r\n",
        CsvNotice("2016-03-30T08:28:47.532Z", "7432", "loading", "96.3,77.4"),
        sensing.decode_csv_notice,
    ),
    Case(
        "command",
        ("P-09",),
        '{ "id": "cin", "deviceId": "266148835", "time": "2017-03-28T07:09:05.699Z", '
        '"cmd": "close" }',
        CommandNotice("cin", "266148835", "2017-03-28T07:09:05.699Z", "close"),
        control.decode_command,
    ),
    Case(
        "command at an impossible time",
        ("P-09",),
        '{"id":"cin","deviceId":"266148835","time":"2019-03-30T08:32:118.136Z","cmd":"close"}',
        CommandNotice("cin", "266148835", "2019-03-30T08:32:118.136Z", "close"),
        control.decode_command,
    ),
    Case(
        "command request",
        ("P-10", "P-25", "P-26"),
        '[ { "id":"cin", "lat":24.1, "lon":121.23, "save":true, "cmd":"open" } ]',
        (CommandRequest("cin", "open", lat=24.1, lon=121.23, save=True),),
        control.decode_requests,
        control.encode_requests,
    ),
    Case(
        "command request, temporary",
        ("P-10", "P-25"),
        '[{"id":"cin","save":false,"cmd":"open"},{"id":"cout","cmd":""}]',
        (CommandRequest("cin", "open", save=False), CommandRequest("cout", "")),
        control.decode_requests,
        control.encode_requests,
    ),
    Case(
        "ack",
        ("P-11",),
        '[ { "id":"cin", "time": "2017-08-03T09:28:47.532Z", "save":true, "ack":"open" } ]',
        (Ack("cin", "open", "2017-08-03T09:28:47.532Z", save=True),),
        control.decode_acks,
        control.encode_acks,
    ),
    Case(
        "ack with a position",
        ("P-11", "P-25"),
        '[{"id":"cin","lat":24.1,"lon":121.23,"save":false,"ack":"error: unknown command"}]',
        (Ack("cin", "error: unknown command", lat=24.1, lon=121.23, save=False),),
        control.decode_acks,
        control.encode_acks,
    ),
    Case(
        "ack notice",
        ("P-12", "P-26"),
        '{ "id": "cin", "deviceId": "266148835", "time": "2017-03-28T07:09:05.699Z", '
        '"ack": "close" }',
        AckNotice("cin", "266148835", "2017-03-28T07:09:05.699Z", "close"),
        control.decode_ack_notice,
    ),
    Case(
        "heartbeat",
        ("P-13", "P-23"),
        '{ "pulse": "1000" }',
        Heartbeat(1000),
        liveness.decode_heartbeat,
        liveness.encode_heartbeat,
    ),
    Case(
        "heartbeat notice",
        ("P-14", "P-23"),
        '{ "pulse": "1000", "from": "223.140.31.51", "last": "2016-03-30T08:28:47.532Z", '
        '"time": "2016-03-30T09:28:47.532Z", "type": "Lost", "deviceId": "853435970" }',
        HeartbeatNotice(
            "Lost",
            "1000",
            "223.140.31.51",
            "2016-03-30T08:28:47.532Z",
            "2016-03-30T09:28:47.532Z",
            "853435970",
        ),
        liveness.decode_heartbeat,
    ),
    Case(
        "active: start",
        ("P-15", "P-24"),
        '{ "deviceId": "786727741", "status": "start", "createTime": "2019-07-10T02:55:12.512Z" }',
        ActiveNotice("786727741", "start", "2019-07-10T02:55:12.512Z"),
        liveness.decode_active,
    ),
    Case(
        "active: online",
        ("P-15", "P-24"),
        '{ "deviceId": "786727741", "status": "online", '
        '"lastDataTime": "2019-07-10T02:55:17.000Z", "createTime": "2019-07-10T02:55:18.031Z" }',
        ActiveNotice("786727741", "online", "2019-07-10T02:55:18.031Z", "2019-07-10T02:55:17.000Z"),
        liveness.decode_active,
    ),
    Case(
        "active: abnormal",
        ("P-15", "P-24"),
        '{ "deviceId": "786727741", "status": "abnormal", "record": 2, '
        '"lastDataTime": "2019-07-10T02:56:45.000Z", "createTime": "2019-07-10T02:58:09.106Z" }',
        ActiveNotice(
            "786727741", "abnormal", "2019-07-10T02:58:09.106Z", "2019-07-10T02:56:45.000Z", 2
        ),
        liveness.decode_active,
    ),
    Case(
        "active: offline",
        ("P-15", "P-24"),
        '{ "deviceId": "786727741", "status": "offline", '
        '"lastDataTime": "2019-07-10T03:35:37.000Z", "createTime": "2019-07-10T03:38:10.069Z" }',
        ActiveNotice(
            "786727741", "offline", "2019-07-10T03:38:10.069Z", "2019-07-10T03:35:37.000Z"
        ),
        liveness.decode_active,
    ),
    Case(
        "active: stop",
        ("P-15", "P-24"),
        '{ "deviceId": "786727741", "status": "stop", "createTime": "2019-07-10T03:40:43.585Z" }',
        ActiveNotice("786727741", "stop", "2019-07-10T03:40:43.585Z"),
        liveness.decode_active,
    ),
    Case(
        "registry: SetDeviceId",
        ("P-17", "P-19"),
        '{ "op": "SetDeviceId", "ck": "aabbccdd", "deviceId": "7432" }',
        SetDeviceId("aabbccdd", "7432"),
        registry.decode_registry,
    ),
    Case(
        "registry: Reconfigure",
        ("P-18", "P-19"),
        '{ "op": "Reconfigure", "ck": "aabbccdd" }',
        Reconfigure("aabbccdd"),
        registry.decode_registry,
    ),
    Case(
        "list of devices",
        ("P-18",),
        '[{"id":"7432","name":"pi00001","type":"general","lat":24.95,"attributes":'
        '[{"key":"serial","value":"00001"}]},{"id":7433,"name":"溫室","attributes":null}]',
        (Device("7432", "pi00001", {"serial": "00001"}), Device("7433", "溫室")),
        objects.decode_devices,
    ),
    Case(
        "device",
        ("P-18",),
        '{"id":"7432","name":"pi00001","desc":"","attributes":[]}',
        Device("7432", "pi00001"),
        objects.decode_device,
    ),
    Case(
        "device created",
        ("P-18",),
        '{"id":"7432"}',
        "7432",
        objects.decode_created,
    ),
    Case(
        "list of sensors",
        ("P-18",),
        '[{"id":"t","name":"T","type":"gauge","unit":"°C","formula":""},{"id":"lamp"}]',
        (Sensor("t", "gauge", "°C"), Sensor("lamp")),
        objects.decode_sensors,
    ),
    Case(
        "call: a key was pressed",
        ("T-01", "T-02"),
        '{ "id": "CaYUd3gVpx", "type": "request", "phone": "034240099", "node": "MAIN,1", '
        '"time": "2018-03-30T08:28:47.532Z" }',
        CallRequest("CaYUd3gVpx", False, "034240099", "MAIN", "1", "2018-03-30T08:28:47.532Z"),
        calls.decode_call_event,
    ),
    Case(
        "call: what was said, with a comma and a slash in it",
        ("T-02", "T-54"),
        '{"id":"CaYUd3gT01","type":"request","phone":"034240099","node":"queryNode,台北,1/2/0.7",'
        '"time":"2018-03-30T08:40:31.382Z"}',
        CallRequest("CaYUd3gT01", False, "034240099", "queryNode", "台北,1/2/0.7",
                    "2018-03-30T08:40:31.382Z"),
        calls.decode_call_event,
    ),
    Case(
        "call-out: the first request, at an impossible second",
        ("T-14", "T-55"),
        '{"id":"a","type":"calloutRequest","phone":"034240005","node":"MAIN",'
        '"time":"2019-03-30T08:32:118.136Z"}',
        CallRequest("a", True, "034240005", "MAIN", None, "2019-03-30T08:32:118.136Z"),
        calls.decode_call_event,
    ),
    Case(
        "call: established, the caller's number withheld",
        ("T-01", "T-38"),
        '{"id":"CaYUd3gVpx","type":"event","phone":"","event":"CallEstablished",'
        '"time":"2018-03-30T08:28:47.532Z","new":{"field":1}}',
        CallNotice("CaYUd3gVpx", False, None, "established", "2018-03-30T08:28:47.532Z"),
        calls.decode_call_event,
    ),
    Case(
        "call-out: hung up, in the other spelling",
        ("T-14", "T-38"),
        '{"id":"b","type":"calloutEvent","phone":"034240005","event":"CallHangup"}',
        CallNotice("b", True, "034240005", "hung_up"),
        calls.decode_call_event,
    ),
    Case(
        "a recording, without its padding",
        ("T-01", "T-10", "T-41"),
        '{"id":"CaYUd3gVpx","type":"recordEvent","phone":"034240000",'
        '"data":"6Kil566X5qmf5q235Y+yCuioiOeul+apn+","text":"你好","recordType":1,'
        '"time":"2018-03-30T08:28:47.532Z"}',
        VoiceMemo(
            "CaYUd3gVpx", "034240000",
            b"\xe8\xa8\xa5\xe7\xae\x97\xe6\xa9\x9f\xe6\xad\xb7\xe5\x8f\xb2\n"
            b"\xe8\xa8\x88\xe7\xae\x97\xe6\xa9\x9f",
            None, "你好", True, "2018-03-30T08:28:47.532Z",
        ),
        calls.decode_call_event,
    ),
    Case(
        "a recording that is a path",
        ("T-10",),
        '{"id":"c","type":"recordEvent","phone":"034240000","data":"/records/7/memo"}',
        VoiceMemo("c", "034240000", None, "/records/7/memo"),
        calls.decode_call_event,
    ),
    Case(
        "the result of a call-out",
        ("T-13",),
        '{ "groupId": "39ju39rdnkkw3f", "phone": "034240000", "status": "reject", '
        '"time": "2016-03-30T08:28:47.532Z" }',
        CalloutResult("39ju39rdnkkw3f", "034240000", "reject", "2016-03-30T08:28:47.532Z"),
        calls.decode_callout_result,
    ),
    Case(
        "the result of a call-out, as newer services tell it",
        ("T-13", "T-33"),
        '{"groupId":"g","phone":"****0000","status":"answered","statusCode":200,"tag":"x",'
        '"time":"2026-01-01T00:00:00.123456789Z"}',
        CalloutResult("g", "****0000", "answered", "2026-01-01T00:00:00.123456789Z", "200"),
        calls.decode_callout_result,
    ),
)

DECODERS = tuple(dict.fromkeys(case.decode for case in CASES))
