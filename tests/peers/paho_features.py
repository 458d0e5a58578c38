"""What MQTT 5 promises to a client, asserted with paho-mqtt. Arguments: URL, certificate of the authority or "", scenario."""

import sys
import time

from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.packettypes import PacketTypes
from paho_peer import PATIENCE, Gateway, Peer, properties

# Topics that the service account may publish to, of a device that does not exist: nobody else takes them. Each scenario
# has a device of its own, so that what one leaves is not found by another.
PLACE = "devices/" + sys.argv[3].replace("_", "-") + "/points"
ALL = PLACE + "/+/set"

# Beside them, for what is only to come after something else.
MARK = "devices/mark/points/mark/set"


def topic(name):
    """One of the scenario's topics."""
    return f"{PLACE}/{name}/set"


def welcome(gateway):
    """The CONNACK names what the gateway has decided, and leaves out what the client has decided."""
    nameless = Peer(gateway)
    present, told = nameless.connect(keep_alive=30)
    assert not present and told.AssignedClientIdentifier
    assert (told.ReceiveMaximum, told.TopicAliasMaximum, told.MaximumPacketSize) == (100, 32, 262_149)
    assert not hasattr(told, "ServerKeepAlive") and not hasattr(told, "ResponseInformation")
    assert not hasattr(told, "SessionExpiryInterval")
    other = Peer(gateway)
    _, also = other.connect()
    assert also.AssignedClientIdentifier != told.AssignedClientIdentifier
    named = Peer(gateway, "named")
    # 0 is none; paho takes it for the patience of its own handshakes of TLS and WebSocket, too.
    longest = 0 if gateway.is_plain else 0xFFFF
    _, told = named.connect(keep_alive=longest, SessionExpiryInterval=0xFFFF_FFFF, RequestResponseInformation=1)
    assert not hasattr(told, "AssignedClientIdentifier")
    assert told.ServerKeepAlive == 3600
    assert told.SessionExpiryInterval == 7 * 24 * 3600
    assert told.ResponseInformation == "responses/named"
    nameless.leave()
    other.leave()
    named.leave()


def take_over(gateway):
    """A second client of the same name takes the place of the first, which is told so."""
    first, second = Peer(gateway, "same"), Peer(gateway, "same")
    first.connect()
    second.connect()
    assert first.ended() == 142
    second.publish(topic("x"), "1")
    second.leave()


def will_delay(gateway):
    """A will waits for its delay, is not published if the client returns before, and at once if its session ends."""
    listener = Peer(gateway)
    listener.connect()
    listener.subscribe(ALL)

    def with_will(name, delay, expiry):
        peer = Peer(gateway, name)
        will = {
            "topic": topic(name),
            "payload": "gone",
            "qos": 1,
            "properties": properties("willmessage", WillDelayInterval=delay, ContentType="text/plain"),
        }
        peer.connect(will=will, SessionExpiryInterval=expiry)
        return peer

    # Time enough to return, and the same for the next: the will of the client that has returned was due before.
    delay = 10
    returning = with_will("returning", delay, 3600)
    returning.cut()
    returning.client.will_clear()
    assert returning.connect(clean=False, SessionExpiryInterval=3600)[0]
    begin = time.monotonic()
    with_will("waiting", delay, 3600).cut()
    message = listener.message()
    assert message.topic == topic("waiting") and time.monotonic() - begin >= delay
    assert message.properties.ContentType == "text/plain"
    assert not hasattr(message.properties, "WillDelayInterval")
    with_will("ending", 600, 0).cut()
    assert listener.message().topic == topic("ending")
    again = with_will("replaced", 600, 3600)
    again.cut()
    again.client.will_clear()
    assert not again.connect(clean=True)[0]
    assert listener.message().topic == topic("replaced")
    with_will("said", 0, 0).leave(reason=ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
    assert listener.message().topic == topic("said")
    with_will("polite", 0, 0).leave()
    listener.publish(topic("last"), "")
    assert listener.message().topic == topic("last")
    returning.leave()
    again.leave()
    listener.leave()


def message_expiry(gateway):
    """A message's lifetime is counted down while it waits, and once it is over the message is not delivered."""
    keeper = Peer(gateway, "keeper")
    keeper.connect(SessionExpiryInterval=3600)
    keeper.subscribe(ALL)
    keeper.leave()
    sender = Peer(gateway)
    sender.connect()
    sender.publish(topic("a"), "short", qos=1, MessageExpiryInterval=1)
    sender.publish(topic("b"), "long", qos=1, MessageExpiryInterval=100)
    sender.publish(topic("c"), "endless", qos=2)
    sender.publish(topic("d"), "short", qos=1, retain=True, MessageExpiryInterval=1)
    sender.publish(topic("e"), "long", qos=1, retain=True, MessageExpiryInterval=100)
    # The lifetime itself, and not a wait for something to happen.
    time.sleep(2.1)
    assert keeper.connect(clean=False)[0]
    # Messages of different QoS may overtake each other.
    waited, endless, retained = sorted((keeper.message() for _ in range(3)), key=lambda message: message.topic)
    assert waited.topic == topic("b") and 0 < waited.properties.MessageExpiryInterval <= 98
    assert endless.topic == topic("c") and not hasattr(endless.properties, "MessageExpiryInterval")
    assert retained.topic == topic("e") and 0 < retained.properties.MessageExpiryInterval <= 98
    late = Peer(gateway)
    late.connect()
    late.subscribe(ALL)
    found = late.message()
    assert found.topic == topic("e") and found.retain and 0 < found.properties.MessageExpiryInterval <= 98
    sender.publish(topic("f"), "live")
    assert late.message().topic == topic("f"), "what has expired is not retained"
    for peer in (keeper, sender, late):
        peer.leave()


def request_response(gateway):
    """A request carries where its answer goes and what it belongs to, and both arrive as they were sent."""
    asker, server = Peer(gateway, "asker"), Peer(gateway)
    asker.connect(RequestResponseInformation=1)
    server.connect()
    asker.subscribe(topic("answer"))
    server.subscribe(topic("question"))
    belongs = bytes(range(256))
    asker.publish(topic("question"), "?", ResponseTopic=topic("answer"), CorrelationData=belongs)
    question = server.message()
    assert question.properties.CorrelationData == belongs
    server.publish(question.properties.ResponseTopic, "!", CorrelationData=question.properties.CorrelationData)
    answer = asker.message()
    assert (answer.payload, answer.properties.CorrelationData) == (b"!", belongs)
    assert not hasattr(answer.properties, "ResponseTopic")
    asker.leave()
    server.leave()


def properties_pass(gateway):
    """Content type, payload format and user properties arrive as they were sent: in order, names repeated."""
    peer = Peer(gateway)
    peer.connect()
    peer.subscribe(ALL)
    pairs = [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("ü", "€")]
    for qos in (0, 1, 2):
        sent = {"ContentType": "application/json", "PayloadFormatIndicator": 1, "UserProperty": pairs}
        peer.publish(topic("x"), '{"ü":1}', qos=qos, **sent)
        got = peer.message()
        assert (got.qos, got.payload.decode()) == (qos, '{"ü":1}')
        for name, value in sent.items():
            assert getattr(got.properties, name) == value, name
        assert set(got.properties.json()) == set(sent), got.properties.json()
    peer.leave()


def subscription_identifiers(gateway):
    """A message comes once and names every subscription that it belongs to; subscribing anew replaces the name."""
    peer = Peer(gateway)
    peer.connect()

    def received(name, body):
        peer.publish(topic(name), body, qos=2)
        message = peer.message()
        # Another copy of the last one would stand here.
        assert message.payload.decode() == body
        return message.qos, sorted(getattr(message.properties, "SubscriptionIdentifier", []))

    peer.subscribe(topic("x"), qos=1, identifier=1)
    peer.subscribe(ALL, qos=2, identifier=268_435_455)
    peer.subscribe(PLACE.replace("points", "+") + "/+/set", qos=0)
    assert received("x", "1") == (2, [1, 268_435_455])
    peer.subscribe(topic("x"), qos=1, identifier=7)
    assert received("x", "2") == (2, [7, 268_435_455])
    peer.subscribe(ALL, qos=1)
    assert received("x", "3") == (1, [7])
    assert received("y", "4") == (1, [])
    peer.unsubscribe(topic("x"))
    assert received("x", "5") == (1, [])
    peer.leave()


def no_local(gateway):
    """A client that asks for it does not hear itself, and hears others."""
    peer, other = Peer(gateway), Peer(gateway)
    peer.connect()
    other.connect()
    peer.subscribe(ALL, noLocal=True)
    for qos in (0, 1, 2):
        peer.publish(topic("x"), "own", qos=qos)
        other.publish(topic("x"), "other", qos=qos)
        assert peer.bodies(1) == ["other"]
    peer.subscribe(ALL, noLocal=False)
    peer.publish(topic("x"), "own")
    assert peer.bodies(1) == ["own"]
    peer.leave()
    other.leave()


def retain_as_published(gateway):
    """The retain flag of a live message is kept for those who ask for it; a message from the store always has it."""
    keeps, clears = Peer(gateway), Peer(gateway)
    keeps.connect()
    clears.connect()
    keeps.subscribe(ALL, retainAsPublished=True)
    clears.subscribe(ALL)
    keeps.publish(topic("x"), "1", retain=True)
    keeps.publish(topic("y"), "2", retain=False)
    assert [(m.payload, m.retain) for m in (keeps.message(), keeps.message())] == [(b"1", True), (b"2", False)]
    assert [(m.payload, m.retain) for m in (clears.message(), clears.message())] == [(b"1", False), (b"2", False)]
    clears.subscribe(ALL)
    assert clears.message().retain
    keeps.leave()
    clears.leave()


def retain_handling(gateway):
    """What is retained comes at every subscription, at a new one only, or never, as the client asks."""
    peer = Peer(gateway)
    peer.connect()
    peer.subscribe(MARK)
    peer.publish(topic("x"), "kept", retain=True)

    def replayed(filter, handling):
        peer.subscribe(filter, retainHandling=handling)
        peer.publish(MARK, "mark")
        bodies = []
        while not bodies or bodies[-1] != "mark":
            bodies += peer.bodies(1)
        return bodies[:-1]

    assert replayed(ALL, 1) == ["kept"]
    assert replayed(ALL, 1) == []
    assert replayed(ALL, 0) == ["kept"]
    assert replayed(ALL, 2) == []
    peer.unsubscribe(ALL)
    assert replayed(ALL, 2) == []
    peer.unsubscribe(ALL)
    peer.publish(topic("x"), "", retain=True)
    assert replayed(ALL, 0) == [], "an empty message takes the retained one away"
    peer.leave()


def shared_subscriptions(gateway):
    """Two members share a filter: each message goes to one of them, and a plain subscriber has them all."""
    members = [Peer(gateway), Peer(gateway)]
    plain, sender = Peer(gateway), Peer(gateway)
    for peer in (*members, plain, sender):
        peer.connect()
    for member in members:
        assert member.subscribe("$share/group/" + ALL, qos=1) == 1
        member.subscribe(MARK, qos=1)
    plain.subscribe(ALL)
    numbers = [str(number) for number in range(200)]
    for number in numbers:
        sender.publish(topic("x"), number)
    assert plain.bodies(len(numbers)) == numbers
    sender.publish(MARK, "mark")
    shares = []
    for member in members:
        shares.append([])
        while "mark" not in shares[-1]:
            shares[-1] += member.bodies(1)
    assert sorted(sum(shares, []), key=str) == sorted(numbers + ["mark", "mark"])
    for share in shares:
        share.remove("mark")
        assert share and share == sorted(share, key=int), "each has some, in order"
    members[0].unsubscribe("$share/group/" + ALL)
    sender.publish(topic("x"), "last")
    assert members[1].bodies(1) == ["last"]
    for peer in (*members, plain, sender):
        peer.leave()


def topic_aliases(gateway):
    """Aliases work both ways: the client's towards the gateway, the gateway's towards a client that takes some."""
    sender, taker, plain = Peer(gateway), Peer(gateway), Peer(gateway)
    sender.connect()
    taker.connect(TopicAliasMaximum=2)
    plain.connect()
    for peer in (taker, plain):
        peer.subscribe(ALL)
    sender.publish(topic("a"), "1", TopicAlias=32)
    sender.publish("", "2", qos=0, TopicAlias=32)
    sender.publish(topic("b"), "3", TopicAlias=32)
    sender.publish("", "4", TopicAlias=32)
    sender.publish("", "5", qos=2, TopicAlias=32)
    expected = [(topic(name), body) for name, body in zip("aabbb", "12345")]
    messages = [plain.message() for _ in expected]
    assert [(m.topic, m.payload.decode()) for m in messages] == expected
    assert not any(hasattr(m.properties, "TopicAlias") for m in messages)
    messages = [taker.message() for _ in expected]
    # paho hands over the empty topic of an alias that it knows; what it stands for is the client's to remember.
    known, seen = {}, []
    for message in messages:
        alias = message.properties.TopicAlias
        assert 1 <= alias <= 2
        known[alias] = message.topic or known[alias]
        seen.append((known[alias], message.payload.decode()))
    assert seen == expected
    assert [bool(message.topic) for message in messages] == [True, False, True, False, False]
    sender.publish(topic("c"), "6")
    third = taker.message()
    assert third.topic == topic("c") and not hasattr(third.properties, "TopicAlias"), "no third alias"
    sender.client.publish(topic("d"), "7", qos=1, properties=properties("publish", TopicAlias=33))
    assert sender.ended() == 148, "topic alias invalid"
    taker.leave()
    plain.leave()


def receive_maximum(gateway):
    """A client that takes one message at a time is sent the next when it has finished the last, whatever the QoS."""
    for qos in (1, 2):
        slow, sender = Peer(gateway, manual_ack=True), Peer(gateway)
        slow.connect(ReceiveMaximum=1)
        sender.connect()
        slow.subscribe(ALL)
        for number in range(4):
            sender.publish(topic("x"), str(number), qos=qos)
        for number in range(4):
            message = slow.message()
            assert message.payload.decode() == str(number)
            # A second one would have been sent before the answer to this.
            slow.unsubscribe("nothing")
            assert slow.messages.empty()
            slow.client.ack(message.mid, qos)
        slow.leave()
        sender.leave()


def maximum_packet(gateway):
    """What is larger than a client takes is not sent to it; what is larger than the gateway takes ends a connection."""
    small, sender = Peer(gateway), Peer(gateway)
    small.connect(MaximumPacketSize=200)
    sender.connect()
    small.subscribe(ALL)
    for qos in (0, 1, 2):
        sender.publish(topic("x"), "x" * 300, qos=qos)
        sender.publish(topic("x"), "small", qos=qos)
        assert small.bodies(1) == ["small"]
    sender.publish(topic("x"), "x" * 200_000)
    sender.client.publish(topic("x"), "x" * 262_149, qos=1)
    ended = sender.ended()
    assert ended == 149, ended
    small.leave()


def session_expiry(gateway):
    """A session lives as long as it was asked to, and is present at the client's return or not."""
    peer = Peer(gateway, "kept")
    assert not peer.connect(clean=False)[0]
    peer.leave()
    assert not peer.connect(clean=False, SessionExpiryInterval=3600)[0], "0 ends with the connection"
    peer.subscribe(ALL)
    peer.leave()
    sender = Peer(gateway)
    sender.connect()
    sender.publish(topic("x"), "waits", qos=2)
    assert peer.connect(clean=False, SessionExpiryInterval=3600)[0]
    assert peer.bodies(1) == ["waits"]
    peer.cut()
    sender.publish(topic("x"), "again", qos=1)
    assert peer.connect(clean=False, SessionExpiryInterval=3600)[0]
    assert peer.bodies(1) == ["again"]
    # The good-bye may shorten it.
    peer.leave(SessionExpiryInterval=0)
    watcher = Peer(gateway)
    watcher.connect()
    watcher.subscribe(topic("over"))
    # A will that waits for longer than its session lives is published when that ends.
    will = {"topic": topic("over"), "payload": "", "properties": properties("willmessage", WillDelayInterval=600)}
    begin = time.monotonic()
    assert not peer.connect(clean=False, will=will, SessionExpiryInterval=1)[0]
    peer.leave(reason=ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
    assert watcher.message().topic == topic("over") and time.monotonic() - begin >= 1
    watcher.leave()
    peer.client.will_clear()
    assert not peer.connect(clean=False, SessionExpiryInterval=3600)[0]
    peer.subscribe(ALL)
    peer.leave()
    assert not peer.connect(clean=True, SessionExpiryInterval=3600)[0], "a clean start ends what was"
    sender.publish(topic("x"), "unheard")
    peer.subscribe(ALL)
    sender.publish(topic("x"), "heard")
    assert peer.bodies(1) == ["heard"]
    peer.leave()
    sender.leave()


def unsubscribing(gateway):
    """Unsubscribing names filters that were not there, and ends what was."""
    peer = Peer(gateway)
    peer.connect()
    assert peer.unsubscribe("nothing/+") == [17]
    peer.subscribe(ALL)
    peer.subscribe(topic("x"))
    assert peer.unsubscribe([ALL, "nothing", "$share/group/" + ALL]) == [0, 17, 17]
    peer.publish(topic("y"), "unheard", qos=1)
    peer.publish(topic("x"), "heard", qos=1)
    assert peer.bodies(1) == ["heard"]
    peer.leave()


def both_versions(gateway):
    """What 3.1.1 and 5 have in common: QoS never raised, retained, sessions, wills, in each pair of versions."""
    for ours in (4, 5):
        for theirs in (4, 5):
            name = f"{ours}{theirs}"
            sender, taker = Peer(gateway, version=ours), Peer(gateway, "taker" + name, version=theirs)
            kept = {"SessionExpiryInterval": 3600} if theirs == 5 else {}
            sender.connect(will={"topic": topic(name), "payload": "gone", "qos": 1})
            assert not taker.connect(clean=False, **kept)[0]
            for granted in (0, 1, 2):
                assert taker.subscribe(topic(name), qos=granted) == granted
                for sent in (0, 1, 2):
                    sender.publish(topic(name), f"{granted}{sent}", qos=sent)
                    message = taker.message()
                    assert (message.payload.decode(), message.qos) == (f"{granted}{sent}", min(granted, sent))
            taker.leave()
            sender.publish(topic(name), "1", qos=1)
            sender.publish(topic(name), "2", qos=2)
            assert taker.connect(clean=False, **kept)[0]
            assert [(m.payload, m.qos) for m in (taker.message(), taker.message())] == [(b"1", 1), (b"2", 2)]
            sender.publish(topic(name), "kept", qos=1, retain=True)
            live = taker.message()
            assert (live.payload, live.retain) == (b"kept", False)
            taker.subscribe(topic(name), qos=2)
            again = taker.message()
            assert (again.payload, again.retain) == (b"kept", True)
            sender.publish(topic(name), "", qos=1, retain=True)
            assert taker.bodies(1) == [""]
            sender.cut()
            assert taker.bodies(1) == ["gone"]
            taker.leave()
            assert not taker.connect(clean=True)[0]
            taker.leave()


def old_properties(gateway):
    """A client of 3.1.1 hears what one of 5 says, and a client of 5 with topic aliases hears one of 3.1.1."""
    old, new = Peer(gateway, version=4), Peer(gateway)
    old.connect()
    new.connect(TopicAliasMaximum=10)
    for peer in (old, new):
        peer.subscribe(ALL)
    new.publish(topic("x"), "new", ContentType="text/plain", UserProperty=[("a", "b")], MessageExpiryInterval=9)
    old.publish(topic("x"), "old", qos=2)
    assert old.bodies(2) == ["new", "old"] and new.bodies(2) == ["new", "old"]
    old.leave()
    new.leave()


def all_at_once(gateway):
    """paho sends everything that it has queued when it connects: a client of 3.1.1 knows of no limit."""
    taker, sender = Peer(gateway), Peer(gateway, version=4)
    taker.connect()
    taker.subscribe(ALL)
    sender.client = sender.remake(True)
    for number in range(500):
        sender.client.publish(topic("x"), str(number), qos=2)
    sender.connect(anew=False)
    for _ in range(500):
        sender.acks.get(timeout=PATIENCE)
    assert taker.bodies(500) == [str(number) for number in range(500)]
    sender.leave()
    taker.leave()


def round_trip(gateway):
    """Every QoS in both versions."""
    for version in (4, 5):
        peer = Peer(gateway, version=version)
        peer.connect()
        peer.subscribe(ALL)
        for qos in (0, 1, 2):
            body = "x" * 50_000 + str(qos)
            peer.publish(topic("x"), body, qos=qos)
            message = peer.message()
            assert (message.qos, message.payload.decode()) == (qos, body)
        peer.leave()


if __name__ == "__main__":
    url, authority, scenario = sys.argv[1:4]
    globals()[scenario](Gateway(url, authority))
