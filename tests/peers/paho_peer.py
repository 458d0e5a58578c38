"""A client on paho-mqtt whose packets are waited for one by one, so that a scenario reads as a conversation."""

import queue
import socket
import urllib.parse

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

# Longest wait for something that is going to happen.
PATIENCE = 50


def properties(kind, **values):
    """Properties of a packet: properties("publish", ContentType="text/plain")."""
    made = Properties(getattr(PacketTypes, kind.upper()))
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Gateway:
    """Where the gateway is and who comes: a URL with user and password in it, and the certificate to trust."""

    def __init__(self, url, authority):
        self.at = urllib.parse.urlsplit(url)
        self.authority = authority

    def open(self, client):
        client.username_pw_set(self.at.username, self.at.password)
        if self.at.scheme == "mqtts":
            client.tls_set(ca_certs=self.authority)
        if self.at.scheme == "ws":
            client.ws_set_options(path=self.at.path)

    @property
    def is_plain(self):
        return self.at.scheme == "mqtt"

    @property
    def transport(self):
        return "websockets" if self.at.scheme == "ws" else "tcp"


class Peer:
    """One client. What arrives stands in queues until somebody asks for it."""

    def __init__(self, gateway, client_id="", version=5, manual_ack=False):
        self.gateway, self.version = gateway, version
        self.connacks, self.acks, self.messages = queue.Queue(), queue.Queue(), queue.Queue()
        self.disconnects, self.subacks, self.unsubacks = queue.Queue(), queue.Queue(), queue.Queue()
        protocol = mqtt.MQTTv5 if version == 5 else mqtt.MQTTv311
        # In 3.1.1 clean is a matter of the client, in 5 of each connection.
        self.client = self.make(client_id, protocol, manual_ack, True)
        self.remake = lambda clean: self.make(client_id, protocol, manual_ack, clean)

    def make(self, client_id, protocol, manual_ack, clean):
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=protocol,
            clean_session=None if protocol == mqtt.MQTTv5 else clean,
            transport=self.gateway.transport,
            manual_ack=manual_ack,
            reconnect_on_failure=False,
        )
        self.gateway.open(client)
        client.on_connect = lambda c, u, flags, reason, props: self.connacks.put((flags, reason, props))
        client.on_publish = lambda c, u, mid, reason, props: self.acks.put((mid, reason))
        client.on_subscribe = lambda c, u, mid, reasons, props: self.subacks.put([code.value for code in reasons])
        client.on_unsubscribe = lambda c, u, mid, reasons, props: self.unsubacks.put([code.value for code in reasons])
        client.on_message = lambda c, u, message: self.messages.put(message)
        client.on_disconnect = lambda c, u, flags, reason, props: self.disconnects.put(reason.value)
        return client

    def connect(self, keep_alive=60, clean=True, will=None, anew=True, **asked):
        """Connects; the CONNACK as (session present, properties). `will` is a dictionary of will_set's arguments."""
        if self.version != 5 and anew:
            self.client = self.remake(clean)
        if will:
            self.client.will_set(**will)
        more = {"clean_start": clean, "properties": properties("connect", **asked)} if self.version == 5 else {}
        host, port = self.gateway.at.hostname, self.gateway.at.port
        self.client.connect(host, port, keepalive=keep_alive, **more)
        self.client.loop_start()
        flags, reason, props = self.connacks.get(timeout=PATIENCE)
        assert not reason.is_failure, reason
        return flags.session_present, props

    def subscribe(self, filter, qos=2, identifier=None, **options):
        """Subscribes; the code that was granted."""
        if self.version == 5:
            props = properties("subscribe", SubscriptionIdentifier=identifier) if identifier else None
            self.client.subscribe(filter, options=SubscribeOptions(qos=qos, **options), properties=props)
        else:
            self.client.subscribe(filter, qos=qos)
        (granted,) = self.subacks.get(timeout=PATIENCE)
        return granted

    def unsubscribe(self, filter):
        """Unsubscribes; the reasons, which only version 5 has."""
        self.client.unsubscribe(filter)
        return self.unsubacks.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos=1, retain=False, **props):
        """Publishes and waits until the gateway has it; the reason."""
        sent = properties("publish", **props) if self.version == 5 else None
        info = self.client.publish(topic, payload, qos=qos, retain=retain, properties=sent)
        mid, reason = self.acks.get(timeout=PATIENCE)
        assert mid == info.mid
        return reason.value

    def message(self):
        """The next message."""
        return self.messages.get(timeout=PATIENCE)

    def bodies(self, count):
        """The bodies of the next messages."""
        return [self.message().payload.decode() for _ in range(count)]

    def ended(self):
        """The reason with which the connection ended."""
        return self.disconnects.get(timeout=PATIENCE)

    def leave(self, **props):
        """Says good-bye."""
        reason = props.pop("reason", None)
        more = {"properties": properties("disconnect", **props)} if props else {}
        if reason:
            more["reasoncode"] = reason
        self.client.disconnect(**more)
        self.ended()
        self.client.loop_stop()

    def cut(self):
        """Vanishes without a word."""
        connection = self.client.socket()
        # Around a WebSocket's there is a wrapper that can't do it.
        getattr(connection, "_socket", connection).shutdown(socket.SHUT_RDWR)
        self.ended()
        self.client.loop_stop()
