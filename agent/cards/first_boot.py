"""What the Pi does at its first boot: a shell script made for one card. Pure.

In this order: the keys leave the boot partition, which everybody who takes the card can read; the
package is installed; the configuration takes its place; the service starts. It may be cut at any
point and is then begun again.
"""

from __future__ import annotations

import shlex

from agent.cards.model import FOLDER, Card

DONE = "the card is set up"

_SCRIPT = """\
#!/bin/sh
# Written by cht-agent-flash for {name}. Run as root at the first boot, again until it works.
set -eu
boot=${{CHT_AGENT_BOOT:-/boot/firmware}}
from=$boot/{folder}
umask 077
say() {{ printf 'cht-agent-first-boot: %s\\n' "$*"; }}

# The partition may be mounted read-only.
[ -w "$boot/config.txt" ] || mount -o remount,rw "$boot"

wipe() {{  # overwrite, then remove: a hint to the card, which may keep the old cells all the same
    dd if=/dev/zero of="$1" bs="$(wc -c <"$1")" count=1 conv=notrunc,fsync 2>/dev/null
    rm -f "$1"
}}
install -d -m 700 /etc/credstore
for key in "$from"/keys/*; do
    [ -f "$key" ] || continue
    name=$(basename "$key")
    install -m 600 "$key" "/etc/credstore/.$name.new"
    mv "/etc/credstore/.$name.new" "/etc/credstore/$name"
    sync /etc/credstore
    wipe "$key"
    say "key $name is in /etc/credstore and no longer on the boot partition"
done
rm -rf "$from/keys"

umask 022
{install}
install -d -m 755 /etc/cht-agent
(cd "$from/etc" && find . -type f) | while read -r file; do
    install -D -m 640 -g cht-agent "$from/etc/$file" "/etc/cht-agent/$file"
done
{buses}cht-agent check
systemctl daemon-reload
systemctl enable cht-agent.service
systemctl restart cht-agent.service

rm -rf "$from"
systemctl disable {unit}
sync
say "{done}"
"""

_INSTALL = """\
export DEBIAN_FRONTEND=noninteractive
if ! dpkg-query -W -f '${{Status}}' cht-agent 2>/dev/null | grep -q 'ok installed'; then
    deb=/var/tmp/{package}
    cp "$from/{package}" "$deb"
    apt() {{ apt-get -q -o DPkg::Lock::Timeout=600 "$@"; }}
    # What it depends on may be there already; if not, the network has to bring it.
    apt install -y "$deb" || {{ apt update && apt install -y "$deb"; }}
    rm -f "$deb"
fi
"""

_BUSES = """\
install -d -m 755 /etc/systemd/system/cht-agent.service.d
cat >/etc/systemd/system/cht-agent.service.d/buses.conf <<'CONF'
[Service]
{lines}
CONF
"""


def script(card: Card, package: str, unit: str) -> str:
    """The text of the script. ``package``: the file name of the package in our folder."""
    lines = [
        line for bus in card.buses
        for line in (f"SupplementaryGroups={bus}", f"DeviceAllow=char-{bus}dev rw")
    ]  # fmt: skip
    return _SCRIPT.format(
        name=card.name,
        folder=FOLDER,
        install=_INSTALL.format(package=shlex.quote(package)),
        buses=_BUSES.format(lines="\n".join(lines)) if lines else "",
        unit=unit,
        done=DONE,
    )
