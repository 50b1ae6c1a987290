"""The post's way: one script, paho-mqtt and requests; an incident for each breach, nothing kept on disk."""
import json
import sys
from datetime import datetime, timezone

import paho.mqtt.client as mqtt
import requests

broker_port, url, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
session = requests.Session()
session.auth = (user, password)
seq = 0


def on_connect(client, _userdata, _flags, _code):
    client.subscribe([("IoTBlog/gateway/+", 1), ("IoTBlog/anomaly", 1)])


def on_reading(client, _userdata, message):
    global seq
    device = message.topic.rsplit("/", 1)[1]
    value = json.loads(message.payload)["temperature"]
    seq += 1
    ts = datetime.now(timezone.utc).isoformat()
    reading = {"version": 1, "site": "bench", "deviceId": device, "ts": ts, "seq": seq, "metrics": {"temperature": value}}
    client.publish("IoTBlog/sensorData", json.dumps(reading), qos=1)
    if value > 30:
        anomaly = {"deviceId": device, "value": value, "limit": 30, "ts": ts}
        client.publish("IoTBlog/anomaly", json.dumps(anomaly), qos=1)


def on_anomaly(_client, _userdata, message):
    anomaly = json.loads(message.payload)
    device = anomaly["deviceId"]
    incident = {
        "short_description": f"[HIGH] {device} temperature {anomaly['value']} above {anomaly['limit']}",
        "description": f"{device} measured {anomaly['value']} at {anomaly['ts']}",
        "correlation_id": f"bench/{device}/temperature/upper",
        "category": "hardware",
        "urgency": "2",
        "impact": "2",
    }
    session.post(f"{url}/api/now/table/incident", json=incident, timeout=30).raise_for_status()


client = mqtt.Client(client_id="post")
client.username_pw_set(user, password)
client.on_connect = on_connect
client.message_callback_add("IoTBlog/gateway/+", on_reading)
client.message_callback_add("IoTBlog/anomaly", on_anomaly)
client.connect("127.0.0.1", broker_port)
client.loop_forever()
