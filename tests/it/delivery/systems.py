"""An agency's queue on RabbitMQ: makes it, or takes all that lies in it."""
import json
import sys

import pika

what, address, queue = sys.argv[1:]
channel = pika.BlockingConnection(pika.URLParameters(address)).channel()
if what == "make":
    channel.queue_declare(queue, durable=True)
else:
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            break
        print(
            json.dumps(
                {
                    "id": properties.message_id,
                    "kind": properties.content_type,
                    "mode": properties.delivery_mode,
                    "headers": {
                        name: value.decode() if isinstance(value, bytes) else value
                        for name, value in properties.headers.items()
                    },
                    "body": body.decode(),
                }
            )
        )
