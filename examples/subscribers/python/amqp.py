"""Follows the hub's stream at a RabbitMQ: BROKER=amqp://… python3 amqp.py FILE

Wants the library pika.
"""

import json
import os
import sys
import time

import pika
from pika.exceptions import AMQPError

from kept import Kept

kept = Kept(sys.argv[1])


def take(channel, method, properties, body):
    kept.add(json.loads(body), properties.headers["x-stream-offset"])
    channel.basic_ack(method.delivery_tag)


while True:
    try:
        channel = pika.BlockingConnection(pika.URLParameters(os.environ["BROKER"])).channel()
        channel.basic_qos(prefetch_count=100)  # a stream gives nothing without it
        # From the last offset that is kept: that event comes once more, and is known.
        offset = "first" if kept.place is None else kept.place
        arguments = {"x-stream-offset": offset}
        channel.basic_consume("lienthong.feed", take, arguments=arguments)
        channel.start_consuming()
    except AMQPError as away:
        print(repr(away), file=sys.stderr)
        time.sleep(1)
