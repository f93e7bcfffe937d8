"""Sends messages to an exchange of RabbitMQ, each until the broker has confirmed it."""
import json
import sys
import time

import pika

address, exchange, key, first, count, poison = sys.argv[1:]
deadline = time.monotonic() + 120


def connected():
    parameters = pika.URLParameters(address)
    parameters.heartbeat = 10
    channel = pika.BlockingConnection(parameters).channel()
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.confirm_delivery()
    return channel


def body(number):
    if number == int(poison):
        return b"{"
    return json.dumps(
        {
            "ma": f"Q-{number}",
            "phienBan": "1",
            "ngayNhan": "04/03/2024",
            "trangThai": "MOI",
            "nguoiNop": "Lâm Thị Mẫu",
        }
    ).encode()


channel = connected() if int(count) == 0 else None
number = int(first)
while number < int(first) + int(count):
    if time.monotonic() > deadline:
        sys.exit(f"message {number} was never confirmed")
    try:
        channel = channel or connected()
        properties = pika.BasicProperties(
            message_id=f"m-{number}", delivery_mode=2, content_type="application/json"
        )
        # What no queue takes comes back as an error, and is sent again.
        channel.basic_publish(exchange, key, body(number), properties, mandatory=True)
        number += 1
        time.sleep(0.005)
    except (pika.exceptions.UnroutableError, pika.exceptions.NackError):
        time.sleep(0.1)
    except pika.exceptions.AMQPError:
        channel = None
        time.sleep(0.2)
    except OSError:
        channel = None
        time.sleep(0.2)
