import io
import logging
import os
import subprocess
import sys
import textwrap

import pytest

from agent.config.model import Secret
from agent.service import systemd
from agent.service.logs import Redaction


def output_of(code, **environ):
    """What a fresh interpreter writes to stderr: logging is one for the whole process."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=30,
    ).stderr


def test_ours_from_info_on_and_foreign_ones_from_warning_on():
    written = output_of("""
        import logging
        from agent.service import logs
        logs.configure()
        logs.configure()
        logging.getLogger("cht_agent.link").info("platform up")
        logging.getLogger("cht_agent.link").debug("a packet")
        logging.getLogger("paho").info("chatter")
        logging.getLogger("paho").warning("trouble")
    """)
    assert [line.split(maxsplit=1)[1] for line in written.splitlines()] == [
        "INFO platform up",
        "WARNING trouble",
    ]


def test_debug_shows_more():
    written = output_of("""
        import logging
        from agent.service import logs
        logs.configure(debug=True)
        logging.getLogger("cht_agent.link").debug("a packet")
        logging.getLogger("paho").info("chatter")
    """)
    assert "DEBUG a packet" in written and "INFO chatter" in written


def test_no_secret_comes_through_whatever_carries_it():
    written = output_of("""
        import logging
        from agent.config.model import Secret
        from agent.service import logs
        logs.configure()
        logs.redact([Secret("DK-1234567"), Secret("DK-1234567-long")])
        logs.redact([Secret("tas-key-鑰匙")])
        log = logging.getLogger("cht_agent.link")
        log.warning("in the text: DK-1234567-long")
        log.warning("as argument %s of %d", "DK-1234567", 2)
        log.warning("does not fit %d", "DK-1234567")
        log.warning("keyed %(key)s", {"key": "tas-key-鑰匙"})
        try:
            raise ValueError("refused: DK-1234567")
        except ValueError:
            log.exception("failed")
    """)
    assert "DK-1234567" not in written and "-long" not in written and "鑰匙" not in written
    assert "in the text: ****\n" in written
    assert "as argument **** of 2" in written
    assert "ValueError: refused: ****" in written and "Traceback" in written


def test_short_texts_are_no_secrets_worth_masking():
    redaction = Redaction()
    redaction.add([Secret(""), Secret("1"), Secret("abcd")])
    assert redaction.mask("1 abcd") == "1 ****"


def stream_of(file):
    at = os.fstat(file.fileno())
    return f"{at.st_dev}:{at.st_ino}"


def test_the_journal_gets_fields_without_secrets(tmp_path):
    pytest.importorskip("systemd.journal")
    with (tmp_path / "stderr").open("w") as file:
        handler = systemd.journal_handler({"JOURNAL_STREAM": stream_of(file)}, file.fileno())
    sent = []
    handler.send = lambda MESSAGE, **fields: sent.append((MESSAGE, fields))
    redaction = Redaction()
    redaction.add([Secret("DK-1234567")])
    handler.addFilter(redaction)
    log = logging.Logger("cht_agent.sensing")
    log.addHandler(handler)
    try:
        raise ValueError("DK-1234567")
    except ValueError:
        log.warning(
            "sensor %s: %s", "door", "DK-1234567", extra={"SENSOR": "door", "LINK": "DK-1234567"},
            exc_info=True,
        )  # fmt: skip
    ((message, fields),) = sent
    assert message.startswith("sensor door: ****")
    assert (fields["SENSOR"], fields["LINK"]) == ("door", "****")
    assert (fields["SYSLOG_IDENTIFIER"], fields["PRIORITY"]) == ("cht-agent", "4")
    assert "DK-1234567" not in repr(sent)


@pytest.mark.parametrize("stream", ["", "1:2", "nonsense"])
def test_another_stderr_is_not_the_journal(tmp_path, stream):
    with (tmp_path / "stderr").open("w") as file:
        environ = {"JOURNAL_STREAM": stream} if stream else {}
        assert systemd.journal_handler(environ, file.fileno()) is None
    assert systemd.journal_handler({"JOURNAL_STREAM": stream}, descriptor=9999) is None


def test_without_systemd_python_the_journal_gets_priorities_and_no_time(tmp_path):
    with (tmp_path / "stderr").open("w") as file:
        code = """
            import sys
            sys.modules["systemd"] = None        # as if it were not installed
            import logging
            from agent.service import logs
            logs.configure()
            logging.getLogger("cht_agent.link").warning("one\\ntwo")
            logging.getLogger("cht_agent.link").info("three")
        """
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "JOURNAL_STREAM": stream_of(file)},
            stderr=file, check=True, timeout=30,
        )  # fmt: skip
    assert (tmp_path / "stderr").read_text() == "<4>one\n<4>two\n<6>three\n"


def test_a_filter_without_secrets_leaves_records_alone():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redaction())
    log = logging.Logger("cht_agent.link")
    log.addHandler(handler)
    log.warning("%d of %d", 1, 2)
    assert stream.getvalue() == "1 of 2\n"
