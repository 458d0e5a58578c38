"""A subscriber on paho-mqtt that comes back whenever it is cut, and remembers QoS 2 while it is away.

Arguments: URL, certificate of the authority or "", client id, version, the body of the last message. Its session is there
and knows its filters.
"""

import sys

import paho.mqtt.client as mqtt
from paho_peer import Gateway, properties

url, authority, client_id, version, last = sys.argv[1:]
gateway = Gateway(url, authority)
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
kept = {} if version == "5" else {"clean_session": False}
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, **kept)
gateway.open(client)
client.reconnect_delay_set(min_delay=0.005, max_delay=0.02)


def on_message(client, userdata, message):
    body = message.payload.decode()
    print(body, flush=True)
    if body == last:
        client.disconnect()


client.on_message = on_message
more = {"clean_start": False, "properties": properties("connect", SessionExpiryInterval=3600)} if version == "5" else {}
client.connect_async(gateway.at.hostname, gateway.at.port, **more)
client.loop_forever(retry_first_connection=True)
