"""Publishes one reading with paho-mqtt over another transport. Arguments: host port how ca-file port device secret topic payload."""

import sys

import paho.mqtt.client as mqtt

host, _, how, ca, port, device, secret, topic, payload = sys.argv[1:10]
transport = "websockets" if how == "websocket" else "tcp"
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=mqtt.MQTTv5, transport=transport)
client.username_pw_set(device, secret)
if how == "tls":
    client.tls_set(ca_certs=ca)
else:
    client.ws_set_options(path="/mqtt")
client.on_connect = lambda client, userdata, flags, reason, properties: client.publish(topic, payload, qos=1)


def on_publish(client, userdata, mid, reason, properties):
    print("published", reason.value, flush=True)
    client.disconnect()


client.on_publish = on_publish
client.connect(host, int(port))
client.loop_forever(retry_first_connection=False)
