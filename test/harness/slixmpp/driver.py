"""A foreign XMPP client for the tests: slixmpp, told what to do over standard input.

Usage: driver.py HOST PORT JID    (the password is in the environment variable XMPP_PASSWORD)

Each line of standard input is a JSON object {"id", "do", ...arguments}; each line of standard output is one too: first
{"event": "online", "jid"} or {"event": "failed", "why"}, then {"id", "result"} or {"id", "error"} per command.
It ends with its standard input.
"""

import asyncio
import json
import os
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout, PresenceError


def emit(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Driver(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(
            jid,
            password,
            plugin_config={"feature_mechanisms": {"unencrypted_plain": True, "unencrypted_scram": True}},
        )
        self.register_plugin("xep_0004")  # data forms
        self.register_plugin("xep_0030")  # service discovery
        self.register_plugin("xep_0045")  # multi-user chat
        self.muc = self.plugin["xep_0045"]
        self.said = {}  # per room: (nick, text), oldest first
        self.hats = {}  # per room and nick: titles, as of the last presence
        self.gone = {}  # per room: (nick, status codes) of who left or had to
        self.over = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.on_session)
        self.add_event_handler("failed_all_auth", lambda _: self.fail("authentication failed"))
        self.add_event_handler("connection_failed", lambda why: self.fail(f"no connection: {why}"))
        self.add_event_handler("groupchat_message", self.on_message)
        self.add_event_handler("groupchat_presence", self.on_presence)

    def fail(self, why):
        emit(event="failed", why=str(why))
        if not self.over.done():
            self.over.set_result(None)

    async def on_session(self, _):
        self.send_presence()
        emit(event="online", jid=str(self.boundjid))

    def on_message(self, message):
        said = self.said.setdefault(message["from"].bare, [])
        said.append({"from": message["from"].resource, "text": message["body"]})

    def on_presence(self, presence):
        room, nick = presence["from"].bare, presence["from"].resource
        # this version has no plugin for hats (XEP-0317); their namespace is the one that clients use
        hats = presence.xml.iter("{xmpp:prosody.im/protocol/hats:1}hat")
        self.hats.setdefault(room, {})[nick] = [hat.get("title") for hat in hats]
        codes = sorted(presence["muc"]["status_codes"])
        if presence["type"] == "unavailable":
            self.gone.setdefault(room, []).append({"nick": nick, "codes": codes})

    # The commands. What they return is the result.

    async def do_join(self, room, nick):
        await self.muc.join_muc_wait(slixmpp.JID(room), nick, timeout=20)
        return sorted(self.muc.get_roster(slixmpp.JID(room)))

    async def do_role(self, room, nick, role, reason=""):
        await self.muc.set_role(slixmpp.JID(room), nick, role, reason=reason)

    async def do_affiliation(self, room, jid, affiliation, reason=""):
        await self.muc.set_affiliation(slixmpp.JID(room), affiliation, jid=slixmpp.JID(jid), reason=reason)

    async def do_occupants(self, room):
        occupants = {}
        for nick in self.muc.get_roster(slixmpp.JID(room)):
            occupants[nick] = {
                name: str(self.muc.get_jid_property(slixmpp.JID(room), nick, name)) for name in ("role", "affiliation")
            }
        return occupants

    async def do_hats(self, room, nick):
        return self.hats.get(room, {}).get(nick, [])

    async def do_messages(self, room):
        return self.said.get(room, [])

    async def do_departures(self, room):
        return self.gone.get(room, [])

    async def do_say(self, room, text):
        self.send_message(mto=room, mbody=text, mtype="groupchat")

    async def do_room_info(self, room):
        """The fields of the room's muc#roominfo form, as slixmpp's own form parser reads them."""
        info = await self.plugin["xep_0030"].get_info(jid=slixmpp.JID(room), cached=False)
        for element in info["disco_info"].xml.findall("{jabber:x:data}x"):
            values = self.plugin["xep_0004"].build_form(element).get_values()
            if values.get("FORM_TYPE") in (
                "http://jabber.org/protocol/muc#roominfo",
                ["http://jabber.org/protocol/muc#roominfo"],
            ):
                return {name: value for name, value in values.items() if name != "FORM_TYPE"}
        return None


async def answer(driver, command):
    number, name = command.pop("id"), command.pop("do")
    try:
        emit(id=number, result=await getattr(driver, "do_" + name)(**command))
    except (IqError, PresenceError) as refused:
        stanza = getattr(refused, "iq", None) or refused.presence
        emit(id=number, error=stanza["error"]["condition"])
    except (IqTimeout, asyncio.TimeoutError):
        emit(id=number, error="remote-server-timeout")
    except Exception as error:  # the test must hear of it, whatever it is
        emit(id=number, error=f"{type(error).__name__}: {error}")


async def read_commands(driver):
    reader = asyncio.StreamReader()
    loop = asyncio.get_event_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        loop.create_task(answer(driver, json.loads(line)))
    if not driver.over.done():
        driver.over.set_result(None)


async def main():
    host, port, jid = sys.argv[1:]
    driver = Driver(jid, os.environ["XMPP_PASSWORD"])
    driver.connect(address=(host, int(port)), disable_starttls=True)
    commands = asyncio.ensure_future(read_commands(driver))
    await driver.over
    commands.cancel()
    disconnected = driver.disconnect()
    await asyncio.wait([asyncio.ensure_future(disconnected)], timeout=2)


asyncio.get_event_loop().run_until_complete(main())
