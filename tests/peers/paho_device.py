"""A device on paho-mqtt: publishes a reading, obeys one command. Arguments: host port version id secret topic payload."""

import json
import os
import sys

import paho.mqtt.client as mqtt

host, port, version, device, secret, topic, payload = sys.argv[1:8]
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"paho of {device}", protocol=protocol)
client.username_pw_set(device, secret)


def on_connect(client, userdata, flags, reason, properties):
    print("connected", reason, flush=True)
    client.subscribe(f"devices/{device}/commands/+", qos=1)


def on_subscribe(client, userdata, mid, reasons, properties):
    print("subscribed", [reason.value for reason in reasons], flush=True)
    client.publish(topic, payload, qos=1)


def on_publish(client, userdata, mid, reason, properties):
    print("published", reason.value, flush=True)
    if not userdata["stay"]:
        client.disconnect()


def on_message(client, userdata, message):
    command = json.loads(message.payload)
    point = message.topic.rsplit("/", 1)[1]
    print("commanded", point, command["value"], flush=True)
    client.publish(f"{message.topic}/result", json.dumps({"id": command["id"], "ok": True}), qos=1)
    client.publish(f"devices/{device}/telemetry/{point}", json.dumps(command["value"]), qos=1)
    userdata["stay"] -= 1


def on_disconnect(client, userdata, flags, reason, properties):
    print("disconnected", reason.value, flush=True)
    if reason.value != 0:
        # The loop would connect again, and a callback cannot leave it.
        os._exit(0)


client.user_data_set({"stay": int(sys.argv[8]) if len(sys.argv) > 8 else 0})
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_publish = on_publish
client.on_message = on_message
client.on_disconnect = on_disconnect
client.connect(host, int(port))
client.loop_forever(retry_first_connection=False)
